"""Clients who send a byte a second: half of them never end their headers, half never their body."""

import os
import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

_HEAD = b"POST /api/student/cart/1/ HTTP/1.1\r\nHost: localhost\r\n"
_BODY = _HEAD + b"Content-Type: application/json\r\nContent-Length: 10000\r\n\r\n"


class _Client:
    """One of them; when the server has had enough of it, it comes back."""

    def __init__(self, port: int, begins: bytes) -> None:
        self._port, self._begins = port, begins
        self._socket: socket.socket | None = None

    def drip(self) -> None:
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), 5)
                self._socket.sendall(self._begins)
            self._socket.sendall(b"x")
        except OSError:
            self.leave()

    def leave(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None


@contextmanager
def clients(port: int, count: int, processors: Collection[int]) -> Iterator[None]:
    """So many of them, for as long as the block lasts; all have come when it begins, and none
    knows when the others send. What they do themselves is done on these processors."""
    all_of_them = [_Client(port, _BODY if nth % 2 else _HEAD) for nth in range(count)]
    over = threading.Event()

    def go_on() -> None:
        os.sched_setaffinity(0, processors)  # of this thread alone
        for client in cycle(all_of_them):
            client.drip()
            if over.wait(1 / count):
                return

    for client in all_of_them:
        client.drip()
    dripping = threading.Thread(target=go_on, daemon=True)
    dripping.start()
    try:
        yield
    finally:
        over.set()
        dripping.join()
        for client in all_of_them:
            client.leave()

"""The crowd that every HTTP contender meets: kept-alive connections, one request at a time on each.

The client shares the machine with what it measures, so it does as little as can be done in Python:
one thread, requests rendered beforehand, and of an answer only what tells it from another.
"""

import re
import select
import socket
import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LONGEST_SILENCE = 30


class Driven(NamedTuple):
    """What came of a series of requests."""

    seconds: float
    """From the first byte sent to the last answer read."""
    statuses: Counter[int]
    waits: list[float]
    """Seconds from each request to its answer, in the order of the answers."""
    bodies: list[bytes]
    """Of the first answers, a few."""

    @property
    def answered(self) -> int:
        return sum(self.statuses.values())


def render(path: str, token: str, body: bytes = b"", key: str = "", method: str = "POST") -> bytes:
    """A request as a program would send it."""
    headers = f"Idempotency-Key: {key}\r\n" if key else ""
    if body:
        headers += "Content-Type: application/json\r\n"
    return (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {token}\r\n"
        f"Accept: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def drive(port: int, requests: Sequence[bytes], connections: int) -> Driven:
    """Send all of them, the next one on a connection when the last one's answer is there.

    Raises OSError when a connection is lost, TimeoutError when the server falls silent.
    """
    waiting = iter(requests)
    lines = [_Line(port) for _ in range(min(connections, len(requests)))]
    driven = Driven(0.0, Counter(), [], [])
    poll = select.epoll()
    by_number = {line.number: line for line in lines}
    try:
        for line in lines:
            poll.register(line.number, select.EPOLLIN)
        begun = time.perf_counter()
        for line in lines:
            line.send(next(waiting))
        under_way = len(lines)
        while under_way:
            ready = poll.poll(_LONGEST_SILENCE)
            if not ready:
                raise TimeoutError(f"no answer for {_LONGEST_SILENCE} s")
            for number, _ in ready:
                line = by_number[number]
                if not line.receive(driven):
                    continue
                following = next(waiting, None)
                if following is None:
                    under_way -= 1
                else:
                    line.send(following)
        return driven._replace(seconds=time.perf_counter() - begun)
    finally:
        poll.close()
        for line in lines:
            line.close()


class _Line:
    """One connection."""

    _SAMPLES = 5

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = self._socket.fileno()
        self._read = b""
        self._sent = 0.0

    def send(self, request: bytes) -> None:
        self._sent = time.perf_counter()
        self._socket.sendall(request)

    def receive(self, driven: Driven) -> bool:
        """Whether the answer is complete; it is then counted."""
        got = self._socket.recv(65536)
        if not got:
            raise ConnectionError("the server closed a connection")
        self._read = data = self._read + got if self._read else got
        end = data.find(b"\r\n\r\n")
        length = _LENGTH.search(data, 0, end) if end >= 0 else None
        if end < 0 or len(data) < end + 4 + (int(length[1]) if length else 0):
            return False
        driven.waits.append(time.perf_counter() - self._sent)
        driven.statuses[int(data[9:12])] += 1
        if len(driven.bodies) < self._SAMPLES:
            driven.bodies.append(data[end + 4 :])
        self._read = b""
        return True

    def close(self) -> None:
        self._socket.close()

"""A second for one request, and no more: what interrupts a decision that does not end (rule 10).

Python cannot be stopped from outside except by an exception raised in the thread at work. It is
raised only while that thread is deciding, and it carries the request it was raised for. A long
batch of short decisions is another matter: between two of them the settlement tells the server
that it is alive, which a frozen process cannot, so that only the frozen one loses its locks.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from types import TracebackType

SECONDS = 1.0
_LOOKS = 4
_SIGN_OF_LIFE = 0.5
"""Seconds between two signs of life: well under the two that a silent settlement is given."""


class TooSlow(Exception):
    """Deciding one request took longer than a second; `request` names it."""

    request = 0


class Patience:
    """Use as a context around `allocate`, and call it with each request about to be decided."""

    def __init__(self, alive: Callable[[], None]) -> None:
        self._alive = alive
        self._spoke = time.monotonic()
        self._deciding = self._seen = self._looks = 0
        self._thread = threading.get_ident()

    def __call__(self, request: int) -> None:
        self._deciding = request
        now = time.monotonic()
        if now - self._spoke > _SIGN_OF_LIFE:
            self._spoke = now
            self._alive()

    def __enter__(self) -> "Patience":
        _watcher.begin(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # One raised in the very last moment may arrive here: the decision was made after all.
        try:
            _watcher.end(self)
        except TooSlow:
            _watcher.end(self)

    def look(self) -> None:
        """Four times a second, from another thread: interrupt what is still where it was."""
        self._looks = self._looks + 1 if self._deciding == self._seen else 0
        self._seen = self._deciding
        if self._looks >= _LOOKS and self._seen:
            self._interrupt(self._seen)
            self._looks = 0

    def _interrupt(self, request: int) -> None:
        slow = type("TooSlow", (TooSlow,), {"request": request})
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(self._thread), ctypes.py_object(slow)
        )


class _Watcher:
    """A process's thread that looks, for as long as it finds anybody to look at: one for each
    settlement would cost as much as deciding a few requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: set[Patience] = set()
        self._running: threading.Thread | None = None
        self._never = threading.Event()

    def begin(self, one: Patience) -> None:
        with self._lock:
            # It may have been left behind by a fork.
            if self._running is None or not self._running.is_alive():
                self._running = threading.Thread(target=self._run, name="patience", daemon=True)
                self._running.start()
            self._watched.add(one)  # last: whoever cannot be watched is not left here for ever

    def end(self, one: Patience) -> None:
        """Afterwards nobody interrupts it any more."""
        with self._lock:
            self._watched.discard(one)

    def _run(self) -> None:
        while True:
            self._never.wait(SECONDS / _LOOKS)
            with self._lock:
                if not self._watched:
                    self._running = None
                    return
                for one in self._watched:
                    one.look()


_watcher = _Watcher()

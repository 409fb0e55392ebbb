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
        self._deciding = 0
        self._thread = threading.get_ident()
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="patience", daemon=True)

    def __call__(self, request: int) -> None:
        self._deciding = request
        now = time.monotonic()
        if now - self._spoke > _SIGN_OF_LIFE:
            self._spoke = now
            self._alive()

    def __enter__(self) -> "Patience":
        self._watcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # One raised in the very last moment may arrive here: the decision was made after all.
        try:
            self._done.set()
            self._watcher.join()
        except TooSlow:
            self._watcher.join()

    def _watch(self) -> None:
        seen, looks = 0, 0
        while not self._done.wait(SECONDS / _LOOKS):
            looks = looks + 1 if self._deciding == seen else 0
            seen = self._deciding
            if looks >= _LOOKS and seen:
                self._interrupt(seen)
                looks = 0

    def _interrupt(self, request: int) -> None:
        slow = type("TooSlow", (TooSlow,), {"request": request})
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(self._thread), ctypes.py_object(slow)
        )

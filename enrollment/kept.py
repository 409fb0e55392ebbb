"""A value read from the database and kept in memory for a moment."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


FRESH_ENOUGH = 2
"""Times its age allowed, up to which a value serves those who come while it is read anew."""


class Kept(Generic[T]):
    """When the value is due, one thread reads it anew and the others go on with what there is.

    In a process that nobody has asked for long, what there is may be from before a window was
    saved: then the others wait for what is read, too, unless that takes long.
    """

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._reading = threading.Lock()
        self._value: tuple[T, float] | None = None

    def get(self, seconds: float) -> T:
        """The value, at most that old unless it is being read right now."""
        kept = self._value
        if kept is None:
            self._reading.acquire()
        else:
            age = time.monotonic() - kept[1]
            if age < seconds:
                return kept[0]
            patience = 0.0 if age < FRESH_ENOUGH * seconds else seconds
            if not self._reading.acquire(timeout=patience):
                return kept[0]
        try:
            return self._renew(kept)
        finally:
            self._reading.release()

    def _renew(self, seen: tuple[T, float] | None) -> T:
        if self._value is not None and self._value is not seen:
            return self._value[0]
        value = self._read()
        self._value = (value, time.monotonic())
        return value

"""What a process that settles needs around it: the sweeper's clockwork, and an end in time."""

import os
import sys
import threading
from typing import Any

import structlog
from billiard import pool
from django.db import close_old_connections, connection

from enrollment.sweep import Sweeper

log = structlog.get_logger()
SECONDS = 1.0
PATIENCE = 5.0
"""How long a shutdown waits for the look under way."""
LEAVE_SECONDS = 3.0
"""How long a process that has done its work waits for its parent to hear of it."""


class Sweeping:
    """A thread that looks until it is stopped, whatever a look raises."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        sweeper = Sweeper()
        while not self._over.wait(SECONDS):
            try:
                # Drops a connection that died since the last look.
                close_old_connections()
                sweeper.look()
            except Exception:
                log.exception("sweep.failed")
        connection.close()


def leave_soon() -> None:
    """Let a child end although its parent no longer listens.

    A parent that is told to stop in the moment in which a task ends never reads that it has, and
    the child would wait half a minute for it, the parent for the child, and a deployment for
    both. Nothing is lost by leaving: what the task did is committed.
    """
    tries = LEAVE_SECONDS / pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL
    pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = round(tries)


def end_without_memory() -> None:
    """Let a process end that has no memory left for a thread that it starts.

    Whoever starts one waits for it to begin, and it never will: a settlement would lose its locks
    soon, but the process would be there for ever. One that has gone is started anew.
    """
    sys.unraisablehook = _end_if_without_memory


def _end_if_without_memory(lost: Any) -> None:
    sys.__unraisablehook__(lost)
    if issubclass(lost.exc_type, MemoryError):
        os._exit(os.EX_TEMPFAIL)


_running: dict[int, Sweeping] = {}
"""By process id: a fork copies this, but not the thread."""


def start() -> None:
    """Start sweeping in this process, unless it does already."""
    if os.getpid() not in _running:
        _running[os.getpid()] = Sweeping()


def stop() -> None:
    """Stop sweeping in this process and close its connection."""
    sweeping = _running.pop(os.getpid(), None)
    if sweeping is not None:
        sweeping.stop()

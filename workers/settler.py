"""What a process that settles needs around it: the sweeper's clockwork, and seldom collections."""

import gc
import os
import threading

import structlog
from django.db import close_old_connections, connection

from enrollment.sweep import Sweeper

log = structlog.get_logger()
SECONDS = 1.0
PATIENCE = 5.0
"""How long a shutdown waits for the look under way."""


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


def collect_seldom() -> None:
    """Let the garbage collector look less often, and never at what was loaded before the fork.

    A settlement makes tens of thousands of tuples and no cycles; being searched for some, over
    and over, was a tenth of its time.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)

"""PostgreSQL and Redis of the site, which the harness may stop, kill, freeze and empty."""

import os
import shutil
import signal
from collections.abc import Iterable
from contextlib import suppress

from registrar.services import postgres, proc, valkey
from registrar.services.layout import Layout


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


class Postgres:
    """The one cluster. Its socket stays where it is, whatever becomes of the server."""

    def __init__(self, layout: Layout) -> None:
        self._server = postgres.Postgres(layout)
        self.data = layout.postgres
        self.socket = layout.run / ".s.PGSQL.5432"

    @property
    def pid(self) -> int | None:
        return self._server.pid()

    def pids(self) -> list[int]:
        """The postmaster and all of its backends."""
        return sorted(proc.working_in(self.data))

    def alive(self) -> bool:
        return self.pid is not None

    def start(self) -> None:
        """Make it answer, recovering from a crash if need be."""
        self._server.start()

    def stop(self, *, immediate: bool = False) -> None:
        """Stop it; immediately is as in a crash: nobody is asked and nothing is flushed."""
        pid = self.pid
        if immediate and pid is not None:
            os.kill(pid, signal.SIGQUIT)
            proc.wait_until(lambda: not self.pids(), 10)
        self._server.stop()

    def kill(self) -> None:
        """SIGKILL to all of it at once."""
        _signal(self.pids(), signal.SIGKILL)
        proc.wait_until(lambda: not self.pids(), 10)

    def restart(self, *, immediate: bool = False) -> None:
        self.stop(immediate=immediate)
        self.start()

    def pause(self) -> None:
        _signal(self.pids(), signal.SIGSTOP)

    def resume(self) -> None:
        _signal(self.pids(), signal.SIGCONT)

    def erase(self) -> None:
        """Stop it and forget all of its data; `start` makes an empty cluster."""
        self.resume()
        self._server.stop()
        shutil.rmtree(self.data, ignore_errors=True)


class Redis:
    """The one Valkey, which writes its commands to a file as in production."""

    def __init__(self, layout: Layout) -> None:
        self._server = valkey.Valkey(layout)
        self.data = layout.valkey
        self.socket = self._server.socket

    @property
    def pid(self) -> int | None:
        return self._server.pid()

    def alive(self) -> bool:
        return self.pid is not None

    def start(self, *, empty: bool = False) -> None:
        """Make it answer, with what it had written down or with nothing."""
        if empty and not self.alive():
            shutil.rmtree(self.data, ignore_errors=True)
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        pid = self.pid
        if pid is not None:
            _signal([pid], signal.SIGKILL)
            proc.wait_until(lambda: not proc.is_alive(pid), 10)

    def pause(self) -> None:
        _signal(proc.working_in(self.data), signal.SIGSTOP)

    def resume(self) -> None:
        _signal(proc.working_in(self.data), signal.SIGCONT)

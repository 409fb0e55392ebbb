"""Run a command with the services at hand, as if it had been run alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from registrar.services.endpoints import Endpoints
from registrar.services.errors import ServiceError
from registrar.services.launch import keep, launch, stop
from registrar.services.layout import Layout
from registrar.services.schema import migrate
from registrar.services.scratch import scratch_dir

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@dataclass(frozen=True)
class Command:
    """What to run, and whether its database must have today's schema first."""

    argv: Sequence[str]
    migrate: bool = False

    def prepare(self, layout: Layout, endpoints: Endpoints) -> int:
        return migrate(layout, os.environ | endpoints.environ()) if self.migrate else 0

    def missing(self, error: OSError) -> ServiceError:
        return ServiceError(f"{self.argv[0]}: {error.strerror}")


def become(state_dir: Path, command: Command) -> int:
    """Start what is missing and turn into the command; the services outlive it."""
    layout = Layout.at(state_dir)
    # Inherited by the command, so that nobody stops the services while it runs.
    usage = layout.use()
    os.set_inheritable(usage.fileno(), True)
    endpoints = launch(layout)
    keep(layout.root)
    code = command.prepare(layout, endpoints)
    if code != 0:
        return code
    sys.stdout.flush()
    try:
        os.execvpe(command.argv[0], list(command.argv), os.environ | endpoints.environ())
    except OSError as error:
        raise command.missing(error) from error


def run_and_stop(state_dir: Path, command: Command) -> int:
    """Run the command; services that ran for commands only end with the last of these."""
    layout = Layout.at(state_dir)
    with _Signals() as signals, layout.use() as usage:
        try:
            endpoints = launch(layout, passing=True)
            return command.prepare(layout, endpoints) or signals.run(command, endpoints)
        finally:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(usage, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if layout.passing.exists():
                    stop(layout.root)


def run_in_scratch(state_dir: Path, command: Command, *, durable: bool = False) -> int:
    """Run the command on services of its own, of which nothing remains.

    They are as fast as may be, for tests; `durable` ones sync to disk, for measuring.
    """
    with _Signals() as signals, scratch_dir() as directory:
        layout = Layout.at(directory)
        endpoints = launch(layout, durable=durable, ours=Layout.at(state_dir).run)
        return command.prepare(layout, endpoints) or signals.run(command, endpoints)


class _Signals:
    """Pass signals on to the command, so that cleaning up after it always gets its turn."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._pending: list[int] = []

    def __enter__(self) -> _Signals:
        # What is ignored (a job in the background ignores Ctrl-C) stays ignored.
        caught = [n for n in _PASSED_ON if signal.getsignal(n) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._pass_on) for number in caught}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, command: Command, endpoints: Endpoints) -> int:
        if self._pending:
            return 128 + self._pending[0]
        try:
            self._child = subprocess.Popen(command.argv, env=os.environ | endpoints.environ())
        except OSError as error:
            raise command.missing(error) from error
        for number in self._pending:
            self._child.send_signal(number)
        code = self._child.wait()
        # The shell's way to say that a signal ended the command.
        return code if code >= 0 else 128 - code

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._child is None:
            self._pending.append(number)
        elif not (number == signal.SIGINT and _terminal_sent_it()):
            self._child.send_signal(number)


def _terminal_sent_it() -> bool:
    """Ctrl-C reaches the whole foreground group; passed on, the command would get it twice."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False

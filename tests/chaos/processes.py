"""One program of the site as the harness holds it: started, signalled, kept alive, ended."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from registrar.services import proc

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
"""How long a program may take to say that it is ready, on a machine that does much else."""
_END_SECONDS = 10.0


class NotReady(Exception):
    """A program did not come up; the message ends with what it said last."""


class Process:
    """A program in a session of its own; `wanted` says whether the site's keeper restarts it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        log: Path,
        is_ready: Callable[["Process"], bool],
    ) -> None:
        self.name, self.log = name, log
        self.command, self.environ = list(command), dict(environ)
        self.wanted = False
        self.starts = 0
        self._is_ready = is_ready
        self._child: subprocess.Popen[bytes] | None = None
        self._said_before = 0
        self._turn = threading.RLock()

    @property
    def pid(self) -> int:
        """The main process; of the last start, if it has ended."""
        assert self._child is not None, f"{self.name} was never started"
        return self._child.pid

    def start(self, *, wait: bool = True) -> None:
        """Start it unless it runs, and keep it running. Raises NotReady."""
        with self._turn:
            self.wanted = True
            if not self.alive():
                self._launch()
        if wait:
            self.wait_until_ready()

    def kill(self, number: int = signal.SIGKILL, *, children: bool = True) -> None:
        """End it, for good until `start`: its whole group, or the main process alone."""
        with self._turn:
            self.wanted = False
            self.signal(number, children=children)
        if number == signal.SIGKILL and self._child is not None:
            self._child.wait(_END_SECONDS)

    def stop(self, seconds: float = 30.0) -> float:
        """Ask it to end and insist after so long; how long it took."""
        begun = time.monotonic()
        with self._turn:
            self.wanted = False
            self.signal(signal.SIGTERM, children=False)
        if not self.ends_within(seconds):
            self.kill()
        self._clear()
        return time.monotonic() - begun

    def restart(self, *, wait: bool = True) -> None:
        self.stop()
        self.start(wait=wait)

    def pause(self, *, children: bool = True) -> None:
        self.signal(signal.SIGSTOP, children=children)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, number: int, *, children: bool = True) -> None:
        """Whether it lives or not."""
        if self._child is None or self._child.poll() is not None:
            return
        with suppress(ProcessLookupError):
            if children:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)

    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def ends_within(self, seconds: float) -> bool:
        return proc.wait_until(lambda: not self.alive(), seconds)

    def children(self) -> list[int]:
        """Every living process of its group but the main one."""
        with_it = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with suppress(OSError, IndexError, ValueError):
                _, rest = (entry / "stat").read_text().rsplit(") ", 1)
                state, _, group = rest.split()[:3]
                if int(group) == self.pid and state != "Z" and int(entry.name) != self.pid:
                    with_it.append(int(entry.name))
        return sorted(with_it)

    def said(self) -> str:
        """What it has written since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._said_before)
            return log.read().decode(errors="replace")

    def ready(self) -> bool:
        return self.alive() and self._is_ready(self)

    def wait_until_ready(self, seconds: float = START_SECONDS) -> None:
        if not proc.wait_until(self.ready, seconds):
            raise NotReady(
                f"{self.name} is not ready after {seconds:.0f} s:\n{self.said()[-2000:]}"
            )

    def keep(self) -> bool:
        """Start it again if it has ended and should not have; whether that was so."""
        with self._turn:
            if not self.wanted or self.alive():
                return False
            self._launch()
            return True

    def _launch(self) -> None:
        self._clear()
        with self.log.open("ab") as out:
            self._said_before = out.tell()
            self._child = subprocess.Popen(
                [sys.executable, "-m", *self.command],
                cwd=ROOT,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.starts += 1

    def _clear(self) -> None:
        """End what a killed main process left behind, as the site's successor does."""
        if self._child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.poll()

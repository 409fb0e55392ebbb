"""Celery's own processes on the test's database and Redis: beats, workers and Flower."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from tests.races import until

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
"""A loaded machine takes long to start five of them."""
STANDBY = "workers.beat:StandbyScheduler"


class Daemon:
    """One process, whose log is read while it runs; gone at the end of the `with` block."""

    def __init__(self, log: Path, *argv: str, environ: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("wb") as out:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "registrar", *argv],
                cwd=ROOT,
                env={**os.environ, "REGISTRAR_ROLE": "worker", **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def says(self, words: str, seconds: float = START_SECONDS) -> None:
        until(lambda: words in self.said() or self.over(), seconds)
        assert words in self.said(), self.said()

    def over(self) -> bool:
        return self._child.poll() is not None

    def ends(self, seconds: float) -> int:
        """Its exit code, once it has ended by itself."""
        return self._child.wait(seconds)

    def freeze(self) -> None:
        self._child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._child.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """It and its children; they share a session of their own."""
        if not self.over():
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait(START_SECONDS)

    def stop(self, seconds: float = START_SECONDS) -> int:
        """Ask it to end, as a supervisor would."""
        self._child.terminate()
        return self._child.wait(seconds)


def beat(folder: Path, name: str, scheduler: str = STANDBY) -> Daemon:
    return Daemon(folder / f"{name}.log", "beat", "-S", scheduler)


@contextmanager
def worker(folder: Path, name: str = "w1", pool: str = "prefork") -> Iterator[Daemon]:
    """A worker of both queues that has started."""
    options = ("-n", f"{name}@test", "-Q", "settle,default", "-c", "1", "-E", "--pool", pool)
    with Daemon(folder / f"{name}.log", "worker", "--loglevel", "INFO", *options) as running:
        running.says(f"{name}@test ready")
        yield running

"""Real processes of ours on the test's own database, to be killed, frozen and cut off."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from registrar.services.binaries import find_valkey

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 20.0
_START = "import django; django.setup()\n"


class Process:
    """A child that talks in lines: `says` waits for one, `tell` sends one."""

    def __init__(self, *argv: str, role: str, environ: dict[str, str] | None = None) -> None:
        self._errors = tempfile.TemporaryFile("a+")  # noqa: SIM115 - closed by `end`
        self._child = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, "REGISTRAR_ROLE": role, "PYTHONPATH": str(ROOT), **(environ or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,  # so that its children can be signalled with it
        )
        self.pid = self._child.pid

    def line(self) -> str:
        """The next line it prints; empty when it has ended."""
        assert self._child.stdout is not None
        return self._child.stdout.readline().strip()

    def says(self, words: str) -> None:
        line = self.line()
        assert line == words, f"{line!r} instead of {words!r}; {self.errors()}"

    def tell(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        """To it and to its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def is_frozen(self) -> bool:
        return _state(self.pid) == "T"

    def has_ended(self) -> bool:
        return self._child.poll() is not None

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        return self._child.wait(seconds)

    def errors(self) -> str:
        """What it wrote to stderr so far."""
        self._errors.seek(0)
        return self._errors.read()

    def end(self) -> None:
        """Whatever it does, it is over."""
        self.thaw()
        self.kill()
        self._child.wait(PATIENCE)
        for pipe in (self._child.stdin, self._child.stdout, self._errors):
            if pipe is not None:
                pipe.close()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]


@contextmanager
def python(
    code: str, *arguments: object, role: str = "worker", environ: dict[str, str] | None = None
) -> Iterator[Process]:
    """A Python process that sets Django up and runs `code`; gone at the end of the block."""
    argv = (sys.executable, "-c", _START + code, *map(str, arguments))
    process = Process(*argv, role=role, environ=environ)
    try:
        yield process
    finally:
        process.end()


WORKER = """
import sys
from registrar.celery import app

app.worker_main(["worker", "-Q", "settle,default", "-c", "1", "-n", sys.argv[1] + "@%h"])
"""


@contextmanager
def worker(name: str, code: str = "", **environ: str) -> Iterator[Process]:
    """A Celery worker with one child process, which `code` is run in before it starts."""
    with python(code + WORKER, name, environ=environ) as process:
        deadline = time.monotonic() + PATIENCE
        while "ready." not in process.errors():
            assert not process.has_ended(), process.errors()
            assert time.monotonic() < deadline, process.errors()
            time.sleep(0.05)
        yield process


class Valkey(NamedTuple):
    """A Redis of the test's own, which may be frozen or killed."""

    url: str
    socket: Path
    process: "subprocess.Popen[bytes]"

    def command(self, *words: str) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.socket))
            client.sendall(" ".join(words).encode() + b"\r\n")
            assert client.recv(64).startswith(b"+OK")

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)


@contextmanager
def valkey() -> Iterator[Valkey]:
    with tempfile.TemporaryDirectory(prefix="registrar-redis-") as directory:
        path = Path(directory) / "redis.sock"
        options = ("--port", "0", "--unixsocket", str(path), "--save", "", "--dir", directory)
        process = subprocess.Popen(
            [str(find_valkey()), *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not path.exists():
                assert process.poll() is None, "valkey does not start"
                assert time.monotonic() < deadline, "valkey does not start"
                time.sleep(0.01)
            yield Valkey(f"unix://{path}?db=0", path, process)
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(PATIENCE)

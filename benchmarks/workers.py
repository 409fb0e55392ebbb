"""Real Celery workers, as many as wanted, that wait for a starting gun."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from celery import Celery

from enrollment import mailbox

ROOT = Path(__file__).resolve().parent.parent
_READY_SECONDS = 60
_STOP_SECONDS = 30
_HELD = "held-back"


class Crew(NamedTuple):
    """Workers of one application, each with its processes, that take from these queues."""

    application: str
    queues: str
    workers: int
    processes: int
    events: bool = False


@contextmanager
def running(crew: Crew, app: Celery, environ: Mapping[str, str]) -> Iterator[list[int]]:
    """Started, ready and idle, by their process ids; stopped by a warm shutdown. RuntimeError when
    they do not come."""
    names = [f"bench{nth}-{os.getpid()}" for nth in range(crew.workers)]
    with tempfile.TemporaryFile("w+") as log:
        processes = [_start(crew, name, environ, log.fileno()) for name in names]
        try:
            if not _answer(app, processes):
                log.seek(0)
                raise RuntimeError(f"the workers do not start:\n{log.read()[-2000:]}")
            yield [process.pid for process in processes]
        finally:
            _stop(processes)


def _start(crew: Crew, name: str, environ: Mapping[str, str], log: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "celery", "-A", crew.application, "worker", "-n"]
    command += [f"{name}@%h", "-Q", crew.queues, "-c", str(crew.processes)]
    return subprocess.Popen(
        [*command, *(["-E"] if crew.events else [])],
        cwd=ROOT,
        env={
            **os.environ,
            **environ,
            "PYTHONPATH": str(ROOT),
            "REGISTRAR_ROLE": "worker",
            "REGISTRAR_TASK_EVENTS": str(int(crew.events)),
        },
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )


def _answer(app: Celery, processes: list[subprocess.Popen[bytes]]) -> bool:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and all(each.poll() is None for each in processes):
        if len(app.control.ping(timeout=0.5, limit=len(processes)) or ()) >= len(processes):
            return True
    return False


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def hold_back(queue: str) -> None:
    """Take the messages of a queue out of the workers' sight."""
    mailbox.client().rename(queue, _HELD)


def release(queue: str) -> None:
    """The starting gun: every message is there at once, for all workers at once."""
    mailbox.client().rename(_HELD, queue)

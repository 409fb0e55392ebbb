"""The web server of the site, with the peers of intake beside our endpoints, and what it costs."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import connection

from benchmarks.truths import Broken
from benchmarks.workers import ROOT
from registrar.services.programs import web_command

_READY_SECONDS = 60
_STOP_SECONDS = 20


class Server:
    """It answers on `port`; its processes end with the block that started it."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.port = port
        self._process = process

    def processor(self) -> tuple[float, float]:
        """Seconds of processor that the web's and PostgreSQL's processes have had so far."""
        return ran([self._process.pid]), _ran(_backends())


@contextmanager
def serving(environ: Mapping[str, str]) -> Iterator[Server]:
    """The site's own command line, in the role of the web. Raises Broken when it does not start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", *web_command("127.0.0.1", port)],
        cwd=ROOT,
        env={
            **os.environ,
            **environ,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "benchmarks.web_settings",
            "REGISTRAR_ROLE": "web",
            # What is measured here takes in, and nobody settles: the line is meant to grow.
            "REGISTRAR_BACKLOG_SECONDS": "3600",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _until_it_listens(port)
        yield Server(process, port)
    finally:
        _stop(process)


def _until_it_listens(port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise Broken("the web server does not start")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ran(pids: Iterable[int]) -> float:
    """Seconds of processor that these processes and those they started have had so far."""
    return _ran(each for pid in pids for each in _family(pid))


def _family(pid: int) -> list[int]:
    """A process and those it started, from Linux; alone where the system does not tell."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            children += map(int, task.read_text().split())
    return [pid, *(each for child in children for each in _family(child))]


def _backends() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in cursor.fetchall()]


def _ran(pids: Iterable[int]) -> float:
    ran = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with suppress(OSError):
                ran += int(task.read_text().split()[0])
    return ran / 1_000_000_000

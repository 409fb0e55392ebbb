"""The real web server on the test's own database, and callers who misbehave on bare sockets."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from registrar.services.programs import web_command
from tests.processes import ROOT

_START_SECONDS = 60.0


class Answered(NamedTuple):
    """A response, and how long it took."""

    status: int
    headers: Any
    body: bytes
    seconds: float

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["code"])


class Web(NamedTuple):
    """A web server as `bin/up` starts it."""

    port: int
    pid: int

    def ask(
        self, method: str, path: str, token: str = "", data: bytes | None = None, **headers: str
    ) -> Answered:
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, method=method)
        for name, value in headers.items():
            asked.add_header(name.replace("_", "-"), value)
        if token:
            asked.add_header("Authorization", f"Token {token}")
        if data is not None:
            asked.add_header("Content-Type", "application/json")
        begun = time.monotonic()
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                body = answer.read()
                return Answered(answer.status, answer.headers, body, time.monotonic() - begun)
        except urllib.error.HTTPError as answer:
            body = answer.read()
            return Answered(answer.code, answer.headers, body, time.monotonic() - begun)

    @contextmanager
    def lines(self, count: int) -> Iterator[list[socket.socket]]:
        """So many open connections."""
        with ExitStack() as stack:
            yield [
                stack.enter_context(socket.create_connection(("127.0.0.1", self.port), 30))
                for _ in range(count)
            ]

    def resident(self) -> int:
        """Bytes of memory held by the server's processes."""
        pages = 0
        for pid in (self.pid, *_children(self.pid)):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in children.split()]


@contextmanager
def web(processes: int = 2, **environ: str) -> Iterator[Web]:
    """The server, ready; gone at the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", *web_command("127.0.0.1", port, processes)],
            cwd=ROOT,
            env={**os.environ, "REGISTRAR_ROLE": "web", "PYTHONPATH": str(ROOT), **environ},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            site = Web(port, server.pid)
            deadline = time.monotonic() + _START_SECONDS
            while not _is_up(site):
                assert server.poll() is None, _said(log)
                assert time.monotonic() < deadline, _said(log)
                time.sleep(0.1)
            yield site
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _is_up(site: Web) -> bool:
    try:
        return site.ask("GET", "/healthz").status == 200
    except OSError:
        return False


def _said(log: Any) -> str:
    log.seek(0)
    return str(log.read())

"""Whole days, played by the real commands in a process of their own and on the test's database."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240.0


class Ended(NamedTuple):
    """What a command said, and the report it wrote."""

    code: int
    said: str
    report: dict[str, Any]


class Day:
    """A command under way."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._report = folder / "report.json"
        self._log = folder / "said.txt"
        with self._log.open("w") as out:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments, "--json", str(self._report)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "REGISTRAR_ROLE": "owner"},
            )

    def said(self) -> str:
        return self._log.read_text()

    def says(self, words: str, seconds: float = 120) -> None:
        """Wait until it has said so."""
        deadline = time.monotonic() + seconds
        while words not in self.said():
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, seconds: float = PATIENCE) -> Ended:
        """Wait for its end."""
        code = self._process.wait(seconds)
        report = json.loads(self._report.read_text()) if self._report.exists() else {}
        return Ended(code, self.said(), report)

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


@contextmanager
def playing(folder: Path, *arguments: str) -> Iterator[Day]:
    day = Day(folder, *arguments)
    try:
        yield day
    finally:
        day.kill()


def play(folder: Path, *arguments: str) -> Ended:
    with playing(folder, *arguments) as day:
        return day.end()

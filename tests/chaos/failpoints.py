"""Failpoints: named places in the product where a process under test may be made to fail.

A shot is a file; whoever removes it fires it, so one shot fires once, whichever of the processes
comes by first. What fires says so in a log outside the system before it does anything: that is
what bites are counted from.
"""

import json
import os
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

POINTS = (
    "intake.before_commit",
    "intake.after_commit",
    "ring.before",
    "ring.after",
    "settle.after_lock",
    "settle.after_read",
    "settle.mid_batch",
    "settle.before_commit",
    "settle.after_commit",
    "sweep.after_select",
    "section.before_insert",
)
ANYBODY = "*"


class Fired(NamedTuple):
    """A failpoint that fired; `at` is the host's wall clock in seconds."""

    point: str
    action: str
    process: str
    pid: int
    at: float
    facts: dict[str, Any]
    """What the failpoint knew: `held`, the offerings that a settlement has locked."""


class Failpoints:
    """The folder that the harness arms and the processes under test look into."""

    def __init__(self, folder: Path) -> None:
        self._armed = folder / "armed"
        self._log = folder / "fired.jsonl"
        self._number = count()
        for point in POINTS:
            (self._armed / point).mkdir(parents=True, exist_ok=True)
        self._log.touch()

    # The harness ------------------------------------------------------------------------------

    def arm(self, point: str, action: str, *, times: int = 1, process: str = ANYBODY) -> list[Path]:
        """Make the next `times` passers-by of that process name do the action.

        Actions: `kill9` (the process itself), `kill9:group` (with its parent and siblings),
        `stop` (until somebody resumes it), `raise:NAME`, `sleep:SECONDS`, `drop_conn`. Answers
        the shots.
        """
        if point not in POINTS:
            raise ValueError(f"there is no failpoint {point!r}; there are {', '.join(POINTS)}")
        shots = []
        for _ in range(times):
            name = f"{next(self._number):06d}"
            unfinished = self._armed / f"{name}.new"
            unfinished.write_text(json.dumps({"action": action, "process": process}))
            shots.append(unfinished.rename(self._armed / point / name))
        return shots

    def disarm(self) -> None:
        """Take back every shot that has not fired."""
        for shot in self._armed.glob("*/*"):
            shot.unlink(missing_ok=True)

    def fired(self, since: int = 0) -> list[Fired]:
        """What has fired, from the `since`th on: `len(fired())` is a mark to come back to."""
        lines = self._log.read_text().splitlines()[since:]
        return [Fired(**json.loads(line)) for line in lines]

    # The processes under test -----------------------------------------------------------------

    def take(self, point: str, process: str, **facts: Any) -> str:
        """The action of a shot for this process, logged as fired; empty when there is none."""
        for shot in self._shots(point):
            try:
                wanted = json.loads(shot.read_text())
                if wanted["process"] not in (ANYBODY, process):
                    continue
                shot.unlink()
            except FileNotFoundError:
                continue  # another process was quicker
            self._write(Fired(point, wanted["action"], process, os.getpid(), time.time(), facts))
            return str(wanted["action"])
        return ""

    def _shots(self, point: str) -> Iterator[Path]:
        with os.scandir(self._armed / point) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            yield self._armed / point / name

    def _write(self, fired: Fired) -> None:
        line = json.dumps(fired._asdict()) + "\n"
        handle = os.open(self._log, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

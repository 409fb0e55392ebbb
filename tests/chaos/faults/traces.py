"""What a fault leaves behind outside the system: lines in logs, counters of the server's."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from resource import getpagesize
from typing import Any

from tests.chaos.processes import Process
from tests.chaos.site import Site, wait_until


class Log:
    """What is written to a log from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._since = path.stat().st_size if path.exists() else 0

    def text(self) -> str:
        with self._path.open("rb") as log:
            # One that was rolled over in between is read from its beginning.
            log.seek(self._since if self._path.stat().st_size >= self._since else 0)
            return log.read().decode(errors="replace")

    def count(self, words: str) -> int:
        return self.text().count(words)

    def wait(self, words: str, seconds: float) -> bool:
        """Whether it said so within that time."""
        return wait_until(lambda: words in self.text(), seconds)


def log_of(process: Process) -> Log:
    return Log(process.log)


def server_log(site: Site) -> Log:
    """PostgreSQL's own."""
    return Log(site.postgres.data.parent / "pg.log")


class Logs:
    """The same of several programs."""

    def __init__(self, *processes: Process) -> None:
        self._logs = [log_of(process) for process in processes]

    def count(self, words: str) -> int:
        return sum(log.count(words) for log in self._logs)


def one(site: Site, query: str, *values: object) -> Any:
    """The single value of a query, asked by the owner."""
    with site.owner() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone()
        return row and row[0]


SLOW_SECONDS = 2.0
"""No POST takes longer than this because of a Redis, a worker or a stranger in trouble."""


class Answers:
    """The answers that come from now on, and how long the machine kept everybody from answering."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._since = len(site.clients.answers)
        self._waited = self._waits()

    def too_slow(self) -> tuple[str, ...]:
        """POSTs that took too long, even if all that waiting for a processor is forgiven them."""
        forgiven = sum(
            max((waited - before.get(thread, 0.0) for thread, waited in now.items()), default=0.0)
            for before, now in zip(self._waited, self._waits(), strict=True)
        )
        return tuple(
            f"a POST was answered {told.status or 'nothing'} after {told.seconds:.1f} s"
            f" ({forgiven:.1f} s of it without a processor, at most)"
            for told in self._site.clients.answers[self._since :]
            if told.seconds > SLOW_SECONDS + forgiven
        )

    def _waits(self) -> list[dict[str, float]]:
        """Of us, the web server and PostgreSQL, all of which an answer needs: by thread."""
        web = self._site.web
        return [
            waits([os.getpid()]),
            waits([web.pid, *web.children()]),
            waits(self._site.postgres.pids()),
        ]


def waits(pids: Iterable[int]) -> dict[str, float]:
    """Seconds that each thread of these processes was ready to run and did not."""
    found = {}
    for pid in pids:
        for schedstat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with suppress(OSError, IndexError, ValueError):
                found[schedstat.parent.name] = int(schedstat.read_text().split()[1]) / 1e9
    return found


def resident(pid: int) -> int:
    """Bytes a process has in memory; 0 when it has gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * getpagesize()

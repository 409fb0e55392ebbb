"""One settler on its own, or one intake, in a process of its own: what a request costs there.

No Celery, and nothing beside it. Processor time and WAL hardly change with what else a machine
does; elapsed time does.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
from django.db import connection, connections

from benchmarks import campus, databases
from benchmarks.truths import Broken
from benchmarks.workers import ROOT
from enrollment import mailbox, settlement
from registrar import interpreter


class Cost(NamedTuple):
    """Of one request: microseconds, and bytes of WAL."""

    done: int
    elapsed: float
    here: float
    """Of a processor, in our process..."""
    server: float | None
    """... and in PostgreSQL's; None where the system does not tell."""
    wal: float

    @property
    def processor(self) -> float:
        return self.here + (self.server or 0.0)


class Look(NamedTuple):
    """What has been used up to now."""

    at: float
    here: float
    server: float | None
    wal: int


class Meter:
    """Reads what this process and its database backends have used. Its own connection is not one
    of them."""

    def __init__(self) -> None:
        self._backends = [_backend(each) for each in connections.all()]
        self._own = psycopg2.connect(**connection.get_connection_params())
        self._own.autocommit = True

    def look(self) -> Look:
        with self._own.cursor() as cursor:
            cursor.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
            wal = cursor.fetchone() or (0,)
        server = _on_processor(self._backends)
        return Look(time.perf_counter(), time.process_time(), server, wal[0])

    def of(self, work: Callable[[], int]) -> Cost:
        """What `work` costs for each of the requests it says it has done."""
        before = self.look()
        done = work()
        after = self.look()
        each = 1_000_000 / max(1, done)
        server = None
        if before.server is not None and after.server is not None:
            server = round((after.server - before.server) * each, 2)
        return Cost(
            done,
            round((after.at - before.at) * each, 2),
            round((after.here - before.here) * each, 2),
            server,
            round((after.wal - before.wal) / max(1, done), 1),
        )


def _backend(each: Any) -> int:
    with each.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
        return pid


def _on_processor(pids: Sequence[int]) -> float | None:
    """Seconds that these processes ran, from Linux; None elsewhere, or on another machine."""
    try:
        ran = [Path(f"/proc/{pid}/schedstat").read_text().split()[0] for pid in pids]
    except OSError:
        return None
    return sum(map(int, ran)) / 1_000_000_000


def settle_everything() -> int:
    """In the measured process: settle all that is ready; how many requests that were."""
    decided = 0
    while (report := settlement.settle_ready(seconds=60)).decided:
        decided += report.decided
    return decided


def be_a_settler() -> None:
    """What a worker's process does before its first task."""
    interpreter.prepare()


def settle(template: str, inside: str, *, change: Sequence[str] = (), args: str = "") -> Any:
    """Let `bin/bench --inside` settle a copy of a template; what it printed, None when it left
    some undecided.

    Where Redis keeps a settler waiting too long, the rest is for a sweeper, of which there is
    none here. `change` is SQL for the copy; `args` is passed on.
    """
    with _copy(template, change) as database:
        queued = campus.queue()
        answer = _run_inside(database, inside, "worker", args)
    return answer if answer["cost"][0] == queued else None


def accept(template: str, inside: str, *, change: Sequence[str] = (), args: str = "") -> Any:
    """The same for accepting requests, in the web's role."""
    with _copy(template, change) as database:
        return _run_inside(database, inside, "web", args)


@contextmanager
def _copy(template: str, change: Sequence[str]) -> Iterator[str]:
    with databases.made("alone", template) as database:
        mailbox.client().flushdb()
        with connection.cursor() as cursor:
            for statement in change:
                cursor.execute(statement)
        yield database


def _run_inside(database: str, inside: str, role: str, args: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "benchmarks", "--inside", inside, "--args", args],
        cwd=ROOT,
        env={
            **os.environ,
            **databases.environment(database),
            "PYTHONPATH": str(ROOT),
            "REGISTRAR_ROLE": role,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Broken(f"`--inside {inside}` ended with {done.returncode}")
    return json.loads(done.stdout)


def cheapest(tries: Sequence[Any]) -> Any:
    """The answer that took the least time. Raises Broken when no try settled everything."""
    whole = [each for each in tries if each is not None]
    if not whole:
        raise Broken("a settler on its own does not settle everything")
    return min(whole, key=lambda each: Cost(*each["cost"]).elapsed)

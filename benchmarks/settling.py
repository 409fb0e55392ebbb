"""Ours: all requests of a workload, accepted beforehand, settled by the workers of `bin/up`."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from celery import current_app
from django.db import connection

from benchmarks import campus, databases, truths, workers
from benchmarks.contender import Run
from benchmarks.truths import Broken
from benchmarks.workers import ROOT, Crew
from enrollment import mailbox
from enrollment.sweep import _LOCK as SWEEPERS

_LONGEST = 300


class Settling:
    """Two workers of one process each settle what is pending in copies of `template`.

    `in_order`: everybody asks for the same, so that sections must fill in the order of requests.
    `proves`: the first round ends with `bin/manage verify`.
    """

    def __init__(
        self,
        name: str,
        template: str,
        *,
        in_order: bool = False,
        events: bool = False,
        proves: bool = False,
    ) -> None:
        self.name = name
        self.template = template
        self.in_order = in_order
        self.proves = proves
        self.crew = Crew("registrar", f"{mailbox.SETTLE_QUEUE},default", 2, 1, events)

    def run(self, round_: int) -> Run:
        """One round on a fresh copy. Raises Broken where something that must hold does not."""
        with databases.made("round", self.template) as database:
            mailbox.client().flushdb()
            queued = campus.queue()
            workers.hold_back(mailbox.SETTLE_QUEUE)
            environ = databases.environment(database)
            with sweepers_still() as let_go, workers.running(self.crew, current_app, environ):
                begun = _look()
                let_go()
                workers.release(mailbox.SETTLE_QUEUE)
                truths.until_decided(_LONGEST)
                ended = _look()
                memory = _memory()
            truths.check(fill_in_order=self.in_order)
            if self.proves and round_ == 0:
                _verify(environ)
            seconds = (_last_commit() - begun.at).total_seconds()
            facts = {"wal_bytes": ended.wal - begun.wal, "worker_mib": memory, **_seen()}
        return Run(self.name, round_, queued, seconds, facts)


class _Look(NamedTuple):
    at: datetime
    wal: int


def _look() -> _Look:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp(), pg_current_wal_insert_lsn() - '0/0'")
        at, wal = cursor.fetchone()
        return _Look(at, int(wal))


@contextmanager
def sweepers_still() -> Iterator[Callable[[], None]]:
    """A worker that starts while thousands wait would sweep them up before the gun.

    Yields what lets the sweepers go, at the latest at the end.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [SWEEPERS])
    try:
        yield _let_sweepers_go
    finally:
        _let_sweepers_go()


def _let_sweepers_go() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def _memory() -> float:
    """MiB of the largest process that has settled something, while it lives; 0 where the system
    does not tell."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT split_part(worker, ':', 2)::int FROM settlements")
        return max((_resident(pid) for (pid,) in cursor.fetchall()), default=0.0)


def _resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def _last_commit() -> datetime:
    """By the server's own record of commits where it keeps one, else as written in the rows."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW track_commit_timestamp")
        kept = cursor.fetchone()[0] == "on"
        when = "pg_xact_commit_timestamp(xmin)" if kept else "decided_at"
        cursor.execute(f"SELECT max({when}) FROM settlements")
        at: datetime = cursor.fetchone()[0]
        return at


_SEEN = """
SELECT (SELECT json_object_agg(result, n) FROM (
            SELECT result, count(*) AS n FROM outcomes GROUP BY result) AS by_result),
       (SELECT count(*) FROM sections), count(*), count(DISTINCT worker)
FROM settlements
"""


def _seen() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(_SEEN)
        keys = ("outcomes", "sections", "settlements", "workers")
        return dict(zip(keys, cursor.fetchone(), strict=True))


def _verify(environ: dict[str, str]) -> None:
    """The whole proof, once a workload."""
    done = subprocess.run(
        [sys.executable, "manage.py", "verify"],
        cwd=ROOT,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Broken(f"verify ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")

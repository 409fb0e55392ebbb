"""Ours: all requests of a workload, accepted beforehand, settled by the workers of `bin/up`."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
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
    """Two workers of one process each settle a workload; `template` is the database to copy."""

    def __init__(self, workload: str, template: str, *, events: bool) -> None:
        self.workload = workload
        self.template = template
        self.name = f"settle {workload}" + (", events on" if events else "")
        self.crew = Crew("registrar", f"{mailbox.SETTLE_QUEUE},default", 2, 1, events)
        self.proves = not events

    def run(self, round_: int) -> Run:
        """One round on a fresh copy. Raises Broken where something that must hold does not."""
        with databases.made("round", self.template) as database:
            mailbox.client().flushdb()
            queued = campus.queue()
            workers.hold_back(mailbox.SETTLE_QUEUE)
            environ = databases.environment(database)
            with _sweepers_still(), workers.running(self.crew, current_app, environ):
                begun = _look()
                _let_sweepers_go()
                workers.release(mailbox.SETTLE_QUEUE)
                _until_settled()
                ended = _look()
            truths.check(fill_in_order=self.workload == "H")
            if self.proves and round_ == 0:
                _verify(environ)
            seconds = (_last_commit() - begun.at).total_seconds()
            facts = {"wal_bytes": ended.wal - begun.wal, **_seen()}
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
def _sweepers_still() -> Iterator[None]:
    """A worker that starts while thousands wait would sweep them up before the gun."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [SWEEPERS])
    try:
        yield
    finally:
        _let_sweepers_go()


def _let_sweepers_go() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def _until_settled() -> None:
    deadline = time.monotonic() + _LONGEST
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT EXISTS (SELECT FROM pending)")
            if not cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise Broken(f"not everything is settled after {_LONGEST} s")


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

"""The site as `bin/up` runs it, without beat and Flower, on a database with a crowd in it.

Shared by the benchmarks that meet it from outside, over HTTP: overload and storm.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from benchmarks import databases, truths
from benchmarks.truths import Broken
from benchmarks.workers import ROOT
from enrollment import mailbox
from enrollment.models import Window
from enrollment.rehearsal import scenery
from enrollment.rehearsal.university import CoursePlan
from registrar.services import processes

COURSES = 500
_NAMES = ("web", "worker-1", "worker-2")
_READY_SECONDS = 90
_SEATS, _CREDITS = 60, 3


class Site(NamedTuple):
    """Where it answers, and who may come."""

    port: int
    state: Path
    database: str
    paths: list[str]
    """An address for each course; a POST there asks for a seat."""
    tokens: list[str]
    """One for each student."""


@contextmanager
def site(students: int, environ: dict[str, str]) -> Iterator[Site]:
    """A university whose window is open, and its processes, ready; gone with the block."""
    with databases.made("rush") as database, tempfile.TemporaryDirectory() as folder:
        stage = _build(students)
        state = Path(folder) / "state"
        variables = {**os.environ, **databases.environment(database), **environ}
        variables.pop("REGISTRAR_ROLE", None)
        processes.start(state, _NAMES, variables)
        try:
            _wait_until_ready(processes.web_url(state))
            port = int(processes.web_url(state).rpartition(":")[2])
            paths = [f"/api/student/courses/{_code(nth)}/enroll/" for nth in range(COURSES)]
            yield Site(port, state, database, paths, stage.tokens)
        finally:
            processes.stop(state)
            mailbox.client().flushdb()


def _build(students: int) -> scenery.Stage:
    plans = [
        CoursePlan(_code(nth), f"Course {nth}", _CREDITS, (), 0, _SEATS, True, 1, -1, -1, ())
        for nth in range(COURSES)
    ]
    people = (scenery.Person(f"{nth:06d}", "") for nth in range(students))
    now = timezone.now()
    stage = scenery.build(scenery.Scene(plans, people, 30, tokens=True), now)
    hour = timedelta(hours=1)
    Window.objects.create(
        term_id=stage.term, name="All", opens_at=now - hour, closes_at=now + 24 * hour
    )
    return stage


def _code(nth: int) -> str:
    return f"RUSH{nth:03d}"


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=5):
            return
        time.sleep(0.2)
    raise Broken(f"{url} does not become ready")


def number(text: str) -> float:
    """An argument that is a number above 0."""
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def count(text: str) -> int:
    """An argument that is a whole number above 0."""
    value = int(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


# Processors ---------------------------------------------------------------------------------


class Shares(NamedTuple):
    """Which processors are whose."""

    site: frozenset[int]
    crowd: frozenset[int]


def share() -> Shares:
    """Give the site all processors but the last, and the crowd that one.

    To be called before the site is started: it takes after this process. With a single processor
    they share it.
    """
    mine = sorted(os.sched_getaffinity(0))
    shares = Shares(frozenset(mine[:-1] or mine), frozenset(mine[-1:]))
    for pid in (0, *_servers()):
        with suppress(PermissionError, ProcessLookupError):
            os.sched_setaffinity(pid, shares.site)
    return shares


def _servers() -> Iterator[int]:
    """PostgreSQL's processes, the first of them included, and Redis."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity")
        backends = [pid for (pid,) in cursor.fetchall()]
    for pid in backends:
        yield pid
        with suppress(OSError):
            yield int(Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[1])
    yield int(mailbox.client().info("server")["process_id"])


# What came of it ----------------------------------------------------------------------------


def now() -> datetime:
    """By the database's clock."""
    return datetime.fromisoformat(str(_value("SELECT clock_timestamp()::text")))


def decided(begun: datetime, ended: datetime) -> int:
    """Students' requests that were decided in between."""
    found = _value(
        """SELECT count(*) FROM settlements s JOIN outcomes o ON o.settlement_id = s.id
           JOIN requests r ON r.id = o.request_id
           WHERE r.window_id IS NOT NULL AND s.decided_at > %s AND s.decided_at <= %s""",
        [begun, ended],
    )
    return int(str(found))


def longest_wait(begun: datetime) -> float:
    """Seconds between acceptance and decision, of those accepted since."""
    found = _value(
        """SELECT coalesce(extract(epoch FROM max(s.decided_at - r.accepted_at)), 0)::float
           FROM requests r JOIN outcomes o ON o.request_id = r.id
           JOIN settlements s ON s.id = o.settlement_id
           WHERE r.window_id IS NOT NULL AND r.accepted_at >= %s""",
        [begun],
    )
    return float(str(found))


def last_decision(begun: datetime) -> float:
    """Seconds until the last of them was made."""
    found = _value(
        "SELECT extract(epoch FROM max(decided_at) - %s)::float FROM settlements", [begun]
    )
    return float(str(found))


def lost(accepted: Sequence[int]) -> int:
    """How many that were told 202 have no outcome."""
    found = _value(
        """SELECT count(*) FROM unnest(%s::bigint[]) AS told (id)
           LEFT JOIN outcomes o ON o.request_id = told.id WHERE o.request_id IS NULL""",
        [list(accepted)],
    )
    return int(str(found))


def prove(database: str) -> None:
    """`bin/manage verify`, and what the other benchmarks ask. Raises Broken."""
    truths.check(fill_in_order=False)
    proof = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "verify"],
        env={**os.environ, **databases.environment(database), "REGISTRAR_ROLE": "owner"},
        capture_output=True,
        text=True,
        check=False,
    )
    if proof.returncode:
        raise Broken(f"verify ends with {proof.returncode}: {proof.stdout[-2000:]}")


def _value(question: str, parameters: Sequence[Any] = ()) -> object:
    with connection.cursor() as cursor:
        cursor.execute(question, parameters)
        row = cursor.fetchone()
    assert row is not None
    value: object = row[0]
    return value

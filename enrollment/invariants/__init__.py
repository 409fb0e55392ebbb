"""What must always hold, as named checks: run by `verify`, after every rehearsal, and in tests.

Checks look at one snapshot of the database, read only, so they may run on a registration day. A
check that holds has no offenders; one that cannot be read because what it reads is damaged is
broken too, and says so.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import TypeAlias

from django.db import DataError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from enrollment import replay
from enrollment.facts import database_now
from registrar.audit import chain

from . import database, history, seats, waitlists
from .finding import Check, Finding

__all__ = ["EXAMPLES", "TAMPERED", "Finding", "run"]

EXAMPLES = 5
"""How many offenders a finding names."""
CHAIN = "chain-is-whole"
CHAIN_SENTENCE = "Every audit stream counts 1, 2, 3, and every entry is what its hash was made of."
TAMPERED = frozenset({CHAIN, "facts-are-as-hashed"})
"""Checks that fail only where what was written was changed afterwards."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being looked at, how much of it is done, and how much there is."""

_GROUPS: tuple[tuple[str, Sequence[Check]], ...] = (
    ("requests", history.CHECKS),
    ("seats", seats.SEATS),
    ("sections", seats.SECTIONS),
    ("waitlists", waitlists.CHECKS),
    ("database", database.CHECKS),
)


def run(
    connection: BaseDatabaseWrapper,
    progress: Progress | None = None,
    *,
    patience: float = 0,
) -> list[Finding]:
    """Every check, group by group, with the number of its offenders and the first few of them.

    `patience` is how many seconds a request may be pending and a settlement under way without
    being called stuck: 0 after a drain, more while registration goes on. Inside a transaction of
    the caller's it looks at what that one sees. Raises what the database raises when it cannot
    be asked.
    """
    tell = progress or _nobody
    with _snapshot(connection) as cursor:
        now = database_now(cursor)
        findings = list(_by_sql(cursor, tell, patience))
        findings += _by_python(cursor, now)
        findings.append(_chain(connection, cursor, tell))
        findings += _replayed(cursor, tell)
    groups = list(dict.fromkeys(finding.group for finding in findings))
    return sorted(findings, key=lambda finding: groups.index(finding.group))


def _nobody(what: str, done: int, total: int) -> None:
    """Nobody wants to know."""


@contextmanager
def _snapshot(connection: BaseDatabaseWrapper) -> Iterator[CursorWrapper]:
    """One moment of the database, which cannot be written to and is not cut off for its length."""
    ours = not connection.in_atomic_block
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        if ours:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield cursor


def _by_sql(cursor: CursorWrapper, tell: Progress, patience: float) -> Iterator[Finding]:
    checks = [(group, check) for group, checks in _GROUPS for check in checks]
    for done, (group, check) in enumerate(checks, start=1):
        count, examples = _ask(cursor, check, patience)
        yield Finding(check.name, check.sentence, count, examples, group)
        tell("checks", done, len(checks))


def _ask(cursor: CursorWrapper, check: Check, patience: float) -> tuple[int, tuple[str, ...]]:
    counted = (
        f"SELECT count(*) OVER (), offender FROM ({check.sql}) AS found (offender) "
        f"ORDER BY offender LIMIT {EXAMPLES}"
    )
    try:
        with transaction.atomic(cursor.db.alias):
            cursor.execute(counted, {"patience": patience, "idle": database.IDLE_SECONDS})
            rows = cursor.fetchall()
    except DataError as error:
        return 1, (f"cannot be read: {str(error).splitlines()[0]}",)
    return (rows[0][0] if rows else 0), tuple(offender for _, offender in rows)


def _by_python(cursor: CursorWrapper, now: datetime) -> Iterator[Finding]:
    idle = waitlists.idle(cursor, now)
    yield _finding(waitlists.IDLE, waitlists.IDLE_SENTENCE, idle, "waitlists")
    missing = database.missing_constraints(cursor)
    yield _finding(database.CONSTRAINTS, database.CONSTRAINTS_SENTENCE, missing, "database")


def _finding(name: str, sentence: str, offenders: Iterable[object], group: str) -> Finding:
    rest = iter(offenders)
    examples = tuple(str(offender) for offender in islice(rest, EXAMPLES))
    return Finding(name, sentence, len(examples) + sum(1 for _ in rest), examples, group)


def _chain(connection: BaseDatabaseWrapper, cursor: CursorWrapper, tell: Progress) -> Finding:
    cursor.execute("SELECT count(*) FROM audit_entries")
    total = cursor.fetchone()[0]
    breaks = chain.breaks(connection, lambda read: tell("audit chain", read, total))
    return _finding(CHAIN, CHAIN_SENTENCE, breaks, "chain")


def _replayed(cursor: CursorWrapper, tell: Progress) -> list[Finding]:
    offenders: dict[str, list[str]] = defaultdict(list)
    replay.run(
        cursor,
        lambda name, offender: offenders[name].append(offender),
        lambda done, total: tell("replay", done, total),
    )
    return [
        _finding(name, sentence, offenders[name], "replay")
        for name, sentence in replay.CHECKS.items()
    ]

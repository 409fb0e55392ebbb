"""The sweeper: what repairs a lost wake-up must not depend on what may be lost.

It runs on a timer in every worker process and as a command, under an advisory try-lock. It goes
by looks, not by timestamps, so that a clock that steps back cannot silence it: an offering whose
lowest pending request is the same in two looks is rung for, and in four it is settled right here,
whatever Redis says.
"""

import time
from collections.abc import Collection
from typing import NamedTuple

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from registrar.audit.arrays import array

from . import mailbox
from .settlement import settle

log = structlog.get_logger()
RING_AFTER = 1
SETTLE_AFTER = 3
"""Looks, a second apart, in which an offering's head has not moved since it was first seen."""
_LOCK = 0x5EE9


class Looked(NamedTuple):
    """What one look found stuck."""

    rung: tuple[int, ...] = ()
    settled: tuple[int, ...] = ()
    terminated: int = 0


class Sweeper:
    """Remembers, from look to look, the head of every line and how long it has not moved."""

    def __init__(self) -> None:
        self._heads: dict[int, tuple[int, int]] = {}
        self._suspects: frozenset[tuple[int, str]] = frozenset()

    def look(self) -> Looked:
        """One look, to be taken every second. Raises what the database raises."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                return Looked()
            self._remember(_heads(cursor))
            stuck = self._unmoved(RING_AFTER)
            queue = _pending_of(cursor, stuck) if stuck else []
            terminated = self._free_frozen(cursor)
        if queue:
            log.info("sweep.rung", offerings=len(stuck), requests=len(queue))
            mailbox.post(queue)
        overdue = self._unmoved(SETTLE_AFTER)
        if overdue:
            log.warning("sweep.settling", offerings=len(overdue))
            _drain(overdue)
        return Looked(tuple(stuck), tuple(overdue), terminated)

    def _remember(self, heads: dict[int, int]) -> None:
        known = self._heads
        self._heads = {
            offering: (head, known[offering][1] + 1 if known.get(offering, (0,))[0] == head else 0)
            for offering, head in heads.items()
        }

    def _unmoved(self, looks: int) -> list[int]:
        return sorted(o for o, (_, unmoved) in self._heads.items() if unmoved >= looks)

    def _free_frozen(self, cursor: CursorWrapper) -> int:
        """End settlements whose client stopped reading or writing in the middle of a statement.

        No timeout of the server's covers them, and they keep their locks; one look may catch a
        healthy one between two packets, two looks at the same statement do not.
        """
        cursor.execute(_FROZEN)
        frozen = frozenset(cursor.fetchall())
        both = frozen & self._suspects
        self._suspects = frozen
        for pid, _ in both:
            log.error("sweep.terminated", backend=pid)
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        return len(both)


def _drain(offerings: Collection[int]) -> None:
    """Settle batch after batch, for a bounded time: with Redis dead nobody else does."""
    begun = time.monotonic()
    while settle(offerings).decided:
        if time.monotonic() - begun > settings.REGISTRAR["SETTLE_SECONDS"]:
            break


_HEADS = "SELECT offering_id, min(request_id) FROM pending GROUP BY offering_id"
_PENDING_OF = """
SELECT line.offering_id, line.request_id
FROM unnest(%s::bigint[]) AS stuck (offering)
CROSS JOIN LATERAL (
    SELECT offering_id, request_id FROM pending WHERE offering_id = stuck.offering
    ORDER BY request_id LIMIT 10000
) AS line
"""
_FROZEN = """
SELECT pid, query_start::text FROM pg_stat_activity
WHERE usename = session_user AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
  AND state = 'active' AND wait_event IN ('ClientWrite', 'ClientRead')
  AND application_name = current_setting('application_name')
"""


def _heads(cursor: CursorWrapper) -> dict[int, int]:
    cursor.execute(_HEADS)
    return dict(cursor.fetchall())


def _pending_of(cursor: CursorWrapper, offerings: Collection[int]) -> list[tuple[int, int]]:
    """Everything pending for these offerings: Redis may have lost all of it."""
    cursor.execute(_PENDING_OF, [array(offerings)])
    return [(offering, request) for offering, request in cursor.fetchall()]

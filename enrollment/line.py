"""Standing in line: how many are before a request, and about how long it will take."""

from collections.abc import Collection
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from django.db import connection

from .kept import Kept

SECONDS = 1.0
"""How old the glance may be that a POST is answered by."""


class Glance(NamedTuple):
    """All that waits, as it was a moment ago."""

    waiting: dict[int, int]
    """Pending requests of each offering that has any."""
    wait: float
    """Seconds that a request accepted then was likely to wait."""


def position(offerings: Collection[int]) -> int:
    """About how many stand before a request that is accepted now.

    From memory: the answer to a POST must not cost another query.
    """
    waiting = _glance().get(SECONDS).waiting
    return max((waiting.get(offering, 0) for offering in offerings), default=0)


def eta() -> int:
    """About how many seconds until what is pending now is decided; at least 1."""
    return max(1, ceil(_glance().get(SECONDS).wait))


def predicted_wait() -> float:
    """Seconds until a request accepted now would be decided.

    By the lines that moved in the last four seconds, and their pace then: a course that is stuck
    must not close the door to all the others. Where nothing is decided, by the age of the oldest.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BACKLOG)
        waiting, pace, oldest = cursor.fetchone()
    if pace and not waiting:
        return 0.0
    if oldest is None or oldest < _FRESH:
        return 0.0
    return float(waiting / pace if pace else oldest)


def forget() -> None:
    """Drop what is kept: for tests, which start over in the same process."""
    _glance.cache_clear()


# `clock_timestamp` is asked once: compared with as it stands it would be asked for every row.
_BACKLOG = """
WITH late AS MATERIALIZED (
    SELECT decided, offerings FROM settlements
    WHERE decided_at > (SELECT clock_timestamp() - interval '4 s')
), line AS (
    SELECT count(*) AS length, min(request_id) AS head FROM pending
    WHERE offering_id IN (SELECT unnest(offerings) FROM late)
)
SELECT length, (SELECT sum(decided)::float FROM late) / 4,
       extract(epoch FROM clock_timestamp() - (
           SELECT accepted_at FROM requests
           WHERE id = coalesce(head, (SELECT min(request_id) FROM pending))))::float
FROM line
"""
_FRESH = 2.0
"""Seconds: while nobody has waited longer, the pace measures demand, and there is no backlog."""
_WAITING = "SELECT offering_id, count(*) FROM pending GROUP BY offering_id"


@lru_cache(maxsize=1)
def _glance() -> Kept[Glance]:
    return Kept(_look)


def _look() -> Glance:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        waiting = dict(cursor.fetchall())
    return Glance(waiting, predicted_wait())

"""Standing in line: how many are before a request, and about how long it will take."""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from django.db import connection

from registrar.audit.arrays import array

from . import mailbox
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


def place(request: int, offerings: Iterable[int]) -> int:
    """How many stand before a pending request, in the longest of the lines it stands in.

    Redis knows by rank; where it does not, the rows are counted.
    """
    ranks = []
    for offering in offerings:
        rank = mailbox.place(offering, request)
        if rank is None:
            return places([request])[request]
        ranks.append(rank)
    return max(ranks, default=0)


def places(requests: Sequence[int]) -> dict[int, int]:
    """For each of these pending requests how many stand before it; 0 when it is decided."""
    found = dict.fromkeys(requests, 0)
    if requests:
        with connection.cursor() as cursor:
            cursor.execute(_AHEAD, [array(requests)])
            found.update(cursor.fetchall())
    return found


def forget() -> None:
    """Drop what is kept: for tests, which start over in the same process."""
    _glance.cache_clear()


_AHEAD = """
SELECT mine.id, max(ahead.count)
FROM unnest(%s::bigint[]) AS asked (id)
CROSS JOIN LATERAL (SELECT id, offerings FROM requests WHERE id = asked.id OFFSET 0) AS mine
CROSS JOIN LATERAL unnest(mine.offerings) AS touched (offering)
CROSS JOIN LATERAL (
    SELECT count(*) FROM pending
    WHERE offering_id = touched.offering AND request_id < mine.id
) AS ahead
GROUP BY mine.id
"""
_WAITING = "SELECT offering_id, count(*) FROM pending GROUP BY offering_id"
# What was decided of late measures demand as long as nobody waits: only an old request says that
# there is a backlog, and then its age and the pace say how long it takes.
_WAIT = """
SELECT extract(epoch FROM clock_timestamp() - (
           SELECT accepted_at FROM requests WHERE id = (SELECT min(request_id) FROM pending)
       ))::float,
       (SELECT coalesce(sum(decided), 0)
        FROM (SELECT decided, decided_at FROM settlements ORDER BY id DESC LIMIT 200) AS late
        WHERE decided_at > clock_timestamp() - interval '2 s') / 2.0::float
"""
_BACKLOG_AGE = 1.0


@lru_cache(maxsize=1)
def _glance() -> Kept[Glance]:
    return Kept(_look)


def _look() -> Glance:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        waiting = dict(cursor.fetchall())
        cursor.execute(_WAIT)
        oldest, pace = cursor.fetchone()
    if oldest is None or oldest < _BACKLOG_AGE:
        return Glance(waiting, 0.0)
    return Glance(waiting, max(oldest, sum(waiting.values()) / pace if pace else 0.0))

"""What a settlement that died leaves behind, and how the request that killed it is found.

After its locks are held, a settlement commits an attempt row on a second connection and deletes
it in its own transaction. A row that another holder of the same lock finds was therefore left by
a death. The next settlement takes half of what is left of that range, and so on down to one
request; one that has died three times alone, each at least a second after the last, is given up
(rule 10). What it shares no settlement with goes on meanwhile.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connections
from django.db.backends.utils import CursorWrapper

from registrar import prepared
from registrar.audit.arrays import array
from registrar.audit.log import Executes

WITNESS = "witness"
"""The second connection: what it commits stays when the settlement's own transaction does not."""
DEATHS = 3
APART = timedelta(seconds=1)


class Attempt(NamedTuple):
    """A settlement of `size` requests that began at `begun_at` and, once left behind, died."""

    id: int
    first: int
    size: int
    begun_at: datetime
    left: int
    """How many requests of its range are still pending in what is held now."""


class Caution(NamedTuple):
    """How the next settlement goes about a range that killed one."""

    limit: int
    """At most so many requests; 0 is no limit of its own."""
    give_up: int = 0
    """A request to fail without trying it again."""
    wait: bool = False
    """Leave the range alone for now: it died alone less than a second ago."""


def caution(attempts: Sequence[Attempt], now: datetime) -> Caution:
    """What the deaths found left behind call for: half of what is left of the smallest of them.

    A range also spans requests that its settlement never took, where a CANCEL from the end of the
    line was decided with those at its head: no more than were tried can have killed it.
    """
    smallest = min((min(each.left, each.size) for each in attempts if each.left), default=0)
    alone = [attempt for attempt in attempts if attempt.left and attempt.size == 1]
    if not alone:
        return Caution(limit=max(1, smallest // 2) if smallest else 0)
    first = min(attempt.first for attempt in alone)
    deaths = sorted(attempt.begun_at for attempt in alone if attempt.first == first)
    if len(deaths) >= DEATHS:
        return Caution(limit=1, give_up=first)
    # A death in the future is a clock that was set back, and nothing to wait for.
    return Caution(limit=1, wait=timedelta() <= now - deaths[-1] < APART)


_LOCK = "SELECT id FROM attempts WHERE offerings && %s::bigint[] ORDER BY id FOR UPDATE"
_LEFT_BEHIND = """
SELECT a.id, a.first_request, a.size, a.begun_at,
       (SELECT count(DISTINCT request_id) FROM pending
        WHERE offering_id = ANY(%s::bigint[]) AND offering_id = ANY(a.offerings)
          AND request_id BETWEEN a.first_request AND a.last_request)
FROM attempts a WHERE a.id = ANY(%s::bigint[]) ORDER BY a.id
"""


def left_behind(cursor: CursorWrapper, held: Collection[int]) -> list[Attempt]:
    """Attempts that touched these offerings and did not end. The caller holds their locks.

    They are locked too: of two settlements that share one, the second must see what the first
    has cleared of it.
    """
    cursor.execute(_LOCK, [array(held)])
    found = array(id_ for (id_,) in cursor.fetchall())
    if found == "{}":
        return []
    cursor.execute(_LEFT_BEHIND, [array(held), found])
    return [Attempt(*row) for row in cursor.fetchall()]


_BEGIN = """
INSERT INTO attempts (first_request, last_request, size, offerings, begun_at)
VALUES (%s, %s, %s, %s::bigint[], clock_timestamp()) RETURNING id
"""


# A server that dies forgets the attempts of its last moment: nobody's request is to blame for that.
_AT_EASE = "SET LOCAL synchronous_commit = off;"


def begin(requests: Sequence[int], offerings: Collection[int]) -> int:
    """Commit, apart from the settlement's transaction, that it is about to try these requests."""
    values = [requests[0], requests[-1], len(requests), array(offerings)]
    witness = connections[WITNESS]
    [(attempt,)] = prepared.fetch(_BEGIN, values=values, using=witness, before=_AT_EASE)
    return int(attempt)


def withdraw(attempt: int) -> None:
    """Forget an attempt that ended for a reason that is no request's fault."""
    with connections[WITNESS].cursor() as cursor:
        cursor.execute("DELETE FROM attempts WHERE id = %s", [attempt])


_END = """
DELETE FROM attempts a
WHERE a.id = %s OR (a.id = ANY(%s::bigint[]) AND NOT EXISTS (
    SELECT FROM pending
    WHERE offering_id = ANY(a.offerings)
      AND request_id BETWEEN a.first_request AND a.last_request
      AND request_id <> ALL(%s::bigint[])))
"""


def end(writer: Executes, attempt: int, found: Sequence[Attempt], requests: Sequence[int]) -> None:
    """In the settlement's own transaction: it did not die deciding these requests, and nor is any
    range left that it found and of which nothing else is pending."""
    values = [attempt, array(left.id for left in found), array(requests if found else ())]
    writer.execute(_END, values)

"""Offerings: their locks, what stands in their lines, and what is known of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from django.db.backends.utils import CursorWrapper
from msgspec.json import Decoder

from courses.timetable import parse
from enrollment.vocabulary import (
    BASE,
    Ask,
    Kind,
    OfferingFacts,
    Place,
    Waiter,
)
from registrar import prepared
from registrar.audit.arrays import array

_LOCK_OFFERINGS = (
    "SELECT id FROM offerings WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE"
)
_LOCK_FREE = f"{_LOCK_OFFERINGS} SKIP LOCKED"


def lock_offerings(cursor: CursorWrapper, offerings: Collection[int], *, wait: bool) -> list[int]:
    """Lock offerings in the order of their ids; without `wait` those held elsewhere are skipped.

    FOR NO KEY UPDATE, because intake's foreign-key checks take a share lock on the same rows and
    must not wait for a settlement.
    """
    if wait:
        cursor.execute(_LOCK_OFFERINGS, [array(offerings)])
    else:
        prepared.execute(cursor, _LOCK_FREE, values=[array(offerings)])
    return [row[0] for row in cursor.fetchall()]


_REACH = """
WITH RECURSIVE reach (offering) AS (
    SELECT unnest(%s::bigint[])
    UNION
    SELECT beside.offering
    FROM reach
    CROSS JOIN LATERAL (
        SELECT request_id FROM pending WHERE offering_id = reach.offering AND wide OFFSET 0
    ) AS p
    CROSS JOIN LATERAL (SELECT offerings FROM requests WHERE id = p.request_id OFFSET 0) AS r
    CROSS JOIN LATERAL unnest(r.offerings) AS beside (offering)
)
SELECT array_agg(offering), (SELECT last_value FROM requests_id_seq) FROM reach
"""


class Reach(NamedTuple):
    """What was seen before any lock: a hint, and no promise."""

    offerings: frozenset[int]
    drawn: int
    """The last request id drawn by then, committed or not."""


def reach(cursor: CursorWrapper, offerings: Collection[int]) -> Reach:
    """These offerings and those that swaps and carts in their lines touch, and theirs in turn.

    It spares a settlement from being cut short at each of them.
    """
    prepared.execute(cursor, _REACH, values=[array(offerings)], before=prepared.PIN)
    reached, drawn = cursor.fetchone()
    return Reach(frozenset(reached), drawn)


_ATTEMPTS = """
SELECT json_agg(id) FROM attempts WHERE offerings && %(held)s::bigint[]
"""
_PENDING = """
SELECT json_agg(json_build_array(json_build_array(
           r.id, r.kind, coalesce(r.student_id, 0), r.offerings, r.body, r.actor,
           coalesce(r.window_id, 0)), r.term_id) ORDER BY r.id)
FROM (
    (SELECT line.request_id
     FROM unnest(%(held)s::bigint[]) AS held (offering)
     CROSS JOIN LATERAL (
         SELECT request_id FROM pending
         WHERE offering_id = held.offering AND NOT cancels
         ORDER BY request_id LIMIT %(limit)s
     ) AS line
     ORDER BY line.request_id LIMIT %(limit)s)
    UNION
    SELECT request_id FROM pending
    WHERE offering_id = ANY(%(held)s::bigint[]) AND cancels
) AS next
CROSS JOIN LATERAL (SELECT * FROM requests WHERE id = next.request_id OFFSET 0) AS r
"""
_OFFERINGS = """
SELECT json_agg(json_build_array(
           o.id, o.term_id, c.code, c.credit, o.status, o.auto_create, o.open_threshold,
           o.section_limit, coalesce(o.max_sections, -1), coalesce(o.total_cap, -1),
           o.total_permits, coalesce(o.waitlist_cap, -1), o.waiting, o.next_number) ORDER BY o.id)
FROM unnest(%(held)s::bigint[]) AS held (offering)
CROSS JOIN LATERAL (SELECT * FROM offerings WHERE id = held.offering OFFSET 0) AS o
CROSS JOIN LATERAL (SELECT code, credit FROM courses WHERE id = o.course_id OFFSET 0) AS c
"""
_PLACES = """
SELECT json_agg(json_build_array(offering, id, number, capacity, taken, permits, meets::text)
                ORDER BY offering, number)
FROM (
    SELECT o.id AS offering, 0 AS id, 0 AS number, o.base_limit AS capacity,
           o.base_taken AS taken, o.base_permits AS permits, o.base_meets AS meets
    FROM unnest(%(held)s::bigint[]) AS held (offering)
    CROSS JOIN LATERAL (SELECT * FROM offerings WHERE id = held.offering OFFSET 0) AS o
    UNION ALL
    SELECT s.offering_id, s.id, s.section_number, s.enrollment_limit, s.taken, s.permits, s.meets
    FROM unnest(%(held)s::bigint[]) AS held (offering)
    CROSS JOIN LATERAL (SELECT * FROM sections WHERE offering_id = held.offering OFFSET 0) AS s
) AS place
"""
_LINE = f"""
SELECT json_build_array(coalesce(({_ATTEMPTS}), '[]'), coalesce(({_PENDING}), '[]'),
                        coalesce(({_OFFERINGS}), '[]'), coalesce(({_PLACES}), '[]'))::text
"""
_LOADED = f"""
SELECT json_build_array(coalesce(({_OFFERINGS}), '[]'), coalesce(({_PLACES}), '[]'))::text
"""


class Pending(NamedTuple):
    """A request read from the queue, with the term that its student's row is kept by."""

    ask: Ask
    term: int


class Offerings(NamedTuple):
    """Offerings as facts, and the ids behind their section numbers."""

    facts: dict[int, OfferingFacts]
    section_ids: dict[tuple[int, int], int]


class Line(NamedTuple):
    """What stands in the lines of the offerings held, and what is known of these."""

    attempts: list[int]
    """Ids of those that touched one of these offerings and have not ended: the locks being ours,
    they were left behind."""
    pending: list[Pending]
    """The lowest of the pending requests, by id, and every CANCEL among them."""
    offerings: Offerings
    """Policy and places; their waitlists are loaded when needed."""


_First: TypeAlias = tuple[int, int, str, int, str, bool, int, int, int, int, int, int, int, int]
"""The first of `OfferingFacts`, up to those that are made of something else."""
_Seats: TypeAlias = list[tuple[int, int, int, int, int, int, str]]
_line = Decoder(tuple[list[int], list[Pending], list[_First], _Seats]).decode
_loaded = Decoder(tuple[list[_First], _Seats]).decode


def read_line(cursor: CursorWrapper, held: Collection[int], limit: int) -> Line:
    """At most `limit` pending requests besides CANCELs; fewer where one of them stands in several
    of the lines."""
    prepared.execute(cursor, _LINE, values={"held": array(held), "limit": limit})
    attempts, pending, offerings, seats = _line(cursor.fetchone()[0])
    return Line(attempts, pending, _offerings(offerings, seats))


def load_offerings(cursor: CursorWrapper, offerings: Collection[int]) -> Offerings:
    """Of them alone, whoever holds them."""
    cursor.execute(_LOADED, {"held": array(offerings)})
    return _offerings(*_loaded(cursor.fetchone()[0]))


def _offerings(offerings: Iterable[_First], seats: _Seats) -> Offerings:
    places: defaultdict[int, list[Place]] = defaultdict(list)
    section_ids: dict[tuple[int, int], int] = {}
    for offering, id_, number, limit, taken, permits, meets in seats:
        places[offering].append(Place(number, limit, taken, permits, parse(meets)))
        if number != BASE:
            section_ids[offering, number] = id_
    facts = {
        first[0]: OfferingFacts(*first, -1, tuple(places[first[0]]), (), False)
        for first in offerings
    }
    return Offerings(facts, section_ids)


_STILL_PENDING = """
SELECT DISTINCT request_id FROM pending
WHERE offering_id = ANY(%s::bigint[]) AND request_id = ANY(%s::bigint[])
"""


def still_pending(
    cursor: CursorWrapper, offerings: Collection[int], requests: Collection[int]
) -> set[int]:
    """Which of these requests are in the line of one of these offerings."""
    cursor.execute(_STILL_PENDING, [array(offerings), array(requests)])
    return {row[0] for row in cursor.fetchall()}


_WAITERS = """
SELECT w.offering_id, w.request_id, w.student_id, coalesce(s.section_number, -1)
FROM unnest(%s::bigint[]) AS held (offering)
CROSS JOIN LATERAL (
    SELECT * FROM waitlist_entries
    WHERE offering_id = held.offering AND state = 'WAITING' OFFSET 0
) AS w
LEFT JOIN LATERAL (
    SELECT section_number FROM sections WHERE id = w.section_id OFFSET 0
) AS s ON true
ORDER BY w.request_id
"""


def load_lines(cursor: CursorWrapper, offerings: Collection[int]) -> dict[int, tuple[Waiter, ...]]:
    """The waitlists of these offerings, in line order."""
    prepared.execute(cursor, _WAITERS, values=[array(offerings)])
    lines: dict[int, list[Waiter]] = {offering: [] for offering in offerings}
    for offering, request, student, pinned in cursor.fetchall():
        lines[offering].append(Waiter(request, student, pinned))
    return {offering: tuple(line) for offering, line in lines.items()}


def may_be_served(asks: Iterable[Ask], offerings: Mapping[int, OfferingFacts]) -> set[int]:
    """Offerings whose waiters some ask may reach: a seat may come free, or a section may open.

    Their students must be locked in the same sorted pass as the requesters: locking them later,
    when the seat is known to be free, is a deadlock waiting for two drops (rule 4).
    """
    reached: set[int] = set()
    for ask in asks:
        for offering in ask.offerings:
            facts = offerings[offering]
            if facts.waiting and (ask.kind not in _ONLY_TAKES or _may_grow(facts)):
                reached.add(offering)
    return reached


_ONLY_TAKES = frozenset({Kind.ENROLL, Kind.BUNDLE, Kind.LEAVE, Kind.CANCEL})


def _may_grow(facts: OfferingFacts) -> bool:
    sections = len(facts.places) - 1
    return facts.auto_create and (facts.max_sections < 0 or sections < facts.max_sections)

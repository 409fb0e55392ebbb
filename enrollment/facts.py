"""Reading what a settlement decides on, under its locks and in its lock order.

Every function is one statement or two, read after the lock it depends on was granted and in a
statement of its own: at READ COMMITTED a statement sees what was committed when it began, so a
statement that both locks and reads may decide on what the previous holder had not yet written
(rule 3). Plans are pinned with `unnest ... CROSS JOIN LATERAL (... OFFSET 0)`: at a term's opening
statistics are stale, and `= ANY(array)` turns into a scan of the whole hot course. What is pinned
like that throughout keeps its plan: for a few requests planning costs more than reading.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db.backends.utils import CursorWrapper
from msgspec.json import decode

from courses.timetable import parse
from registrar import prepared
from registrar.audit.arrays import array

from .vocabulary import (
    BASE,
    Ask,
    Held,
    Kind,
    OfferingFacts,
    Place,
    StudentFacts,
    Waiter,
    Waiting,
)

_LOCK_OFFERINGS = (
    "SELECT id FROM offerings WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE"
)


def lock_offerings(cursor: CursorWrapper, offerings: Collection[int], *, wait: bool) -> list[int]:
    """Lock offerings in the order of their ids; without `wait` those held elsewhere are skipped.

    FOR NO KEY UPDATE, because intake's foreign-key checks take a share lock on the same rows and
    must not wait for a settlement.
    """
    cursor.execute(_LOCK_OFFERINGS + ("" if wait else " SKIP LOCKED"), [array(offerings)])
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
    prepared.execute(cursor, _REACH, [array(offerings)], before=prepared.PIN)
    reached, drawn = cursor.fetchone()
    return Reach(frozenset(reached), drawn)


_PENDING = """
SELECT r.id, r.kind, coalesce(r.student_id, 0), r.offerings, r.body, r.actor,
       coalesce(r.window_id, 0), r.term_id
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
ORDER BY r.id
"""


_KINDS = {kind.value: kind for kind in Kind}


class Pending(NamedTuple):
    """A request read from the queue, with the term that its student's row is kept by."""

    ask: Ask
    term: int


def read_pending(cursor: CursorWrapper, held: Collection[int], limit: int) -> list[Pending]:
    """The lowest pending requests of the offerings held, by id, and every CANCEL among them.

    At most `limit` besides CANCELs; fewer where one of them stands in several of the lines.
    """
    prepared.execute(cursor, _PENDING, {"held": array(held), "limit": limit})
    return [
        Pending(Ask(id_, _KINDS[kind], student, tuple(touched), decode(body), actor, window), term)
        for id_, kind, student, touched, body, actor, window, term in cursor.fetchall()
    ]


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


_OFFERINGS = """
SELECT o.id, o.term_id, c.code, c.credit, o.status, o.auto_create, o.open_threshold,
       o.section_limit, coalesce(o.max_sections, -1), coalesce(o.total_cap, -1), o.total_permits,
       coalesce(o.waitlist_cap, -1), o.waiting, o.next_number,
       o.base_limit, o.base_taken, o.base_permits, o.base_meets::text
FROM unnest(%s::bigint[]) AS held (offering)
CROSS JOIN LATERAL (SELECT * FROM offerings WHERE id = held.offering OFFSET 0) AS o
CROSS JOIN LATERAL (SELECT code, credit FROM courses WHERE id = o.course_id OFFSET 0) AS c
ORDER BY o.id
"""
_PLACES = """
SELECT s.id, s.offering_id, s.section_number, s.enrollment_limit, s.taken, s.permits, s.meets::text
FROM unnest(%s::bigint[]) AS held (offering)
CROSS JOIN LATERAL (SELECT * FROM sections WHERE offering_id = held.offering OFFSET 0) AS s
ORDER BY s.offering_id, s.section_number
"""
_LINE = """
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


class Offerings(NamedTuple):
    """Offerings as facts, and the ids behind their section numbers."""

    facts: dict[int, OfferingFacts]
    section_ids: dict[tuple[int, int], int]


def load_offerings(cursor: CursorWrapper, held: Collection[int]) -> Offerings:
    """Policy and places of the offerings held; their waitlists are loaded when needed."""
    prepared.execute(cursor, _PLACES, [array(held)])
    places: dict[int, list[Place]] = {offering: [] for offering in held}
    section_ids: dict[tuple[int, int], int] = {}
    for id_, offering, number, limit, taken, permits, meets in cursor.fetchall():
        places[offering].append(Place(number, limit, taken, permits, parse(meets)))
        section_ids[offering, number] = id_
    prepared.execute(cursor, _OFFERINGS, [array(held)])
    facts = {}
    for row in cursor.fetchall():
        base_limit, base_taken, base_permits, base_meets = row[14:]
        base = Place(BASE, base_limit, base_taken, base_permits, parse(base_meets))
        seats = (base, *places[row[0]])
        facts[row[0]] = OfferingFacts._make((*row[:14], -1, seats, (), False))
    return Offerings(facts, section_ids)


def load_lines(cursor: CursorWrapper, offerings: Collection[int]) -> dict[int, tuple[Waiter, ...]]:
    """The waitlists of these offerings, in line order."""
    prepared.execute(cursor, _LINE, [array(offerings)])
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


_HOLDERS = """
SELECT e.student_id, e.term_id
FROM enrollments e LEFT JOIN sections s ON s.id = e.section_id
WHERE e.offering_id = %s AND e.active AND coalesce(s.section_number, 0) = %s
"""


def load_holders(cursor: CursorWrapper, asks: Iterable[Ask]) -> set[tuple[int, int]]:
    """Students (with their term) of the sections whose times are to be confirmed."""
    holders: set[tuple[int, int]] = set()
    for ask in asks:
        if ask.kind is Kind.TIMETABLE:
            cursor.execute(_HOLDERS, [ask.body["offering"], ask.body["section"]])
            holders.update(cursor.fetchall())
    return holders


_LOCK_STUDENTS = """
SELECT st.id FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (student, term)
JOIN student_terms st ON st.student_id = wanted.student AND st.term_id = wanted.term
ORDER BY st.id FOR NO KEY UPDATE OF st
"""


def lock_students(cursor: CursorWrapper, students: Collection[tuple[int, int]]) -> None:
    """Lock students' rows of a term, in one sorted pass.

    The offering's lock is not enough: credits and the timetable are shared by all the courses of
    a student, which other settlements may hold (rule 4).
    """
    ids, terms = _columns(students)
    cursor.execute(_LOCK_STUDENTS, [ids, terms])


_STUDENTS = """
SELECT st.student_id, st.term_id, st.credits, st.max_credits
FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (student, term)
CROSS JOIN LATERAL (
    SELECT * FROM student_terms
    WHERE student_id = wanted.student AND term_id = wanted.term OFFSET 0
) AS st
"""
_HELD = """
SELECT e.student_id, e.term_id, e.offering_id, coalesce(s.section_number, 0), e.credits,
       e.meets::text
FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (student, term)
CROSS JOIN LATERAL (
    SELECT * FROM enrollments
    WHERE student_id = wanted.student AND term_id = wanted.term AND active OFFSET 0
) AS e
LEFT JOIN LATERAL (
    SELECT section_number FROM sections WHERE id = e.section_id OFFSET 0
) AS s ON true
ORDER BY e.offering_id
"""
_WAITS = """
SELECT w.student_id, w.term_id, w.offering_id, w.request_id, coalesce(s.section_number, -1)
FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (student, term)
CROSS JOIN LATERAL (
    SELECT * FROM waitlist_entries
    WHERE student_id = wanted.student AND term_id = wanted.term AND state = 'WAITING' OFFSET 0
) AS w
LEFT JOIN LATERAL (
    SELECT section_number FROM sections WHERE id = w.section_id OFFSET 0
) AS s ON true
ORDER BY w.offering_id
"""


def load_students(
    cursor: CursorWrapper, students: Collection[tuple[int, int]]
) -> tuple[StudentFacts, ...]:
    """Load, held seats and waits of students, each in a statement after the lock."""
    ids, terms = _columns(students)
    held: dict[tuple[int, int], list[Held]] = {}
    prepared.execute(cursor, _HELD, [ids, terms])
    for student, term, offering, number, credits, meets in cursor.fetchall():
        held.setdefault((student, term), []).append(Held(offering, number, credits, parse(meets)))
    waits: dict[tuple[int, int], list[Waiting]] = {}
    prepared.execute(cursor, _WAITS, [ids, terms])
    for student, term, offering, request, pinned in cursor.fetchall():
        waits.setdefault((student, term), []).append(Waiting(offering, request, pinned))
    prepared.execute(cursor, _STUDENTS, [ids, terms])
    return tuple(
        StudentFacts(
            student,
            term,
            credits,
            maximum,
            tuple(held.get((student, term), ())),
            tuple(waits.get((student, term), ())),
        )
        for student, term, credits, maximum in cursor.fetchall()
    )


def database_now(cursor: CursorWrapper) -> datetime:
    """The one clock: PostgreSQL's, as it is at this moment."""
    cursor.execute("SELECT clock_timestamp()")
    now: datetime = cursor.fetchone()[0]
    return now


def _columns(students: Collection[tuple[int, int]]) -> tuple[str, str]:
    ordered = sorted(students)
    return array(student for student, _ in ordered), array(term for _, term in ordered)

"""What a student may read about themselves, as plain values."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from courses.timetable import describe, parse
from registrar import prepared
from registrar.audit.arrays import array, text_array

from . import line
from .directory import labels
from .rules import REASONS
from .vocabulary import BASE, STUDENT_KINDS, Kind, Result
from .wording import Told, named_offerings, section, tell

PENDING = "PENDING"
"""The state of a request that has no outcome yet; afterwards its state is the result."""
VISIBLE_KINDS = STUDENT_KINDS | {Kind.PERMIT}
"""A student sees what they asked, and a seat that staff gave them; RECHECK is ours."""
BIGGEST_ID = 2**63 - 1


class Place(NamedTuple):
    """A place on a waitlist, counted from 1, or what became of it."""

    state: str
    position: int | None


class Asked(NamedTuple):
    """A request and what has become of it."""

    id: int
    kind: str
    state: str
    term: str | None
    course: str | None
    """The course wanted; for a cart the first of it."""
    offering: int
    courses: list[str]
    """Every course it touches, the one wanted first."""
    accepted_at: datetime
    position: int | None
    """While it is pending: how many stand before it in line."""
    eta_seconds: int | None
    decided_at: datetime | None
    outcome: Told | None
    waitlist: Place | None
    """The waitlist place that it led to."""


class Target(NamedTuple):
    """What a CANCEL needs to know of the request it is to end."""

    kind: Kind
    term: int
    offerings: tuple[int, ...]


# For the meaning of OFFSET 0 see `registrar.prepared`.
# Of a student's own, which are few, those wanted; then all about each of them.
_REQUESTS = """
SELECT mine.id, r.kind, r.offerings, r.body, r.accepted_at, o.result, o.code, o.facts,
       s.decided_at, ahead.most, w.state, CASE WHEN w.state = 'WAITING' THEN (
           SELECT count(*) FROM (
               SELECT request_id FROM waitlist_entries
               WHERE offering_id = w.offering_id AND state = 'WAITING' OFFSET 0
           ) AS waiting WHERE request_id <= mine.id
       ) END
FROM (
    SELECT id FROM (SELECT id FROM requests WHERE student_id = %(student)s OFFSET 0) AS own
    WHERE id < %(before)s AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s::bigint[]))
    ORDER BY id DESC OFFSET 0
) AS mine
CROSS JOIN LATERAL (
    SELECT * FROM requests WHERE student_id = %(student)s AND id = mine.id OFFSET 0
) AS r
LEFT JOIN LATERAL (SELECT * FROM outcomes WHERE request_id = mine.id OFFSET 0) AS o ON true
LEFT JOIN LATERAL (
    SELECT decided_at FROM settlements WHERE id = o.settlement_id OFFSET 0
) AS s ON true
LEFT JOIN LATERAL (
    SELECT max((SELECT count(*) FROM pending
                WHERE offering_id = touched.offering AND request_id < mine.id)) AS most
    FROM unnest(r.offerings) AS touched (offering)
    WHERE o.result IS NULL AND r.kind <> 'CANCEL'
) AS ahead ON true
LEFT JOIN LATERAL (
    SELECT offering_id, state FROM waitlist_entries
    WHERE request_id = mine.id AND o.result = 'WAITLISTED' OFFSET 0
) AS w ON true
WHERE r.kind = ANY(%(kinds)s) AND (NOT %(pending)s OR o.result IS NULL)
ORDER BY mine.id DESC LIMIT %(limit)s
"""
_KINDS = text_array(sorted(VISIBLE_KINDS))


def request(student: int, request_id: int) -> Asked | None:
    """One request of this student; None when there is none, or it is another's."""
    return next(iter(requests(student, ids=[request_id])), None)


def requests(
    student: int,
    *,
    ids: Collection[int] | None = None,
    pending: bool = False,
    before: int = BIGGEST_ID,
    limit: int | None = None,
) -> list[Asked]:
    """A student's requests, newest first; ids that are not theirs are left out."""
    wanted = {
        "student": student,
        "kinds": _KINDS,
        "ids": None if ids is None else array(id_ for id_ in ids if id_ <= BIGGEST_ID),
        "pending": pending,
        "before": before,
        "limit": limit,
    }
    return _asked(prepared.fetch(_REQUESTS, values=wanted))


def target(student: int, request_id: int) -> Target | None:
    """The request of this student that a CANCEL is to end."""
    if request_id > BIGGEST_ID:
        return None
    rows = _fetch(_TARGET, [student, _KINDS, request_id])
    return Target(Kind(rows[0][0]), rows[0][1], tuple(rows[0][2])) if rows else None


_TARGET = """
SELECT kind, term_id, offerings FROM requests
WHERE student_id = %s AND kind = ANY(%s) AND id = %s
"""


class SentWith(NamedTuple):
    """A key as an actor sent it, for what was sent with keys that begin so."""

    actor: str
    prefix: str


def sent_with(asked: Collection[SentWith]) -> dict[SentWith, list[tuple[int, str]]]:
    """(request, kind) of what was sent with each of these, oldest first."""
    found: dict[SentWith, list[tuple[int, str]]] = {each: [] for each in asked}
    values = [text_array(each.actor for each in found), text_array(each.prefix for each in found)]
    for actor, prefix, id_, kind in prepared.fetch(_SENT, values=values) if found else ():
        found[SentWith(actor, prefix)].append((id_, kind))
    return found


# For the meaning of OFFSET 0 see `registrar.prepared`.
_SENT = """
SELECT asked.actor, asked.prefix, sent.id, sent.kind
FROM unnest(%s::text[], %s::text[]) AS asked (actor, prefix)
CROSS JOIN LATERAL (
    SELECT id, kind, key FROM requests WHERE actor = asked.actor OFFSET 0
) AS sent
WHERE starts_with(sent.key, asked.prefix) ORDER BY sent.id
"""


def _asked(rows: Sequence[Sequence[Any]]) -> list[Asked]:
    facts = {row[0]: json.loads(row[7]) if row[7] else {} for row in rows}
    named = {offering for row in rows for offering in row[2]}
    listed = labels(named.union(*map(named_offerings, facts.values())))
    codes = {offering: each.code for offering, each in listed.items()}
    made = []
    for id_, kind, offerings, body, accepted_at, result, code, _, decided_at, ahead, *place in rows:
        courses = in_order(Kind(kind), offerings, json.loads(body))
        outcome = None
        if result:
            outcome = tell(Kind(kind), Result(result), code, facts[id_], courses, codes)
        term = listed[courses[0]].term_code if courses[0] in listed else None
        made.append(
            Asked(
                id_,
                kind,
                result or PENDING,
                term,
                codes.get(courses[0]),
                courses[0],
                [codes[offering] for offering in courses if offering in codes],
                accepted_at,
                None if result else ahead or 0,
                None if result else line.eta(),
                decided_at,
                outcome,
                Place(*place) if place[0] else None,
            )
        )
    return made


def in_order(kind: Kind, offerings: Sequence[int], body: dict[str, Any]) -> tuple[int, ...]:
    """The offerings a request touches, as its sender would name them: the wanted one first."""
    if kind is Kind.BUNDLE:
        return tuple(body["offerings"])
    if kind is Kind.SWAP:
        return (body["offering"], body["give"])
    return tuple(offerings)


# What a student holds -----------------------------------------------------------------------


class HeldSeat(NamedTuple):
    """A seat in a course."""

    offering: int
    course: int
    code: str
    name: str
    term: str
    credits: int
    section: str | None
    meets: str
    request: int | None


class WaitPlace(NamedTuple):
    """A place in an offering's line, counted from 1."""

    request: int
    offering: int
    code: str
    name: str
    term: str
    section: str | None
    """The section waited for; none where any will do."""
    position: int
    waiting: int
    passed_over: Told | None
    """Why a seat that came free went to somebody behind."""


class WindowSeen(NamedTuple):
    """A window that admits the student."""

    id: int
    name: str
    term: str
    opens_at: datetime
    closes_at: datetime
    actions: list[str]
    state: str


_SEATS = """
SELECT e.offering_id, c.id, c.code, c.name, t.code, e.credits, s.section_number,
       e.meets::text, e.request_id
FROM (SELECT term_id FROM student_terms WHERE student_id = %(student)s OFFSET 0) AS here
CROSS JOIN LATERAL (
    SELECT * FROM enrollments
    WHERE term_id = here.term_id AND student_id = %(student)s AND active OFFSET 0
) AS e
CROSS JOIN LATERAL (SELECT course_id FROM offerings WHERE id = e.offering_id OFFSET 0) AS o
CROSS JOIN LATERAL (SELECT id, code, name FROM courses WHERE id = o.course_id OFFSET 0) AS c
CROSS JOIN LATERAL (SELECT code, year FROM terms WHERE id = e.term_id OFFSET 0) AS t
LEFT JOIN LATERAL (
    SELECT section_number FROM sections WHERE id = e.section_id OFFSET 0
) AS s ON true
ORDER BY t.year DESC, t.code, c.code
"""
_PLACES = """
SELECT w.request_id, w.offering_id, c.code, c.name, t.code, s.code,
       (SELECT count(*) FROM (
            SELECT request_id FROM waitlist_entries
            WHERE offering_id = w.offering_id AND state = 'WAITING' OFFSET 0
        ) AS ahead WHERE request_id <= w.request_id),
       o.waiting, w.passed_over
FROM (
    SELECT * FROM waitlist_entries WHERE student_id = %s AND state = 'WAITING' OFFSET 0
) AS w
CROSS JOIN LATERAL (
    SELECT course_id, waiting FROM offerings WHERE id = w.offering_id OFFSET 0
) AS o
CROSS JOIN LATERAL (SELECT code, name FROM courses WHERE id = o.course_id OFFSET 0) AS c
CROSS JOIN LATERAL (SELECT code FROM terms WHERE id = w.term_id OFFSET 0) AS t
LEFT JOIN LATERAL (SELECT code FROM sections WHERE id = w.section_id OFFSET 0) AS s ON true
ORDER BY w.request_id
"""
_WINDOWS = """
SELECT w.id, w.name, t.code, w.opens_at, w.closes_at, w.actions,
       CASE WHEN now() < w.opens_at THEN 'COMING' WHEN now() < w.closes_at THEN 'OPEN'
            ELSE 'CLOSED' END
FROM windows w JOIN terms t ON t.id = w.term_id
WHERE w.cohorts = '{}' OR %s = ANY(w.cohorts)
ORDER BY w.opens_at DESC, w.id DESC LIMIT 100
"""


def seats(student: int) -> list[HeldSeat]:
    """The courses a student is enrolled in, the latest term first."""
    held = []
    for *named, number, meets, request_id in prepared.fetch(_SEATS, values={"student": student}):
        where = (section(named[2], number or BASE), describe(parse(meets)), request_id)
        held.append(HeldSeat._make((*named, *where)))
    return held


def places(student: int) -> list[WaitPlace]:
    """Where a student waits, in the order they began to."""
    return [
        WaitPlace._make((*row, _passed_over(passed_over)))
        for *row, passed_over in prepared.fetch(_PLACES, values=[student])
    ]


def _passed_over(code: str) -> Told | None:
    why = REASONS.get(code)
    return Told(code, why.sentence, why.remedy, {}) if why else None


def windows(cohort: str) -> list[WindowSeen]:
    """The windows that admit a cohort, the latest first."""
    return [WindowSeen(*row) for row in _fetch(_WINDOWS, [cohort])]


def _fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

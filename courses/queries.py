"""The catalogue as a student who fills a cart reads it: what is offered, when, and what is left."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from registrar.audit.arrays import array

from .models import Offering
from .timetable import DAY_NAMES, describe, parse


class TermSeen(NamedTuple):
    """An academic term."""

    id: int
    code: str
    year: int
    semester_type: str
    credit_maximum: int
    offerings: int


class Seats(NamedTuple):
    """Seats that fill together. `free` is what an automatic path would still give."""

    limit: int
    taken: int
    free: int


class OfferingSeen(NamedTuple):
    """What a list shows of an offering."""

    id: int
    term: str
    course: int
    code: str
    name: str
    version: str
    credits: int
    status: str
    seats: Seats
    """Of all its places together, within the cap on the whole."""
    waiting: int
    sections: int
    meets: str
    """When the course itself meets; sections have their own times."""


class MeetingSeen(NamedTuple):
    """One weekly meeting."""

    day: str
    start: str
    end: str
    room: str


class SectionSeen(NamedTuple):
    """A section of an offering."""

    number: int
    code: str
    seats: Seats
    meets: str
    meetings: list[MeetingSeen]
    instructor: str | None
    needs_assignment: bool


class OfferingDetail(NamedTuple):
    """Everything a student may want to know before asking for a seat."""

    offering: OfferingSeen
    syllabus: str
    prerequisites: list[str]
    base: Seats
    meetings: list[MeetingSeen]
    sections: list[SectionSeen]
    policy: list[str]


_TERMS = """
SELECT t.id, t.code, t.year, t.semester_type, t.credit_maximum,
       (SELECT count(*) FROM offerings WHERE term_id = t.id)
FROM terms t ORDER BY t.year DESC, t.code
"""
_OFFERINGS = """
SELECT o.id, t.code, c.id, c.code, c.name, c.version::text, c.credit, o.status,
       o.base_limit + places.seats, o.taken,
       greatest(0, least(greatest(0, o.base_limit::int - o.base_taken::int) + places.free,
                         coalesce(o.total_cap::int - o.taken::int, 2147483647))),
       o.waiting, places.count, o.base_meets::text
FROM unnest(%s::bigint[]) WITH ORDINALITY AS wanted (id, place)
JOIN offerings o ON o.id = wanted.id
JOIN courses c ON c.id = o.course_id
JOIN terms t ON t.id = o.term_id
CROSS JOIN LATERAL (
    SELECT count(*), coalesce(sum(enrollment_limit), 0)::int AS seats,
           coalesce(sum(greatest(0, enrollment_limit::int - taken::int)), 0)::int AS free
    FROM sections WHERE offering_id = o.id
) AS places
ORDER BY wanted.place
"""
_SECTIONS = """
SELECT s.id, s.section_number, s.code, s.enrollment_limit, s.taken, s.meets::text,
       coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username),
       s.needs_assignment
FROM sections s LEFT JOIN users u ON u.id = s.instructor_id
WHERE s.offering_id = %s ORDER BY s.section_number
"""
_MEETINGS = """
SELECT coalesce(section_id, 0), day, start, "end", room FROM meetings
WHERE offering_id = %s ORDER BY section_id, day, start
"""
_PREREQUISITES = """
SELECT n.code FROM course_prerequisites p JOIN courses n ON n.id = p.to_course_id
WHERE p.from_course_id = %s ORDER BY n.code
"""


def terms() -> list[TermSeen]:
    """Every term, the latest first."""
    return [TermSeen(*row) for row in _fetch(_TERMS, [])]


def offerings(ids: Sequence[int]) -> list[OfferingSeen]:
    """These offerings, in this order."""
    seen = []
    for *named, limit, taken, free, waiting, sections, meets in _fetch(_OFFERINGS, [array(ids)]):
        rest = (Seats(limit, taken, free), waiting, sections, describe(parse(meets)))
        seen.append(OfferingSeen._make((*named, *rest)))
    return seen


def offering(id_: int) -> OfferingDetail | None:
    """One offering with its sections and its seat policy in words; None when there is none."""
    found = Offering.objects.select_related("course").filter(pk=id_).first()
    if found is None:
        return None
    [seen] = offerings([id_])
    meetings = _meetings(id_)
    return OfferingDetail(
        seen,
        found.course.syllabus,
        [row[0] for row in _fetch(_PREREQUISITES, [found.course_id])],
        _seats(found.base_limit, found.base_taken),
        meetings.get(0, []),
        _sections(id_, meetings),
        policy(found),
    )


def policy(offering: Offering) -> list[str]:
    """The seat policy, a sentence for each thing that a student may run into."""
    said = []
    if offering.base_limit:
        seats = _count(offering.base_limit, "seat")
        said.append(f"The course itself has {seats}; they fill first.")
    if offering.auto_create:
        said.append(_growth(offering))
    else:
        said.append("No sections are opened automatically.")
    if offering.total_cap is not None:
        said.append(f"No more than {_count(offering.total_cap, 'student')} in all.")
    if offering.waitlist_cap is None:
        said.append("When it is full there is a waitlist, served in the order of requests.")
    elif offering.waitlist_cap:
        said.append(f"When it is full the waitlist takes {_count(offering.waitlist_cap, 'name')}.")
    else:
        said.append("There is no waitlist.")
    return said


def _growth(offering: Offering) -> str:
    needed = "when a student asks and every seat is taken"
    if offering.open_threshold > 1:
        needed = f"when {offering.open_threshold} students wait for a seat"
    most = "" if offering.max_sections is None else f", {offering.max_sections} at the most"
    return f"A new section of {_count(offering.section_limit, 'seat')} opens {needed}{most}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _seats(limit: int, taken: int) -> Seats:
    return Seats(limit, taken, max(0, limit - taken))


def _sections(offering: int, meetings: dict[int, list[MeetingSeen]]) -> list[SectionSeen]:
    return [
        SectionSeen(
            number,
            code,
            _seats(limit, taken),
            describe(parse(meets)),
            meetings.get(id_, []),
            instructor,
            needs_assignment,
        )
        for id_, number, code, limit, taken, meets, instructor, needs_assignment in _fetch(
            _SECTIONS, [offering]
        )
    ]


def _meetings(offering: int) -> dict[int, list[MeetingSeen]]:
    """The meetings of each section, and under 0 those of the course itself."""
    found: dict[int, list[MeetingSeen]] = {}
    for section, day, start, end, room in _fetch(_MEETINGS, [offering]):
        meeting = MeetingSeen(DAY_NAMES[day], _clock(start), _clock(end), room)
        found.setdefault(section, []).append(meeting)
    return found


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

"""The catalogue as it is read: what is offered, when, what is left; and all of one course."""

from collections.abc import Sequence
from datetime import datetime
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


class NeededSeen(NamedTuple):
    """A course that another needs before it."""

    id: int
    code: str
    name: str


class SlotSeen(NamedTuple):
    """A slot that a course may be taken in, and where that slot is."""

    id: int
    name: str
    type: str
    semester: int
    curriculum_id: int
    curriculum: str
    programme_id: int
    programme: str


class CourseDetail(NamedTuple):
    """All of one version of a course, and what it belongs to."""

    id: int
    lineage: str
    revision: int
    code: str
    name: str
    version: str
    bump_type: str
    state: str
    latest_version: bool
    working_course: bool
    created_at: datetime
    credit: int
    max_seats: int
    lecture_hours: int | None
    tutorial_hours: int | None
    pratical_hours: int | None
    discussion_hours: int | None
    project_hours: int | None
    percent_quiz_1: int
    percent_midsem: int
    percent_quiz_2: int
    percent_endsem: int
    percent_project: int
    percent_lab_evaluation: int
    percent_course_attendance: int
    pre_requisits: str | None
    syllabus: str
    ref_books: str
    department: str | None
    disciplines: list[str]
    prerequisites: list[NeededSeen]
    slots: list[SlotSeen]


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
_NEEDED = """
SELECT n.id, n.code, n.name FROM course_prerequisites p JOIN courses n ON n.id = p.to_course_id
WHERE p.from_course_id = %s ORDER BY n.code, n.id
"""
_OF_COURSE = """
SELECT d.name FROM courses_disciplines m JOIN disciplines d ON d.id = m.discipline_id
WHERE m.course_id = %s ORDER BY d.name
"""
_SLOTS = """
SELECT s.id, s.name, s.type, at.semester_no, c.id, concat(c.name, ' v', c.version),
       p.id, concat(p.name, ' (', p.category, ')')
FROM course_slot_courses taken
JOIN course_slots s ON s.id = taken.slot_id
JOIN curriculum_semesters at ON at.id = s.semester_id
JOIN curricula c ON c.id = at.curriculum_id
JOIN programmes p ON p.id = c.programme_id
WHERE taken.course_id = %s
ORDER BY p.category, p.name, c.name, c.version DESC, at.semester_no, s.name, s.id
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


_COLUMNS = (
    f"c.{name}::text" if name in ("lineage", "version") else f"c.{name}"
    for name in CourseDetail._fields[:-4]
)
_COURSE = f"""
SELECT {", ".join(_COLUMNS)}, d.code
FROM courses c LEFT JOIN departments d ON d.id = c.department_id WHERE c.id = %s
"""


def course_detail(course_id: int) -> CourseDetail | None:
    """One version of a course up to the programmes it is taken in; None when there is none.

    Four queries, however much belongs to it (S1-106).
    """
    for row in _fetch(_COURSE, [course_id]):
        disciplines = [name for (name,) in _fetch(_OF_COURSE, [course_id])]
        needed = [NeededSeen(*course) for course in _fetch(_NEEDED, [course_id])]
        slots = [SlotSeen(*slot) for slot in _fetch(_SLOTS, [course_id])]
        return CourseDetail._make((*row, disciplines, needed, slots))
    return None


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

"""Who teaches what, how much that is, and what it was in earlier years (S1-23, S1-95).

A load is the weekly contact hours of what somebody teaches in a semester (S1-9): hours of the
course, times the sections of it that name them (one group where none does), times their share.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.audit.access import record_reading
from registrar.audit.log import note

from .models import Course, CourseInstructor, Section
from .models.teaching import CurrentYear
from .refusal import Refused, not_so
from .versioning import HOURS
from .workload import contact_hours

TEACHES = frozenset({Role.FACULTY, Role.DEPARTMENT_HEAD})
WHOLE = 100
"""Percent: somebody who carries a course alone."""


class Taught(NamedTuple):
    """One course in somebody's semester. `share` is in percent, `hours` are theirs a week."""

    course: int
    code: str
    name: str
    version: str
    contact_hours: int
    share: int
    sections: list[str]
    hours: Decimal


class TermLoad(NamedTuple):
    """Somebody's semester; `hours` a week of all courses together."""

    instructor: int
    name: str
    year: int
    semester_type: str
    hours: Decimal
    courses: list[Taught]


class TeamMember(NamedTuple):
    """Who teaches a course in a semester, and how much of it, in percent."""

    id: int
    course: int
    code: str
    version: str
    instructor: int
    name: str
    year: int
    semester_type: str
    share: int
    team_share: int
    """Of the whole team; not 100 where somebody is named for too much or too little."""


def weekly_hours(contact: int, groups: int, share: int) -> Decimal:
    """Hours a week that one person carries, exact to a hundredth."""
    return (Decimal(contact * max(1, groups) * share) / WHOLE).quantize(Decimal("0.01"))


# What is read -------------------------------------------------------------------------------


def loads(
    *, instructor: int | None = None, year: int | None = None, semester_type: str = ""
) -> list[TermLoad]:
    """Loads by semester, the latest year first, then by name; what is not given is not asked.

    Three queries, however much is taught.
    """
    named, sections = Q(), Q(instructor__isnull=False)
    if instructor is not None:
        named, sections = named & Q(instructor=instructor), sections & Q(instructor=instructor)
    if year is not None:
        named, sections = named & Q(year=year), sections & Q(term__year=year)
    if semester_type:
        named &= Q(semester_type=semester_type)
        sections &= Q(term__semester_type=semester_type)
    shares = _shares(named)
    groups = _groups(sections)
    return _loads(shares, groups)


def watch(found: Iterable[TermLoad], reader: User, route: str, now: datetime) -> None:
    """Who looks at the work loads of others stands in the access log (S1-104).

    To be called before they are shown.
    """
    others = [f"user:{each.instructor}" for each in found if each.instructor != reader.pk]
    if others:
        record_reading(actor=reader.actor, what="courses.load", whose=others, route=route, at=now)


def team(wanted: Q) -> list[TeamMember]:
    """Who teaches, the latest year first; two queries."""
    rows = list(
        CourseInstructor.objects.filter(wanted)
        .select_related("course", "instructor")
        .order_by("-year", "semester_type", "course__code", "pk")
    )
    totals: dict[tuple[int, int, str], int] = defaultdict(int)
    mates = CourseInstructor.objects.filter(course__in={row.course_id for row in rows})
    for course, year, semester, share in mates.values_list(
        "course", "year", "semester_type", "share"
    ):
        totals[course, year, semester] += share
    return [
        TeamMember(
            row.pk,
            row.course_id,
            row.course.code,
            str(row.course.version),
            row.instructor_id,
            row.instructor.called,
            row.year,
            row.semester_type,
            row.share,
            totals[row.course_id, row.year, row.semester_type],
        )
        for row in rows
    ]


_Key = tuple[int, int, str, UUID]
"""Somebody's course in a semester, whichever version of it."""


def _shares(wanted: Q) -> dict[_Key, tuple[int, int]]:
    """The course version and the share that they are named for."""
    rows = CourseInstructor.objects.filter(wanted).order_by("course__revision")
    return {
        (who, year, semester, lineage): (course, share)
        for who, year, semester, lineage, course, share in rows.values_list(
            "instructor", "year", "semester_type", "course__lineage", "course", "share"
        )
    }


def _groups(wanted: Q) -> dict[_Key, list[tuple[int, str]]]:
    """The sections that name them: course version and the section's code."""
    found: dict[_Key, list[tuple[int, str]]] = defaultdict(list)
    rows = Section.objects.filter(wanted).order_by("code")
    for who, year, semester, lineage, course, code in rows.values_list(
        "instructor", "term__year", "term__semester_type", "course__lineage", "course", "code"
    ):
        found[who or 0, year, semester, lineage].append((course, code))
    return found


def _loads(
    shares: Mapping[_Key, tuple[int, int]], groups: Mapping[_Key, list[tuple[int, str]]]
) -> list[TermLoad]:
    keys = shares.keys() | groups.keys()
    courses = Course.objects.in_bulk(
        {course for course, _ in shares.values()}
        | {course for found in groups.values() for course, _ in found}
    )
    people = User.objects.in_bulk({key[0] for key in keys})
    terms: dict[tuple[int, int, str], list[Taught]] = defaultdict(list)
    for key in keys:
        found = groups.get(key, [])
        # A section that names somebody who is not named for the course is theirs alone.
        course, share = shares[key] if key in shares else (found[-1][0], WHOLE)
        terms[key[:3]].append(_taught(courses[course], share, [code for _, code in found]))
    made = [
        TermLoad(who, people[who].called, year, semester, _sum(taught), _by_code(taught))
        for (who, year, semester), taught in terms.items()
    ]
    return sorted(made, key=lambda load: (-load.year, load.semester_type, load.name, load[0]))


def _taught(course: Course, share: int, sections: list[str]) -> Taught:
    contact = contact_hours({name: getattr(course, name) for name in HOURS})
    hours = weekly_hours(contact, len(sections), share)
    return Taught(
        *(course.pk, course.code, course.name, str(course.version)),
        *(contact, share, sections, hours),
    )


def _sum(taught: Iterable[Taught]) -> Decimal:
    return sum((each.hours for each in taught), Decimal("0.00"))


def _by_code(taught: Iterable[Taught]) -> list[Taught]:
    return sorted(taught, key=lambda each: (each.code, each.course))


# What is written ----------------------------------------------------------------------------


@transaction.atomic
def assign(
    *,
    course: int,
    instructor: int,
    semester_type: str,
    actor: str,
    now: datetime,
    year: int | None = None,
    share: int = WHOLE,
) -> int:
    """Name somebody for a course in a semester, beside whoever is named already.

    Without a `year` it is the database's current one. Raises Refused for who is not of the
    faculty, for what is no percentage, and for who is named already: then the share is what
    changes.
    """
    if not User.objects.filter(pk=instructor, is_active=True, groups__name__in=TEACHES).exists():
        raise not_so("instructor", "They are not of the faculty.")
    _check_share(share)
    _hold(course)
    named = CourseInstructor(
        course_id=course, instructor_id=instructor, semester_type=semester_type, share=share
    )
    if year is not None:
        named.year = year
    when: int | CurrentYear = CurrentYear() if year is None else year
    same = Q(course=course, instructor=instructor, semester_type=semester_type, year=when)
    if CourseInstructor.objects.filter(same).exists():
        raise not_so("instructor", "They are named for this course and semester already.")
    named.save()
    facts = {"instructor": instructor, "year": named.year, "semester_type": semester_type}
    note(f"teaching:{course}", "instructor_named", actor, now, **facts, share=share)
    return named.pk


@transaction.atomic
def change_share(*, assignment: int, share: int, actor: str, now: datetime) -> int:
    """How much of a course somebody carries; 0 for who does not teach it after all."""
    named = CourseInstructor.objects.filter(pk=assignment).first()
    if named is None:
        raise Refused("NOT_FOUND", "Nobody is named by that.", "Look at it again.")
    _check_share(share)
    _hold(named.course_id)
    named.refresh_from_db()
    CourseInstructor.objects.filter(pk=assignment).update(share=share)
    facts: dict[str, Any] = {"instructor": named.instructor_id, "year": named.year}
    facts |= {"before": named.share, "semester_type": named.semester_type, "after": share}
    note(f"teaching:{named.course_id}", "share_changed", actor, now, **facts)
    return assignment


def _check_share(share: int) -> None:
    if not 0 <= share <= WHOLE:
        raise not_so("share", f"A share is 0 to {WHOLE} percent.")


def _hold(course: int) -> None:
    """One writer at a time of who teaches a course, and of that stream."""
    if not Course.objects.select_for_update(no_key=True).filter(pk=course).exists():
        raise not_so("course", "There is no such course.")

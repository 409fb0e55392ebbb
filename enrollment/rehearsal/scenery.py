"""What a rehearsal plays on: a term of its own, written in bulk and in one transaction.

It adds and never changes: other terms, their students and their windows are left alone. Courses
are shared by their code, so that a second rehearsal offers the same ones in a new term.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db import connection, transaction

from courses.models import (
    Course,
    Meeting,
    Offering,
    Section,
    SemesterType,
    Term,
    section_code,
    with_code,
)
from courses.timetable import MINUTES_PER_DAY, Meets
from courses.versioning import normal_code
from enrollment.models import CartItem, Student
from registrar.accounts.models import User
from registrar.accounts.tokens import make_tokens

from .university import CoursePlan

AT_ONCE = 2000
_PREFIX = "R-"


class Person(NamedTuple):
    """A student to be."""

    number: str
    cohort: str
    first: str = ""
    last: str = ""


class Scene(NamedTuple):
    """What is wanted, as values."""

    courses: Sequence[CoursePlan]
    people: Iterable[Person]
    credit_maximum: int
    tokens: bool
    """Whether the students sign in: each gets a user and a token of their own."""
    carts: Mapping[int, Sequence[int]] = {}


class Stage(NamedTuple):
    """What was written. Courses and students are in the order they were wanted."""

    term: int
    code: str
    courses: list[int]
    offerings: list[int]
    students: list[int]
    tokens: list[str]
    cohorts: list[str]


class Occupied(Exception):
    """Something in the database stands in the way; the text is one line that says what to do."""


def build(scene: Scene, now: datetime) -> Stage:
    """Write the scene, all of it or nothing. Raises Occupied."""
    with transaction.atomic():
        term = _make_term(scene, now)
        courses = _make_courses(scene.courses)
        _refuse_when_open_elsewhere(courses)
        offerings = _make_offerings(scene.courses, courses, term)
        students, tokens, cohorts = _make_people(scene, term.code)
        _fill_carts(scene.carts, students, offerings)
    with connection.cursor() as cursor:
        # The planner knows none of this yet, and the first second of a rush is a bad time to learn.
        cursor.execute("ANALYZE")
    return Stage(
        term.pk,
        term.code,
        [course.pk for course in courses],
        [offering.pk for offering in offerings],
        students,
        tokens,
        cohorts,
    )


def _make_term(scene: Scene, now: datetime) -> Term:
    code = f"{_PREFIX}{now:%Y%m%d-%H%M%S}"
    if Term.objects.filter(code=code).exists():
        raise Occupied(f"a rehearsal began this very second (term {code}); start again")
    return Term.objects.create(
        code=code,
        year=now.year,
        semester_type=SemesterType.ODD if now.month > 6 else SemesterType.EVEN,
        credit_maximum=scene.credit_maximum,
    )


# Courses ----------------------------------------------------------------------------------


def _make_courses(plans: Sequence[CoursePlan]) -> list[Course]:
    """The latest version of each course by its code, made where there is none."""
    had = with_code(Course.latest, *{plan.code for plan in plans})
    known = {normal_code(course.code): course for course in had}
    fresh = [
        Course(
            code=plan.code,
            name=plan.name,
            credit=plan.credits,
            syllabus="Made for a rehearsal.",
            ref_books="None.",
            max_seats=plan.base_limit or plan.section_limit,
        )
        for plan in plans
        if normal_code(plan.code) not in known
    ]
    for course in Course.objects.bulk_create(fresh, batch_size=AT_ONCE):
        known[normal_code(course.code)] = course
    return [known[normal_code(plan.code)] for plan in plans]


_OPEN_ELSEWHERE = """
SELECT c.code, t.code
FROM windows w JOIN terms t ON t.id = w.term_id JOIN offerings o ON o.term_id = t.id
JOIN courses c ON c.id = o.course_id
WHERE w.cohorts = '{}' AND w.closes_at > clock_timestamp() AND c.id = ANY(%s)
LIMIT 1
"""


def _refuse_when_open_elsewhere(courses: Sequence[Course]) -> None:
    """Our students could get into a window that admits everybody, and take real seats there."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_ELSEWHERE, [[course.pk for course in courses]])
        found = cursor.fetchone()
    if found:
        raise Occupied(
            f"{found[0]} is open to every student in term {found[1]}, now or soon; rehearse when "
            f"that window is closed, or name its cohorts"
        )


def _make_offerings(
    plans: Sequence[CoursePlan], courses: Sequence[Course], term: Term
) -> list[Offering]:
    offerings = Offering.objects.bulk_create(
        [
            Offering(
                course=course,
                term=term,
                base_limit=plan.base_limit,
                base_meets=plan.meets if plan.base_limit else (),
                auto_create=plan.auto_create,
                open_threshold=plan.open_threshold,
                section_limit=plan.section_limit,
                max_sections=_limit(plan.max_sections),
                waitlist_cap=_limit(plan.waitlist_cap),
                next_number=len(plan.sections) + 1,
            )
            for plan, course in zip(plans, courses, strict=True)
        ],
        batch_size=AT_ONCE,
    )
    meetings: list[Meeting] = []
    for plan, offering in zip(plans, offerings, strict=True):
        if plan.base_limit:
            meetings += _meetings(offering, None, plan.meets)
        for section in _make_sections(plan, offering):
            meetings += _meetings(offering, section, section.meets)
    Meeting.objects.bulk_create(meetings, batch_size=AT_ONCE)
    return offerings


def _make_sections(plan: CoursePlan, offering: Offering) -> list[Section]:
    return Section.objects.bulk_create(
        [
            Section(
                offering=offering,
                course=offering.course,
                term=offering.term,
                section_number=number,
                code=section_code(offering.course.code, number),
                enrollment_limit=section.limit,
                meets=section.meets,
            )
            for number, section in enumerate(plan.sections, start=1)
        ]
    )


def _meetings(offering: Offering, section: Section | None, meets: Meets) -> Iterator[Meeting]:
    for start, end in meets:
        day, minute = divmod(start, MINUTES_PER_DAY)
        yield Meeting(
            offering=offering, section=section, day=day, start=minute, end=minute + end - start
        )


def _limit(value: int) -> int | None:
    return None if value < 0 else value


# Students ---------------------------------------------------------------------------------


def _make_people(scene: Scene, term: str) -> tuple[list[int], list[str], list[str]]:
    """The students' ids, their tokens, and the cohorts they are in."""
    students: list[int] = []
    tokens: list[str] = []
    cohorts: dict[str, None] = {}
    people = iter(scene.people)
    while batch := list(islice(people, AT_ONCE)):
        users = _make_users(batch, term) if scene.tokens else [None] * len(batch)
        made = Student.objects.bulk_create(
            Student(
                user=user, number=f"{term}-{person.number}", cohort=_cohort(term, person.cohort)
            )
            for user, person in zip(users, batch, strict=True)
        )
        students += [student.pk for student in made]
        cohorts |= dict.fromkeys(student.cohort for student in made)
        tokens += make_tokens([user for user in users if user])
    return students, tokens, sorted(cohorts)


def _make_users(batch: Sequence[Person], term: str) -> list[User]:
    return User.objects.bulk_create(
        User(
            username=f"{term}-{person.number}".lower(),
            first_name=person.first,
            last_name=person.last,
            # No password matches this: they sign in by token.
            password="!",
        )
        for person in batch
    )


def _cohort(term: str, cohort: str) -> str:
    """Cohorts of the term alone: no other term's window admits them, and ours nobody else."""
    return f"{term} {cohort}".strip()


def _fill_carts(
    carts: Mapping[int, Sequence[int]], students: Sequence[int], offerings: Sequence[Offering]
) -> None:
    CartItem.objects.bulk_create(
        [
            CartItem(student_id=students[student], offering=offerings[course])
            for student, courses in carts.items()
            for course in courses
        ],
        batch_size=AT_ONCE,
    )

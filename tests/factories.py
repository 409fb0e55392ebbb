"""Makers of what tests need: explicit arguments, everything else plain and valid."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from courses.models import Course, Offering, Section, SemesterType, Term, section_code
from courses.timetable import Meets
from enrollment.models import Student, StudentTerm, Window
from enrollment.requests import Accepted, Answer, Submission, submit_now
from enrollment.vocabulary import Kind
from registrar.accounts.models import User

_serial = count(1)


def make_term(code: str = "", credit_maximum: int = 24) -> Term:
    return Term.objects.create(
        code=code or f"T{next(_serial)}",
        year=2026,
        semester_type=SemesterType.ODD,
        credit_maximum=credit_maximum,
    )


def make_course(code: str = "", credit: int = 3, **fields: Any) -> Course:
    code = code or f"C{next(_serial)}"
    return Course.objects.create(
        code=code,
        name=fields.pop("name", f"Course {code}"),
        credit=credit,
        syllabus="As announced.",
        ref_books="None.",
        **fields,
    )


def make_offering(
    term: Term, *, code: str = "", credit: int = 3, base_limit: int = 2, **policy: Any
) -> Offering:
    """An offering; without `auto_create` given, it opens no sections."""
    meets: Meets = policy.pop("base_meets", ())
    return Offering.objects.create(
        course=make_course(code, credit),
        term=term,
        base_limit=base_limit,
        base_meets=meets,
        auto_create=policy.pop("auto_create", False),
        section_limit=policy.pop("section_limit", base_limit),
        **policy,
    )


def make_section(offering: Offering, limit: int, meets: Meets = ()) -> Section:
    number = offering.next_number
    Offering.objects.filter(pk=offering.pk).update(next_number=number + 1)
    offering.refresh_from_db()
    return Section.objects.create(
        offering=offering,
        course=offering.course,
        term=offering.term,
        section_number=number,
        code=section_code(offering.course.code, number),
        enrollment_limit=limit,
        meets=meets,
    )


def make_user(name: str = "", **fields: Any) -> User:
    return User.objects.create(username=name or f"user{next(_serial)}", **fields)


def make_student(term: Term | None = None, *, maximum: int = 24, cohort: str = "") -> Student:
    number = f"S{next(_serial):06d}"
    student = Student.objects.create(number=number, cohort=cohort, user=make_user(number.lower()))
    if term is not None:
        StudentTerm.objects.create(student=student, term=term, max_credits=maximum)
    return student


def open_window(term: Term, **fields: Any) -> Window:
    now = timezone.now()
    return Window.objects.create(
        term=term,
        name=fields.pop("name", "Registration"),
        opens_at=fields.pop("opens_at", now - timedelta(hours=1)),
        closes_at=fields.pop("closes_at", now + timedelta(hours=1)),
        **fields,
    )


def ask(
    kind: Kind,
    student: Student | None,
    *offerings: Offering,
    key: str = "",
    **body: Any,
) -> Submission:
    """A submission of this kind; the first offering is the one wanted."""
    if kind is Kind.BUNDLE:
        body["offerings"] = [offering.pk for offering in offerings]
    elif kind is not Kind.CANCEL:
        body["offering"] = offerings[0].pk
    if kind is Kind.SWAP:
        body["give"] = offerings[1].pk
    if kind in (Kind.LIMIT, Kind.PERMIT, Kind.PAUSE):
        body.setdefault("reason", "because the test says so")
    actor = f"student:{student.pk}" if student else "user:1"
    touched = tuple(sorted({offering.pk for offering in offerings}))
    return Submission(
        kind, actor, student.pk if student else None, offerings[0].term_id, touched, body, key
    )


def submit(*submissions: Submission) -> list[int]:
    """Accept all, in this order; the ids. Fails when one is declined."""
    return [_accepted(answer) for answer in submit_now(submissions)]


def _accepted(answer: Answer) -> int:
    assert isinstance(answer, Accepted), answer
    return answer.request


def enroll(offering: Offering, students: Sequence[Student]) -> list[int]:
    return submit(*(ask(Kind.ENROLL, student, offering) for student in students))

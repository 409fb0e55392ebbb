"""A small registration day with everything in it, for `verify` to look at."""

from collections.abc import Sequence
from typing import NamedTuple

from courses.models import Offering, Term
from enrollment.adoption import adopt_seats
from enrollment.models import Enrollment, Pending, Student
from enrollment.settlement import settle_ready
from enrollment.vocabulary import Kind
from tests.factories import (
    ask,
    enroll,
    make_offering,
    make_student,
    make_term,
    open_window,
    submit,
)

MONDAY_NINE = ((540, 590),)
TUESDAY_NINE = ((1980, 2030),)


class Day(NamedTuple):
    """What the day left that plants refer to."""

    term: Term
    students: list[Student]
    popular: Offering
    """Base seats and two automatic sections, all full; two students wait."""
    narrow: Offering
    """One seat, no sections: a limit raised, a permit over it."""
    monday: Offering
    tuesday: Offering
    legacy: Offering
    """Three seats from before the pipeline, one over the limit."""


def settle_all() -> None:
    """Settle until nothing is pending."""
    for _ in range(50):
        settle_ready(1.0)
        if not Pending.objects.exists():
            return
    raise AssertionError("the queue does not drain")


def a_day_with_everything() -> Day:
    term = make_term("VERIFY")
    open_window(term)
    students = [make_student(term) for _ in range(16)]
    popular = make_offering(
        term, code="POP", auto_create=True, section_limit=2, max_sections=2, waitlist_cap=4
    )
    day = Day(
        term,
        students,
        popular,
        make_offering(term, code="NAR", base_limit=1),
        make_offering(term, code="MON", base_limit=9, base_meets=MONDAY_NINE),
        make_offering(term, code="TUE", base_limit=9, base_meets=TUESDAY_NINE),
        _adopted(term, students[13:16]),
    )
    _sections_fill(day)
    _seats_move(day)
    _staff_act(day)
    _a_waiter_is_rechecked(term)
    return day


def _adopted(term: Term, students: Sequence[Student]) -> Offering:
    """Seats without section or request, made before there was a pipeline (S0-28)."""
    legacy = make_offering(term, code="OLD", base_limit=2)
    Enrollment.objects.bulk_create(
        Enrollment(student=student, term_id=term.pk, offering=legacy, credits=3)
        for student in students
    )
    adopt_seats(actor="system")
    return legacy


def _sections_fill(day: Day) -> None:
    enroll(day.popular, day.students[:8])
    settle_all()
    submit(ask(Kind.ENROLL, day.students[8], day.popular, section=1))
    enroll(day.narrow, day.students[:3])
    enroll(day.monday, day.students[3:5])
    settle_all()


def _seats_move(day: Day) -> None:
    """Promotion, swap, bundles, a seat that comes and goes, a cancel, and refusals."""
    students, popular = day.students, day.popular
    submit(ask(Kind.DROP, students[0], popular), ask(Kind.LEAVE, students[8], popular))
    submit(ask(Kind.SWAP, students[0], day.monday, day.narrow))
    submit(ask(Kind.SWAP, students[3], popular, day.monday))
    submit(ask(Kind.BUNDLE, students[9], day.monday, day.tuesday))
    submit(ask(Kind.BUNDLE, students[10], day.tuesday, popular))
    submit(ask(Kind.ENROLL, students[11], day.tuesday), ask(Kind.DROP, students[11], day.tuesday))
    (target,) = submit(ask(Kind.ENROLL, students[12], day.tuesday))
    submit(ask(Kind.CANCEL, students[12], day.tuesday, request=target))
    submit(ask(Kind.DROP, students[12], day.monday), ask(Kind.DROP, students[13], day.legacy))
    settle_all()


def _staff_act(day: Day) -> None:
    narrow, students = day.narrow, day.students
    submit(ask(Kind.LIMIT, None, narrow, set={"0": 2, "waitlist_cap": 5}))
    submit(ask(Kind.PERMIT, students[12], narrow))
    submit(ask(Kind.TIMETABLE, None, day.popular, section=1, meets=[[5000, 5050]]))
    submit(ask(Kind.TIMETABLE, None, day.monday, section=0, meets=[[1980, 2030]]))
    submit(ask(Kind.PAUSE, None, day.tuesday, status="PAUSED"))
    submit(ask(Kind.LIMIT, None, day.tuesday, set={"open_sections": 1, "section_limit": 3}))
    submit(ask(Kind.ENROLL, students[6], day.tuesday))
    settle_all()
    submit(ask(Kind.PAUSE, None, day.tuesday, status="OPEN"))
    submit(ask(Kind.ENROLL, students[6], day.tuesday))
    enroll(day.popular, [students[0]])
    settle_all()


def _a_waiter_is_rechecked(term: Term) -> None:
    """Passed over for want of credits, and seated once another course is dropped."""
    wanted = make_offering(term, code="WANT", base_limit=1)
    other, another = make_offering(term), make_offering(term)
    holder, waiter = make_student(term), make_student(term, maximum=6)
    enroll(wanted, [holder, waiter])
    enroll(other, [waiter])
    enroll(another, [waiter])
    settle_all()
    submit(ask(Kind.DROP, holder, wanted))
    settle_all()
    submit(ask(Kind.DROP, waiter, other))
    settle_all()

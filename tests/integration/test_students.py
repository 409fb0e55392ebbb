"""Raising a student's credit maximum: audited, in line with settlements, and nobody forgotten."""

import json
import threading
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction

from courses.models import Offering, Term
from enrollment.facts import database_now
from enrollment.models import Enrollment, Outcome, Pending, Request, Student, StudentTerm
from enrollment.students import NotRaised, Raised, raise_maximum
from enrollment.vocabulary import Kind
from registrar.audit.models import Entry
from tests.factories import ask, enroll, make_offering, make_student, make_term, open_window, submit
from tests.races import race, settle_all, until


@pytest.fixture
def term(database: None) -> Term:
    term = make_term()
    open_window(term)
    return term


def clock() -> datetime:
    with connection.cursor() as cursor:
        return database_now(cursor)


def raised(student: Student, term: Term, maximum: int) -> Raised | NotRaised:
    return raise_maximum(
        student=student.pk,
        term=term.pk,
        maximum=maximum,
        reason="Honours programme",
        actor="user:7",
        now=clock(),
    )


def maximum_of(student: Student, term: Term) -> int:
    return StudentTerm.objects.get(student=student, term=term).max_credits


def passed_over_for_credits(term: Term) -> tuple[Student, Offering]:
    """A student at their maximum who waits for a course in which a seat has come free.

    They waited for two courses, got a seat in one, and now cannot take the other.
    """
    wanted, taken = make_offering(term, base_limit=1), make_offering(term, base_limit=1)
    holders = [make_student(term) for _ in range(2)]
    student = make_student(term, maximum=3)
    submit(ask(Kind.ENROLL, holders[0], wanted), ask(Kind.ENROLL, holders[1], taken))
    submit(ask(Kind.ENROLL, student, wanted), ask(Kind.ENROLL, student, taken))
    settle_all()
    submit(ask(Kind.DROP, holders[1], taken))
    settle_all()
    submit(ask(Kind.DROP, holders[0], wanted))
    settle_all()
    assert seats(student) == {taken.pk}
    return student, wanted


def seats(student: Student) -> set[int]:
    held = Enrollment.objects.filter(student=student, active=True)
    return set(held.values_list("offering_id", flat=True))


def test_a_waiter_passed_over_for_credits_is_seated_when_they_are_raised(term: Term) -> None:
    student, wanted = passed_over_for_credits(term)

    done = raised(student, term, 6)
    settle_all()

    assert isinstance(done, Raised)
    assert done.before == 3
    assert wanted.pk in seats(student)


def test_it_asks_again_in_every_line_where_the_student_waits_and_in_no_other(term: Term) -> None:
    full = [make_offering(term, base_limit=0) for _ in range(3)]
    student, other = make_student(term), make_student(term)
    for offering in full[:2]:
        enroll(offering, [other, student])
    enroll(full[2], [other])
    settle_all()

    done = raised(student, term, 30)

    assert isinstance(done, Raised)
    rechecks = Request.objects.filter(pk__in=done.rechecks).order_by("id")
    assert [(r.kind, r.offerings, r.student_id) for r in rechecks] == [
        (Kind.RECHECK, [full[0].pk], student.pk),
        (Kind.RECHECK, [full[1].pk], student.pk),
    ]
    assert Pending.objects.count() == 2
    settle_all()
    results = Outcome.objects.filter(pk__in=done.rechecks).values_list("result", flat=True)
    assert list(results) == ["DONE", "DONE"]


def test_it_leaves_an_audit_entry_with_who_why_and_from_what_to_what(term: Term) -> None:
    student = make_student(term, maximum=18)

    raised(student, term, 21)

    row = StudentTerm.objects.get(student=student)
    entry = Entry.objects.get(stream=f"student_term:{row.pk}")
    assert (entry.event, entry.actor) == ("maximum_raised", "user:7")
    assert json.loads(entry.body) == {
        "student": student.pk,
        "term": term.pk,
        "before": 18,
        "after": 21,
        "reason": "Honours programme",
        "rechecks": [],
    }


@pytest.mark.parametrize("maximum", [18, 17, 1])
def test_it_raises_and_never_lowers(term: Term, maximum: int) -> None:
    student = make_student(term, maximum=18)

    assert raised(student, term, maximum) == NotRaised(18)

    assert maximum_of(student, term) == 18
    assert not Entry.objects.exists()


def test_a_student_who_has_asked_for_nothing_yet_gets_a_row(term: Term) -> None:
    student = make_student()

    done = raised(student, term, 30)

    assert done == Raised(term.credit_maximum, ())
    assert maximum_of(student, term) == 30


def test_the_web_role_may_do_it(term: Term) -> None:
    student, _ = passed_over_for_credits(term)

    with connection.cursor() as cursor:
        cursor.execute("SET ROLE reg_web")
    try:
        done = raised(student, term, 6)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")

    assert isinstance(done, Raised)


def test_it_waits_for_a_settlement_that_is_deciding_on_the_student(term: Term) -> None:
    """The row is locked before it is read, so what a settlement adds is not overwritten."""
    student = make_student(term, maximum=18)
    locked, let_go = threading.Event(), threading.Event()

    def settlement() -> Any:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM student_terms WHERE student_id = %s FOR NO KEY UPDATE", [student.pk]
            )
            locked.set()
            until(let_go.is_set)
            cursor.execute(
                "UPDATE student_terms SET credits = credits + 18 WHERE student_id = %s",
                [student.pk],
            )

    def staff() -> Any:
        until(locked.is_set)
        threading.Timer(0.3, let_go.set).start()
        return raised(student, term, 21)

    _, done = race(settlement, staff)

    assert isinstance(done, Raised)
    row = StudentTerm.objects.get(student=student)
    assert (row.credits, row.max_credits) == (18, 21)

"""What a student may hold is one thing, whatever the courses: their row is locked too.

Two workers settle two courses, so neither waits for the other's course.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple, TypeAlias

import pytest
from django.db import IntegrityError, OperationalError
from django.db.backends.utils import CursorWrapper

from courses.models import Offering
from enrollment import facts
from enrollment.facts import Known
from enrollment.models import Enrollment, Outcome, Pending, StudentTerm, WaitlistEntry
from enrollment.settlement import Settled, settle
from enrollment.vocabulary import Kind
from tests.concurrency.conftest import Lift
from tests.factories import (
    ask,
    enroll,
    make_offering,
    make_student,
    make_term,
    open_window,
    submit,
)
from tests.races import NO_LOCK, Meeting, after, lock_rows, race, racer, settle_all, together

pytestmark = pytest.mark.concurrency

Students: TypeAlias = Collection[tuple[int, int]]
MONDAY_MORNING = ((540, 630),)
MONDAY_NOON = ((600, 690),)


class Two(NamedTuple):
    """Two courses, and the student whom both settlements are about."""

    first: Offering
    second: Offering
    student: StudentTerm

    def settling(self) -> list[Callable[[], Settled]]:
        return [
            lambda: settle([self.first.pk], wait=True),
            lambda: settle([self.second.pk], wait=True),
        ]

    def seats(self) -> int:
        return Enrollment.objects.filter(student=self.student.student, active=True).count()

    def credits(self) -> int:
        self.student.refresh_from_db()
        return self.student.credits


def no_student_lock(patch: pytest.MonkeyPatch) -> Meeting:
    """Take the lock away; the meeting tells whether both had read before either wrote."""
    patch.setattr(facts.students, "_LOCK_STUDENTS", NO_LOCK)
    return both_have_read(patch)


def both_have_read(patch: pytest.MonkeyPatch) -> Meeting:
    meeting = Meeting()
    after(patch, facts, "lock_students", meeting)
    return meeting


# The requester's row --------------------------------------------------------------------------


@pytest.fixture
def three_credits_left(database: None) -> Two:
    """A student who may take one more course and asks for two."""
    term = make_term()
    open_window(term)
    student = make_student(term, maximum=3)
    courses = make_offering(term, credit=3), make_offering(term, credit=3)
    for course in courses:
        enroll(course, [student])
    return Two(*courses, StudentTerm.objects.get(student=student))


def test_two_courses_at_once_stay_within_the_credit_maximum(
    three_credits_left: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = both_have_read(monkeypatch)

    together(*three_credits_left.settling())

    assert not meeting.met
    assert three_credits_left.credits() == 3
    assert sorted(Outcome.objects.values_list("code", flat=True)) == ["CREDIT_MAXIMUM", "ENROLLED"]


def test_without_the_student_lock_the_credit_maximum_is_exceeded(
    three_credits_left: Two, monkeypatch: pytest.MonkeyPatch, lift: Lift
) -> None:
    lift("student_terms", "student_term_within_credit_maximum")
    meeting = no_student_lock(monkeypatch)

    together(*three_credits_left.settling())

    assert meeting.met
    assert three_credits_left.credits() == 6 > three_credits_left.student.max_credits


def test_without_the_student_lock_the_database_still_keeps_the_credit_maximum(
    three_credits_left: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_student_lock(monkeypatch)

    ended = race(*three_credits_left.settling())

    assert [type(each) for each in ended if isinstance(each, Exception)] == [IntegrityError]
    assert three_credits_left.credits() == 3


@pytest.fixture
def overlapping(database: None) -> Two:
    """A student who asks for two courses that meet at the same time."""
    term = make_term()
    open_window(term)
    student = make_student(term)
    courses = (
        make_offering(term, base_meets=MONDAY_MORNING),
        make_offering(term, base_meets=MONDAY_NOON),
    )
    for course in courses:
        enroll(course, [student])
    return Two(*courses, StudentTerm.objects.get(student=student))


def test_two_courses_at_once_do_not_meet_at_the_same_time(
    overlapping: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = both_have_read(monkeypatch)

    together(*overlapping.settling())

    assert not meeting.met
    assert overlapping.seats() == 1
    assert sorted(Outcome.objects.values_list("code", flat=True)) == ["ENROLLED", "TIME_CLASH"]


def test_without_the_student_lock_a_student_sits_in_two_rooms_at_once(
    overlapping: Two, monkeypatch: pytest.MonkeyPatch, lift: Lift
) -> None:
    lift("enrollments", "enrollment_no_two_at_the_same_time")
    meeting = no_student_lock(monkeypatch)

    together(*overlapping.settling())

    assert meeting.met
    assert overlapping.seats() == 2


def test_without_the_student_lock_the_database_still_refuses_two_rooms_at_once(
    overlapping: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the exclusion constraint, or as the deadlock of two who wait for each other's entry."""
    no_student_lock(monkeypatch)

    ended = race(*overlapping.settling())

    [error] = [each for each in ended if isinstance(each, Exception)]
    assert isinstance(error, (IntegrityError, OperationalError))
    assert overlapping.seats() == 1


# The rows of those who wait -------------------------------------------------------------------


@pytest.fixture
def promotion(database: None) -> Two:
    """A student waits for the first course, whose seat comes free, and asks for the second."""
    term = make_term()
    open_window(term)
    holder, waiter = make_student(term), make_student(term, maximum=3)
    first, second = make_offering(term, base_limit=1), make_offering(term)
    enroll(first, [holder, waiter])
    settle_all()
    submit(ask(Kind.DROP, holder, first), ask(Kind.ENROLL, waiter, second))
    return Two(first, second, StudentTerm.objects.get(student=waiter))


def without_those_who_wait(patch: pytest.MonkeyPatch, waiter: int) -> None:
    """In the first course's settlement, lock only those who asked."""
    load = facts.lock_students

    def lock_requesters(cursor: CursorWrapper, students: Students, touched: set[int]) -> Known:
        lock_rows(cursor, {s for s in students if racer() != 0 or s[0] != waiter})
        return load(cursor, students, touched)

    patch.setattr(facts.students, "_LOCK_STUDENTS", NO_LOCK)
    patch.setattr(facts, "lock_students", lock_requesters)


def test_a_promotion_and_a_request_of_the_same_student_wait_for_each_other(
    promotion: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = both_have_read(monkeypatch)

    together(*promotion.settling())

    assert not meeting.met
    assert promotion.credits() == 3
    assert promotion.seats() == 1


def test_without_the_waiting_students_lock_a_promotion_exceeds_the_credit_maximum(
    promotion: Two, monkeypatch: pytest.MonkeyPatch, lift: Lift
) -> None:
    lift("student_terms", "student_term_within_credit_maximum")
    without_those_who_wait(monkeypatch, promotion.student.student_id)
    meeting = both_have_read(monkeypatch)

    together(*promotion.settling())

    assert meeting.met
    assert promotion.credits() == 6 > promotion.student.max_credits
    assert promotion.seats() == 2


# All in one sorted pass -----------------------------------------------------------------------


@pytest.fixture
def crossed(database: None) -> tuple[Offering, Offering]:
    """Each of two students drops a course that the other one waits for."""
    term = make_term()
    open_window(term)
    students = make_student(term), make_student(term)
    courses = make_offering(term, base_limit=1), make_offering(term, base_limit=1)
    for holder, other, course in zip(students, reversed(students), courses, strict=True):
        enroll(course, [holder, other])
    settle_all()
    for holder, course in zip(students, courses, strict=True):
        submit(ask(Kind.DROP, holder, course))
    return courses


def settling_both(courses: tuple[Offering, Offering]) -> list[Callable[[], Settled]]:
    return [lambda: settle([courses[0].pk], wait=True), lambda: settle([courses[1].pk], wait=True)]


def test_two_promotions_that_cross_do_not_deadlock(
    crossed: tuple[Offering, Offering], monkeypatch: pytest.MonkeyPatch
) -> None:
    after(monkeypatch, facts, "lock_students", Meeting())

    together(*settling_both(crossed))

    assert WaitlistEntry.objects.filter(state="PROMOTED").count() == 2


def test_locking_those_who_wait_after_those_who_ask_deadlocks(
    crossed: tuple[Offering, Offering], monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = [Pending.objects.get(offering=course).student_id for course in crossed]
    lock, meeting = facts.lock_students, Meeting()

    def lock_twice(cursor: CursorWrapper, students: Students, touched: set[int]) -> Known:
        lock_rows(cursor, {student for student in students if student[0] == asking[racer()]})
        meeting()
        return lock(cursor, students, touched)

    monkeypatch.setattr(facts, "lock_students", lock_twice)

    ended = race(*settling_both(crossed))

    [error] = [each for each in ended if isinstance(each, Exception)]
    assert isinstance(error, OperationalError)
    assert "deadlock detected" in str(error)

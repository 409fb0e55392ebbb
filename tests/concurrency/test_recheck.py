"""Who was passed over is asked again when they may have become eligible (rule 13)."""

from typing import NamedTuple

import pytest

from courses.models import Offering
from enrollment import ledger
from enrollment.models import Enrollment, Request, Student, StudentTerm, WaitlistEntry
from enrollment.settlement import settle
from enrollment.vocabulary import Kind
from tests.factories import ask, enroll, make_offering, make_student, make_term, open_window, submit
from tests.races import settle_all, together

pytestmark = pytest.mark.concurrency


class Skipped(NamedTuple):
    """A student at the credit maximum who waits for a course; `other` is what they hold."""

    wanted: Offering
    other: Offering
    holder: Student
    waiter: Student

    def give_up_the_seat(self) -> None:
        submit(ask(Kind.DROP, self.holder, self.wanted))

    def make_room(self) -> None:
        submit(ask(Kind.DROP, self.waiter, self.other))

    def is_seated(self) -> bool:
        seats = Enrollment.objects.filter(offering=self.wanted, active=True)
        return seats.filter(student=self.waiter).exists()

    def is_forgotten(self) -> bool:
        """Waits, may have the seat, and the seat is free."""
        self.wanted.refresh_from_db()
        load = StudentTerm.objects.get(student=self.waiter)
        waits = WaitlistEntry.objects.filter(student=self.waiter, state="WAITING").exists()
        return waits and not load.credits and not self.wanted.base_taken


@pytest.fixture
def skipped(database: None) -> Skipped:
    term = make_term()
    open_window(term)
    holder, waiter = make_student(term), make_student(term, maximum=3)
    wanted, other = make_offering(term, base_limit=1), make_offering(term)
    enroll(wanted, [holder, waiter])
    enroll(other, [waiter])
    settle_all()
    return Skipped(wanted, other, holder, waiter)


def no_rechecks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ledger, "queue_rechecks", lambda *_: [])


def test_a_waiter_who_was_passed_over_gets_the_seat_when_credits_come_free(
    skipped: Skipped,
) -> None:
    skipped.give_up_the_seat()
    settle_all()
    assert WaitlistEntry.objects.get(student=skipped.waiter).passed_over == "CREDIT_MAXIMUM"

    skipped.make_room()
    settle_all()

    assert skipped.is_seated()
    assert Request.objects.filter(kind="RECHECK").count() == 1


def test_without_a_recheck_who_was_passed_over_is_forgotten_for_good(
    skipped: Skipped, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_rechecks(monkeypatch)
    skipped.give_up_the_seat()
    settle_all()
    skipped.make_room()
    settle_all()

    assert skipped.is_forgotten()


def test_a_recheck_is_in_line_with_what_caused_it_or_neither_is(
    skipped: Skipped, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written in the transaction that frees the credits, not after it."""

    def fail(*_: object) -> None:
        raise RuntimeError("after the recheck was queued")

    skipped.make_room()
    monkeypatch.setattr(ledger, "_delete_pending", fail)

    with pytest.raises(RuntimeError):
        settle([skipped.other.pk])

    assert not Request.objects.filter(kind="RECHECK").exists()
    assert Enrollment.objects.filter(offering=skipped.other, active=True).exists()


@pytest.mark.parametrize("turn", range(5))
def test_a_seat_and_credits_that_come_free_at_the_same_time_find_each_other(
    skipped: Skipped, turn: int
) -> None:
    skipped.give_up_the_seat()
    skipped.make_room()

    together(
        lambda: settle([skipped.wanted.pk], wait=True),
        lambda: settle([skipped.other.pk], wait=True),
    )
    settle_all()

    assert skipped.is_seated()

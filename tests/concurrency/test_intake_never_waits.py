"""Intake never waits for a settlement: what it touches is locked by nobody who decides (rule 14).

A settlement has locked, decided and written everything, and does not commit. Meanwhile requests
of the very students and courses it is about are accepted, under a second's patience.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from django.db import OperationalError, connection

from courses.models import Offering
from enrollment import facts, intake, ledger, requests
from enrollment.models import Pending, Student
from enrollment.requests import Accepted, Submission
from enrollment.settlement import settle
from enrollment.vocabulary import Kind
from tests.factories import ask, enroll, make_offering, make_student, make_term, open_window
from tests.races import PATIENCE, after, settle_all, together

pytestmark = pytest.mark.concurrency


class Open(NamedTuple):
    """A settlement that is open until it is told to commit."""

    held: threading.Event
    commit: threading.Event
    course: Offering
    student: Student

    def settle(self) -> bool:
        return settle([self.course.pk]).decided > 0

    def meanwhile(self, call: Callable[[], bool]) -> bool:
        """Do this while the settlement holds all of its locks; it commits whatever comes of it."""
        assert self.held.wait(PATIENCE)
        try:
            return call()
        finally:
            self.commit.set()


@pytest.fixture
def settling(database: None) -> Iterator[Open]:
    term = make_term()
    open_window(term)
    course, student = make_offering(term), make_student(term)
    enroll(course, [student])
    settlement = Open(threading.Event(), threading.Event(), course, student)

    def hold() -> None:
        settlement.held.set()
        assert settlement.commit.wait(PATIENCE)

    with pytest.MonkeyPatch.context() as patch:
        after(patch, ledger, "queue_rechecks", hold)  # the last thing before the commit
        yield settlement


def of_the_same_student(settling: Open) -> Submission:
    return ask(Kind.DROP, settling.student, settling.course)


def of_a_new_student(settling: Open) -> Submission:
    """One with no row in this term yet."""
    return ask(Kind.ENROLL, make_student(), settling.course)


def insert_within_a_second(submission: Submission) -> bool:
    with connection.cursor() as cursor:
        # The second one because no statement's time is up while its transaction commits.
        cursor.execute("SET statement_timeout = '1s'; SET lock_timeout = '1s'")
    return all(isinstance(answer, Accepted) for answer in requests.insert([submission]))


@pytest.mark.parametrize("submission", [of_the_same_student, of_a_new_student])
def test_a_request_is_accepted_while_its_course_is_being_settled(
    settling: Open, submission: Callable[[Open], Submission]
) -> None:
    asked = submission(settling)

    accepted = together(
        settling.settle, lambda: settling.meanwhile(lambda: insert_within_a_second(asked))
    )

    assert accepted == [True, True]
    assert Pending.objects.count() == 1


def test_a_flush_of_the_web_process_does_not_wait_for_an_open_settlement(settling: Open) -> None:
    asked = of_the_same_student(settling)
    begun = time.monotonic()

    def submit() -> bool:
        [answer] = intake.submit([asked], timeout=PATIENCE)
        return isinstance(answer, Accepted) and time.monotonic() - begun < PATIENCE / 2

    assert together(settling.settle, lambda: settling.meanwhile(submit)) == [True, True]


# What would make it wait ----------------------------------------------------------------------


def lock_for_update(patch: pytest.MonkeyPatch) -> None:
    """The lock that also keeps others from referring to the row."""
    for name in ("_LOCK_OFFERINGS", "_LOCK_FREE"):
        lock = getattr(facts.lines, name)
        strict = lock.replace("FOR NO KEY UPDATE", "FOR UPDATE")
        assert strict != lock
        patch.setattr(facts.lines, name, strict)


def upsert_the_student(patch: pytest.MonkeyPatch) -> None:
    """A row for the student whether or not there is one, as an upsert does it."""
    upsert, found = re.subn(
        r"<> 0 AND NOT EXISTS \(.*?\)\s+ON CONFLICT \(student_id, term_id\) DO NOTHING",
        "<> 0 ON CONFLICT (student_id, term_id) DO UPDATE SET credits = student_terms.credits",
        requests._INSERT,
        flags=re.DOTALL,
    )
    assert found == 1
    patch.setattr(requests, "_INSERT", upsert)


def unique_while_pending(patch: pytest.MonkeyPatch) -> None:
    """A double click refused by an index: one pending request per student and course."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX planted ON pending (student_id, offering_id)")


@pytest.fixture
def _nothing_planted(database: None) -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS planted")


@pytest.mark.usefixtures("_nothing_planted")
@pytest.mark.parametrize("mistake", [lock_for_update, upsert_the_student, unique_while_pending])
def test_intake_would_wait_with(
    settling: Open, monkeypatch: pytest.MonkeyPatch, mistake: Callable[[pytest.MonkeyPatch], None]
) -> None:
    mistake(monkeypatch)
    asked = of_the_same_student(settling)

    with pytest.raises(OperationalError, match="timeout"):
        together(settling.settle, lambda: settling.meanwhile(lambda: insert_within_a_second(asked)))

    settle_all()
    assert not Pending.objects.exists()

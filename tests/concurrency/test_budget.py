"""How much one student may have open is counted from rows, whoever takes the requests."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from courses.models import Offering
from enrollment import intake, requests
from enrollment.models import Request, Student
from enrollment.requests import Accepted, Answer, Declined, Submission
from enrollment.vocabulary import Kind
from tests.factories import ask, make_offering, make_student, make_term, open_window
from tests.processes import python
from tests.races import PATIENCE, Meeting, together

pytestmark = pytest.mark.concurrency

MOST = 12


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_OPEN", MOST)
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_PER_MINUTE", 1000)


@pytest.fixture
def eager(database: None) -> tuple[Student, Offering]:
    term = make_term()
    open_window(term)
    return make_student(term), make_offering(term)


def clicks(student: Student, course: Offering, count: int, name: str = "") -> list[Submission]:
    """Different requests of one student: none is the repetition of another."""
    return [ask(Kind.ENROLL, student, course, key=f"{name}{n}") for n in range(count)]


def rows(student: Student) -> int:
    return Request.objects.filter(student=student).count()


def through_the_intake(submissions: Sequence[Submission]) -> list[Answer]:
    return intake.submit(submissions, timeout=PATIENCE)


@pytest.mark.parametrize("insert", [through_the_intake, requests.insert])
def test_of_two_hundred_posts_at_once_exactly_as_many_as_allowed_get_a_row(
    eager: tuple[Student, Offering], insert: Callable[[Sequence[Submission]], list[Answer]]
) -> None:
    """Twenty threads: in one web process, and as if each were a web process of its own."""
    start = threading.Barrier(20)

    def click_ten_times(name: str) -> list[Answer]:
        start.wait(PATIENCE)
        return [insert([click])[0] for click in clicks(*eager, count=10, name=name)]

    posted = together(*[lambda n=n: click_ten_times(f"{n}-") for n in range(20)])

    answers = [answer for each in posted for answer in each]
    assert len([a for a in answers if isinstance(a, Accepted)]) == rows(eager[0]) == MOST
    assert {a.code for a in answers if isinstance(a, Declined)} == {"TOO_MANY_OPEN"}


# Two web processes ----------------------------------------------------------------------------

CLICKING = """
import sys
from enrollment.requests import Accepted, Submission, insert
from enrollment.vocabulary import Kind

name, student, term, course = sys.argv[1], *map(int, sys.argv[2:])
clicks = [
    Submission(Kind.ENROLL, f"student:{student}", student, term, (course,), {"offering": course},
               f"{name}-{n}")
    for n in range(100)
]
print("ready", flush=True)
input()
answers = [insert([click])[0] for click in clicks]
print(sum(isinstance(answer, Accepted) for answer in answers), flush=True)
"""


def test_two_web_processes_together_take_no_more_than_one_would(
    eager: tuple[Student, Offering],
) -> None:
    student, course = eager
    numbers = (student.pk, course.term_id, course.pk)
    with (
        python(CLICKING, "one", *numbers, role="web") as one,
        python(CLICKING, "two", *numbers, role="web") as two,
    ):
        for process in (one, two):
            process.says("ready")
        for process in (one, two):
            process.tell("go")
        accepted = [int(process.line() or 0) for process in (one, two)]

    assert sum(accepted) == rows(student) == MOST


def both_have_counted(patch: pytest.MonkeyPatch) -> Meeting:
    """They meet before either commits: both inserts are held open for it."""
    meeting, insert = Meeting(), requests._insert

    def held_open(rows: Any) -> list[Answer]:
        with transaction.atomic():
            answers = insert(rows)
            meeting()
        return answers

    patch.setattr(requests, "_insert", held_open)
    return meeting


def test_two_connections_count_a_students_requests_one_after_the_other(
    eager: tuple[Student, Offering], monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = both_have_counted(monkeypatch)

    together(
        lambda: requests.insert(clicks(*eager, count=MOST, name="one")),
        lambda: requests.insert(clicks(*eager, count=MOST, name="two")),
    )

    assert not meeting.met
    assert rows(eager[0]) == MOST


def test_without_the_advisory_lock_each_connection_counts_only_its_own(
    eager: tuple[Student, Offering], monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked = requests._LOCK.replace("pg_advisory_xact_lock", "concat")
    assert unlocked != requests._LOCK
    monkeypatch.setattr(requests, "_LOCK", unlocked)
    meeting = both_have_counted(monkeypatch)

    together(
        lambda: requests.insert(clicks(*eager, count=MOST, name="one")),
        lambda: requests.insert(clicks(*eager, count=MOST, name="two")),
    )

    assert meeting.met
    assert rows(eager[0]) == 2 * MOST

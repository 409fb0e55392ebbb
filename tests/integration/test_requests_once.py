"""One request, one row: whatever is sent twice is answered with what it was the first time."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection
from django.db.models import F
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from courses.models import Offering
from enrollment import intake, requests
from enrollment.models import Pending, Request, Student, Window
from enrollment.requests import Accepted, Answer, Declined, Submission
from enrollment.vocabulary import Kind
from tests.factories import ask, make_offering, make_student, make_term, open_window
from tests.races import PATIENCE, settle_all, together

Insert = Callable[[Sequence[Submission]], list[Answer]]


def through_the_intake(submissions: Sequence[Submission]) -> list[Answer]:
    return intake.submit(submissions, timeout=PATIENCE)


through_any_door = pytest.mark.parametrize("insert", [through_the_intake, requests.insert])


@pytest.fixture
def course(database: None) -> Offering:
    term = make_term()
    open_window(term)
    return make_offering(term)


@pytest.fixture
def student(course: Offering) -> Student:
    return make_student(course.term)


def send(submissions: Sequence[Submission], at_once: bool) -> list[Answer]:
    """In one batch, or each after the answer to the one before it."""
    if at_once:
        return requests.insert(submissions)
    return [requests.insert([submission])[0] for submission in submissions]


def accepted(answer: Answer) -> Accepted:
    assert isinstance(answer, Accepted), answer
    return answer


# With a key -----------------------------------------------------------------------------------


@through_any_door
def test_the_same_key_fifty_times_at_once_is_one_request(
    student: Student, course: Offering, insert: Insert
) -> None:
    start = threading.Barrier(50)

    def click() -> Accepted:
        start.wait(PATIENCE)
        return accepted(insert([ask(Kind.ENROLL, student, course, key="k")])[0])

    answers = together(*[click] * 50)

    request = Request.objects.get()
    assert {answer.request for answer in answers} == {request.pk}
    assert {answer.accepted_at for answer in answers} == {request.accepted_at}
    assert [answer.replayed for answer in answers].count(False) == 1


@through_any_door
def test_the_same_key_twice_in_one_batch_is_one_request(
    student: Student, course: Offering, insert: Insert
) -> None:
    first, second = insert([ask(Kind.ENROLL, student, course, key="k")] * 2)

    assert accepted(second) == accepted(first)._replace(replayed=True)
    assert Request.objects.count() == Pending.objects.count() == 1


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("different", ["kind", "course", "body"])
def test_a_key_used_for_something_else_is_refused(
    student: Student, course: Offering, different: str, at_once: bool
) -> None:
    first = ask(Kind.ENROLL, student, course, key="k")
    second = {
        "kind": ask(Kind.DROP, student, course, key="k"),
        "course": ask(Kind.ENROLL, student, make_offering(course.term), key="k"),
        "body": ask(Kind.ENROLL, student, course, key="k", section=1),
    }[different]

    answers = send([first, second], at_once)

    request = accepted(answers[0]).request
    assert answers[1] == Declined("KEY_REUSED", {"request": request})
    assert Request.objects.get().pk == request


def test_a_key_is_somebodys_own(student: Student, course: Offering) -> None:
    other = make_student(course.term)

    answers = requests.insert([ask(Kind.ENROLL, who, course, key="k") for who in (student, other)])

    assert [accepted(answer).replayed for answer in answers] == [False, False]


def test_a_key_keeps_its_answer_after_the_decision_and_after_the_window(
    student: Student, course: Offering
) -> None:
    submission = ask(Kind.ENROLL, student, course, key="k")
    [first] = requests.insert([submission])
    settle_all()
    Window.objects.update(closes_at=F("opens_at") + timedelta(seconds=1))

    [again] = requests.insert([submission])

    assert accepted(again) == accepted(first)._replace(replayed=True)


def test_a_replay_costs_nothing_of_the_budget(
    student: Student, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_OPEN", 2)
    first, second, third = (ask(Kind.ENROLL, student, course, key=key) for key in "123")
    requests.insert([first])

    answers = [requests.insert([submission])[0] for submission in (first, first, second, third)]

    assert [type(answer) for answer in answers] == [Accepted, Accepted, Accepted, Declined]
    assert answers[3] == Declined("TOO_MANY_OPEN", {"limit": 2})


# Without a key: the double click --------------------------------------------------------------


@pytest.mark.parametrize("at_once", [True, False])
def test_a_double_click_is_one_request(student: Student, course: Offering, at_once: bool) -> None:
    first, second = send([ask(Kind.ENROLL, student, course)] * 2, at_once)

    assert accepted(second) == accepted(first)._replace(replayed=True)
    assert Request.objects.count() == Pending.objects.count() == 1


@through_any_door
def test_twenty_clicks_at_once_are_one_request(
    student: Student, course: Offering, insert: Insert
) -> None:
    start = threading.Barrier(20)

    def click() -> int:
        start.wait(PATIENCE)
        return accepted(insert([ask(Kind.ENROLL, student, course)])[0]).request

    assert set(together(*[click] * 20)) == {Request.objects.get().pk}


@pytest.mark.parametrize("at_once", [True, False])
def test_enroll_drop_enroll_are_three_requests(
    student: Student, course: Offering, at_once: bool
) -> None:
    """The third repeats the first, but it is not what the student did last."""
    clicks = [ask(kind, student, course) for kind in (Kind.ENROLL, Kind.DROP, Kind.ENROLL)]

    answers = send(clicks, at_once)

    assert len({accepted(answer).request for answer in answers}) == 3
    assert list(Request.objects.order_by("id").values_list("kind", flat=True)) == [
        "ENROLL",
        "DROP",
        "ENROLL",
    ]


def test_the_same_click_after_the_decision_is_a_new_request(
    student: Student, course: Offering
) -> None:
    click = ask(Kind.ENROLL, student, course)
    [first] = requests.insert([click])
    settle_all()

    [second] = requests.insert([click])

    assert not accepted(second).replayed
    assert accepted(second).request > accepted(first).request


def test_the_same_click_of_two_students_is_two_requests(course: Offering) -> None:
    students = [make_student(course.term) for _ in range(2)]

    answers = requests.insert([ask(Kind.ENROLL, who, course) for who in students])

    assert len({accepted(answer).request for answer in answers}) == 2


# A commit of many -----------------------------------------------------------------------------


def test_answers_come_in_the_order_of_the_submissions(course: Offering) -> None:
    """Rows go in by student and key; ids were drawn before, in the order of arrival."""
    students = [make_student(course.term) for _ in range(10)]
    names = count()
    submissions = [
        ask(Kind.ENROLL, student, course, key=f"{9 - next(names)}")
        for student in reversed(students)
    ]

    answers = [accepted(answer) for answer in requests.insert(submissions)]

    ids = [answer.request for answer in answers]
    assert ids == sorted(ids)
    assert [Request.objects.get(pk=pk).student for pk in ids] == students[::-1]


def test_a_batch_is_one_message_and_leaves_no_transaction_open(
    student: Student, course: Offering
) -> None:
    """So that a process that freezes, wherever it does, holds no lock of a student's."""
    requests.insert([ask(Kind.ENROLL, student, course, key="planned now")])
    sent: list[str] = []

    def listen(execute: Any, sql: str, *args: Any) -> Any:
        sent.append(sql)
        return execute(sql, *args)

    with connection.execute_wrapper(listen):
        requests.insert([ask(Kind.ENROLL, student, course, key=f"{nth}") for nth in range(3)])

    assert len(sent) == 1
    assert connection.connection.info.transaction_status == TRANSACTION_STATUS_IDLE
    assert Request.objects.count() == 4


def test_a_row_is_in_line_or_not_there_at_all(
    student: Student, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Request and place in line are one transaction: no course, no request."""
    nowhere = ask(Kind.ENROLL, student, course)._replace(offerings=(10**9,))

    with pytest.raises(IntegrityError):
        requests.insert([nowhere])

    assert not Request.objects.exists()
    assert not Pending.objects.exists()

"""A window admits by the database's clock, in the statement that inserts (rule 12, T35)."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection

from courses.models import Offering
from enrollment import requests
from enrollment.models import Request, Student, Window
from enrollment.requests import Accepted, Answer, Declined
from enrollment.vocabulary import Kind
from tests.factories import ask, make_offering, make_student, make_term, open_window
from tests.races import PATIENCE, blocked, together, until

MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def window(database: None) -> Window:
    return open_window(make_term())


def asking(student: Student, course: Offering) -> Answer:
    [answer] = requests.insert([ask(Kind.ENROLL, student, course)])
    return answer


# The boundary, to the microsecond -------------------------------------------------------------

INSTANT = "statement_timestamp()"


def move_with_the_request(patch: pytest.MonkeyPatch, opens: str, closes: str) -> None:
    """Move the window in the same message as the INSERT, so that both see the same instant."""
    patch.setattr(requests, "_LOCK", f"UPDATE windows SET opens_at = {opens}, closes_at = {closes}")
    at_that_instant = requests._INSERT.replace("clock_timestamp()", INSTANT)
    assert at_that_instant != requests._INSERT
    patch.setattr(requests, "_INSERT", at_that_instant)


@pytest.mark.parametrize(
    ("opens", "closes", "admitted"),
    [
        (INSTANT, f"{INSTANT} + interval '1 hour'", True),
        (f"{INSTANT} + interval '1 us'", f"{INSTANT} + interval '1 hour'", False),
        (f"{INSTANT} - interval '1 hour'", f"{INSTANT} + interval '1 us'", True),
        (f"{INSTANT} - interval '1 hour'", INSTANT, False),
    ],
    ids=["at opening", "a microsecond before", "a microsecond before closing", "at closing"],
)
def test_a_window_is_open_from_its_opening_until_just_before_its_closing(
    window: Window, monkeypatch: pytest.MonkeyPatch, opens: str, closes: str, admitted: bool
) -> None:
    move_with_the_request(monkeypatch, opens, closes)

    answer = asking(make_student(window.term), make_offering(window.term))

    assert isinstance(answer, Accepted) == admitted
    if not admitted:
        assert answer == Declined("WINDOW_CLOSED")
        assert not Request.objects.exists()


def test_the_time_of_acceptance_is_the_instant_that_the_window_was_tested_by(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_with_the_request(monkeypatch, INSTANT, f"{INSTANT} + interval '1 us'")

    answer = asking(make_student(window.term), make_offering(window.term))

    window.refresh_from_db()
    assert isinstance(answer, Accepted)
    assert answer.accepted_at == window.opens_at == Request.objects.get().accepted_at


# No moment between the test and the insert ----------------------------------------------------

INTAKE_LOCK = "SELECT pg_advisory_xact_lock(%s, %s)"


def late(student: Student, course: Offering) -> Answer:
    """A request whose transaction begins while the window is open and inserts after it closed."""
    student_is_ours, closed = threading.Event(), threading.Event()

    def hold_back() -> Answer | None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(INTAKE_LOCK, [requests._INTAKE_LOCKS, student.pk])
            student_is_ours.set()
            assert closed.wait(PATIENCE)
            cursor.execute("ROLLBACK")
        return None

    def ask_in_time() -> Answer | None:
        assert student_is_ours.wait(PATIENCE)
        return asking(student, course)

    def close() -> Answer | None:
        assert student_is_ours.wait(PATIENCE)
        until(blocked)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE windows SET closes_at = clock_timestamp()")
        closed.set()
        return None

    answer = together(hold_back, ask_in_time, close)[1]
    assert answer is not None
    return answer


def test_a_request_held_back_until_the_window_closed_is_refused(window: Window) -> None:
    answer = late(make_student(window.term), make_offering(window.term))

    assert answer == Declined("WINDOW_CLOSED")
    assert not Request.objects.exists()


def test_with_the_window_tested_before_the_insert_a_late_request_gets_in(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual way: look whether it is open, then insert."""
    untested = requests._INSERT.replace("opens_at <= (SELECT now FROM instant) AND", "true OR")
    assert untested != requests._INSERT
    monkeypatch.setattr(requests, "_INSERT", untested)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM windows WHERE closes_at > clock_timestamp()")
        assert cursor.fetchone()[0] == 1

    answer = late(make_student(window.term), make_offering(window.term))

    window.refresh_from_db()
    assert isinstance(answer, Accepted)
    assert answer.accepted_at > window.closes_at


# Whom it admits, and to what ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cohorts", "actions", "admitted"),
    [
        ([], [], True),
        (["seniors"], [], True),
        (["freshmen"], [], False),
        ([], ["ENROLL"], True),
        ([], ["DROP"], False),
        (["freshmen", "seniors"], ["DROP", "ENROLL"], True),
    ],
)
def test_a_window_admits_its_cohorts_to_its_actions(
    window: Window, cohorts: list[str], actions: list[str], admitted: bool
) -> None:
    Window.objects.update(cohorts=cohorts, actions=actions)
    student = make_student(window.term, cohort="seniors")

    answer = asking(student, make_offering(window.term))

    assert isinstance(answer, Accepted) == admitted


def test_staff_need_no_window(window: Window) -> None:
    Window.objects.all().delete()
    student, course = make_student(window.term), make_offering(window.term)

    permit = ask(Kind.PERMIT, student, course)._replace(actor="user:1")

    assert isinstance(requests.insert([permit])[0], Accepted)
    assert asking(student, course) == Declined("WINDOW_CLOSED")


def test_a_window_of_another_term_admits_nobody(window: Window) -> None:
    term = make_term()

    assert asking(make_student(term), make_offering(term)) == Declined("WINDOW_CLOSED")


def test_requests_around_the_closing_are_accepted_before_it_and_refused_after_it(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six connections post without pause while the window closes under them."""
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_OPEN", 10_000)
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_PER_MINUTE", 10_000)
    closes_at = datetime.now(UTC) + timedelta(milliseconds=400)
    Window.objects.update(closes_at=closes_at)
    course = make_offering(window.term)
    students = [make_student(window.term) for _ in range(6)]

    def post(student: Student) -> list[Answer]:
        answers: list[Answer] = []
        while datetime.now(UTC) < closes_at + timedelta(milliseconds=150):
            answers += requests.insert([ask(Kind.ENROLL, student, course, key=str(len(answers)))])
        return answers

    posted = together(*[lambda student=student: post(student) for student in students])

    for answers in posted:
        accepted = [answer.accepted_at for answer in answers if isinstance(answer, Accepted)]
        refused = answers[len(accepted) :]
        assert accepted
        assert max(accepted) < closes_at
        assert refused
        assert set(map(str, refused)) == {str(Declined("WINDOW_CLOSED"))}

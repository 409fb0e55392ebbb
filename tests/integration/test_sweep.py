"""The sweeper repairs a lost wake-up, and does not depend on what may be lost (rule 11)."""

import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.db import connection, transaction
from psycopg2.extensions import POLL_OK
from psycopg2.extensions import connection as Connection

from courses.models import Offering
from enrollment import mailbox, requests, sweep
from enrollment.models import Outcome, Pending, Student
from enrollment.settlement import settle, settle_ready
from enrollment.sweep import SETTLE_AFTER, Looked, Sweeper
from enrollment.vocabulary import Kind
from tests.factories import ask, enroll, make_offering, make_student, make_term, open_window
from tests.races import PATIENCE, race, ready, together, until


@pytest.fixture
def course(database: None) -> Offering:
    term = make_term()
    open_window(term)
    return make_offering(term, base_limit=10)


@pytest.fixture
def students(course: Offering) -> list[Student]:
    return [make_student(course.term) for _ in range(3)]


def accept_without_a_ring(course: Offering, *students: Student) -> list[int]:
    """Rows and nothing else, as after a web process that died between its commit and Redis."""
    requests.insert([ask(Kind.ENROLL, student, course) for student in students])
    return list(Pending.objects.order_by("request_id").values_list("request_id", flat=True))


# By looks -------------------------------------------------------------------------------------


def test_a_request_that_was_never_rung_for_is_rung_for_at_the_second_look(
    course: Offering, students: list[Student]
) -> None:
    pending = accept_without_a_ring(course, *students)
    sweeper = Sweeper()

    assert sweeper.look() == Looked()
    assert ready() == []
    assert sweeper.look().rung == (course.pk,)

    assert mailbox.client().llen(mailbox.SETTLE_QUEUE) == 1
    assert ready() == [course.pk]
    assert mailbox.depth(course.pk) == len(pending)


def test_what_redis_lost_is_queued_again(course: Offering, students: list[Student]) -> None:
    enroll(course, students)
    mailbox.client().flushdb()
    sweeper = Sweeper()
    sweeper.look()
    sweeper.look()

    report = settle_ready(1.0)

    assert report.decided == 3
    assert not Pending.objects.exists()


def test_a_request_that_nobody_settles_is_settled_by_the_sweeper_itself(
    course: Offering, students: list[Student]
) -> None:
    accept_without_a_ring(course, *students)
    sweeper = Sweeper()

    looks = [sweeper.look() for _ in range(1 + SETTLE_AFTER)]

    assert [look.settled for look in looks] == [()] * SETTLE_AFTER + [(course.pk,)]
    assert Outcome.objects.count() == 3


def test_a_line_that_moves_is_left_alone(
    course: Offering, students: list[Student], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "SETTLE_BATCH", 1)
    accept_without_a_ring(course, *students)
    sweeper = Sweeper()

    for _ in students:
        assert sweeper.look() == Looked()
        settle([course.pk])


def test_without_a_sweeper_a_request_whose_wake_up_was_lost_waits_for_ever(
    course: Offering, students: list[Student]
) -> None:
    """Whatever the settlers do: Redis is all that they listen to."""
    enroll(course, students)
    mailbox.client().flushdb()

    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        assert settle_ready(0.1).decided == 0

    assert Pending.objects.count() == 3


def test_with_redis_emptied_and_no_settler_everything_is_settled_within_five_seconds(
    course: Offering, students: list[Student]
) -> None:
    """One look a second, as a worker's timer takes them."""
    enroll(course, students)
    mailbox.client().flushdb()
    sweeper, over = Sweeper(), threading.Event()

    def sweeping() -> float:
        while not over.wait(1):
            sweeper.look()
        return 0.0

    def watching() -> float:
        try:
            return until(lambda: not Pending.objects.exists())
        finally:
            over.set()

    _, seconds = together(sweeping, watching)

    assert seconds < 5


def test_the_sweeper_settles_a_long_line_to_its_end(
    course: Offering, students: list[Student], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Redis dead nobody else does: a batch every few looks would take all day."""
    monkeypatch.setitem(settings.REGISTRAR, "SETTLE_BATCH", 1)
    accept_without_a_ring(course, *students)
    sweeper = Sweeper()

    for _ in range(1 + SETTLE_AFTER):
        sweeper.look()

    assert not Pending.objects.exists()


def test_a_second_sweeper_that_looks_at_the_same_time_does_nothing(
    course: Offering, students: list[Student]
) -> None:
    accept_without_a_ring(course, *students)
    sweeper = Sweeper()
    sweeper.look()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [sweep._LOCK])

    [looked] = race(sweeper.look)

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [sweep._LOCK])
    assert looked == Looked()
    assert sweeper.look().rung == (course.pk,)


def test_a_course_settled_elsewhere_does_not_hold_the_sweeper_up(
    course: Offering, students: list[Student]
) -> None:
    accept_without_a_ring(course, *students)
    sweeper = Sweeper()
    for _ in range(SETTLE_AFTER):
        sweeper.look()
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT FROM offerings FOR NO KEY UPDATE")
        begun = time.monotonic()
        race(sweeper.look)
        cursor.execute("ROLLBACK")

    assert time.monotonic() - begun < 1
    assert Pending.objects.count() == 3


# Clients that froze in the middle of a statement ----------------------------------------------

HOLD = (
    "SET idle_in_transaction_session_timeout = '100ms'; BEGIN; "
    "SELECT FROM offerings FOR NO KEY UPDATE; "
)
"""Idling is cut off soon, but who is in the middle of a statement does not idle."""
FLOOD = "SELECT repeat('x', 100000) FROM generate_series(1, 1000)"


def settler(**options: Any) -> Connection:
    """Another connection that looks like a settlement's."""
    client: Connection = psycopg2.connect(
        os.environ["DATABASE_OWNER_URL"], application_name="registrar-owner", **options
    )
    return client


@contextmanager
def stopped_reading() -> Iterator[Connection]:
    """Asked for more than fits between client and server, and reads nothing of it."""
    client = settler(async_=True)
    until(lambda: client.poll() == POLL_OK)
    client.cursor().execute(HOLD + FLOOD)
    yield client
    client.close()


@contextmanager
def stopped_writing() -> Iterator[Connection]:
    """Began to send rows, and sends none."""
    client, over = settler(), threading.Event()

    class Silence(io.StringIO):
        def read(self, size: int | None = -1) -> str:
            over.wait(PATIENCE)
            return ""

    def copy() -> None:
        with suppress(psycopg2.Error):
            client.cursor().execute(HOLD)
            client.cursor().copy_expert("COPY attempts FROM STDIN", Silence())

    thread = threading.Thread(target=copy)
    thread.start()
    yield client
    over.set()
    thread.join(PATIENCE)
    client.close()


def waits_for(client: Connection) -> str:
    """What the server's side of a connection waits for; `gone` when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wait_event FROM pg_stat_activity WHERE pid = %s AND state = 'active'",
            [client.info.backend_pid],
        )
        found = cursor.fetchone()
        return str(found[0]) if found else "gone"


def is_free(course: Offering) -> bool:
    with transaction.atomic():
        return Offering.objects.filter(pk=course.pk).select_for_update(skip_locked=True).exists()


@pytest.mark.parametrize(
    ("stopped", "waiting"), [(stopped_reading, "ClientWrite"), (stopped_writing, "ClientRead")]
)
def test_a_client_that_froze_inside_a_statement_loses_its_locks_at_the_second_look(
    course: Offering, stopped: Callable[[], AbstractContextManager[Connection]], waiting: str
) -> None:
    sweeper = Sweeper()
    with stopped() as client:
        until(lambda: waits_for(client) == waiting)

        time.sleep(0.3)
        assert not is_free(course), "a timeout of the server freed it"
        assert sweeper.look().terminated == 0
        assert not is_free(course)
        assert sweeper.look().terminated == 1

        until(lambda: waits_for(client) == "gone")
        assert is_free(course)


def test_a_client_that_is_between_two_statements_is_the_timeouts_business(
    course: Offering,
) -> None:
    sweeper, client = Sweeper(), settler()
    client.cursor().execute("SELECT FROM offerings FOR NO KEY UPDATE")

    looks = [sweeper.look() for _ in range(3)]

    assert [look.terminated for look in looks] == [0, 0, 0]
    client.cursor().execute("SELECT 1")
    client.close()

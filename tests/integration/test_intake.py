"""One web process's intake: many posts, few commits, each answered after its own."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections

from courses.models import Offering
from enrollment import intake, mailbox, requests
from enrollment.intake import Backlog
from enrollment.models import Pending, Request, Student
from enrollment.requests import Accepted, Answer, Declined, Submission
from enrollment.vocabulary import Kind
from tests.factories import ask, make_offering, make_student, make_term, open_window
from tests.processes import python
from tests.races import PATIENCE, ready, settle_all, together, until


@pytest.fixture
def course(database: None) -> Offering:
    term = make_term()
    open_window(term)
    return make_offering(term)


@pytest.fixture
def clicks(course: Offering) -> list[Submission]:
    """Six students who want the course."""
    return [ask(Kind.ENROLL, make_student(course.term), course, key="k") for _ in range(6)]


class Gate:
    """Holds every commit of the intake back until it is let through."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        """How many submissions came to each commit."""
        self.under_way = threading.Semaphore(0)
        self._open = threading.Semaphore(0)
        self._insert = requests.insert

    def insert(self, submissions: Sequence[Submission]) -> list[Answer]:
        self.sizes.append(len(submissions))
        self.under_way.release()
        assert self._open.acquire(timeout=PATIENCE)
        return self._insert(submissions)

    def let_through(self, commits: int) -> None:
        self._open.release(commits)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    monkeypatch.setattr(requests, "insert", gate.insert)
    yield gate
    gate.let_through(100)


def submit(submission: Submission, timeout: float = PATIENCE) -> Answer:
    [answer] = intake.submit([submission], timeout)
    return answer


def is_queued(posts: int) -> bool:
    """Whether so many posts wait for the next commit."""
    return intake._of_process(os.getpid())._posts.qsize() == posts


def submit_together(gate: Gate, submissions: Sequence[Submission]) -> list[Answer]:
    """The first alone, the others while it is being committed."""
    first, *others = submissions
    with ThreadPoolExecutor(len(submissions)) as pool:
        answers: list[Future[Answer]] = [pool.submit(submit, first)]
        assert gate.under_way.acquire(timeout=PATIENCE)
        for behind, other in enumerate(others, start=1):
            answers.append(pool.submit(submit, other))
            until(partial(is_queued, behind))
        gate.let_through(100)
        return [answer.result(PATIENCE) for answer in answers]


# Few commits ----------------------------------------------------------------------------------


def test_posts_that_come_during_a_commit_share_the_next(
    clicks: list[Submission], gate: Gate
) -> None:
    answers = submit_together(gate, clicks)

    assert gate.sizes == [1, 5]
    assert [type(answer) for answer in answers] == [Accepted] * 6


def test_after_a_commit_of_a_few_the_next_few_are_waited_for(
    clicks: list[Submission], gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "COMPANY_SECONDS", 0.5)
    submit_together(gate, clicks[:4])

    with ThreadPoolExecutor() as pool:
        one = pool.submit(submit, clicks[4])
        time.sleep(0.1)
        other = pool.submit(submit, clicks[5])

    assert isinstance(one.result(), Accepted)
    assert isinstance(other.result(), Accepted)
    assert gate.sizes[-1] == 2


def test_a_post_that_comes_alone_waits_for_no_company(
    clicks: list[Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "COMPANY_SECONDS", 1.0)
    submit(clicks[0])
    begun = time.monotonic()

    for click in clicks[1:]:
        submit(click)

    assert time.monotonic() - begun < 1


def test_ids_are_in_the_order_of_arrival(clicks: list[Submission], gate: Gate) -> None:
    answers = submit_together(gate, clicks)

    ids = [answer.request for answer in answers if isinstance(answer, Accepted)]
    assert ids == sorted(ids)
    assert len(ids) == 6


def test_nobody_is_answered_before_the_commit(clicks: list[Submission], gate: Gate) -> None:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(submit, clicks[0])
        assert gate.under_way.acquire(timeout=PATIENCE)
        assert not answer.done()
        assert not Request.objects.exists()
        gate.let_through(1)
        assert isinstance(answer.result(PATIENCE), Accepted)

    assert Request.objects.exists()


def test_what_was_accepted_is_queued_and_rung_for(
    clicks: list[Submission], course: Offering
) -> None:
    for click in clicks:
        submit(click)

    until(lambda: mailbox.depth(course.pk) == 6)
    assert ready() == [course.pk]
    assert mailbox.client().llen(mailbox.SETTLE_QUEUE) >= 1


def test_a_first_burst_makes_one_intake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a thread and a session that nobody would ever end."""

    class Slow(intake.Intake):
        def __init__(self) -> None:
            time.sleep(0.05)
            super().__init__()

    monkeypatch.setattr(intake, "Intake", Slow)
    intake._made_for.cache_clear()

    made = together(*[partial(intake._of_process, os.getpid())] * 8)

    intake._made_for.cache_clear()
    assert len(set(made)) == 1


# One of them is at fault ----------------------------------------------------------------------


def without_such_a_course(click: Submission) -> Submission:
    return click._replace(offerings=(10**9,))


def with_a_key_no_database_stores(click: Submission) -> Submission:
    return click._replace(key="\0")


def with_a_body_that_is_no_json(click: Submission) -> Submission:
    return click._replace(body={"offering": object()})


@pytest.mark.parametrize(
    "spoil",
    [without_such_a_course, with_a_key_no_database_stores, with_a_body_that_is_no_json],
)
def test_a_submission_that_cannot_be_stored_fails_alone(
    clicks: list[Submission], gate: Gate, spoil: Callable[[Submission], Submission]
) -> None:
    clicks[3] = spoil(clicks[3])

    answers = submit_together(gate, clicks)

    codes = [answer.code if isinstance(answer, Declined) else "" for answer in answers]
    assert codes == ["", "", "", "UNAVAILABLE", "", ""]
    ids = [answer.request for answer in answers if isinstance(answer, Accepted)]
    assert ids == sorted(ids)
    assert set(Pending.objects.values_list("request_id", flat=True)) == set(ids)


# The database does not answer -----------------------------------------------------------------


def end_the_intakes_connection() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database() "
            "AND backend_type = 'client backend'"
        )


def test_a_lost_connection_is_an_honest_no_and_the_next_post_is_accepted(
    clicks: list[Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(clicks[0])
    insert = requests._insert

    def cut_off(rows: Any) -> list[Answer]:
        with connections["witness"].cursor() as witness, connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            witness.execute("SELECT pg_terminate_backend(%s, 5000)", cursor.fetchone())
        return insert(rows)

    with monkeypatch.context() as patch:
        patch.setattr(requests, "_insert", cut_off)
        refused = submit(clicks[1])

    assert isinstance(refused, Declined)
    assert refused.code == "UNAVAILABLE"
    assert 1 <= refused.facts["retry_after"] <= 4
    assert isinstance(submit(clicks[1]), Accepted)
    assert Request.objects.count() == 2


def test_a_connection_lost_between_two_posts_is_not_noticed(clicks: list[Submission]) -> None:
    submit(clicks[0])
    end_the_intakes_connection()

    assert isinstance(submit(clicks[1]), Accepted)


def test_who_was_answered_too_late_finds_the_request_by_its_key(
    clicks: list[Submission], gate: Gate
) -> None:
    """The commit was made, but its caller had been told to ask again."""
    late = submit(clicks[0], timeout=0.05)
    gate.let_through(100)
    until(Request.objects.exists)

    again = submit(clicks[0])

    assert isinstance(late, Declined)
    assert late.code == "UNAVAILABLE"
    assert isinstance(again, Accepted)
    assert (again.request, again.replayed) == (Request.objects.get().pk, True)


# More than can be promised --------------------------------------------------------------------


def test_a_backlog_above_budget_is_shed_before_anything_is_written(
    clicks: list[Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Backlog, "EVERY", 0.0)
    monkeypatch.setitem(settings.REGISTRAR, "BACKLOG_SECONDS", 2.0)
    submit(clicks[0])
    assert isinstance(submit(clicks[1]), Accepted)

    time.sleep(2.1)
    shed = submit(clicks[2])

    assert isinstance(shed, Declined)
    assert shed.code == "BACKLOG"
    assert 2 <= shed.facts["retry_after"] <= 10
    assert Request.objects.count() == 2

    settle_all()

    assert isinstance(submit(clicks[2]), Accepted)


# Processes ------------------------------------------------------------------------------------

FORKING = """
import os, sys
from enrollment import intake
from enrollment.requests import Submission
from enrollment.vocabulary import Kind

student, term, course = map(int, sys.argv[1:])

def click(key):
    body = {"offering": course}
    click = Submission(Kind.ENROLL, f"student:{student}", student, term, (course,), body, key)
    return type(intake.submit([click], timeout=10)[0]).__name__

print(click("parent"), flush=True)
child = os.fork()
if child == 0:
    print(click("child"), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_process_that_forked_has_an_intake_of_its_own(course: Offering) -> None:
    """The thread stays behind in the parent: a child that used its queue would wait for ever."""
    student: Student = make_student(course.term)

    with python(FORKING, student.pk, course.term_id, course.pk, role="web") as process:
        process.says("Accepted")
        process.says("Accepted")


# Waiting for the decision ---------------------------------------------------------------------


def test_waiting_ends_with_the_decision(clicks: list[Submission], course: Offering) -> None:
    answer = submit(clicks[0])
    assert isinstance(answer, Accepted)

    begun = time.monotonic()
    decided, _ = together(
        lambda: intake.wait_for([answer.request], 5.0), lambda: bool(settle_all())
    )

    assert decided
    assert time.monotonic() - begun < 2


def test_waiting_ends_without_a_decision_when_its_time_is_up(clicks: list[Submission]) -> None:
    answer = submit(clicks[0])
    assert isinstance(answer, Accepted)

    begun = time.monotonic()

    assert not intake.wait_for([answer.request], 0.2)
    assert time.monotonic() - begun < 1


def test_only_a_quarter_of_the_threads_may_wait(clicks: list[Submission]) -> None:
    answer = submit(clicks[0])
    assert isinstance(answer, Accepted)
    may_wait = settings.REGISTRAR["WEB_THREADS"] // 4

    def wait() -> float:
        begun = time.monotonic()
        intake.wait_for([answer.request], 0.5)
        return time.monotonic() - begun

    waits = sorted(together(*[wait] * (may_wait + 4)))

    assert all(seconds < 0.25 for seconds in waits[:4])
    assert all(seconds > 0.3 for seconds in waits[4:])

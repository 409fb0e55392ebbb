"""Real workers in the middle of a rush: one is killed, Redis is emptied, nothing is restarted."""

import random
import time
from typing import NamedTuple

import pytest
from django.conf import settings

from courses.models import Offering, Term
from enrollment import mailbox
from enrollment.models import Outcome, Pending, Request, Settlement, Student
from enrollment.requests import Accepted, Submission, submit_now
from enrollment.vocabulary import Kind
from tests.factories import ask, make_offering, make_student, make_term, open_window
from tests.processes import worker
from tests.races import PATIENCE, broken, until

pytestmark = pytest.mark.acceptance

REQUESTS = 3000
SMALL_BATCHES = {"REGISTRAR_SETTLE_BATCH": "40"}
"""So that a fault always finds a settlement under way."""


class Rush(NamedTuple):
    """Students who want more than there is, in the order in which they ask."""

    term: Term
    submissions: list[Submission]

    def post(self, begin: int, end: int) -> None:
        """Accept these requests, twenty at a time, as a busy web process does."""
        for at in range(begin, end, 20):
            answers = submit_now(self.submissions[at : min(at + 20, end)])
            assert all(isinstance(answer, Accepted) for answer in answers)


@pytest.fixture
def rush(database: None, monkeypatch: pytest.MonkeyPatch) -> Rush:
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_OPEN", 1000)
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_PER_MINUTE", 1000)
    term = make_term()
    open_window(term)
    chance = random.Random(2026)
    courses = [
        make_offering(
            term,
            base_limit=chance.randint(0, 20),
            auto_create=bool(at % 2),
            section_limit=15,
            max_sections=4,
            base_meets=((600 * at, 600 * at + 90),) if at < 16 else (),
        )
        for at in range(40)
    ]
    students = [make_student(term, maximum=15) for _ in range(400)]
    return Rush(term, [a_request(chance, students, courses, n) for n in range(REQUESTS)])


def a_request(
    chance: random.Random, students: list[Student], courses: list[Offering], n: int
) -> Submission:
    """Mostly enroll, some drop and some swap; a few courses are wanted by everybody."""
    kind = chance.choices([Kind.ENROLL, Kind.DROP, Kind.SWAP, Kind.LEAVE], [70, 15, 10, 5])[0]
    wanted, other = (courses[int(40 * chance.random() ** 2)] for _ in range(2))
    if kind is Kind.SWAP and wanted != other:
        return ask(kind, chance.choice(students), wanted, other, key=f"k{n}")
    if kind is Kind.SWAP:
        kind = Kind.DROP
    return ask(kind, chance.choice(students), wanted, key=f"k{n}")


def nothing_is_pending() -> bool:
    return not Pending.objects.exists()


def assert_nobody_was_lost_doubled_or_oversold() -> None:
    asked = set(Request.objects.exclude(kind="RECHECK").values_list("pk", flat=True))
    assert len(asked) == REQUESTS
    assert asked <= set(Outcome.objects.values_list("pk", flat=True))
    assert broken() == {}


# Killed in the middle of a settlement, at a place of our choosing, with the child that settled.
DOOMED = """
import os, signal
from enrollment import ledger

write, lives = ledger._insert_enrollments, iter(range(4))

def write_or_die(*args):
    write(*args)
    if next(lives, None) is None:
        os.killpg(os.getpgid(0), signal.SIGKILL)

ledger._insert_enrollments = write_or_die
"""


def test_a_worker_killed_while_it_writes_and_redis_emptied_cost_nobody_anything(
    rush: Rush,
) -> None:
    with (
        worker("steady", **SMALL_BATCHES) as steady,
        worker("doomed", DOOMED, **SMALL_BATCHES) as doomed,
    ):
        steady.freeze()  # or it may leave nothing for the other to die of
        posted = 0
        while posted < REQUESTS // 2 - 20 and not doomed.has_ended():
            rush.post(posted, posted := posted + 20)
        until(doomed.has_ended, PATIENCE)
        steady.thaw()
        mailbox.client().flushall()
        rush.post(posted, REQUESTS // 2)
        fault = time.monotonic()
        until(nothing_is_pending, PATIENCE)
        recovered = time.monotonic() - fault

        rush.post(REQUESTS // 2, REQUESTS)
        until(nothing_is_pending, PATIENCE)

    assert recovered < 5
    assert_nobody_was_lost_doubled_or_oversold()
    assert Settlement.objects.values("worker").distinct().count() == 2


def test_after_redis_was_emptied_the_bell_rings_again(rush: Rush) -> None:
    """What comes later does not wait for the sweeper."""
    with worker("steady"):
        rush.post(0, 100)
        until(nothing_is_pending, PATIENCE)
        mailbox.client().flushall()

        rush.post(100, 120)
        seconds = until(nothing_is_pending, PATIENCE)

    assert seconds < 1


def test_redis_emptied_over_and_over_delays_and_loses_nothing(rush: Rush) -> None:
    with worker("one", **SMALL_BATCHES), worker("two", **SMALL_BATCHES):
        for at in range(0, REQUESTS, 300):
            rush.post(at, at + 300)
            mailbox.client().flushall()
        fault = time.monotonic()
        until(nothing_is_pending, PATIENCE)
        recovered = time.monotonic() - fault

    assert recovered < 5
    assert_nobody_was_lost_doubled_or_oversold()


# The sweeper of a worker process --------------------------------------------------------------

NO_SWEEPER = "from workers import settler; settler.start = lambda: None"


def test_what_redis_lost_is_settled_by_the_workers_sweeper(rush: Rush) -> None:
    rush.post(0, 20)
    mailbox.client().flushall()

    with worker("only"):
        assert until(nothing_is_pending, PATIENCE) < 5


def test_without_its_sweeper_a_worker_never_learns_of_what_redis_lost(rush: Rush) -> None:
    rush.post(0, 20)
    mailbox.client().flushall()

    with worker("only", NO_SWEEPER):
        time.sleep(3.5)

    assert not Outcome.objects.exists()


# A request that kills workers -----------------------------------------------------------------

POISON = """
import os
from enrollment import ledger

poisoned, write = int(os.environ["POISONED"]), ledger.write

def write_or_die(cursor, plan, state, *rest):
    if any(ask.id == poisoned for ask in rest[-1].asks) and poisoned not in state.broken:
        os._exit(9)
    return write(cursor, plan, state, *rest)

ledger.write = write_or_die
"""


def test_a_request_that_kills_every_worker_that_takes_it_is_failed_and_the_others_settle(
    rush: Rush,
) -> None:
    """Celery starts a new child each time; sweepers come and go with them."""
    rush.post(0, 60)
    poisoned = 30
    environ = {"POISONED": str(poisoned), "REGISTRAR_SETTLE_BATCH": "2"}

    with worker("one", POISON, **environ), worker("two", POISON, **environ):
        until(nothing_is_pending, 2 * PATIENCE)

    failed = Outcome.objects.filter(result="FAILED_INTERNAL")
    assert [outcome.pk for outcome in failed] == [poisoned]
    assert broken() == {}

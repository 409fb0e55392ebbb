"""Redis dead, wedged or full: requests are accepted and settled, and nobody waits for it.

Each fault is tried on a process of ours that was started with a Redis of its own.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from enrollment import mailbox
from enrollment.models import Outcome, Pending
from tests.factories import make_offering, make_student, make_term, open_window
from tests.processes import Process, Valkey, python, valkey

BUDGET = mailbox.BUDGET_SECONDS + 0.15
"""What one call may take, and what a busy machine may add."""


def never_answers(redis: Valkey) -> None:
    """Accepts connections, and says nothing."""
    redis.freeze()


def is_gone(redis: Valkey) -> None:
    redis.kill()


def is_full(redis: Valkey) -> None:
    """Keeps what it has, and refuses to take more."""
    redis.command("CONFIG", "SET", "maxmemory", "1")


@contextmanager
def without_redis(
    code: str, fault: Callable[[Valkey], None], *arguments: object, before_the_first_call: bool
) -> Iterator[Process]:
    """A process whose Redis fails before it ever answered, or after it did."""
    with valkey() as redis, python(code, *arguments, environ={"REDIS_URL": redis.url}) as process:
        process.says("ready")
        if before_the_first_call:
            fault(redis)
        process.tell("once")
        process.says("tried")
        if not before_the_first_call:
            fault(redis)
        process.tell("go")
        yield process


faults_of_redis = pytest.mark.parametrize(
    ("fault", "before_the_first_call"),
    [
        (never_answers, True),
        (never_answers, False),
        (is_gone, True),
        (is_gone, False),
        (is_full, False),
    ],
)

TRY_REDIS = """
import json, sys, time
from enrollment import mailbox

print("ready", flush=True)
input()
mailbox.alive()
mailbox.leave("w")
print("tried", flush=True)
input()

def timed(call):
    begun = time.monotonic()
    answer = call()
    return answer, time.monotonic() - begun
"""

# Every call of the mailbox, timed -------------------------------------------------------------

CALLING = (
    TRY_REDIS
    + """
calls = {
    "post": lambda: mailbox.post([(1, 1), (2, 1)]),
    "take": lambda: list(mailbox.take("w")),
    "settled": lambda: mailbox.settled([mailbox.Line(1, 1, 0)]),
    "depth": lambda: mailbox.depth(1),
    "alive": mailbox.alive,
    "leave": lambda: mailbox.leave("w"),
    "wake": mailbox.wake,
}
for name, call in calls.items():
    print(json.dumps([name, *timed(call)]), flush=True)
"""
)


@faults_of_redis
def test_no_call_raises_or_takes_longer_than_its_budget(
    database: None, fault: Callable[[Valkey], None], before_the_first_call: bool
) -> None:
    with without_redis(CALLING, fault, before_the_first_call=before_the_first_call) as process:
        seconds = {}
        for line in iter(process.line, ""):
            name, _, seconds[name] = json.loads(line)
        assert len(seconds) == 7, process.errors()

    assert {name: spent for name, spent in seconds.items() if spent > BUDGET} == {}


# Accepted, settled ----------------------------------------------------------------------------

SERVING = (
    TRY_REDIS
    + """
from enrollment import intake
from enrollment.requests import Submission, submit_now
from enrollment.settlement import settle
from enrollment.sweep import SETTLE_AFTER, Sweeper
from enrollment.vocabulary import Kind

term, course, *students = map(int, sys.argv[1:])
asks = [
    Submission(Kind.ENROLL, f"student:{student}", student, term, (course,), {"offering": course})
    for student in students
]

def sweep():
    sweeper = Sweeper()
    return [sweeper.look().settled for _ in range(1 + SETTLE_AFTER)][-1]

for name, call in {
    "submit now": lambda: submit_now(asks[:1])[0][0],
    "settle": lambda: settle([course]).decided,
    "submit": lambda: intake.submit(asks[1:], timeout=10)[0][0],
    "sweep": sweep,
}.items():
    print(json.dumps([name, *timed(call)]), flush=True)
"""
)


@faults_of_redis
def test_requests_are_accepted_and_settled_and_nobody_waits(
    database: None, fault: Callable[[Valkey], None], before_the_first_call: bool
) -> None:
    term = make_term()
    open_window(term)
    course = make_offering(term, base_limit=2)
    students = [make_student(term).pk for _ in range(3)]

    with without_redis(
        SERVING,
        fault,
        term.pk,
        course.pk,
        *students,
        before_the_first_call=before_the_first_call,
    ) as process:
        said = {name: rest for name, *rest in map(json.loads, iter(process.line, ""))}
        assert len(said) == 4, process.errors()

    assert said["settle"][0] == 1
    assert said["sweep"][0] == [course.pk]
    assert {name: rest[1] for name, rest in said.items() if rest[1] > 1} == {}
    assert not Pending.objects.exists()
    assert list(Outcome.objects.order_by("request_id").values_list("result", flat=True)) == [
        "ENROLLED",
        "ENROLLED",
        "WAITLISTED",
    ]

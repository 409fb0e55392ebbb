"""Plants at the door: windows, the commit that stands before every answer, and Redis."""

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from queue import SimpleQueue
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from enrollment import mailbox, requests, rules
from enrollment.models import Outcome
from enrollment.requests import Answer, Submission
from enrollment.rules import Case, Refusal
from tests.chaos.plants.ground import CLIENT, HISTORY, LIVENESS, Ground
from tests.chaos.plants.plant import Plant, reword, swap
from tests.chaos.plants.repair import sweeper_off
from tests.factories import make_offering, make_student, make_term, open_window

# Scenes ---------------------------------------------------------------------------------------


def a_wish_after_the_close(ground: Ground) -> None:
    term = make_term()
    now = timezone.now()
    open_window(term, opens_at=now - timedelta(hours=2), closes_at=now - timedelta(minutes=30))
    reply = ground.witness.enroll(ground.door().port, make_student(term), make_offering(term))
    if reply.code != "WINDOW_CLOSED":
        ground.complain(CLIENT, f"half an hour after the close the answer was {reply.status}")
    ground.settled_here()


def a_wish_just_before_the_close(ground: Ground) -> None:
    """Accepted while the window is open, settled when it is not."""
    term = make_term()
    window = open_window(term)
    port = ground.door().port
    reply = ground.witness.enroll(port, make_student(term), make_offering(term), key="mine")
    window.closes_at = timezone.now()
    window.save()
    ground.worker()
    ground.drained(6)
    code = Outcome.objects.get(pk=reply.request).code
    if code != "ENROLLED":
        ground.complain(CLIENT, f"what was accepted before the close ended {code}")


def a_door_killed_after_its_answer(ground: Ground) -> None:
    term = make_term()
    open_window(term)
    door = ground.door()
    ground.witness.enroll(door.port, make_student(term), make_offering(term), key="mine")
    door.kill()
    ground.settled_here()


def a_ring_that_must_suffice(ground: Ground) -> None:
    """One request, one worker, and nobody who looks for what was missed."""
    term = make_term()
    open_window(term)
    student, offering = make_student(term), make_offering(term)
    port = ground.door().port
    ground.worker()
    ground.witness.enroll(port, student, offering, key="mine")
    ground.drained(4)


def a_redis_that_does_not_answer(ground: Ground) -> None:
    """It takes connections and says nothing, for three seconds."""
    term = make_term()
    open_window(term)
    offering = make_offering(term)
    port = ground.door().port
    ground.witness.enroll(port, make_student(term), offering, key="before")
    mailbox.client().client_pause(3000)
    answers_at = time.monotonic() + 3
    for number in range(3):
        student = make_student(term)
        reply = ground.witness.enroll(port, student, offering, key=f"wish-{number}")
        if reply.seconds > 2 * ground.patience:
            ground.complain(CLIENT, f"with Redis wedged a POST took {reply.seconds:.1f} s")
    time.sleep(max(0.0, answers_at - time.monotonic()))
    ground.settled_here()


# Patches --------------------------------------------------------------------------------------


def slow_clock() -> None:
    """The host's clock is an hour behind: which courses a path means is looked up by it."""
    swap(timezone, "now", lambda now: lambda: now() - timedelta(hours=1))


def window_by_the_hosts_clock() -> None:
    slow_clock()
    told = "(statement_timestamp() - interval '1 hour')"
    reword(
        requests,
        "_INSERT",
        (
            "opens_at <= (SELECT now FROM instant) AND (SELECT now FROM instant) < closes_at",
            f"opens_at <= {told} AND {told} < closes_at",
        ),
    )


_CLOSED = "SELECT closes_at <= clock_timestamp() FROM windows WHERE id = %s"


def window_when_settled() -> None:
    def refusing(first: Any) -> Any:
        def refuse(case: Case, *rest: Any) -> Refusal | None:
            if case.window:
                with connection.cursor() as cursor:
                    cursor.execute(_CLOSED, [case.window])
                    if cursor.fetchone()[0]:
                        return Refusal("WINDOW_CLOSED")
            refusal: Refusal | None = first(case, *rest)
            return refusal

        return refuse

    swap(rules, "first_refusal", refusing)


def answered_before_the_commit() -> None:
    def inserting(insert: Any) -> Any:
        def answer_first(submissions: Sequence[Submission]) -> list[Answer]:
            inserted: SimpleQueue[list[Answer]] = SimpleQueue()

            def commit_later() -> None:
                with transaction.atomic():
                    answers = insert(submissions)
                    inserted.put(answers)
                    time.sleep(1)
                mailbox.post(requests.queued(submissions, answers))

            threading.Thread(target=commit_later, daemon=True).start()
            return inserted.get()

        return answer_first

    swap(requests, "insert", inserting)


def rung_before_the_commit() -> None:
    sweeper_off()
    post = mailbox.post

    def inserting(insert: Any) -> Any:
        def insert_and_ring(submissions: Sequence[Submission]) -> list[Answer]:
            with transaction.atomic():
                answers: list[Answer] = insert(submissions)
                post(requests.queued(submissions, answers))
                time.sleep(1)  # whoever was woken has looked, found nothing and gone back to sleep
            return answers

        return insert_and_ring

    swap(requests, "insert", inserting)
    swap(mailbox, "post", lambda _: lambda _: None)


def no_budget_for_redis() -> None:
    """A client that waits for as long as it takes."""
    from redis import Redis

    def connecting(client: Any) -> Any:
        url = client.__wrapped__.__globals__["settings"].REDIS_URL
        patient = Redis.from_url(url, decode_responses=True)
        return lambda: patient

    swap(mailbox, "client", connecting)


_SWEEPER_HIDES = "the sweeper, which finds what no ring told of: it is off"

PLANTS = (
    Plant(
        "window-by-the-hosts-clock",
        "a window is open when the web host's clock says so, which is an hour behind",
        a_wish_after_the_close,
        frozenset({CLIENT, "accepted-inside-a-window"}),
        window_by_the_hosts_clock,
        sure=slow_clock,
    ),
    Plant(
        "window-when-settled",
        "a window is asked for when a request is settled, not when it was accepted",
        a_wish_just_before_the_close,
        frozenset({CLIENT, "deciding-again-decides-the-same"}),
        window_when_settled,
    ),
    Plant(
        "answered-before-the-commit",
        "a request is answered and then written",
        a_door_killed_after_its_answer,
        frozenset({HISTORY}),
        answered_before_the_commit,
    ),
    Plant(
        "rung-before-the-commit",
        "the worker is woken before there is anything to find",
        a_ring_that_must_suffice,
        frozenset({LIVENESS}),
        rung_before_the_commit,
        hidden_by=_SWEEPER_HIDES,
        sure=sweeper_off,
    ),
    Plant(
        "redis-without-a-budget",
        "a call to Redis is waited for, however long",
        a_redis_that_does_not_answer,
        frozenset({CLIENT}),
        no_budget_for_redis,
    ),
)

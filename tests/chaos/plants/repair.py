"""Plants in what repairs: the sweeper, the timeouts, the care for a request that kills."""

import os
import signal
import time
from functools import partial
from typing import Any

from django.db import connections
from django.db.backends.utils import CursorWrapper

from enrollment import mailbox, poison, settlement, sweep
from enrollment.vocabulary import Kind
from registrar.services import proc
from tests.chaos.plants.ground import LIVENESS, Child, Ground
from tests.chaos.plants.order import Pause
from tests.chaos.plants.plant import Plant, SeamGone, swap
from tests.chaos.plants.seats import two_batches
from tests.factories import ask, make_offering, make_student, make_term, open_window
from workers import settler

FROZEN_SECONDS = 8.0
"""Two until the server ends a silent transaction, and four looks of a sweeper."""


# Scenes ---------------------------------------------------------------------------------------


def redis_loses_everything(ground: Ground) -> None:
    """Requests are accepted and queued, and Redis is emptied before anybody comes to work."""
    term = make_term()
    open_window(term)
    offering = make_offering(term)
    ground.witness.submit(*(ask(Kind.ENROLL, make_student(term), offering) for _ in range(3)))
    mailbox.client().flushdb()
    ground.worker()
    ground.drained(6)


def a_holder_that_freezes(ground: Ground) -> None:
    """A worker is stopped with its locks in hand; another one is there. Later it goes on."""
    term = make_term()
    open_window(term)
    offering = make_offering(term)
    frozen = ground.worker("one", Pause("enrollment.facts:lock_students", action="freeze"))
    ground.witness.submit(ask(Kind.ENROLL, make_student(term), offering))
    ground.must(frozen.paused, "a settlement frozen")
    ground.worker("two")
    ground.witness.submit(ask(Kind.ENROLL, make_student(term), offering))
    ground.drained(FROZEN_SECONDS)
    os.killpg(frozen.pid, signal.SIGCONT)
    ground.until(lambda: "settlement." in frozen.said().split("paused at")[-1], 0.5)


def a_request_that_kills(ground: Ground) -> None:
    """Whoever writes what was decided for it dies of it, before the commit."""
    term = make_term()
    open_window(term)
    offering = make_offering(term, base_limit=9)
    [poisoned] = ground.witness.submit(ask(Kind.ENROLL, make_student(term), offering))
    ground.poisoned = 1
    deadly = Pause("enrollment.ledger:write", times=99, action="die", only=poisoned)
    for number in range(poison.DEATHS + 1):
        worker = ground.worker(f"worker-{number}", deadly)
        mailbox.post([(offering.pk, poisoned)])
        ground.must(partial(_over, ground, worker), "a death, or an end of it", 20)
        if not ground.undecided():
            return
        time.sleep(poison.APART.total_seconds())
    ground.complain(LIVENESS, f"undecided after {poison.DEATHS + 1} deaths")


def _over(ground: Ground, worker: Child) -> bool:
    return not ground.undecided() or not proc.is_alive(worker.pid)


# Patches --------------------------------------------------------------------------------------


def sweeper_off() -> None:
    swap(settler, "start", lambda _: lambda: None)


def sweeper_asks_redis() -> None:
    """It looks for what is overdue where that may be lost."""

    def asking(_: Any) -> Any:
        def ask_redis(_: CursorWrapper) -> dict[int, int]:
            ready: Any = mailbox.client().zrange(mailbox.READY, 0, -1, withscores=True)
            return {int(offering): int(head) for offering, head in ready}

        return ask_redis

    swap(sweep, "_heads", asking)


def holder_does_not_look_again() -> None:
    sweeper_off()
    swap(settlement, "_look_again", lambda _: lambda *_: None)


_TIMEOUT = "-c idle_in_transaction_session_timeout=2s"


def no_idle_timeout() -> None:
    for alias in connections.settings:
        options = connections.settings[alias]["OPTIONS"]
        if "idle_in_transaction_session_timeout" not in options["options"]:
            raise SeamGone(f"the options of the {alias} connection without an idle timeout")
        never = _TIMEOUT.replace("2s", "0")
        options["options"] = options["options"].replace(_TIMEOUT, never)


def attempt_in_the_same_transaction() -> None:
    swap(poison, "WITNESS", lambda _: "default")


PLANTS = (
    Plant(
        "sweeper-off",
        "nobody looks for what Redis has lost",
        redis_loses_everything,
        frozenset({LIVENESS}),
        sweeper_off,
    ),
    Plant(
        "sweeper-asks-redis",
        "the sweeper looks for what is overdue in Redis, not in the rows",
        redis_loses_everything,
        frozenset({LIVENESS}),
        sweeper_asks_redis,
    ),
    Plant(
        "holder-does-not-look-again",
        "a settlement does not put back what is still pending when it ends",
        two_batches,
        frozenset({LIVENESS}),
        holder_does_not_look_again,
        hidden_by="the sweeper, which finds what was not put back: it is off",
        sure=sweeper_off,
    ),
    Plant(
        "no-idle-timeout",
        "the server never ends the transaction of a frozen worker",
        a_holder_that_freezes,
        frozenset({LIVENESS}),
        no_idle_timeout,
    ),
    Plant(
        "attempt-in-the-same-transaction",
        "that a settlement was tried is forgotten when it dies",
        a_request_that_kills,
        frozenset({LIVENESS}),
        attempt_in_the_same_transaction,
    ),
)

"""Real connections that race for the same rows, and the points where a test makes them meet."""

import threading
import time
from collections.abc import Callable, Collection
from functools import wraps
from types import ModuleType
from typing import Any, TypeVar

import pytest
from django.db import connection, connections
from django.db.backends.utils import CursorWrapper

from enrollment import facts, invariants, mailbox
from enrollment.models import Pending
from enrollment.settlement import settle
from enrollment.vocabulary import Ask
from registrar.audit.arrays import array

T = TypeVar("T")
PATIENCE = 20.0
"""Seconds after which a test is stuck rather than slow."""

_BLOCKED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend' AND wait_event_type = 'Lock'
"""


def race(*calls: Callable[[], T]) -> list[T | Exception]:
    """Run each call in a thread with connections of its own; what each returned or raised.

    The threads are named by their number, so that a patched function can tell who calls it.
    """
    ended: dict[int, T | Exception] = {}

    def run(number: int, call: Callable[[], T]) -> None:
        try:
            ended[number] = call()
        except Exception as error:
            ended[number] = error
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=run, args=item, name=str(item[0]), daemon=True)
        for item in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    assert len(ended) == len(calls), "a racing call never ended"
    return [ended[number] for number in range(len(calls))]


def together(*calls: Callable[[], T]) -> list[T]:
    """Run each call in a thread of its own; the first error is raised again here."""
    answers = []
    for answer in race(*calls):
        if isinstance(answer, Exception):
            raise answer
        answers.append(answer)
    return answers


def racer() -> int:
    """The number of the racing call that asks, -1 outside a race."""
    name = threading.current_thread().name
    return int(name) if name.isdigit() else -1


class Meeting:
    """A point where all racers wait for each other, unless a lock keeps one of them away.

    `met` says afterwards which it was: with the guard in place nobody else may get there.
    """

    def __init__(self, parties: int = 2) -> None:
        self.met = False
        self._over = threading.Event()
        self._parties = parties
        self._here = 0
        self._counting = threading.Lock()

    def __call__(self) -> None:
        with self._counting:
            self._here += 1
            if self._here == self._parties and not self._over.is_set():
                self.met = True
                self._over.set()
        deadline = time.monotonic() + PATIENCE / 2
        while not self._over.wait(0.01):
            if blocked():
                self._over.set()
            assert time.monotonic() < deadline, "the others neither came nor waited for a lock"


def blocked() -> int:
    """How many of the other connections wait for a lock at this moment."""
    with connections["witness"].cursor() as cursor:
        cursor.execute(_BLOCKED)
        count: int = cursor.fetchone()[0]
        return count


def until(happened: Callable[[], object], seconds: float = PATIENCE / 2) -> float:
    """Wait until it happened, and say how long that took."""
    begun = time.monotonic()
    while not happened():
        assert time.monotonic() - begun < seconds, "what was waited for did not happen"
        time.sleep(0.01)
    return time.monotonic() - begun


def after(
    patch: pytest.MonkeyPatch, owner: ModuleType | type, name: str, then: Callable[[], None]
) -> None:
    """Patch a function so that every caller does `then` before it goes on."""
    original = getattr(owner, name)

    @wraps(original)
    def patched(*args: Any, **kwargs: Any) -> Any:
        answer = original(*args, **kwargs)
        then()
        return answer

    patch.setattr(owner, name, patched)


def only(patch: pytest.MonkeyPatch, wanted: Callable[[Ask], bool]) -> None:
    """Settlements see no other pending requests."""
    read = facts.read_line

    def read_some(*args: Any) -> facts.Line:
        line = read(*args)
        return line._replace(pending=[each for each in line.pending if wanted(each.ask)])

    patch.setattr(facts, "read_line", read_some)


def lock_rows(cursor: CursorWrapper, students: Collection[tuple[int, int]]) -> None:
    """What `facts.lock_students` locks, and nothing more."""
    ids, terms = [array({each[part] for each in students}) for part in (0, 1)]
    cursor.execute(LOCK_STUDENTS, {"students": ids, "terms": terms})


LOCK_STUDENTS = facts.students._LOCK_STUDENTS
NO_LOCK = "SELECT 1"
"""In its place."""


def ready() -> list[int]:
    """The offerings that Redis says are ready, which they are no longer; nobody is on duty."""
    taken: Any = mailbox.client().zpopmin(mailbox.READY, 64)
    return [int(offering) for offering, _ in taken]


def settle_all() -> int:
    """Settle what is pending until nothing is, whatever Redis says; how many were decided."""
    decided = 0
    deadline = time.monotonic() + PATIENCE
    while waiting := Pending.objects.values_list("offering_id", flat=True).distinct():
        decided += settle(list(waiting), wait=True).decided
        assert time.monotonic() < deadline, "the queue does not drain"
    return decided


def broken() -> dict[str, tuple[str, ...]]:
    """What `verify` finds wrong: the name of each check that does not hold, with examples."""
    return {found.name: found.examples for found in invariants.run(connection) if found.count}

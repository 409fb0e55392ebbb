"""Every kind of request, from many connections, settled by many: and `verify` finds nothing.

By seed, so that a failure can be looked at again; the threads of course take turns as they like.
"""

import random
import threading
from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import NamedTuple

import pytest
from django.conf import settings
from django.db import Error, connection, transaction

from courses.models import Offering
from enrollment import requests
from enrollment.models import Outcome, Pending, Request, Student
from enrollment.requests import Accepted, Submission
from enrollment.settlement import settle, settle_ready
from enrollment.sweep import Sweeper
from enrollment.vocabulary import STUDENT_KINDS, Kind
from tests.factories import ask, make_offering, make_section, make_student, make_term, open_window
from tests.races import PATIENCE, broken, race, settle_all, until

pytestmark = pytest.mark.concurrency

POSTERS, POSTS = 4, 150


class World(NamedTuple):
    courses: list[Offering]
    students: list[Student]


@pytest.fixture
def world(database: None, monkeypatch: pytest.MonkeyPatch) -> World:
    for name, value in {
        "STUDENT_OPEN": 10_000,
        "STUDENT_PER_MINUTE": 10_000,
        "SETTLE_BATCH": 25,
        "SETTLE_OFFERINGS": 3,
    }.items():
        monkeypatch.setitem(settings.REGISTRAR, name, value)
    term = make_term()
    open_window(term)
    courses = [
        make_offering(
            term,
            base_limit=at % 4,
            auto_create=at % 2 == 0,
            section_limit=2,
            max_sections=3,
            total_cap=8 if at % 3 == 0 else None,
            base_meets=((500 * (at // 2), 500 * (at // 2) + 60),),
        )
        for at in range(8)
    ]
    make_section(courses[1], limit=2, meets=((9000, 9060),))
    return World(courses, [make_student(term, maximum=9) for _ in range(20)])


# One request of each kind ---------------------------------------------------------------------


def bundle(world: World, chance: random.Random, key: str) -> Submission:
    courses = chance.sample(world.courses, 3)
    return ask(Kind.BUNDLE, chance.choice(world.students), *courses, key=key)


def swap(world: World, chance: random.Random, key: str) -> Submission:
    wanted, given = chance.sample(world.courses, 2)
    return ask(Kind.SWAP, chance.choice(world.students), wanted, given, key=key)


def cancel(world: World, chance: random.Random, key: str) -> Submission:
    """Of a request of the student's own, whatever became of it."""
    made = Request.objects.filter(kind__in=STUDENT_KINDS - {Kind.CANCEL}).order_by("-id")[:30]
    if not made:
        return swap(world, chance, key)
    target = chance.choice(list(made))
    by_id = {course.pk: course for course in world.courses}
    touched = [by_id[pk] for pk in target.offerings]
    assert target.student is not None
    return ask(Kind.CANCEL, target.student, *touched, key=key, request=target.pk)


def limit(world: World, chance: random.Random, key: str) -> Submission:
    name = chance.choice(["0", "total_cap", "waitlist_cap", "max_sections", "open_sections"])
    value = chance.randint(0, 5) if name != "open_sections" else 1
    return ask(Kind.LIMIT, None, chance.choice(world.courses), key=key, set={name: value})


def permit(world: World, chance: random.Random, key: str) -> Submission:
    student, course = chance.choice(world.students), chance.choice(world.courses)
    return ask(Kind.PERMIT, student, course, key=key)._replace(actor="user:1")


def timetable(world: World, chance: random.Random, key: str) -> Submission:
    start = 500 * chance.randint(0, 8)
    meets = [[start, start + 60]]
    return ask(Kind.TIMETABLE, None, chance.choice(world.courses), key=key, section=0, meets=meets)


def pause(world: World, chance: random.Random, key: str) -> Submission:
    status = chance.choice(["PAUSED", "OPEN", "OPEN", "OPEN"])
    return ask(Kind.PAUSE, None, chance.choice(world.courses), key=key, status=status)


def simple(kind: Kind) -> Callable[[World, random.Random, str], Submission]:
    def make(world: World, chance: random.Random, key: str) -> Submission:
        return ask(kind, chance.choice(world.students), chance.choice(world.courses), key=key)

    return make


KINDS: dict[Callable[[World, random.Random, str], Submission], int] = {
    simple(Kind.ENROLL): 40,
    simple(Kind.DROP): 20,
    simple(Kind.LEAVE): 4,
    swap: 12,
    bundle: 6,
    cancel: 6,
    limit: 4,
    permit: 3,
    timetable: 3,
    pause: 2,
}


# Everybody at once ----------------------------------------------------------------------------


class Rush:
    """Posters, settlers of what is ready, settlers of single courses, and a sweeper."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.seed = world, seed
        self.over = threading.Event()
        self.all_posted = threading.Barrier(POSTERS, action=self.over.set)

    def post(self, number: int) -> int:
        chance = random.Random(f"{self.seed}/{number}")
        try:
            for nth in range(POSTS):
                [make] = chance.choices(list(KINDS), list(KINDS.values()))
                submission = make(self.world, chance, f"{number}-{nth}")
                [answer] = requests.submit_now([submission])
                assert isinstance(answer, Accepted), answer
        finally:
            self.all_posted.wait(PATIENCE)
        return POSTS

    def settle_what_is_ready(self) -> int:
        return self._until_over(lambda: settle_ready(0.2).decided)

    def settle_one_course(self, number: int) -> int:
        course = self.world.courses[number].pk
        return self._until_over(lambda: settle([course], wait=True).decided)

    def sweep(self) -> int:
        sweeper = Sweeper()
        return self._until_over(lambda: len(sweeper.look().settled))

    def _until_over(self, work: Callable[[], int]) -> int:
        done = 0
        while not self.over.wait(0.003):
            done += work()
        return done

    def calls(self) -> list[Callable[[], int]]:
        return [
            *[lambda number=number: self.post(number) for number in range(POSTERS)],
            self.settle_what_is_ready,
            self.settle_what_is_ready,
            lambda: self.settle_one_course(0),
            lambda: self.settle_one_course(5),
            self.sweep,
        ]


def assert_sound() -> None:
    settle_all()
    assert Request.objects.exclude(kind="RECHECK").count() == POSTERS * POSTS
    assert Request.objects.count() == Outcome.objects.count()
    assert not Pending.objects.exists()
    assert not Outcome.objects.filter(result="FAILED_INTERNAL").exists()
    assert broken() == {}


@pytest.mark.parametrize("seed", [1, 2])
def test_no_deadlock_and_nothing_that_verify_would_find(world: World, seed: int) -> None:
    ended = race(*Rush(world, seed).calls())

    assert [each for each in ended if isinstance(each, Exception)] == []
    assert_sound()


KILL = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_locks
WHERE relation = %s::regclass AND mode = 'RowExclusiveLock' AND NOT granted
LIMIT 1
"""
"""Whoever waits to write there. It has ended when this has answered."""
WRITTEN = ("outcomes", "audit_entries")
"""By settlements alone here: in the middle of what they write, and at its end."""


def test_settlers_that_lose_their_connections_lose_nothing_else(world: World) -> None:
    """A settler is held up where it writes, and killed there: the first that ever writes, too."""
    rush, holding, killed = Rush(world, seed=3), threading.Event(), []

    def kill() -> int:
        for table in cycle(WRITTEN):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {table} IN SHARE MODE")
                holding.set()
                while not rush.over.wait(0.005):
                    cursor.execute(KILL, [table])
                    if cursor.fetchone() == (True,):
                        killed.append(table)
                        break
            if rush.over.wait(0.02):
                break
        return len(killed)

    def end() -> None:
        until(lambda: killed)
        rush.over.set()

    def once_held(post: Callable[[], int]) -> int:
        holding.wait(PATIENCE)
        return post()

    def enduring(call: Callable[[], int]) -> int:
        while not rush.over.is_set():
            try:
                return call()
            except Error:
                connection.close()
        return 0

    rush.all_posted = threading.Barrier(POSTERS, action=end)
    calls = rush.calls()
    posters = [partial(once_held, post) for post in calls[:POSTERS]]
    settlers = [partial(enduring, call) for call in calls[POSTERS:]]
    ended = race(*posters, *settlers, kill)

    assert [each for each in ended if isinstance(each, Exception)] == []
    assert killed
    assert_sound()

"""The crowds that the benchmark settles, as values: the same ones whenever they are asked for.

H is the rush for one course, Z a whole catalogue wanted as unevenly as catalogues are.
"""

import random
from collections.abc import Callable, Mapping
from typing import NamedTuple

from courses.timetable import Meets, merge, weekly

SEED = 20_261_120
LIMIT = 60
"""Seats of a section."""
STANDARD = 20_000
"""Requests in a workload; the figures are for this many."""


class CourseWanted(NamedTuple):
    """A course of the term. With `meets`, its first section is there already, with its times."""

    credits: int
    meets: Meets = ()
    max_sections: int | None = None


class Workload(NamedTuple):
    """Who asks for what, in the order of asking; students and courses by their index."""

    name: str
    courses: tuple[CourseWanted, ...]
    students: int
    credit_maximum: int
    asks: tuple[tuple[int, int], ...]
    """(student, course)"""

    def first(self, asks: int) -> "Workload":
        """The same courses and students, and only the first of their requests."""
        return self._replace(asks=self.asks[:asks])


def rush(requests: int) -> Workload:
    """H: every student wants the one course, whose sections open as they fill."""
    asks = tuple((student, 0) for student in range(requests))
    return Workload("H", (CourseWanted(credits=3),), requests, 24, asks)


def catalogue(requests: int) -> Workload:
    """Z: demand by Zipf's law over 500 courses, four requests a student, ten sections a course.

    Some ask twice for the same course, some have no credits left or a clash, some come when all
    ten sections are full: of 20,000 about 14,800 get a seat, 2,700 are refused and 2,400 wait.
    """
    dice = random.Random(SEED)
    count = max(1, requests * 500 // STANDARD)
    courses = tuple(_course(dice) for _ in range(count))
    weights = [1 / rank for rank in range(1, count + 1)]
    students = -(-requests // 4)
    askers: list[int] = []
    while len(askers) < requests:
        askers += dice.sample(range(students), students)
    wanted = dice.choices(range(count), weights, k=requests)
    return Workload("Z", courses, students, 12, tuple(zip(askers, wanted, strict=False)))


def _course(dice: random.Random) -> CourseWanted:
    return CourseWanted(dice.choice((2, 3, 3, 4)), dice.choice(_TIMES), max_sections=10)


def _times() -> tuple[Meets, ...]:
    """Fifty minutes on three days or eighty on two, through the working day."""
    three = [[weekly(day, hour * 60, hour * 60 + 50) for day in (0, 2, 4)] for hour in range(8, 17)]
    two = [[weekly(day, at, at + 80) for day in (1, 3)] for at in range(8 * 60, 17 * 60, 90)]
    return tuple(merge(ranges) for ranges in (*three, *two))


_TIMES = _times()

WORKLOADS: Mapping[str, Callable[[int], Workload]] = {"H": rush, "Z": catalogue}

"""A registration day of an invented university, written down beforehand: who does what, when.

Deterministic by seed. Students fill carts before the window opens and some knock too early; then
most come at once, ask course by course or by cart, click twice, and think again: what a second
thought asks depends on how the first was decided, as on a page that shows it.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import count
from random import Random
from typing import NamedTuple

from .university import University


class Kind(StrEnum):
    """What a student can do on the page."""

    FILL = "fill"
    ENROLL = "enroll"
    CART = "cart"
    DROP = "drop"
    SWAP = "swap"
    LEAVE = "leave"
    CANCEL = "cancel"


class Act(NamedTuple):
    """One thing to ask for; courses are positions in the university's list."""

    kind: Kind
    course: int = -1
    give: int = -1
    section: int = 0
    """A section number, where the student wants that one and no other."""
    together: bool = False
    """The whole cart or nothing of it."""


class Deed(NamedTuple):
    """An act at its time, in seconds after the opening is announced (before it: negative)."""

    number: int
    student: int
    at: float
    act: Act
    after: int = -1
    """The deed whose decision (for CANCEL: whose answer) comes first."""
    instead: Mapping[str, Act] = {}
    """What to do rather than `act`, by the result of that decision."""
    keyed: bool = True
    """Sent with an Idempotency-Key."""
    twice: bool = False
    """A double click: sent twice at once."""


class Day(NamedTuple):
    """The deeds in the order of their times, and what lay in carts before anything was sent."""

    deeds: tuple[Deed, ...]
    carts: Mapping[int, tuple[int, ...]]


CART_SHARE = 0.16
TOGETHER_SHARE = 0.3
RUSH_SHARE = 0.17
RUSH_SECONDS = 2.0
EARLY = 150
EARLY_SECONDS = 4.0
_TRIES = 30


def plan_day(university: University, seed: int, seconds: float) -> Day:
    """Spread the students' deeds over that many seconds."""
    planner = _Planner(university, Random(seed), seconds)
    for student in range(len(university.students)):
        planner.plan(student)
    planner.knock_early()
    deeds = sorted(planner.deeds, key=lambda deed: (deed.at, deed.number))
    return Day(tuple(deeds), planner.carts)


class _Planner:
    def __init__(self, university: University, random: Random, seconds: float) -> None:
        self.university, self.random, self.seconds = university, random, seconds
        self.deeds: list[Deed] = []
        self.carts: dict[int, tuple[int, ...]] = {}
        self._numbers = count()

    def plan(self, student: int) -> None:
        """Everything one student does after the opening."""
        wishes = self.university.students[student].wishes
        arrival = self._arrival()
        if len(wishes) > 1 and self.random.random() < CART_SHARE:
            firsts = [self._cart(student, arrival, wishes)]
        else:
            firsts = list(self._one_by_one(student, arrival, wishes))
        again = max(deed.at for deed in firsts)
        for chance in (0.45, 0.1):
            if self.random.random() < chance:
                again += 3 + self.random.expovariate(1 / 5)
                self._think_again(student, self.random.choice(firsts), again)

    def knock_early(self) -> None:
        """Some cannot wait: these are refused with the time to come back at."""
        population = range(len(self.university.students))
        for student in self.random.sample(population, min(EARLY, len(population))):
            at = -self.random.uniform(0.5, EARLY_SECONDS)
            wish = self.university.students[student].wishes[0]
            self._add(student, at, Act(Kind.ENROLL, wish))

    def _arrival(self) -> float:
        """Many come the moment it opens, the rest ever more slowly."""
        if self.random.random() < RUSH_SHARE:
            return self.random.triangular(0, RUSH_SECONDS, 0.2)
        while True:
            at = self.random.expovariate(0.9 / self.seconds)
            if at < self.seconds * 0.85:
                return at

    def _cart(self, student: int, at: float, wishes: tuple[int, ...]) -> Deed:
        """Filled before the day; a few are filled while the page is already counting down."""
        if self.random.random() < 0.2:
            for course in wishes:
                at_home = -self.random.uniform(EARLY_SECONDS, 2 * EARLY_SECONDS)
                self._add(student, at_home, Act(Kind.FILL, course), keyed=False)
        else:
            self.carts[student] = wishes
        together = self.random.random() < TOGETHER_SHARE
        return self._add(student, at, Act(Kind.CART, wishes[0], together=together))

    def _one_by_one(self, student: int, at: float, wishes: tuple[int, ...]) -> Iterator[Deed]:
        for course in wishes:
            keyed, twice = self.random.random() < 0.9, self.random.random() < 0.02
            act = Act(Kind.ENROLL, course, section=self._pinned(course))
            deed = self._add(student, at, act, keyed=keyed, twice=twice)
            if self.random.random() < 0.015:
                self._add(student, at + 0.05, Act(Kind.CANCEL, course), after=deed.number)
            yield deed
            at += 0.3 + self.random.expovariate(1.2)

    def _pinned(self, course: int) -> int:
        sections = self.university.courses[course].sections
        if sections and self.random.random() < 0.3:
            return self.random.randint(1, len(sections))
        return 0

    def _think_again(self, student: int, first: Deed, at: float) -> None:
        """A change of mind, a swap, or another try: whatever fits what became of the first."""
        course, other = first.act.course, self._other(student)
        another = Act(Kind.ENROLL, other)
        leave = Act(Kind.LEAVE, course)
        mood = self.random.random()
        if mood < 0.4:
            instead = {"ENROLLED": Act(Kind.DROP, course), "WAITLISTED": leave}
        elif mood < 0.75:
            instead = {"ENROLLED": Act(Kind.SWAP, other, give=course)}
        else:
            instead = {"WAITLISTED": leave} if mood < 0.8 else {}
        self._add(student, at, another, after=first.number, instead=instead)

    def _other(self, student: int) -> int:
        """A course somebody else wants too: second choices are as skewed as first ones."""
        own = self.university.students[student].wishes
        for _ in range(_TRIES):
            somebody = self.random.choice(self.university.students)
            wish = self.random.choice(somebody.wishes)
            if wish not in own:
                return wish
        others = [course for course in range(len(self.university.courses)) if course not in own]
        return self.random.choice(others)

    def _add(
        self,
        student: int,
        at: float,
        act: Act,
        *,
        after: int = -1,
        instead: Mapping[str, Act] | None = None,
        keyed: bool = True,
        twice: bool = False,
    ) -> Deed:
        if at > self.seconds:
            # Too late to be played: somewhere in the last stretch instead.
            at = self.seconds * self.random.uniform(0.85, 1)
        at = round(max(at, self.deeds[after].at) if after >= 0 else at, 3)
        deed = Deed(next(self._numbers), student, at, act, after, instead or {}, keyed, twice)
        self.deeds.append(deed)
        return deed

"""Small crowded campuses and what may be asked on them: few seats, so that everything collides.

A day is made from seeds, one for the campus and one for each request, so that the examples are
as varied as dice and a failing one is still cut down to the few requests that matter.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from enrollment.vocabulary import Ask, Kind, OfferingFacts, State
from tests.values import (
    MONDAY,
    MONDAY_LATER,
    TUESDAY,
    bundle,
    campus,
    cancel,
    drop,
    enroll,
    leave,
    limit,
    offering,
    pause,
    permit,
    place,
    recheck,
    settle,
    student,
    swap,
    timetable,
)

FIRST = 101
"""The id of the first request."""
MEETS = ((), (), MONDAY, MONDAY_LATER, TUESDAY)
STATUSES = (*["OPEN"] * 8, "PAUSED", "PAUSED", "CLOSED")
SETTINGS: tuple[dict[str, int], ...] = (
    *({"seats_0": seats} for seats in range(4)),
    *({"seats_1": seats} for seats in range(3)),
    *({"total_cap": cap} for cap in (-1, -1, 2, 4)),
    *({"max_sections": most} for most in (-1, 0, 2)),
    {"auto_create": 1, "section_limit": 2},
    {"auto_create": 1, "section_limit": 1, "max_sections": -1},
    {"auto_create": 0},
    {"open_threshold": 2},
    {"waitlist_cap": 1},
    {"open_sections": 1},
    {"open_threshold": 0},
    {"seats_7": 1},
)
WEIGHTS = {
    Kind.ENROLL: 16,
    Kind.DROP: 10,
    Kind.SWAP: 8,
    Kind.BUNDLE: 3,
    Kind.LIMIT: 4,
    Kind.PERMIT: 2,
    Kind.PAUSE: 2,
    Kind.LEAVE: 1,
    Kind.CANCEL: 2,
    Kind.TIMETABLE: 2,
    Kind.RECHECK: 1,
}


class Day(NamedTuple):
    """A campus after a first rush, and everything that is asked then, in order."""

    state: State
    asks: tuple[Ask, ...]


def days() -> SearchStrategy[Day]:
    """A campus of two or three offerings, four to six students, and up to 40 requests."""
    seeds = st.integers(0, 2**20)  # few enough bits that Hypothesis draws them evenly
    few, many = st.lists(seeds, min_size=1, max_size=8), st.lists(seeds, min_size=14, max_size=40)
    return st.builds(_day, seeds, few | many)


def _day(campus_seed: int, ask_seeds: Sequence[int]) -> Day:
    dice = Random(campus_seed)
    courses = [_offering(dice, id) for id in range(1, dice.randint(2, 3) + 1)]
    crowd = [
        student(id, maximum=dice.randint(4, 12), load=dice.randint(0, 2))
        for id in range(11, 11 + dice.randint(4, 6))
    ]
    rush = [(s.id, o.id) for s in crowd for o in courses if dice.random() < 0.7]
    dice.shuffle(rush)
    before = [enroll(id, *wish) for id, wish in enumerate(rush, start=1)]
    state = settle(campus(*courses, *crowd), *before).after
    asks: list[Ask] = []
    now = state
    for id, seed in enumerate(ask_seeds, start=FIRST):
        asks.append(_ask(Random(seed), id, now, asks))
        now = settle(now, asks[-1]).after
    broken = dice.choice([*[()] * 9, (FIRST, FIRST + 3)])
    return Day(state._replace(broken=broken), tuple(asks))


def _offering(dice: Random, id: int) -> OfferingFacts:
    """Base seats and up to two sections, some over their limit by permission."""
    places = []
    for number in range(dice.randint(1, 3)):
        seats = dice.randint(0, 2)
        others = dice.choice([*[0] * 8, 1, seats + 1])
        places.append(place(number, seats, others, meets=dice.choice(MEETS)))
    return offering(
        id,
        *places,
        credits=dice.randint(0, 4),
        status=dice.choice((*STATUSES, *["OPEN"] * 12)),
        auto_create=dice.random() < 0.6,
        open_threshold=dice.choice([1, 1, 2, 3]),
        section_limit=dice.choice([0, 1, 1, 2, 2]),
        max_sections=dice.choice([-1, -1, 1, 3]),
        total_cap=dice.choice([-1, -1, -1, -1, 2, 4]),
        waitlist_cap=dice.choice([-1, -1, -1, -1, 1]),
        openings=dice.choice([*[-1] * 8, 1, 0]),
    )


def _ask(dice: Random, id: int, state: State, before: Sequence[Ask]) -> Ask:
    """Anything that may be asked on this campus, more often than not by somebody who may."""
    one, other = dice.choice(state.offerings).id, dice.choice(state.offerings).id
    who = dice.choice(state.students).id
    [kind] = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))
    holds = [(s.id, seat.offering) for s in state.students for seat in s.held]
    waits = [(s.id, wait.offering) for s in state.students for wait in s.waits]
    likely = {Kind.DROP: holds, Kind.SWAP: holds, Kind.LEAVE: waits, Kind.RECHECK: waits}
    if likely.get(kind) and dice.random() < 0.8:
        who, one = dice.choice(likely[kind])
    wanted = [offering for waiter, offering in waits if waiter == who]
    if kind is Kind.SWAP and wanted and dice.random() < 0.5:
        other = dice.choice(wanted)
    number = dice.randint(0, 2)
    window = {"window": 0} if dice.random() < 0.05 else {}
    section = {"section": number} if dice.random() < 0.25 else {}
    match kind:
        case Kind.ENROLL:
            return enroll(id, who, one, **window, **section)
        case Kind.DROP:
            return drop(id, who, one, **window)
        case Kind.SWAP:
            return swap(id, who, give=one, want=other, **window, **section)
        case Kind.BUNDLE:
            return bundle(id, who, *dict.fromkeys((one, other)))
        case Kind.LIMIT:
            return limit(id, one, **dice.choice(SETTINGS))
        case Kind.PERMIT:
            return permit(id, who, one, **section)
        case Kind.PAUSE:
            return pause(id, one, dice.choice(STATUSES))
        case Kind.LEAVE:
            return leave(id, who, one)
        case Kind.TIMETABLE:
            return timetable(id, one, number, dice.choice(MEETS))
        case Kind.CANCEL if before:
            target = dice.choice(before)
            return cancel(id, dice.choice([target.student] * 4 + [who]), target=target)
        case _:
            return recheck(id, who, one)

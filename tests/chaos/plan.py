"""What a seed stands for: which faults, when, and whether they meet. Pure.

Faults are dealt from a shuffled deck, so that in a row of seeds each comes up as often as any
other; a seed by itself still names its faults.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from tests.chaos.faults.fault import Fault

A_ROUND = 2
"""Faults in a round."""
_LONGEST_STORM = 9.0
_AROUND_SECONDS = 1.5
_MEETING = 0.35
"""How often two faults that may are put in at the same moment (row 35)."""
_LULL = 0.3
"""How often the storm is over before the faults are: later requests would wake whoever must wake
up by himself."""


class Planned(NamedTuple):
    """A fault and when it is put in: seconds after the storm's beginning, or after the last."""

    fault: Fault
    at: float


class Plan(NamedTuple):
    """One round."""

    seed: int
    faults: tuple[Planned, ...]
    meet: bool
    """The faults begin together; otherwise one after the other."""
    storm: float
    """Seconds over which the requests are spread."""


def plan(seed: int, faults: Sequence[Fault]) -> Plan:
    """What this seed does with these faults: all of them, in this order, where they are few."""
    chance = random.Random(f"plan {seed}")
    drawn = list(faults) if len(faults) <= A_ROUND else deal(seed, faults)
    meet = _may_meet(drawn) and chance.random() < _MEETING
    planned = tuple(Planned(fault, round(chance.uniform(0.3, 1.2), 3)) for fault in drawn)
    lengths = [each.at + each.fault.seconds for each in planned]
    busy = max(lengths) if meet else sum(lengths)
    storm = busy * chance.uniform(0.6, 0.9) if chance.random() < _LULL else busy + _AROUND_SECONDS
    return Plan(seed, planned, meet, round(min(storm, _LONGEST_STORM), 3))


def _may_meet(faults: Sequence[Fault]) -> bool:
    """Two of one row would only be in each other's way."""
    rows = {fault.row for fault in faults}
    return 1 < len(faults) == len(rows) and not any(fault.alone for fault in faults)


def deal(seed: int, faults: Sequence[Fault]) -> list[Fault]:
    """The seed's hand: decks of all faults follow each other, each in an order of its own."""
    first = seed * A_ROUND
    hand: list[Fault] = []
    for at in range(first, first + A_ROUND):
        deck, place = divmod(at, len(faults))
        card = _shuffled(deck, faults)[place]
        # At the seam of two decks the same card may come twice.
        hand.append(card if card not in hand else _shuffled(deck, faults)[place - 1])
    return hand


def _shuffled(deck: int, faults: Sequence[Fault]) -> list[Fault]:
    return random.Random(f"deck {deck}").sample(list(faults), len(faults))

"""What a study plan adds up to: credits from the least to the most that its choices allow.

Pure: numbers in, numbers out. A student takes one course of a slot.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

NOT_NEEDED = frozenset({"Optional", "Backlog"})
"""Slot types that nobody has to fill: they may add credits, or none."""


class Span(NamedTuple):
    """Credits from `least` to `most`, by what is chosen."""

    least: int
    most: int

    def __str__(self) -> str:
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


class Reach(StrEnum):
    """Whether a plan gives the credits it asks for."""

    ALWAYS = "ALWAYS"
    """Whatever is chosen."""
    BY_CHOICE = "BY_CHOICE"
    """Only if the courses with more credits are chosen."""
    NEVER = "NEVER"


def of_slot(kind: str, credits: Sequence[int]) -> Span:
    """What one slot adds; nothing while no course is in it."""
    if not credits:
        return Span(0, 0)
    return Span(0 if kind in NOT_NEEDED else min(credits), max(credits))


def total(spans: Iterable[Span]) -> Span:
    """What several things add together."""
    least = most = 0
    for span in spans:
        least, most = least + span.least, most + span.most
    return Span(least, most)


def reach(credits: Span, needed: int) -> Reach:
    """Whether a plan of these credits gives the `needed` ones."""
    if credits.least >= needed:
        return Reach.ALWAYS
    return Reach.BY_CHOICE if credits.most >= needed else Reach.NEVER

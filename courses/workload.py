"""Whether a course's credits and its contact hours agree (S1-9, S1-98). Pure, whole numbers.

The hour fields are weekly: a 3-credit course of 3 lectures a week has 45 hours in 15 weeks (T19).
"""

from collections.abc import Mapping
from typing import NamedTuple

WEEKS = 15
"""Of a semester; also the hours a semester that one credit stands for."""
TOLERANCE = 2
"""Hours a semester, either way, for each credit."""
FULL = 100
"""Percent: an hour that counts as an hour."""


class Alignment(NamedTuple):
    """Hours of a semester: what the hour fields make, and what the credits stand for."""

    hours: int
    """Weighted; in hundredths of an hour, so that a half hour is exact."""
    expected: int
    tolerance: int

    @property
    def agrees(self) -> bool:
        """A course without credits (a seminar, an orientation) may meet as long as it likes."""
        return not self.expected or abs(self.hours - self.expected) <= self.tolerance

    @property
    def sentence(self) -> str:
        """What a person reads when they do not agree."""
        return (
            f"The contact hours make {_hours(self.hours)} in a semester of {WEEKS} weeks, the "
            f"credits stand for {_hours(self.expected)}, {_hours(self.tolerance)} more or less."
        )


def contact_hours(hours: Mapping[str, int | None]) -> int:
    """Hours a week of every kind together (S1-9); what is not stated is none."""
    return sum(each or 0 for each in hours.values())


def align(
    credit: int, hours: Mapping[str, int | None], weights: Mapping[str, int] | None = None
) -> Alignment:
    """Credits against weekly hours by kind (S1-98).

    `weights` says in percent what an hour of a kind counts: `{"pratical_hours": 50}` is the usual
    half credit for a laboratory hour. A kind that it does not name counts in full.
    """
    weighted = sum((each or 0) * (weights or {}).get(kind, FULL) for kind, each in hours.items())
    return Alignment(weighted * WEEKS, credit * WEEKS * FULL, credit * TOLERANCE * FULL)


def _hours(hundredths: int) -> str:
    whole, rest = divmod(hundredths, FULL)
    return f"{whole} hours" if not rest else f"{whole}.{rest:02d} hours"

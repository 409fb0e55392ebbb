"""A check by its name, and what it found."""

from dataclasses import dataclass
from typing import NamedTuple


class Check(NamedTuple):
    """What must hold, and SQL whose rows are what breaks it: one column, `offender`, in words.

    `%(patience)s` is how many seconds something may be under way without being a fault, `%(idle)s`
    how many a transaction may do nothing.
    """

    name: str
    sentence: str
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and the offenders it found: none when it holds."""

    name: str
    sentence: str
    count: int
    examples: tuple[str, ...]
    """The first few offenders, in words."""
    group: str
    """What the check is about: requests, seats, waitlists, sections, database, chain, replay."""

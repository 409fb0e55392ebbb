"""Weekly minutes: when something meets, and whether two things meet at once.

A *meets* value is a sorted tuple of half-open `(start, end)` minutes of the week, Monday
00:00 being 0 and Sunday 24:00 being 10,080. PostgreSQL stores it as `int4multirange`.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

Meets: TypeAlias = tuple[tuple[int, int], ...]

MINUTES_PER_DAY = 24 * 60
MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY
DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


# A term has a few hundred distinct timetables and a registration day compares them a million
# times, so both functions below are answered from memory nearly always.
@lru_cache(maxsize=16_384)
def parse(text: str) -> Meets:
    """Read PostgreSQL's text form, `{[540,590),[1980,2030)}`, as it prints canonical ranges."""
    inner = text.strip("{}")
    if not inner:
        return ()
    ranges = []
    for part in inner.split("),"):
        start, _, end = part.strip("[)").partition(",")
        ranges.append((int(start), int(end)))
    return tuple(ranges)


@lru_cache(maxsize=65_536)
def overlap(a: Meets, b: Meets) -> bool:
    """Whether two weekly timetables share a minute."""
    return any(s < y and x < e for s, e in a for x, y in b)


def render(meets: Iterable[tuple[int, int]]) -> str:
    """The text that PostgreSQL reads as an `int4multirange`."""
    return "{" + ",".join(f"[{start},{end})" for start, end in meets) + "}"


def merge(ranges: Iterable[tuple[int, int]]) -> Meets:
    """Sort ranges and join those that touch, as PostgreSQL does with a multirange."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if not 0 <= start < end <= MINUTES_PER_WEEK:
            raise ValueError(f"a meeting must lie within one week: {start}-{end}")
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def weekly(day: int, start: int, end: int) -> tuple[int, int]:
    """Minutes of the week of a meeting on `day` (0 = Monday) from `start` to `end` (minutes)."""
    return day * MINUTES_PER_DAY + start, day * MINUTES_PER_DAY + end


def describe(meets: Meets) -> str:
    """What a person reads: `Mon 09:00-09:50, Wed 09:00-09:50`; `no fixed times` when empty."""
    return ", ".join(_span(start, end) for start, end in meets) or "no fixed times"


def _span(start: int, end: int) -> str:
    day, minute = divmod(start, MINUTES_PER_DAY)
    last, until = divmod(end - 1, MINUTES_PER_DAY)  # midnight ends a day
    ends = _clock(until + 1) if last == day else f"{DAY_NAMES[last]} {_clock(until + 1)}"
    return f"{DAY_NAMES[day]} {_clock(minute)}-{ends}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"

"""Was anybody overtaken? Told from the clients' own log, not from what the system says of itself.

An inversion is a pair in one offering where A's answer had arrived before B was sent, and yet B
was settled first (architecture 3.6). Requests under way at the same time may settle either way.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .witness import NEVER, Seen


class Passage(NamedTuple):
    """One request's way through one offering: two times of the client's clock, and its place."""

    offering: int
    sent: int
    answered: int
    settled: tuple[int, int]
    """(settlement, request): the order of everything that settlements write."""


class Decided(NamedTuple):
    """A request and its outcome, as stored; `at` is a moment of the same host's clock."""

    id: int
    kind: str
    offerings: list[int]
    settlement: int | None
    result: str | None
    code: str | None
    at: int


def passages(row: Decided, seen: Seen) -> Iterator[Passage]:
    """A request's way through each of its offerings, as far as its client's log tells it.

    A CANCEL stands in no line, and an answer that never came proves nothing.
    """
    if row.kind != "CANCEL" and row.settlement is not None and seen.answered != NEVER:
        for offering in row.offerings:
            yield Passage(offering, seen.sent, seen.answered, (row.settlement, row.id))


def inversions(passages: Iterable[Passage]) -> int:
    """How many pairs were settled in the wrong order, in O(n log n)."""
    lines: dict[int, list[Passage]] = defaultdict(list)
    for passage in passages:
        lines[passage.offering].append(passage)
    return sum(map(_inversions, lines.values()))


def _inversions(line: list[Passage]) -> int:
    """Sweep through the sends; those answered by then and settled later were overtaken."""
    ranks = {place: rank for rank, place in enumerate(sorted({p.settled for p in line}), start=1)}
    answered = sorted(line, key=lambda passage: passage.answered)
    counts, arrived, overtaken = [0] * (len(ranks) + 1), 0, 0
    for passage in sorted(line, key=lambda passage: passage.sent):
        while arrived < len(answered) and answered[arrived].answered < passage.sent:
            _add(counts, ranks[answered[arrived].settled])
            arrived += 1
        overtaken += arrived - _up_to(counts, ranks[passage.settled])
    return overtaken


def _add(counts: list[int], rank: int) -> None:
    """Count one more of this rank (a Fenwick tree: both calls take log n steps)."""
    while rank < len(counts):
        counts[rank] += 1
        rank += rank & -rank


def _up_to(counts: list[int], rank: int) -> int:
    """How many of this rank or a lower one were counted."""
    total = 0
    while rank:
        total += counts[rank]
        rank -= rank & -rank
    return total

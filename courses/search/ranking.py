"""The order of what was found."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

from rapidfuzz import fuzz
from rapidfuzz.utils import default_process

MOST = 200
"""Courses that a search answers with; who wants more has to say more."""
COMPARED = 50
"""Of each kind, those whose names are compared with what was typed."""


class Match(IntEnum):
    """How a course was found; the lower, the surer."""

    CODE = 0
    FORMER_CODE = 1
    CODE_PREFIX = 2
    NAME = 3
    WORDS = 4
    ALIKE = 5


class Hit(NamedTuple):
    """A course that was found: the latest version of a lineage."""

    id: int
    lineage: UUID
    code: str
    name: str
    match: Match
    weight: float
    """How well by the database: comparable among hits of one kind only."""


def ranked(text: str, hits: Iterable[Hit]) -> list[Hit]:
    """Each course once, as it was found most surely; the best `MOST` of them, the best first."""
    best: dict[int, Hit] = {}
    for hit in sorted(hits, key=lambda each: each.match):
        best.setdefault(hit.id, hit)
    ordered: list[Hit] = []
    for match in Match:
        ordered += _within(text, [hit for hit in best.values() if hit.match is match])
    return ordered[:MOST]


def _within(text: str, hits: Sequence[Hit]) -> list[Hit]:
    """Hits of one kind: half by the database's weight, half by how alike name and text are."""
    by_weight = sorted(hits, key=lambda hit: (-hit.weight, hit.code, hit.id))
    top, rest = by_weight[:COMPARED], by_weight[COMPARED:]
    highest = max((hit.weight for hit in top), default=0.0) or 1.0
    asked = default_process(text)

    def score(hit: Hit) -> float:
        alike = fuzz.WRatio(asked, default_process(f"{hit.code} {hit.name}")) / 100
        return hit.weight / highest + alike

    return sorted(top, key=lambda hit: (-score(hit), hit.code, hit.id)) + rest

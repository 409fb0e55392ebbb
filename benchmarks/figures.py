"""What the runs add up to: medians, ratios within a round, and the targets they are held to."""

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from benchmarks.contender import Run


class Spread(NamedTuple):
    """The middle of several rounds, and how far they lie apart."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(min(values), median(values), max(values))


class Ratio(NamedTuple):
    """One contender over another, in the same round; with a target it must reach it."""

    name: str
    over: str
    under: str
    target: float | None = None


def rates(runs: Sequence[Run], contender: str) -> Spread:
    return Spread.of([run.rate for run in runs if run.contender == contender])


def ratio(runs: Sequence[Run], wanted: Ratio) -> Spread:
    """Round by round: a machine that others use is as slow for both in one round."""
    below = {run.round: run.rate for run in runs if run.contender == wanted.under}
    return Spread.of([run.rate / below[run.round] for run in runs if run.contender == wanted.over])


def verdicts(runs: Sequence[Run], wanted: Sequence[Ratio]) -> list[dict[str, Any]]:
    """Each target with the value reached: what `--json` writes and the exit code follows."""
    return [
        {
            "name": each.name,
            "value": round(value := ratio(runs, each).middle, 2),
            "target": each.target,
            "met": value >= each.target,
        }
        for each in wanted
        if each.target is not None
    ]

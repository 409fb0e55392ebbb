"""What the runs add up to: medians, ratios within a round, and the targets they are held to."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple

from benchmarks.contender import Run

RATE = "rate"
"""The figure that every run has; the others are among its facts."""


class Spread(NamedTuple):
    """The middle of several rounds, and how far they lie apart."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(min(values), median(values), max(values))


def spread(runs: Iterable[Run], contender: str, figure: str = RATE) -> Spread:
    return Spread.of([_figure(run, figure) for run in runs if run.contender == contender])


def _figure(run: Run, figure: str) -> float:
    return run.rate if figure == RATE else float(run.facts[figure])


class Ratio(NamedTuple):
    """One contender over another, in the same round."""

    name: str
    over: str
    under: str
    figure: str = RATE

    def of(self, runs: Iterable[Run]) -> Spread:
        """Round by round: a machine that others use is as slow for both in one round."""
        runs = list(runs)
        below = {
            run.round: _figure(run, self.figure) for run in runs if run.contender == self.under
        }
        return Spread.of(
            [
                _figure(run, self.figure) / below[run.round]
                for run in runs
                if run.contender == self.over
            ]
        )


class Verdict(NamedTuple):
    """A target with what was reached. Without a goal it is only to be read."""

    name: str
    value: Spread
    goal: float | None
    met: bool
    at_most: bool

    def as_json(self) -> dict[str, Any]:
        value, target = round(self.value.middle, 3), self.goal and round(self.goal, 3)
        return {"name": self.name, "value": value, "target": target, "met": self.met}


class Target(NamedTuple):
    """A ratio that must reach a goal; of several ratios the worst must."""

    name: str
    goal: float | None
    ratios: tuple[Ratio, ...]
    at_most: bool = False

    def judge(self, runs: Iterable[Run]) -> Verdict:
        runs = list(runs)
        worst = max if self.at_most else min
        value = worst((ratio.of(runs) for ratio in self.ratios), key=lambda each: each.middle)
        reached = self.goal is None or (
            value.middle <= self.goal if self.at_most else value.middle >= self.goal
        )
        return Verdict(self.name, value, self.goal, reached, self.at_most)


class Below(NamedTuple):
    """A figure of one contender that must be lower than another's in the same run."""

    name: str
    of: str
    than: str
    figure: str

    def judge(self, runs: Iterable[Run]) -> Verdict:
        runs = list(runs)
        value, goal = spread(runs, self.of, self.figure), spread(runs, self.than, self.figure)
        return Verdict(self.name, value, goal.middle, value.middle < goal.middle, at_most=True)


def single(name: str, goal: float | None, over: str, under: str) -> Target:
    """The usual target: one rate over another."""
    return Target(name, goal, (Ratio(name, over, under),))

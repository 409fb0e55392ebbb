"""What the runner asks of whoever is measured: one file a contender, one `Run` a round."""

from typing import Any, NamedTuple, Protocol


class Run(NamedTuple):
    """One contender in one round."""

    contender: str
    round: int
    done: int
    """Requests settled, or messages worked off."""
    seconds: float
    facts: dict[str, Any] = {}
    """What else was seen: sizes, bytes, outcomes."""

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    def as_json(self) -> dict[str, Any]:
        rounded = {"seconds": round(self.seconds, 4), "rate": round(self.rate, 1)}
        return {**self._asdict(), **rounded}


class Contender(Protocol):
    """Something with a rate. `run` raises `truths.Broken` where the work was not done right."""

    @property
    def name(self) -> str: ...

    def run(self, round_: int) -> Run: ...

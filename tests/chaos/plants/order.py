"""What a harness orders of a nursery: a process, its bugs, and where it stands still."""

from typing import Any, NamedTuple


class Pause(NamedTuple):
    """After a function of the product has returned, its caller stands still for a moment."""

    seam: str
    """`enrollment.facts:lock_students`."""
    seconds: float = 0.0
    """Of a `sleep`."""
    times: int = 1
    """How many callers, in each process."""
    action: str = "hold"
    """Until the harness lets go, saying to PostgreSQL that it lives; `sleep`; `freeze`, until
    somebody thaws it; `die`; or `lose`: the answer is lost on its way."""
    only: int = 0
    """Only where a settlement is about to end that has decided this request, and did not give it
    up: the seam is `enrollment.ledger:write`."""
    inner: bool = False
    """Below the plant, which then sees what became of it."""


class Order(NamedTuple):
    """A process to be forked."""

    kind: str
    """`worker` or `door`."""
    name: str
    plants: list[str]
    """Plants put in whole, or as `sure:NAME`, their second guard alone."""
    pauses: list[list[Any]]
    limits: dict[str, Any]
    """Settings of REGISTRAR's that differ."""
    database: str
    log: str

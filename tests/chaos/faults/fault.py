"""What a fault is: how it is put in, and what is to be seen of it."""

import random
from collections.abc import Callable
from typing import NamedTuple

from tests.chaos.site import Site


class Bite(NamedTuple):
    """What became of one injection."""

    happened: int
    """How often the fault really took place; 0 is a fault that did not bite."""
    detail: str = ""
    violations: tuple[str, ...] = ()
    """Promises the injection itself saw broken, besides what the checks see later."""
    branches: frozenset[str] = frozenset()
    """Which of several outcomes it met (`committed`, `rolled back`), counted over the run."""
    at: float = 0.0
    """When it bit, by the wall clock in seconds, where the site must get over it without any
    healing; otherwise liveness counts from the end of `inject`."""


class Fault(NamedTuple):
    """A row of the fault matrix. `inject` runs while clients send, and heals before it returns."""

    name: str
    row: int
    inject: Callable[[Site, random.Random], Bite]
    live: float = 10.0
    """Seconds after which, once it is healed, all that waited must be decided."""
    alone: bool = False
    """Never at the same time as another: it needs the whole site, or ruins it for a moment."""
    skews_clock: bool = False
    """The database's clock may differ from the clients', so opening times prove nothing."""
    ruins: bool = False
    """The site is made anew afterwards."""
    seconds: float = 4.0
    """About how long `inject` takes: rounds are planned by it."""
    needs: Callable[[], str] = lambda: ""
    """Why it cannot be put in on this machine; empty when it can."""

"""What the contenders of all groups share: sizes, and databases that live through every round."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from rich.console import Console

from benchmarks import databases
from benchmarks.contender import Contender
from benchmarks.figures import Below, Target
from benchmarks.workloads import STANDARD


class Sizes(NamedTuple):
    """How much of everything. The figures are for these; a test is content with far less."""

    requests: int = STANDARD
    messages: int = 5000
    """Of Celery's floor."""
    sample: int = 600
    """Requests of a workload that the slow peers take, the first ones."""
    transactions: int = 1500
    """For each of pgbench's clients."""
    small: int = 2000
    large: int = 200_000
    """Requests at both ends of the growth."""
    history: int = 1_000_000
    """Enrollments of terms gone by."""
    arrival_seconds: float = 8.0
    """How long requests keep arriving where the time to a decision is measured."""
    courses: int = 20_000
    """That are searched, each in five versions."""
    searches: int = 60
    http_seconds: float = 4.0
    clients: int = 32


QUICK = Sizes(
    requests=300,
    messages=50,
    sample=40,
    transactions=25,
    small=100,
    large=900,
    history=2000,
    arrival_seconds=1.0,
    courses=400,
    searches=12,
    http_seconds=0.5,
    clients=4,
)


class Stage:
    """Enter what must live through all rounds into `stack`; it ends with the run."""

    def __init__(self, sizes: Sizes, stack: ExitStack, console: Console) -> None:
        self.sizes = sizes
        self.stack = stack
        self._console = console
        self._templates: dict[str, str] = {}
        self.empty = stack.enter_context(databases.made("empty"))

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False)

    def template(self, name: str, build: Callable[[], None], like: str = "") -> str:
        """A frozen database that `build` has written, on an empty one or on a copy of `like`;
        asked for by the same name, the same one."""
        if name not in self._templates:
            self.say(f"Writing {name}.")
            made = databases.made(f"t{len(self._templates)}", like or self.empty)
            database = self.stack.enter_context(made)
            build()
            databases.freeze(database)
            self.stack.callback(databases.thaw, database)
            self._templates[name] = database
        return self._templates[name]


class Group(NamedTuple):
    """Contenders that belong together, by a word of the command line."""

    name: str
    about: str
    contenders: Callable[[Stage], Sequence[Contender]]
    targets: Sequence[Target | Below]

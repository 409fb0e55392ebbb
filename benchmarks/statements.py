"""What each statement costs a request: elapsed, on PostgreSQL's processor, and in bytes of WAL.

In a process of its own, with a look at the server before and after every statement. A statement
is called by the name it has in our code, so it is found there.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from django.db import connections

from benchmarks import alone, campus
from benchmarks.alone import Meter
from benchmarks.workloads import catalogue
from enrollment import behind
from registrar import prepared

_ROOMS = ("enrollment.", "registrar.audit.")
_SHORT = 40
COMMIT = "COMMIT"


class Statement(NamedTuple):
    """Of one request: microseconds, and bytes of WAL."""

    name: str
    calls: int
    """In all."""
    elapsed: float
    server: float
    wal: float


class _Watch:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._names = {text.strip(): name for text, name in _texts()}
        self.sums: defaultdict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0, 0.0])

    def statement(self, execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        """One of Django's own hooks: called in place of every statement."""
        return self.measure(self._name(sql), lambda: execute(sql, *args))

    def measure(self, name: str, call: Callable[[], Any]) -> Any:
        before = self._meter.look()
        try:
            return call()
        finally:
            after = self._meter.look()
            sums = self.sums[name]
            sums[0] += 1
            sums[1] += after.at - before.at
            sums[2] += (after.server or 0.0) - (before.server or 0.0)
            sums[3] += after.wal - before.wal

    def _name(self, sql: str) -> str:
        text = sql.removeprefix(prepared.PIN).strip()
        if text not in self._names:
            # Some go together, and some are put together and begin with a text that has a name.
            parts = [each.strip() for each in text.split(";")]
            self._names[text] = ", ".join(self._beginning(part) for part in parts if part)
        return self._names[text]

    def _beginning(self, text: str) -> str:
        longest = max((each for each in self._names if text.startswith(each)), key=len, default="")
        return self._names.get(longest) or _short(text)

    def statements(self, done: int) -> list[Statement]:
        each = 1_000_000 / max(1, done)
        lines = [
            Statement(
                name,
                int(calls),
                round(elapsed * each, 2),
                round(server * each, 2),
                round(wal / max(1, done), 1),
            )
            for name, (calls, elapsed, server, wal) in self.sums.items()
        ]
        return sorted(lines, key=lambda line: -line.elapsed)


def _short(sql: str) -> str:
    """Its first words, without the names that Django makes up."""
    return " ".join(sql.partition('"')[0].split())[:_SHORT]


def _texts() -> Iterator[tuple[str, str]]:
    """Every SQL text of ours with its name."""
    for module in [each for each in sys.modules.values() if each.__name__.startswith(_ROOMS)]:
        for name, value in vars(module).items():
            if isinstance(value, str) and name.isupper() and " " in value.strip():
                called = f"{module.__name__.rpartition('.')[2]}.{name}"
                yield value, called
                yield prepared.call(value), called


def _watching() -> tuple[Meter, _Watch]:
    meter = Meter()
    watch = _Watch(meter)
    behind.AT_ONCE = 1  # each on its own, to be told apart
    for connection in connections.all():
        connection.execute_wrappers.append(watch.statement)
        # What commits beside the settlement's own transaction is told apart.
        name = COMMIT if connection.alias == "default" else f"{COMMIT}, {connection.alias}"
        connection._commit = partial(  # type: ignore[attr-defined]
            watch.measure,
            name,
            connection._commit,  # type: ignore[attr-defined]
        )
    return meter, watch


def main(_: str) -> None:
    """Settle all that is ready in this process; print its cost and statements as JSON."""
    alone.be_a_settler()
    meter, watch = _watching()
    cost = meter.of(alone.settle_everything)
    print(json.dumps({"cost": cost, "statements": watch.statements(cost.done)}))


def intake(args: str) -> None:
    """Accept requests in a process of the web's role; print its cost and statements as JSON.

    `args`: the size of Z, how many of its requests, and how many in one commit. The cost is of
    the first half: looking at every statement costs more than the statement.
    """
    size, count, at_once = map(int, args.split())
    submissions = campus.submissions(catalogue(size).first(count))
    half = len(submissions) // 2
    cost = Meter().of(lambda: campus.flush(submissions[:half], at_once))
    _, watch = _watching()
    done = campus.flush(submissions[half:], at_once)
    print(json.dumps({"cost": cost, "statements": watch.statements(done)}))

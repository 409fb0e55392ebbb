"""Where a settlement's time goes: every function of the pipeline with a stopwatch around it.

Run in a process of its own with the workers' role, one settler, no Celery. What a function calls
that has a stopwatch too is counted there alone, so the figures add up to the whole. A stopwatch
costs about half a microsecond: what is called for every request looks that much dearer.
"""

import inspect
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, NamedTuple

from django.db import connections

from benchmarks import alone
from enrollment import allocation

# What these do is counted where they are called from: they are asked many times a request.
_TOO_SMALL = frozenset(
    {"models", "vocabulary", "board", "rules", "arrays", "allocation", "seating"}
)
_WATCHED = ("enrollment.", "registrar.audit.")
COMMIT = "commit, with deferred checks"
WAIT = "waiting for statements beside"
REST = "the rest"


class Phase(NamedTuple):
    """Microseconds per request: all in all, and of those the ones spent in a statement."""

    name: str
    total: float
    statements: float


class _Stopwatch:
    """Charges the time since the last change to whatever phase is on top.

    It runs in the settler's own thread. Statements that another thread sends meanwhile are
    `beside`: no part of the sum, but of the waiting at their end.
    """

    def __init__(self) -> None:
        self.beside = 0.0
        self._thread = threading.get_ident()
        self.total: defaultdict[str, float] = defaultdict(float)
        self.statements: defaultdict[str, float] = defaultdict(float)
        self._stack = [REST]
        self._since = time.perf_counter()

    def start(self) -> None:
        self._since = time.perf_counter()

    def charge(self) -> None:
        now = time.perf_counter()
        self.total[self._stack[-1]] += now - self._since
        self._since = now

    def around(self, phase: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call, assigned=("__name__", "__module__"), updated=())
        def timed(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != self._thread:
                return call(*args, **kwargs)
            self.charge()
            self._stack.append(phase)
            try:
                return call(*args, **kwargs)
            finally:
                self.charge()
                self._stack.pop()

        return timed

    def statement(self, execute: Callable[..., Any], *args: Any) -> Any:
        """One of Django's own hooks: called in place of every statement."""
        begun = time.perf_counter()
        try:
            return execute(*args)
        finally:
            spent = time.perf_counter() - begun
            if threading.get_ident() == self._thread:
                self.statements[self._stack[-1]] += spent
            else:
                self.beside += spent


def main(_: str) -> None:
    """Settle all that is ready in this process, and print its cost and its phases as JSON."""
    watch = _Stopwatch()
    _watch_functions(watch)
    _watch_statements(watch)
    alone.be_a_settler()
    meter = alone.Meter()
    watch.start()
    cost = meter.of(alone.settle_everything)
    watch.charge()
    each = 1_000_000 / max(1, cost.done)
    phases = [
        Phase(name, round(total * each, 2), round(watch.statements[name] * each, 2))
        for name, total in sorted(watch.total.items(), key=lambda item: -item[1])
    ]
    print(json.dumps({"cost": cost, "phases": phases, "beside": round(watch.beside * each, 2)}))


def _watch_statements(watch: _Stopwatch) -> None:
    for connection in connections.all():
        connection.ensure_connection()
        connection.execute_wrappers.append(watch.statement)
    default = connections["default"]
    commit = partial(watch.statement, default._commit)  # type: ignore[attr-defined]
    default._commit = watch.around(COMMIT, commit)  # type: ignore[attr-defined]


def _watch_functions(watch: _Stopwatch) -> None:
    """Put the stopwatch wherever one of our modules has the function under a name of its own."""
    waiting = watch.around(WAIT, threading.Thread.join)
    threading.Thread.join = waiting  # type: ignore[method-assign]
    rooms = [module for name, module in sys.modules.items() if name.startswith(_WATCHED)]
    homes = {module.__name__ for module in rooms if _tail(module.__name__) not in _TOO_SMALL}
    watched: dict[Any, Callable[..., Any]] = {
        allocation.allocate: watch.around("allocation.allocate", allocation.allocate)
    }
    for room in rooms:
        for name, function in inspect.getmembers(room, inspect.isfunction):
            if function.__module__ in homes and function not in watched:
                phase = f"{_tail(function.__module__)}.{function.__name__}"
                watched[function] = watch.around(phase, function)
            if function in watched:
                setattr(room, name, watched[function])


def _tail(module: str) -> str:
    return module.rpartition(".")[2]

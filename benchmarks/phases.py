"""Where a settlement's time goes: every function of the pipeline with a stopwatch around it.

Run in a process of its own with the workers' role, one settler, no Celery. What a function calls
that has a stopwatch too is counted there alone, so the figures add up to the whole. A stopwatch
costs about half a microsecond: what is called for every request looks that much dearer.
"""

import inspect
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from django.db import connections

from benchmarks import campus, databases
from benchmarks.workers import ROOT
from enrollment import allocation, mailbox, settlement
from workers import settler

# What these do is counted where they are called from: they are asked many times a request.
_TOO_SMALL = frozenset({"models", "vocabulary", "board", "rules", "arrays", "allocation"})
_WATCHED = ("enrollment.", "registrar.audit.")
COMMIT = "commit, with deferred checks"
REST = "the rest"


class Phase(NamedTuple):
    """Microseconds per request: all in all, and of those the ones spent in a statement."""

    name: str
    total: float
    statements: float


class _Stopwatch:
    """Charges the time since the last change to whatever phase is on top."""

    def __init__(self) -> None:
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
        @wraps(call, updated=())
        def timed(*args: Any, **kwargs: Any) -> Any:
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
            self.statements[self._stack[-1]] += time.perf_counter() - begun


def print_phases() -> None:
    """Settle all that is ready in this process, and print what each function took as JSON."""
    watch = _Stopwatch()
    _watch_functions(watch)
    default = connections["default"]
    default._commit = watch.around(COMMIT, default._commit)  # type: ignore[attr-defined]
    for connection in connections.all():
        connection.ensure_connection()
        connection.execute_wrappers.append(watch.statement)
    settler.collect_seldom()
    decided = 0
    watch.start()
    while (report := settlement.settle_ready(seconds=60)).decided:
        decided += report.decided
    watch.charge()
    each = 1_000_000 / max(1, decided)
    print(
        json.dumps(
            [
                (name, round(total * each, 2), round(watch.statements[name] * each, 2))
                for name, total in sorted(watch.total.items(), key=lambda item: -item[1])
            ]
        )
    )


def _watch_functions(watch: _Stopwatch) -> None:
    """Put the stopwatch wherever one of our modules has the function under a name of its own."""
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


def measure(template: str) -> list[Phase]:
    """Phases of settling a copy of this database, in a process of its own."""
    with databases.made("phases", template) as database:
        mailbox.client().flushdb()
        campus.queue()
        done = subprocess.run(
            [sys.executable, "-P", "-m", "benchmarks", "--phases"],
            cwd=ROOT,
            env={
                **os.environ,
                **databases.environment(database),
                "PYTHONPATH": str(ROOT),
                "REGISTRAR_ROLE": "worker",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
        )
    return [Phase(*phase) for phase in json.loads(done.stdout)]

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
from functools import partial, wraps
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connections

from benchmarks import campus, databases
from benchmarks.truths import Broken
from benchmarks.workers import ROOT
from enrollment import allocation, mailbox, settlement
from workers import settler

# What these do is counted where they are called from: they are asked many times a request.
_TOO_SMALL = frozenset(
    {"models", "vocabulary", "board", "rules", "arrays", "allocation", "seating"}
)
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
        @wraps(call, assigned=("__name__", "__module__"), updated=())
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


class Profile(NamedTuple):
    """A settler on its own: where its time went, and what it cost the processors.

    Processor time hardly changes with what else a machine does; elapsed time does.
    """

    phases: list[Phase]
    settler: float
    """Microseconds of processor a request, here in Python..."""
    server: float | None
    """... and there in PostgreSQL; None where the system does not tell."""

    @property
    def elapsed(self) -> float:
        return sum(phase.total for phase in self.phases)

    def as_json(self) -> dict[str, Any]:
        return {**self._asdict(), "phases": [phase._asdict() for phase in self.phases]}


def print_phases() -> None:
    """Settle all that is ready in this process, and print a Profile as JSON."""
    watch = _Stopwatch()
    _watch_functions(watch)
    _watch_statements(watch)
    backends = _backends()
    settler.collect_seldom()
    here, there = time.process_time(), _on_processor(backends)
    decided = 0
    watch.start()
    while (report := settlement.settle_ready(seconds=60)).decided:
        decided += report.decided
    watch.charge()
    spent = time.process_time() - here
    served = _on_processor(backends)
    each = 1_000_000 / max(1, decided)
    phases = [
        (name, round(total * each, 2), round(watch.statements[name] * each, 2))
        for name, total in sorted(watch.total.items(), key=lambda item: -item[1])
    ]
    server = None if served is None or there is None else round((served - there) * each, 2)
    print(json.dumps([decided, phases, round(spent * each, 2), server]))


def _backends() -> list[int]:
    pids = []
    for connection in connections.all():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pids.append(cursor.fetchone()[0])
    return pids


def _on_processor(pids: list[int]) -> float | None:
    """Seconds that these processes ran, from Linux; None elsewhere, or on another machine."""
    try:
        ran = [Path(f"/proc/{pid}/schedstat").read_text().split()[0] for pid in pids]
    except OSError:
        return None
    return sum(map(int, ran)) / 1_000_000_000


def _watch_statements(watch: _Stopwatch) -> None:
    for connection in connections.all():
        connection.ensure_connection()
        connection.execute_wrappers.append(watch.statement)
    default = connections["default"]
    commit = partial(watch.statement, default._commit)  # type: ignore[attr-defined]
    default._commit = watch.around(COMMIT, commit)  # type: ignore[attr-defined]


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


def measure(template: str, tries: int) -> Profile:
    """Settle copies of this database in a process of its own; the fastest time of several.

    Where Redis kept the settler waiting too long, the rest was left to a sweeper, of which there
    is none here: such a try does not count. Raises Broken when that was all of them.
    """
    profiles = [_measure_once(template) for _ in range(tries)]
    whole = [profile for profile in profiles if profile is not None]
    if not whole:
        raise Broken("a settler on its own does not settle everything")
    return min(whole, key=lambda profile: profile.elapsed)


def _measure_once(template: str) -> Profile | None:
    with databases.made("phases", template) as database:
        mailbox.client().flushdb()
        queued = campus.queue()
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
    decided, phases, settler_, server = json.loads(done.stdout)
    if decided != queued:
        return None
    return Profile([Phase(*phase) for phase in phases], settler_, server)

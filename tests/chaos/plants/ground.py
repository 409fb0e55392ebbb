"""The ground a plant is put in: a database and an empty Redis of its own, and real processes."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg2
from django.db import connection, connections

from enrollment import directory, invariants, line, mailbox
from enrollment.models import Attempt, Outcome
from registrar.services import proc
from tests.callers import settle_all
from tests.chaos.plants.order import Order, Pause
from tests.chaos.plants.witness import Witness

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 60.0
CLIENT, LIVENESS, HISTORY, DEADLOCK, INTERNAL = "client", "liveness", "history", "deadlock", "5xx"
"""Words of complaint: what a client was told, what was not decided in time, the clients' log
against the tables, PostgreSQL's count, and a request that was failed though none was poison."""
AS_SET_UP = frozenset(
    {"constraints-are-in-force", "a-frozen-worker-is-cut-off", "numbers-are-drawn-one-by-one"}
)
"""Checks that look at how the database is set up: they see a plant put in, not what it does."""


class Nursery:
    """The preloaded process of one role."""

    def __init__(self, role: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore:No directory at", "-m", "tests.chaos.plants.nursery"],
            cwd=ROOT,
            env={
                **os.environ,
                "REGISTRAR_ROLE": role,
                "REGISTRAR_LOG_LEVEL": "INFO",  # a worker says in its log when it is ready
                "PYTHONPATH": str(ROOT),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fork(self, order: Order) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order._asdict()) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(START_SECONDS)


class Child:
    """A process of the plant's, with all that it has forked."""

    def __init__(self, name: str, pid: int, log: Path) -> None:
        self.name, self.pid, self.log = name, pid, log
        self.port = 0

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def release(self) -> None:
        """Let it go on, and hold it nowhere any more."""
        Path(f"{self.log}.go").touch()

    def paused(self) -> bool:
        """Whether it has come to one of its pauses."""
        return "paused at" in self.said()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


_UNDECIDED = """
SELECT count(*) FROM requests r
WHERE NOT EXISTS (SELECT FROM outcomes WHERE request_id = r.id)
   OR EXISTS (SELECT FROM pending WHERE request_id = r.id)
"""


class Ground:
    """One plant's world, from its first process to the verdict."""

    def __init__(self, nurseries: dict[str, Nursery], database: str, plants: Sequence[str]) -> None:
        self._nurseries, self._database, self._plants = nurseries, database, list(plants)
        self._folder = tempfile.TemporaryDirectory(prefix="registrar-plant-")
        self._children: list[Child] = []
        self.witness = Witness()
        self.complaints: list[tuple[str, str]] = []
        self.patience = 1.0
        """By what every time limit is multiplied: nothing but a bug is caught for being slow."""
        self.meeting_seconds = 10.0
        """How long those who should not meet are waited for."""
        self.poisoned = 0
        """How many requests may fail as FAILED_INTERNAL."""

    # Processes --------------------------------------------------------------------------------

    def worker(self, name: str = "worker", *pauses: Pause, **limits: Any) -> Child:
        """A Celery worker with one settling process, ready to take messages."""
        child = self._fork("worker", name, pauses, limits)
        self._wait(child, lambda: " ready." in child.said())
        return child

    def door(self, name: str = "door", *pauses: Pause, **limits: Any) -> Child:
        """A web process of threads, listening on `port`."""
        child = self._fork("door", name, pauses, limits)
        port = Path(f"{child.log}.port")
        self._wait(child, port.exists)
        child.port = int(port.read_text())
        return child

    def _fork(self, kind: str, name: str, pauses: Sequence[Pause], limits: dict[str, Any]) -> Child:
        log = Path(self._folder.name) / f"{name}-{len(self._children)}.log"
        orders = [list(pause) for pause in pauses]
        order = Order(kind, name, self._plants, orders, limits, self._database, str(log))
        role = "web" if kind == "door" else "worker"
        child = Child(name, self._nurseries[role].fork(order), log)
        self._children.append(child)
        return child

    def _wait(self, child: Child, ready: Callable[[], object]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if time.monotonic() > deadline or not proc.is_alive(child.pid):
                raise RuntimeError(f"{child.name} does not come up:\n{child.said()[-3000:]}")
            time.sleep(0.01)

    def clear(self) -> None:
        """End every process; what they wrote stays."""
        for child in self._children:
            child.kill()
        for child in self._children:
            proc.wait_until(lambda child=child: not proc.is_alive(child.pid), 5)  # type: ignore[misc]

    # The scene --------------------------------------------------------------------------------

    def owner(self, *statements: str) -> None:
        """What only the database's owner may do."""
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def complain(self, word: str, detail: str) -> None:
        self.complaints.append((word, detail))

    def until(self, happened: Callable[[], object], seconds: float) -> bool:
        """Whether it happened within so many seconds."""
        deadline = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def must(self, happened: Callable[[], object], what: str, seconds: float = 10.0) -> None:
        """The scene itself, which no plant may keep from coming about. Raises RuntimeError."""
        if not self.until(happened, seconds):
            raise RuntimeError(f"the scene did not come about: {what}\n{self.logs()}")

    def drained(self, seconds: float) -> bool:
        """Everything accepted is decided within so many seconds, or it is a complaint."""
        seconds *= self.patience
        drained = self.until(lambda: not self.undecided(), seconds)
        if not drained:
            self.complain(LIVENESS, f"{self.undecided()} undecided after {seconds:.0f} s")
        return drained

    def meet(self, *children: Child) -> None:
        """Wait until all of them have come to where they are held, or one of them waits for a
        lock; then let them go on."""
        self.until(lambda: all(c.paused() for c in children) or _blocked(), self.meeting_seconds)
        for child in children:
            child.release()

    def undecided(self) -> int:
        """How many requests have no outcome, or still stand in a line."""
        with connection.cursor() as cursor:
            cursor.execute(_UNDECIDED)
            count: int = cursor.fetchone()[0]
            return count

    def settled_here(self) -> None:
        """Decide what is pending, by the harness: for scenes that are over at the door."""
        settle_all()

    def at_work(self) -> bool:
        """Whether some settlement has its locks and has not ended."""
        return Attempt.objects.exists()

    # The verdict ------------------------------------------------------------------------------

    def verdict(self) -> dict[str, str]:
        """By what anything was noticed, each with its first words."""
        found: dict[str, str] = {}
        for objection in self.witness.objections():
            self.complain(HISTORY, objection)
        failed = Outcome.objects.filter(result="FAILED_INTERNAL").count()
        if failed > self.poisoned:
            self.complain(INTERNAL, f"{failed} requests were given up, {self.poisoned} are poison")
        connections["witness"].close()
        deadlocks = _deadlocks()
        if deadlocks:
            self.complain(DEADLOCK, f"{deadlocks} deadlocks")
        for word, detail in self.complaints:
            found.setdefault(word, detail)
        for finding in invariants.run(connection):
            if finding.count:
                found[finding.name] = finding.examples[0] if finding.examples else ""
        return found

    def logs(self) -> str:
        """The end of what each process said."""
        return "\n".join(f"--- {c.name}\n{c.said()[-1500:]}" for c in self._children)

    def close(self) -> None:
        self.clear()
        self._folder.cleanup()


_BLOCKED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND wait_event_type = 'Lock'
"""


def _blocked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKED)
        return bool(cursor.fetchone()[0])


def _deadlocks() -> int:
    """PostgreSQL's own count, once the sessions that report to it have ended."""
    with connection.cursor() as cursor:

        def alone() -> bool:
            cursor.execute(
                "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            return bool(cursor.fetchone()[0])

        proc.wait_until(alone, 5)
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        count: int = cursor.fetchone()[0]
        return count


# Databases ------------------------------------------------------------------------------------


@contextmanager
def cloned(number: int) -> Iterator[str]:
    """A copy of the harness's own database, which is the harness's until the end of the block."""
    pristine = connection.settings_dict["NAME"]
    name = f"{pristine}_plant_{number}"
    connections.close_all()
    _administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _administer(f"CREATE DATABASE {name} TEMPLATE {pristine}")
    _turn_to(name)
    try:
        yield name
    finally:
        _turn_to(pristine)
        _administer(f"DROP DATABASE {name} WITH (FORCE)")


def _turn_to(database: str) -> None:
    connections.close_all()
    for alias in connections.settings:
        connections[alias].settings_dict["NAME"] = database
    mailbox.client().flushdb()
    directory.forget()
    line.forget()


def _administer(statement: str) -> None:
    parameters = {**connection.get_connection_params(), "dbname": "postgres"}
    parameters.pop("cursor_factory", None)
    session = psycopg2.connect(**parameters)
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute(statement)
    session.close()

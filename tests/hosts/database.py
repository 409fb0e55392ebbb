"""What PostgreSQL's image does before its first start: a cluster, an owner, our own scripts."""

import os
import subprocess
from pathlib import Path

from registrar.services.binaries import find_postgres
from registrar.services.errors import ServiceError

from . import machine
from .compose import ROOT
from .host import Host

_VOLUME = "/var/lib/postgresql"
_SCRIPTS = ROOT / "deploy" / "initdb"
_SETTINGS = """
listen_addresses = '*'
unix_socket_directories = '{socket}'
"""
_ACCESS = "host all all all scram-sha-256\n"


class DatabaseHost(Host):
    """The image's own start script stands between compose's command and the server."""

    @property
    def data(self) -> Path:
        return self.folder(_VOLUME) / "data"

    @property
    def socket(self) -> Path:
        return self.folder("/var/run")

    def command(self) -> list[str]:
        return [*machine.unprivileged(), *super().command(), "-D", str(self.data)]

    def prepare(self) -> None:
        """Make the cluster, as the image does when its volume is empty. Raises ServiceError."""
        environ = self.environ()
        secret = self.folder("/tmp") / "password"
        secret.write_text(environ["POSTGRES_PASSWORD"])
        self._do("initdb", "-D", str(self.data), "-U", environ["POSTGRES_USER"],
                 f"--pwfile={secret}", "--auth-local=trust", "--auth-host=scram-sha-256",
                 "--encoding=UTF8", "--locale=C.UTF-8")  # fmt: skip
        secret.unlink()
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS.format(socket=self.socket))
        with (self.data / "pg_hba.conf").open("a") as access:
            access.write(_ACCESS)
        self._do("pg_ctl", "-D", str(self.data), "-w", "-o", "-c listen_addresses=''",
                 "-l", str(self.log), "start")  # fmt: skip
        self._do("createdb", "-h", str(self.socket), "-U", environ["POSTGRES_USER"],
                 environ["POSTGRES_DB"])  # fmt: skip
        for script in sorted(_SCRIPTS.glob("*.sh")):
            self._do("bash", str(script), PGHOST=str(self.socket))
        self._do("pg_ctl", "-D", str(self.data), "-w", "stop")

    def _do(self, *argv: str, **environ: str) -> None:
        """Output goes through a file: the server that pg_ctl starts would hold a pipe open."""
        said = machine.state() / "prepare.log"
        with said.open("w") as out:
            code = subprocess.run(
                [*machine.unprivileged(), *argv],
                env={**self.environ(), **environ},
                cwd=self.folder("/tmp"),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        if code:
            raise ServiceError(f"{argv[0]} failed: {said.read_text()[-500:]}")


def can_be_served() -> str:
    """Why PostgreSQL cannot run in this machine; empty when it can."""
    tried = subprocess.run(
        [*machine.unprivileged(), str(find_postgres() / "postgres"), "--version"],
        cwd="/", capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    return tried.stderr.strip()

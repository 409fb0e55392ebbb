"""As whom PostgreSQL runs: it refuses to be root, and we refuse to need a new account for it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from registrar.services.errors import ServiceError

# Nothing else of the caller's environment reaches a server: PGOPTIONS, PGDATA or a locale there
# would change what it does.
_KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Identity:
    """How to start a program: plainly, behind a prefix, or as another user."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def run(self, *argv: str | Path) -> subprocess.CompletedProcess[str]:
        """Run to the end. Output goes through a file: a daemon would hold a pipe open for ever."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            done = subprocess.run(
                [*self.prefix, *map(str, argv)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=server_environment(),
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())

    def can_run(self, program: Path) -> bool:
        try:
            return self.run(program, "--version").returncode == 0
        except OSError:
            return False

    def can_enter(self, directory: Path) -> bool:
        return self.run("test", "-x", directory).returncode == 0

    def own(self, *directories: Path) -> None:
        """Hand directories to the user the server runs as, when that is somebody else."""
        if self.uid is not None and self.gid is not None:
            for directory in directories:
                os.chown(directory, self.uid, self.gid)


def server_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8"}


@cache
def find_identity() -> Identity:
    """Ourselves, unless we are root.

    As root the server runs in a user namespace of its own, where it believes to be user 1000 while
    its files stay root's: no account is made and no directory is opened to anyone. Where namespaces
    are forbidden (Docker's default), it runs as `postgres` or `nobody`.
    """
    if os.geteuid() != 0:
        return Identity()
    namespace = Identity(("unshare", "--user", "--map-user=1000", "--map-group=1000"))
    if shutil.which("unshare") and namespace.run("true").returncode == 0:
        return namespace
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(uid=account.pw_uid, gid=account.pw_gid)
    raise ServiceError(
        "PostgreSQL cannot run as root and there is neither a user namespace nor a user "
        "'postgres' or 'nobody' here: run this as an ordinary user, or set DATABASE_URL"
    )

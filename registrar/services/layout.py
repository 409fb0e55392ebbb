"""Where the embedded services keep what they need, and who may touch it at one time."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TextIO

from registrar.services.errors import ServiceError
from registrar.services.identity import find_identity

PROJECT = Path(__file__).resolve().parents[2]

# A unix socket's path has at most 107 bytes. The longest name in the directory is supervisor's:
# it binds `supervisor.sock.<pid>` first and then renames.
_SOCKET_PATH_BYTES = 107
_LONGEST_NAME = "/supervisor.sock.4194304"

# The directory appears in three kinds of URL and in postgresql.conf, where a comma separates
# directories. Keeping odd characters out is simpler than four ways of quoting them.
_PLAIN = re.compile(r"[A-Za-z0-9_./+-]+")

# Names the state directory. Commands started by the launcher inherit it, so that what they start
# in turn belongs to the same services.
STATE = "REGISTRAR_STATE"


def default_state_dir() -> Path:
    return Path(os.environ.get(STATE) or PROJECT / ".registrar")


@dataclass(frozen=True)
class Layout:
    """The directories below one state directory. Two checkouts never share one."""

    root: Path

    @classmethod
    def at(cls, state_dir: Path | str) -> Layout:
        root = Path(state_dir).resolve()
        user = find_identity()
        if user.uid is not None and not user.can_enter(_nearest(root)):
            # PostgreSQL's user may not pass a folder above ours (say /root), and it is not for us
            # to open that folder. /var/tmp is everybody's and survives a restart.
            root = Path("/var/tmp") / f"registrar-{_fingerprint(root)}"
        return cls(root)

    @property
    def postgres(self) -> Path:
        return self.root / "pg"

    @property
    def valkey(self) -> Path:
        return self.root / "redis"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def keys(self) -> Path:
        return self.root / "keys.env"

    @property
    def passing(self) -> Path:
        """Exists while the services run only for the commands that use them."""
        return self.root / "passing"

    @cached_property
    def run(self) -> Path:
        """The directory of the sockets: ours if its name allows it, else one in the temp folder."""
        if _fits_a_socket(self.root / "run"):
            return self.root / "run"
        name = f"registrar-{os.geteuid()}-{_fingerprint(self.root)}"
        for temp in (Path(tempfile.gettempdir()), Path("/tmp")):
            if _fits_a_socket(temp / name):
                return temp / name
        raise ServiceError(f"no folder with a name short enough for a unix socket: {self.root}")

    def create(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_own(self.root)
        # Enter, but not list: that is all another user's server needs to reach its data.
        self.root.chmod(0o700 if find_identity().uid is None else 0o711)
        for directory in (self.log, self.run):
            directory.mkdir(mode=0o700, exist_ok=True)
            # The temp folder is everybody's: somebody may have made ours before us.
            _require_own(directory)

    def use(self) -> TextIO:
        """Take part in using the services. Whoever then gets this lock alone is the last one."""
        self.create()
        usage = (self.root / "in-use").open("w")
        fcntl.flock(usage, fcntl.LOCK_SH)
        return usage

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One launcher at a time. The lock dies with its process, so it cannot be left behind."""
        self.create()
        with (self.root / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _fingerprint(root: Path) -> str:
    return hashlib.sha256(os.fsencode(root)).hexdigest()[:12]


def _nearest(path: Path) -> Path:
    """The path itself, or the closest folder above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _fits_a_socket(directory: Path) -> bool:
    length = len(os.fsencode(directory)) + len(_LONGEST_NAME)
    return length <= _SOCKET_PATH_BYTES and bool(_PLAIN.fullmatch(str(directory)))


def _require_own(directory: Path) -> None:
    if directory.is_symlink() or not directory.is_dir():
        raise ServiceError(f"{directory} is in the way; remove it")
    owner = directory.stat().st_uid
    # Root's socket directory may belong to the user PostgreSQL runs as.
    if owner not in (os.geteuid(), find_identity().uid):
        raise ServiceError(
            f"{directory} belongs to user {owner}: run as that user, "
            f"or set {STATE} to a folder of your own"
        )

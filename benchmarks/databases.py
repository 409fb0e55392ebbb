"""Databases of the benchmark's own: made once for a workload, copied for every round.

A copy starts each round from the same bytes, and nothing that is measured ever touches the
database that DATABASE_URL names.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from django.core.management import call_command
from django.db import connections

_URLS = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_WORKER_URL")
_SERVER = os.environ.get("DATABASE_OWNER_URL") or os.environ.get("DATABASE_URL", "")


def name(suffix: str) -> str:
    return f"registrar_bench_{os.getpid()}_{suffix}"


def environment(database: str) -> dict[str, str]:
    """The environment of a process that works on this database."""
    return {
        variable: urlunsplit(urlsplit(os.environ[variable])._replace(path=f"/{database}"))
        for variable in _URLS
        if os.environ.get(variable)
    }


def owner_url(database: str) -> str:
    """For programs that are no Django of ours."""
    return urlunsplit(urlsplit(_SERVER)._replace(path=f"/{database}"))


def worker_url(database: str) -> str:
    """The same with the role that settles, where there is one."""
    return environment(database).get("DATABASE_WORKER_URL") or owner_url(database)


@contextmanager
def made(suffix: str, like: str = "") -> Iterator[str]:
    """A database, empty or a copy, that this process is connected to and that ends with it."""
    database = name(suffix)
    _close()
    _administer(f"CREATE DATABASE {database}" + (f" TEMPLATE {like}" if like else ""))
    try:
        _connect(database)
        if not like:
            call_command("migrate", verbosity=0)
        yield database
    finally:
        _close()
        _administer(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def freeze(database: str) -> None:
    """Keep everybody out, autovacuum included, so that every copy is the same."""
    _close()
    _administer(f"ALTER DATABASE {database} IS_TEMPLATE true ALLOW_CONNECTIONS false")


def thaw(database: str) -> None:
    """Let it be dropped."""
    _administer(f"ALTER DATABASE {database} IS_TEMPLATE false")


def server_version() -> str:
    with psycopg2.connect(_SERVER) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version: tuple[str] | None = cursor.fetchone()
    connection.close()
    return version[0] if version else "unknown"


def _connect(database: str) -> None:
    for connection in connections.all():
        connection.settings_dict["NAME"] = database


def _close() -> None:
    connections.close_all()


def _administer(statement: str) -> None:
    connection = psycopg2.connect(_SERVER)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()

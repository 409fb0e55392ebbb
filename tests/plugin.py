"""Loaded before Django's settings: tests get a database of their own beside the one named.

Whatever DATABASE_OWNER_URL names is never written to, so `bin/test` may be run on a machine that
serves a registration day.
"""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
import redis

os.environ["REGISTRAR_ROLE"] = "owner"
_URLS = ("DATABASE_OWNER_URL", "DATABASE_URL", "DATABASE_WORKER_URL")
_NAME = f"registrar_test_{os.getpid()}"


def _elsewhere(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _administer(statement: str) -> None:
    connection = psycopg2.connect(_SERVER)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


_SERVER = os.environ.get("DATABASE_OWNER_URL") or os.environ.get("DATABASE_URL", "")
if _SERVER:
    for _variable in _URLS:
        os.environ[_variable] = _elsewhere(os.environ.get(_variable, _SERVER), _NAME)
    _administer(f"CREATE DATABASE {_NAME}")


def _refuse_a_redis_in_use() -> None:
    """Tests empty the Redis they are given, so it must be empty when they begin."""
    url = os.environ.get("REDIS_URL")
    if url and redis.Redis.from_url(url).dbsize():
        pytest.exit("REDIS_URL names a Redis in use: name an empty database of it", returncode=2)


def pytest_configure() -> None:
    _refuse_a_redis_in_use()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    if _SERVER:
        _administer(f"DROP DATABASE IF EXISTS {_NAME} WITH (FORCE)")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: object) -> Iterator[None]:
    """A skip says why, or it is a failure."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped").strip(": ")
        if not reason or reason == "unconditional skip":
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped without a reason"

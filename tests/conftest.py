"""Real PostgreSQL and Redis for whatever asks for `database`; the rest cannot reach them."""

import os
from collections.abc import Callable, Iterator

import pytest
from django.core.management import call_command
from django.db import connection, connections
from pytest_django import DjangoDbBlocker

from enrollment import directory, line, mailbox
from tests.proposals import People, cast

_KEPT = (
    "django_migrations",
    "django_content_type",
    "auth_group",
    "auth_permission",
)
_TABLES = """
SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables
WHERE schemaname = 'public' AND tablename <> ALL(%s)
"""
_APPEND_ONLY = """
SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only_table'
"""


@pytest.fixture(scope="session")
def migrated(django_db_blocker: DjangoDbBlocker) -> None:
    if "DATABASE_URL" not in os.environ:
        pytest.fail("this test needs PostgreSQL and Redis: run it with bin/test")
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """pytest-django's own way to a database leads to another one, for all tests after it."""
    pytest.fail("ask for `database`, which other processes see too")


@pytest.fixture(scope="session")
def empty(migrated: None) -> Callable[[], None]:
    """Empties every table, Redis, and what this process remembers of either."""

    def everything() -> None:
        _truncate()
        mailbox.client().flushdb()
        directory.forget()
        line.forget()

    return everything


@pytest.fixture
def database(empty: Callable[[], None], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Nothing there yet; what the test writes is committed, as in life."""
    with django_db_blocker.unblock():
        empty()
        yield
        connections.close_all()


@pytest.fixture
def people(database: None) -> People:
    """Those whom a proposal passes."""
    return cast()


def _truncate() -> None:
    """As the owner, with the triggers lifted that refuse just that."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [list(_KEPT)])
        tables = cursor.fetchone()[0]
        cursor.execute(_APPEND_ONLY)
        append_only = [table for (table,) in cursor.fetchall()]
        for table in append_only:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only_table")
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY")
        for table in append_only:
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only_table")

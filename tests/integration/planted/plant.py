"""A violation: what lifts the guard, and what it let in."""

from collections.abc import Callable
from typing import NamedTuple

from django.db import connection


class Plant(NamedTuple):
    """What is planted, by the owner of the database, and the check that must name it."""

    check: str
    what: str
    statements: tuple[str, ...] = ()
    forge: Callable[[], None] | None = None

    def __call__(self) -> None:
        with connection.cursor() as cursor:
            for statement in self.statements:
                cursor.execute(statement)
        if self.forge:
            self.forge()


def lifted(table: str) -> str:
    """The statement after which rows of an append-only table can be changed."""
    return f"ALTER TABLE {table} DISABLE TRIGGER append_only_rows"


def without(table: str, constraint: str) -> str:
    """The statement after which a constraint holds nobody."""
    return f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"


def offering(code: str) -> str:
    """The offering of a course, in SQL."""
    found = "SELECT o.id FROM offerings o JOIN courses c ON c.id = o.course_id WHERE code"
    return f"({found} = '{code}')"

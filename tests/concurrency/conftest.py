"""What every race needs: constraints that can be lifted, and counts of what came out."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection

Lift = Callable[[str, str], None]

_CONSTRAINT = """
SELECT 'ALTER TABLE ' || conrelid::regclass || ' ADD CONSTRAINT ' || quote_ident(conname) || ' '
       || pg_get_constraintdef(oid),
       'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || quote_ident(conname)
FROM pg_constraint WHERE conrelid = %(table)s::regclass AND conname = %(name)s
UNION ALL
SELECT indexdef, 'DROP INDEX ' || quote_ident(indexname)
FROM pg_indexes WHERE tablename = %(table)s AND indexname = %(name)s
LIMIT 1
"""


@pytest.fixture
def lift(database: None, empty: Callable[[], None]) -> Iterator[Lift]:
    """Take a constraint away until the end of the test, to see what it would have hidden."""
    restore: list[str] = []

    def drop(table: str, name: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_CONSTRAINT, {"table": table, "name": name})
            create, remove = cursor.fetchone()
            cursor.execute(remove)
        restore.append(create)

    yield drop
    empty()  # what broke the rule goes first, or the rule could not come back
    with connection.cursor() as cursor:
        for statement in restore:
            cursor.execute(statement)

"""Rows by the ten thousand: PostgreSQL's COPY, fed from memory in pieces."""

import json
from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from itertools import islice
from typing import Any, TypeAlias

from django.db import connection

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how far it is, and of how much."""

_PIECE = 5_000
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def ids(table: str, count: int) -> list[int]:
    """So many new ids of a table, which nobody else will be given."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [table, count],
        )
        return [row[0] for row in cursor.fetchall()]


def copy(
    table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], progress: Progress
) -> None:
    """Insert rows in the caller's transaction; triggers and constraints hold as ever."""
    left = iter(rows)
    done = 0
    with connection.cursor() as cursor:
        while piece := list(islice(left, _PIECE)):
            statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
            with connection.wrap_database_errors:
                cursor.copy_expert(statement, StringIO(_text(piece)))
            done += len(piece)
            progress(table.replace("_", " "), done, len(rows))


def _text(rows: Iterable[Sequence[Any]]) -> str:
    return "".join("\t".join(map(_cell, row)) + "\n" for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return str(value).translate(_ESCAPES)

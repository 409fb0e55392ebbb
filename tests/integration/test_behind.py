"""Statements run behind the caller's back: in order, all of them, and never a failure unheard."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import Error, connection, transaction
from django.db.backends.utils import CursorWrapper

from enrollment.behind import Behind
from tests.races import until

ADD = "INSERT INTO written (what) VALUES (%s)"


@pytest.fixture
def cursor(database: None) -> Iterator[CursorWrapper]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE written (what int UNIQUE) ON COMMIT DROP")
        yield cursor


def written(cursor: CursorWrapper) -> list[int]:
    cursor.execute("SELECT what FROM written ORDER BY ctid")
    return [what for (what,) in cursor.fetchall()]


def test_everything_asked_is_done_in_order_at_the_end(cursor: CursorWrapper) -> None:
    with Behind(cursor) as behind:
        for what in range(50):
            behind.execute(ADD, [what])

    assert written(cursor) == list(range(50))


def test_the_caller_computes_while_a_statement_runs(cursor: CursorWrapper) -> None:
    begun = time.monotonic()
    with Behind(cursor) as behind:
        behind.execute("SELECT pg_sleep(%s)", [0.5])
        asked = time.monotonic()

    assert asked - begun < 0.4 < time.monotonic() - begun


def run(cursor: CursorWrapper, *statements: tuple[str, list[int], int | None]) -> None:
    with transaction.atomic(), Behind(cursor) as behind:
        for sql, params, rows in statements:
            behind.execute(sql, params, rows)


def test_the_first_failure_is_raised_and_nothing_after_it_is_tried(cursor: CursorWrapper) -> None:
    with pytest.raises(Error, match="written_what_key"):
        run(cursor, (ADD, [1], 1), (ADD, [1], 1), ("this is no SQL", [], None))

    assert written(cursor) == []


def test_a_statement_that_touches_too_few_rows_is_a_failure(cursor: CursorWrapper) -> None:
    with pytest.raises(RuntimeError, match="2 rows to write, 1 found"):
        run(cursor, (ADD, [1], 2))


def test_what_is_asked_meanwhile_goes_in_one_message(cursor: CursorWrapper) -> None:
    messages: list[str] = []

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        messages.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count), Behind(cursor) as behind:
        behind.execute("SELECT pg_sleep(%s)", [0.3])
        until(lambda: bool(messages))
        for what in range(5):
            behind.execute(ADD, [what])
        behind.execute(ADD, [5], 1)
        behind.execute(ADD, [6])

    assert [sql.count("INSERT") for sql in messages] == [0, 6, 1]
    assert written(cursor) == list(range(7))


def test_what_the_caller_raises_comes_first(cursor: CursorWrapper) -> None:
    def fail() -> None:
        with transaction.atomic(), Behind(cursor) as behind:
            behind.execute("this is no SQL", [])
            raise KeyError

    with pytest.raises(KeyError):
        fail()

"""Writing what was decided: by few messages, or while the next statements are prepared.

A settlement of thousands writes from one thread and computes in another, on one connection and in
one transaction: half of its time is Python's, half PostgreSQL's, and nothing that is written late
depends on the answer to what was written before. One of a few sends all of it at the end, at once
and by kept plans: the messages, and planning, would cost more than what is written. Either way the
order of the statements is the caller's, the first failure is raised to the caller, and whoever
reads again waits first.
"""

import threading
from collections.abc import Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Any, NamedTuple, Self

from django.db.backends.utils import CursorWrapper

from registrar import prepared


class Asked(NamedTuple):
    """A statement to be sent; `rows` is how many it must touch."""

    sql: str
    params: Sequence[Any]
    rows: int | None


AT_ONCE = 16
"""Statements in one message, at most."""
FEW = 64
"""Requests that are settled without a thread of their own."""


class Writer:
    """Use as a context: at its end everything is done, or the first failure is raised."""

    def __init__(self, cursor: CursorWrapper) -> None:
        self._cursor = cursor

    def execute(
        self, sql: str, params: Sequence[Any], rows: int | None = None, *, rare: bool = False
    ) -> None:
        """Run this after all that was asked before; `rows` is how many it must touch. What is
        rare is not worth a plan that is kept."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        raise NotImplementedError

    def _check(self, last: Asked) -> None:
        """A message tells how many rows its last statement touched, and of no other."""
        touched = self._cursor.rowcount
        if last.rows is not None and touched != last.rows:
            raise RuntimeError(
                f"{last.rows} rows to write, {touched} found: {last.sql.split(maxsplit=3)[:3]}"
            )


def writing(cursor: CursorWrapper, requests: int) -> Writer:
    """For a settlement of so many requests."""
    return Together(cursor) if requests <= FEW else Behind(cursor)


class Together(Writer):
    """What is asked goes in one message, at the end or where rows are to be counted."""

    def __init__(self, cursor: CursorWrapper) -> None:
        super().__init__(cursor)
        self._asked: list[Asked] = []

    def execute(
        self, sql: str, params: Sequence[Any], rows: int | None = None, *, rare: bool = False
    ) -> None:
        asked = Asked(sql, params, rows)
        if rare:
            self._send()
            self._cursor.execute(sql, params)
            self._check(asked)
            return
        self._asked.append(asked)
        if rows is not None or len(self._asked) == AT_ONCE:
            self._send()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._send()

    def _send(self) -> None:
        some, self._asked = self._asked, []
        if some:
            values = [value for asked in some for value in asked.params]
            prepared.execute(self._cursor, *(asked.sql for asked in some), values=values)
            self._check(some[-1])


class Behind(Writer):
    """PostgreSQL works on the first statements while Python prepares the next ones.

    What has been asked for by the time PostgreSQL is free goes to it in one message.
    """

    def __init__(self, cursor: CursorWrapper) -> None:
        super().__init__(cursor)
        self._asked: SimpleQueue[Asked | None] = SimpleQueue()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="behind", daemon=True)

    def execute(
        self, sql: str, params: Sequence[Any], rows: int | None = None, *, rare: bool = False
    ) -> None:
        self._asked.put(Asked(sql, params, rows))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._asked.put(None)
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    def _run(self) -> None:
        more = True
        try:
            while more:
                some, more = self._gather()
                if some:
                    self._send(some)
        except BaseException as failure:
            self._failure = failure

    def _gather(self) -> tuple[list[Asked], bool]:
        """What goes in one message, and whether anything may follow it."""
        some: list[Asked] = []
        while len(some) < AT_ONCE and not (some and self._asked.empty()):
            asked = self._asked.get()
            if asked is None:
                return some, False
            some.append(asked)
            if asked.rows is not None:
                break
        return some, True

    def _send(self, some: Sequence[Asked]) -> None:
        if len(some) == 1:
            self._cursor.execute(some[0].sql, some[0].params)
        else:
            texts = [self._cursor.mogrify(asked.sql, asked.params) for asked in some]
            self._cursor.execute(b";".join(texts).decode())
        self._check(some[-1])

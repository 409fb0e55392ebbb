"""Statements that PostgreSQL works on while Python prepares the next ones.

A settlement writes from one thread and computes in another, on one connection and in one
transaction: half of its time is Python's, half PostgreSQL's, and nothing that is written late
depends on the answer to what was written before. The order of the statements is the caller's, the
first failure is raised to the caller, and whoever reads again waits first.
"""

import threading
from collections.abc import Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper


class Asked(NamedTuple):
    """A statement to be sent; `rows` is how many it must touch."""

    sql: str
    params: Sequence[Any]
    rows: int | None


AT_ONCE = 16
"""Statements in one message, at most."""


class Behind:
    """Use as a context: at its end everything is done, or the first failure is raised.

    What has been asked for by the time PostgreSQL is free goes to it in one message: for a few
    requests the messages cost more than what is in them.
    """

    def __init__(self, cursor: CursorWrapper) -> None:
        self._cursor = cursor
        self._asked: SimpleQueue[Asked | None] = SimpleQueue()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="behind", daemon=True)

    def execute(self, sql: str, params: Sequence[Any], rows: int | None = None) -> None:
        """Run this after all that was asked before; `rows` is how many it must touch."""
        self._asked.put(Asked(sql, params, rows))

    def __enter__(self) -> "Behind":
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
        """What goes in one message, and whether anything may follow it.

        A message tells how many rows its last statement touched, and of no other.
        """
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
        sql, params, rows = some[-1]
        if len(some) == 1:
            self._cursor.execute(sql, params)
        else:
            texts = [self._cursor.mogrify(asked.sql, asked.params) for asked in some]
            self._cursor.execute(b";".join(texts).decode())
        if rows is not None and self._cursor.rowcount != rows:
            raise RuntimeError(
                f"{rows} rows to write, {self._cursor.rowcount} found: {sql.split(maxsplit=3)[:3]}"
            )

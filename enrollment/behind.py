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
from typing import Any

from django.db.backends.utils import CursorWrapper


class Behind:
    """Use as a context: at its end everything is done, or the first failure is raised."""

    def __init__(self, cursor: CursorWrapper) -> None:
        self._cursor = cursor
        self._asked: SimpleQueue[tuple[str, Sequence[Any], int | None] | None] = SimpleQueue()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="behind", daemon=True)

    def execute(self, sql: str, params: Sequence[Any], rows: int | None = None) -> None:
        """Run this after all that was asked before; `rows` is how many it must touch."""
        self._asked.put((sql, params, rows))

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
        while (asked := self._asked.get()) is not None:
            if self._failure is None:
                try:
                    self._execute(*asked)
                except BaseException as failure:
                    self._failure = failure

    def _execute(self, sql: str, params: Sequence[Any], rows: int | None) -> None:
        self._cursor.execute(sql, params)
        if rows is not None and self._cursor.rowcount != rows:
            raise RuntimeError(
                f"{rows} rows to write, {self._cursor.rowcount} found: {sql.split(maxsplit=3)[:3]}"
            )

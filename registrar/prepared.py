"""Statements planned once a connection: for the few whose planning costs more than what they do.

psycopg2 sends texts, and the server plans each anew. What is prepared by name keeps its plan, but
only in its own session: behind a pooler the next transaction may be in another one, and then the
plain text is as good (`anew`).
"""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary
from zlib import crc32

from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg2.errorcodes import DUPLICATE_PREPARED_STATEMENT, INVALID_SQL_STATEMENT_NAME

PIN = """
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL enable_seqscan = off;
"""
"""For plans that may be made while their tables are all but empty, as they are before a term opens:
scanning one page is cheaper than any index then, and thousands of pages later the plan would still
be that. It lasts until the transaction ends, which the message itself is where none was begun.

Nor does it matter to such a plan which index it takes, or whether it looks up or reads to the end.
What is prepared therefore leaves it no choice: `(SELECT … WHERE student_id = … OFFSET 0)` is not
merged into what stands around it, so the table in it is read by what is asked of it there. An index
may be taken that has what is asked for as its second column only, or holds just the rows that are
asked for, and is read to the end: it must be of no use to whoever does not ask for its first."""

_PLACEHOLDER = re.compile(r"%(?:\((\w+)\))?s")
_NOT_THIS_SESSION = frozenset({INVALID_SQL_STATEMENT_NAME, DUPLICATE_PREPARED_STATEMENT})
_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
_shared = threading.Event()
"""Whether this process has found out that its sessions are not its own."""
T = TypeVar("T")


class _Named(NamedTuple):
    name: str
    prepare: str
    execute: str


def execute(
    cursor: CursorWrapper,
    *texts: str,
    values: Mapping[str, Any] | Sequence[Any],
    before: str = "",
) -> None:
    """What `cursor.execute` does, with kept plans; all of it, and `before` first, in one message.
    The rows are those of the last of them.

    Only in what `anew` runs: in a session that is not the one that prepared it the statement
    fails, and its transaction with it.
    """
    _send(cursor, texts, values, before)


def _send(
    cursor: CursorWrapper,
    texts: Sequence[str],
    values: Mapping[str, Any] | Sequence[Any],
    before: str,
) -> None:
    if not _shared.is_set():
        known = _known.setdefault(cursor.db.connection, set())
        for statement in map(_named, texts):
            if statement.name not in known:
                cursor.execute(statement.prepare)
                known.add(statement.name)
        texts = [call(text) for text in texts]
    cursor.execute(before + ";".join(texts), values)


def anew(work: Callable[[], T]) -> T:
    """A transaction of its own; once more, by plain texts, where its session turns out not to be
    the one that prepared its statements. This process then stays with plain texts."""
    try:
        return work()
    except DatabaseError as error:
        if getattr(error.__cause__, "pgcode", None) not in _NOT_THIS_SESSION:
            raise
        _shared.set()
        return work()


def fetch(
    *texts: str,
    values: Mapping[str, Any] | Sequence[Any],
    using: BaseDatabaseWrapper = connection,
    before: str = "",
) -> list[tuple[Any, ...]]:
    """The rows of the last of these statements, by kept plans where the session keeps them.

    They go in one message, which is a transaction of its own: what they wrote is committed when
    the rows are there, and no lock of theirs waits for this process. Within somebody else's
    transaction the plain texts are sent: its own statements must be planned as ever.
    """

    def rows() -> list[tuple[Any, ...]]:
        with using.cursor() as cursor:
            if using.in_atomic_block:
                cursor.execute(";".join(texts), values)
            else:
                _send(cursor, texts, values, before=PIN + before)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    return anew(rows)


def call(text: str) -> str:
    """What is sent in place of a statement once it is prepared."""
    return _named(text).execute


@lru_cache(maxsize=256)
def _named(text: str) -> _Named:
    """The statement under a name made of its text, with $1, $2... in the order of its values."""
    places: dict[str, int] = {}
    call: list[str] = []

    def place(match: re.Match[str]) -> str:
        name = match[1] or str(len(places))
        if name not in places:
            places[name] = len(places) + 1
            call.append(match[0])
        return f"${places[name]}"

    numbered = _PLACEHOLDER.sub(place, text)
    name = f"registrar_{crc32(text.encode()):08x}"
    given = f" ({', '.join(call)})" if call else ""
    return _Named(name, f"PREPARE {name} AS {numbered}", f"EXECUTE {name}{given}")

"""Reading the log: is every stream whole, and is every entry the one that was written?

A chain proves that nothing was changed, inserted or taken out between two entries that stand. It
cannot see that its last entries are gone, nor that all of it was written anew: what is held
outside the log (outcomes, seats, signed checkpoints) must agree with it.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper

from .log import GENESIS, Draft, digest, moment

Progress: TypeAlias = Callable[[int], None]
Row: TypeAlias = tuple[str, int, datetime, str, str, int | None, int | None, str, bytes]

_PAGE = 5000
_ENTRIES = """
SELECT stream, seq, at, actor, event, settlement, request, body, hash
FROM audit_entries ORDER BY stream, seq, id
"""


class Break(NamedTuple):
    """Where a stream stops being what was written."""

    stream: str
    seq: int
    why: str

    def __str__(self) -> str:
        return f"{self.stream} #{self.seq}: {self.why}"


class _Rows(Protocol):
    def fetchmany(self, size: int) -> list[Row]: ...


def breaks(connection: BaseDatabaseWrapper, progress: Progress | None = None) -> Iterator[Break]:
    """Hash the whole log again and yield each place where it is not as it was written.

    Needs an open transaction: rows are streamed, so that a log of millions fits in memory.
    `progress` is told how many entries were read.
    """
    with connection.chunked_cursor() as cursor:
        cursor.execute(_ENTRIES)
        yield from check(_pages(cursor, progress))


def _pages(cursor: _Rows, progress: Progress | None) -> Iterator[Row]:
    read = 0
    while page := cursor.fetchmany(_PAGE):
        yield from page
        read += len(page)
        if progress:
            progress(read)


def check(rows: Iterator[Row]) -> Iterator[Break]:
    """Yield the breaks of entries that come in the order of stream and seq.

    After a break the stored hash is taken as it is, so that one fault is reported once.
    """
    stream, last, prev = "", 0, GENESIS
    for name, seq, at, actor, event, settlement, request, body, stored in rows:
        if name != stream:
            stream, last, prev = name, 0, GENESIS
        draft = Draft(stream, event, actor, body, settlement, request)
        if seq != last + 1:
            yield Break(stream, seq, f"comes after #{last}")
        elif digest(prev, seq, moment(at), draft) != bytes(stored):
            yield Break(stream, seq, "is not what its hash was made of")
        last, prev = seq, bytes(stored)

"""Writing the log: each entry is hashed over its text and the hash before it in its stream.

`hash = sha256(domain, prev, stream, seq, at, actor, event, settlement, request, body)`, every
part preceded by its length, so that no two different entries have the same bytes. The body is
canonical JSON: sorted keys, no spaces, and only strings, integers, booleans, null, lists and
objects of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from django.db import connection
from django.db.backends.utils import CursorWrapper
from msgspec.json import Encoder

from registrar.audit.arrays import array, lines, text_array

DOMAIN = b"registrar.audit.v1"
GENESIS = b"\0" * 32
"""The hash before the first entry of a stream."""


class Draft(NamedTuple):
    """An entry before it has its place in the chain."""

    stream: str
    event: str
    actor: str
    body: str
    settlement: int | None = None
    request: int | None = None


class Head(NamedTuple):
    """The last entry of a stream."""

    seq: int
    hash: bytes


_BEFORE = Head(0, GENESIS)


_encode = Encoder(order="sorted").encode


def canonical(value: Any) -> str:
    """The one text of a value, on one line. Raises TypeError for what JSON cannot hold."""
    return _encode(value).decode()


def digest(prev: bytes, seq: int, at: str, draft: Draft) -> bytes:
    """The hash of one entry; `at` is ISO 8601 in UTC with microseconds."""
    stream, event, actor, body, settlement, request = draft
    number = str(seq)
    batch = "" if settlement is None else str(settlement)
    asked = "" if request is None else str(request)
    text = (
        f"{_size(stream)}:{stream}{len(number)}:{number}{len(at)}:{at}{_size(actor)}:{actor}"
        f"{_size(event)}:{event}{len(batch)}:{batch}{len(asked)}:{asked}{_size(body)}:{body}"
    )
    return sha256(DOMAIN + prev + text.encode()).digest()


def _size(text: str) -> int:
    """In bytes."""
    return len(text) if text.isascii() else len(text.encode())


def moment(at: datetime) -> str:
    """A time as it is hashed: UTC, always with six digits of microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def head_of(stream: str) -> str:
    """SQL for the last entry of a stream: its `seq` and `hash`. `stream` is an expression."""
    return f"SELECT seq, hash FROM audit_entries WHERE stream = {stream} ORDER BY seq DESC LIMIT 1"


_HEADS = f"""
SELECT asked.stream, head.seq, head.hash
FROM unnest(%s::text[]) AS asked (stream)
CROSS JOIN LATERAL ({head_of("asked.stream")}) AS head
"""

_APPEND = """
INSERT INTO audit_entries (stream, seq, at, actor, event, settlement, request, body, hash)
SELECT stream, seq, %s, actor, event, nullif(settlement, 0), nullif(request, 0), body,
       decode(hash, 'hex')
FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[],
            string_to_array(%s, E'\n'), string_to_array(%s, E'\n'))
     AS entry (stream, seq, actor, event, settlement, request, body, hash)
"""


class Executes(Protocol):
    """What runs a statement: a cursor, or whoever stands before one."""

    def execute(self, sql: str, params: Sequence[Any], /) -> object: ...


def append(cursor: CursorWrapper, drafts: Sequence[Draft], *, at: datetime) -> None:
    """Chain and insert entries in the caller's transaction.

    The caller holds whatever lock makes it the stream's only writer (the offering, the window);
    were it not, UNIQUE (stream, seq) refuses the second with IntegrityError.
    """
    extend(cursor, heads(cursor, {draft.stream for draft in drafts}), drafts, at=at)


def note(stream: str, event: str, actor: str, now: datetime, /, **facts: Any) -> None:
    """One entry, in the transaction of what it tells; the caller is its stream's only writer."""
    with connection.cursor() as cursor:
        append(cursor, [Draft(stream, event, actor, canonical(facts))], at=now)


def extend(
    cursor: Executes, heads: Mapping[str, Head], drafts: Sequence[Draft], *, at: datetime
) -> dict[str, Head]:
    """The same, for a caller who has read the heads under that lock already; answers the new."""
    last = dict(heads)
    if not drafts:
        return last
    seqs: list[int] = []
    hashes: list[str] = []
    when = moment(at)
    for draft in drafts:
        seq, prev = last.get(draft.stream, _BEFORE)
        seq += 1
        hashed = digest(prev, seq, when, draft)
        last[draft.stream] = Head(seq, hashed)
        seqs.append(seq)
        hashes.append(hashed.hex())
    cursor.execute(
        _APPEND,
        [
            at,
            text_array(draft.stream for draft in drafts),
            array(seqs),
            text_array(draft.actor for draft in drafts),
            text_array(draft.event for draft in drafts),
            array(draft.settlement or 0 for draft in drafts),
            array(draft.request or 0 for draft in drafts),
            lines(draft.body for draft in drafts),
            lines(hashes),
        ],
    )
    return last


def heads(cursor: CursorWrapper, streams: Iterable[str]) -> dict[str, Head]:
    """The last entry of each stream that has one."""
    cursor.execute(_HEADS, [text_array(sorted(streams))])
    return {stream: Head(seq, bytes(hash_)) for stream, seq, hash_ in cursor.fetchall()}

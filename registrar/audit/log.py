"""Writing the log: each entry is hashed over its text and the hash before it in its stream.

`hash = sha256(domain, prev, stream, seq, at, actor, event, settlement, request, body)`, every
part preceded by its length, so that no two different entries have the same bytes. The body is
canonical JSON: sorted keys, no spaces, and only strings, integers, booleans, null, lists and
objects of them.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper

from registrar.audit.arrays import array, text_array

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


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def canonical(value: Any) -> str:
    """The one text of a value. Raises TypeError for what JSON cannot hold."""
    return _encode(value)


def digest(prev: bytes, seq: int, at: str, draft: Draft) -> bytes:
    """The hash of one entry; `at` is ISO 8601 in UTC with microseconds."""
    parts = (
        draft.stream,
        str(seq),
        at,
        draft.actor,
        draft.event,
        "" if draft.settlement is None else str(draft.settlement),
        "" if draft.request is None else str(draft.request),
        draft.body,
    )
    encoded = [part.encode() for part in parts]
    framed = b"".join(b"%d:%b" % (len(part), part) for part in encoded)
    return hashlib.sha256(DOMAIN + prev + framed).digest()


def moment(at: datetime) -> str:
    """A time as it is hashed: UTC, always with six digits of microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


_HEADS = """
SELECT asked.stream, head.seq, head.hash
FROM unnest(%s::text[]) AS asked (stream)
CROSS JOIN LATERAL (
    SELECT seq, hash FROM audit_entries WHERE stream = asked.stream ORDER BY seq DESC LIMIT 1
) AS head
"""

_APPEND = """
INSERT INTO audit_entries (stream, seq, at, actor, event, settlement, request, body, hash)
SELECT stream, seq, %s, actor, event, nullif(settlement, 0), nullif(request, 0), body, hash
FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[],
            %s::text[], %s::bytea[])
     AS entry (stream, seq, actor, event, settlement, request, body, hash)
"""


def append(cursor: CursorWrapper, drafts: Sequence[Draft], *, at: datetime) -> None:
    """Chain and insert entries in the caller's transaction.

    The caller holds whatever lock makes it the stream's only writer (the offering, the window);
    were it not, UNIQUE (stream, seq) refuses the second with IntegrityError.
    """
    if not drafts:
        return
    heads = _heads(cursor, {draft.stream for draft in drafts})
    seqs: list[int] = []
    hashes: list[str] = []
    when = moment(at)
    for draft in drafts:
        head = heads.get(draft.stream, Head(0, GENESIS))
        head = Head(head.seq + 1, digest(head.hash, head.seq + 1, when, draft))
        heads[draft.stream] = head
        seqs.append(head.seq)
        hashes.append("\\\\x" + head.hash.hex())
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
            text_array(draft.body for draft in drafts),
            "{" + ",".join(hashes) + "}",
        ],
    )


def _heads(cursor: CursorWrapper, streams: Iterable[str]) -> dict[str, Head]:
    cursor.execute(_HEADS, [text_array(sorted(streams))])
    return {stream: Head(seq, bytes(hash_)) for stream, seq, hash_ in cursor.fetchall()}

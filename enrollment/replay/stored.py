"""What a settlement left behind, read back to the values it worked with."""

import json
from collections.abc import Collection, Iterator
from hashlib import sha256
from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper
from msgspec import MsgspecError

from enrollment.record import Facts, facts_from
from enrollment.vocabulary import (
    Ask,
    Kind,
    OfferingFacts,
)
from registrar.audit.arrays import array

PAGE = 25
"""Settlements read at a time: enough to spare round trips, little enough for any memory."""
GENESIS = "genesis"
"""The event of an entry that says who held a seat before there was a pipeline."""


class Entry(NamedTuple):
    """An audit entry of a settlement."""

    settlement: int
    stream: str
    event: str
    actor: str
    request: int
    body: str

    def told(self) -> dict[str, Any]:
        """The body as a value. Raises ValueError when it is not one."""
        told: dict[str, Any] = json.loads(self.body)
        return told


class Genesis(NamedTuple):
    """Seats that an offering had when its history begins; `after` is the settlement before it."""

    after: int
    stream: str
    body: str

    @property
    def offering(self) -> int:
        return int(self.stream.removeprefix("offering:"))

    def seats(self) -> list[tuple[int, int]]:
        """Students and the sections they sat in. Raises what a body raises that is none."""
        return [(student, number) for student, number in json.loads(self.body)["seats"]]


class Settled(NamedTuple):
    """A settlement as stored: what it knew, what it was asked, what it wrote."""

    id: int
    hash: str
    """Of its facts, as its entries should name it."""
    facts: Facts
    asks: tuple[Ask, ...]
    missing: tuple[int, ...]
    """Requests it names that do not exist."""
    entries: tuple[Entry, ...]
    outcomes: dict[int, tuple[str, str, Any]]


class Unreadable(NamedTuple):
    """A settlement whose facts are not what a settlement writes."""

    id: int
    why: str


_COUNT = "SELECT count(*) FROM settlements"
_SETTLEMENTS = "SELECT id, facts FROM settlements WHERE id > %s ORDER BY id LIMIT %s"
_ENTRIES = """
SELECT settlement, stream, event, actor, coalesce(request, 0), body FROM audit_entries
WHERE settlement IS NOT NULL ORDER BY settlement, id
"""
_OUTCOMES = """
SELECT settlement_id, request_id, result, code, facts::text FROM outcomes ORDER BY settlement_id
"""
_ASKS = """
SELECT id, kind, coalesce(student_id, 0), offerings, body::text, actor, coalesce(window_id, 0)
FROM requests WHERE id = ANY(%s::bigint[])
"""
_GENESIS = """
SELECT coalesce(after, 0), stream, body FROM (
    SELECT id, event, stream, body, max(settlement) OVER (ORDER BY id) AS after FROM audit_entries
) AS entry WHERE event = %s ORDER BY id
"""
_FIRST_FACTS = """
SELECT facts FROM settlements WHERE id = (
    SELECT min(id) FROM settlements WHERE %s = ANY(offerings))
"""


def count_settlements(cursor: CursorWrapper) -> int:
    cursor.execute(_COUNT)
    total: int = cursor.fetchone()[0]
    return total


class _Rows:
    """The rows of a query, in the order of the settlement in their first column.

    Nothing but this reads by settlement, and it reads all of it: a sort, once, costs less than an
    index that every settlement has to keep.
    """

    AT_ONCE = 5000

    def __init__(self, cursor: CursorWrapper, name: str, query: str) -> None:
        cursor.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {query}")
        self._cursor = cursor
        self._name = name
        self._fetch = f"FETCH {self.AT_ONCE} FROM {name}"
        self._read: list[tuple[Any, ...]] = []
        self._end = False

    def close(self) -> None:
        self._cursor.execute(f"CLOSE {self._name}")

    def up_to(self, settlement: int) -> Iterator[tuple[Any, ...]]:
        """Those not read yet, as far as this settlement."""
        while True:
            while not self._read and not self._end:
                self._cursor.execute(self._fetch)
                self._read = self._cursor.fetchall()[::-1]
                self._end = not self._read
            if not self._read or self._read[-1][0] > settlement:
                return
            yield self._read.pop()


def settlements(cursor: CursorWrapper) -> Iterator[Settled | Unreadable]:
    """Every settlement in the serial order, with its asks, entries and outcomes.

    In the caller's transaction, which must see one snapshot throughout.
    """
    entries = _Rows(cursor, "entries", _ENTRIES)
    outcomes = _Rows(cursor, "outcomes_by_settlement", _OUTCOMES)
    last = 0
    while True:
        cursor.execute(_SETTLEMENTS, [last, PAGE])
        page = cursor.fetchall()
        if not page:
            break
        last = page[-1][0]
        yield from _read(cursor, page, entries.up_to(last), outcomes.up_to(last))
    entries.close()
    outcomes.close()


def _read(
    cursor: CursorWrapper,
    page: list[tuple[int, str]],
    entry_rows: Iterator[tuple[Any, ...]],
    outcome_rows: Iterator[tuple[Any, ...]],
) -> Iterator[Settled | Unreadable]:
    read: dict[int, Facts | MsgspecError] = {}
    for id_, text in page:
        try:
            read[id_] = facts_from(text)
        except MsgspecError as error:
            read[id_] = error
    entries: dict[int, list[Entry]] = {id_: [] for id_, _ in page}
    outcomes: dict[int, dict[int, tuple[str, str, Any]]] = {id_: {} for id_, _ in page}
    for row in entry_rows:
        if row[0] in entries:
            entries[row[0]].append(Entry(*row))
    for settlement, request, result, code, told in outcome_rows:
        if settlement in outcomes:
            outcomes[settlement][request] = result, code, json.loads(told)
    asks = _asks(
        cursor, [ask for each in read.values() if isinstance(each, Facts) for ask in each.asks]
    )
    for id_, text in page:
        facts = read[id_]
        if isinstance(facts, MsgspecError):
            yield Unreadable(id_, repr(facts))
            continue
        yield Settled(
            id_,
            sha256(text.encode()).hexdigest(),
            facts,
            tuple(asks[ask] for ask in facts.asks if ask in asks),
            tuple(ask for ask in facts.asks if ask not in asks),
            tuple(entries[id_]),
            outcomes[id_],
        )


_KINDS = frozenset(Kind)


def _asks(cursor: CursorWrapper, ids: Collection[int]) -> dict[int, Ask]:
    cursor.execute(_ASKS, [array(ids)])
    return {
        id_: Ask(id_, Kind(kind), student, tuple(touched), json.loads(body), actor, window)
        for id_, kind, student, touched, body, actor, window in cursor.fetchall()
        if kind in _KINDS
    }


def geneses(cursor: CursorWrapper) -> list[Genesis]:
    """Where histories begin with seats already held, in the order they were recorded."""
    cursor.execute(_GENESIS, [GENESIS])
    return [Genesis(*row) for row in cursor.fetchall()]


def first_facts(cursor: CursorWrapper, offering: int) -> OfferingFacts | None:
    """What the first settlement that held an offering knew of it."""
    cursor.execute(_FIRST_FACTS, [offering])
    row = cursor.fetchone()
    if row is None:
        return None
    known = facts_from(row[0]).state.offerings
    return next((facts for facts in known if facts.id == offering), None)

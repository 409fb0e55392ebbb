"""What a settlement left behind, read back to the values it worked with."""

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper

from courses.timetable import Meets
from enrollment.vocabulary import (
    Ask,
    Held,
    Kind,
    OfferingFacts,
    Place,
    State,
    StudentFacts,
    Waiter,
    Waiting,
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
    now: datetime
    rules: int
    """The version of the rules that decided it."""
    state: State
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
WHERE settlement = ANY(%s::bigint[]) ORDER BY settlement, id
"""
_OUTCOMES = """
SELECT settlement_id, request_id, result, code, facts::text FROM outcomes
WHERE settlement_id = ANY(%s::bigint[])
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


def settlements(cursor: CursorWrapper) -> Iterator[Settled | Unreadable]:
    """Every settlement in the serial order, with its asks, entries and outcomes."""
    last = 0
    while True:
        cursor.execute(_SETTLEMENTS, [last, PAGE])
        page = cursor.fetchall()
        if not page:
            return
        yield from _read(cursor, page)
        last = page[-1][0]


def _read(cursor: CursorWrapper, page: list[tuple[int, str]]) -> Iterator[Settled | Unreadable]:
    read: dict[int, Any] = {}
    for id_, text in page:
        try:
            facts = json.loads(text)
            now = datetime.fromisoformat(facts["now"])
            asked = [int(ask) for ask in facts["asks"]]
            read[id_] = now, state_from(facts["state"]), asked, int(facts["rules"])
        except (ValueError, KeyError, TypeError) as error:
            read[id_] = error
    ids = [id_ for id_, _ in page]
    entries = _entries(cursor, ids)
    outcomes = _outcomes(cursor, ids)
    asks = _asks(cursor, [ask for each in read.values() if type(each) is tuple for ask in each[2]])
    for id_, text in page:
        if isinstance(read[id_], Exception):
            yield Unreadable(id_, repr(read[id_]))
            continue
        now, state, asked, rules = read[id_]
        yield Settled(
            id_,
            sha256(text.encode()).hexdigest(),
            now,
            rules,
            state,
            tuple(asks[ask] for ask in asked if ask in asks),
            tuple(ask for ask in asked if ask not in asks),
            tuple(entries[id_]),
            outcomes[id_],
        )


def _entries(cursor: CursorWrapper, ids: Collection[int]) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = {id_: [] for id_ in ids}
    cursor.execute(_ENTRIES, [array(ids)])
    for row in cursor.fetchall():
        found[row[0]].append(Entry(*row))
    return found


def _outcomes(
    cursor: CursorWrapper, ids: Collection[int]
) -> dict[int, dict[int, tuple[str, str, Any]]]:
    found: dict[int, dict[int, tuple[str, str, Any]]] = {id_: {} for id_ in ids}
    cursor.execute(_OUTCOMES, [array(ids)])
    for settlement, request, result, code, facts in cursor.fetchall():
        found[settlement][request] = result, code, json.loads(facts)
    return found


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
    state = state_from(json.loads(row[0])["state"])
    return next((facts for facts in state.offerings if facts.id == offering), None)


# JSON back to values ----------------------------------------------------------------------


def state_from(raw: list[Any]) -> State:
    """A state as JSON lists, as the value that `allocate` was given."""
    offerings, students, broken = raw
    return State(
        tuple(_offering(*row) for row in offerings),
        tuple(_student(*row) for row in students),
        tuple(broken),
    )


def _offering(*row: Any) -> OfferingFacts:
    *policy, places, waiters, loaded = row
    return OfferingFacts._make(
        (
            *policy,
            tuple([Place(n, limit, taken, over, _meets(m)) for n, limit, taken, over, m in places]),
            tuple([Waiter(*waiter) for waiter in waiters]),
            loaded,
        )
    )


def _student(*row: Any) -> StudentFacts:
    *load, held, waits = row
    return StudentFacts._make(
        (
            *load,
            tuple([Held(offering, n, credits, _meets(m)) for offering, n, credits, m in held]),
            tuple([Waiting(*place) for place in waits]),
        )
    )


def _meets(raw: list[list[int]]) -> Meets:
    # Most have no fixed times, or one: called a million times for a busy day.
    return tuple([(start, end) for start, end in raw]) if raw else ()

"""What a settlement writes down: its number, its outcomes, its audit, and the facts it had."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper

from registrar.audit.arrays import array, text_array
from registrar.audit.log import Draft, append, canonical

from .vocabulary import Ask, Event, Kind, Step, encode


class Record(NamedTuple):
    """What one settlement leaves besides its plan: who, when, and on what it decided."""

    settlement: int
    now: datetime
    worker: str
    asks: Sequence[Ask]
    terms: dict[int, int]
    """The term of each offering held."""
    facts: str
    failures: Sequence[tuple[int, int, str]] = ()
    """Sections the database refused: offering, number, cause."""


_SETTLEMENT_ID = "SELECT nextval(pg_get_serial_sequence('settlements', 'id'))"


def next_settlement(cursor: CursorWrapper) -> int:
    """Draw the settlement's number: only once all locks are held, so that it orders them."""
    cursor.execute(_SETTLEMENT_ID)
    number: int = cursor.fetchone()[0]
    return number


def write_history(cursor: CursorWrapper, steps: Sequence[Step], record: Record) -> None:
    """Write every outcome, the audit entries in the order of the changes, and the settlement."""
    _write_outcomes(cursor, steps, record)
    append(cursor, _drafts(steps, record), at=record.now)
    _write_settlement(cursor, record)


_OUTCOMES = """
INSERT INTO outcomes (request_id, settlement_id, result, code, facts)
SELECT request, %s, result, code, facts::jsonb
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS v (request, result, code, facts)
"""


def _write_outcomes(cursor: CursorWrapper, steps: Iterable[Step], record: Record) -> None:
    decided = [step for step in steps if step.event is Event.DECIDED]
    cursor.execute(
        _OUTCOMES,
        [
            record.settlement,
            array(step.request for step in decided),
            text_array(step.result for step in decided),
            text_array(step.code for step in decided),
            text_array(canonical(step.facts) for step in decided),
        ],
    )


def _drafts(steps: Iterable[Step], record: Record) -> list[Draft]:
    """The audit of a settlement, in the order its changes were made.

    The first entry of each stream also says on what facts the settlement decided, by their hash.
    """
    actors = {ask.id: ask.actor for ask in record.asks}
    kinds: dict[int, Kind] = {ask.id: ask.kind for ask in record.asks}
    state = sha256(record.facts.encode()).hexdigest()
    seen: set[int] = set()
    drafts: list[Draft] = []
    for offering, number, cause in record.failures:
        failed = {"facts": {"section": number, "cause": cause}, "changes": []}
        drafts.append(_draft(offering, Event.SECTION_FAILED, "system", failed, record, 0))
    for step in steps:
        body: dict[str, Any] = {
            "student": step.student,
            "result": step.result,
            "code": step.code,
            "facts": step.facts,
            "changes": [encode(change) for change in step.changes],
        }
        if step.offering not in seen:
            seen.add(step.offering)
            body["state"] = state
        decided = step.event is Event.DECIDED
        if decided:
            body["kind"] = kinds[step.request]
        actor = actors[step.request] if decided else "system"
        drafts.append(_draft(step.offering, step.event, actor, body, record, step.request))
    return drafts


def _draft(
    offering: int,
    event: Event,
    actor: str,
    body: Mapping[str, Any],
    record: Record,
    request: int,
) -> Draft:
    stream = f"offering:{offering}"
    return Draft(stream, event, actor, canonical(body), record.settlement, request or None)


_WRITE_SETTLEMENT = """
INSERT INTO settlements (id, decided_at, offerings, decided, worker, facts)
VALUES (%s, clock_timestamp(), %s::bigint[], %s, %s, %s)
"""


def _write_settlement(cursor: CursorWrapper, record: Record) -> None:
    cursor.execute(
        _WRITE_SETTLEMENT,
        [
            record.settlement,
            array(sorted(record.terms)),
            len(record.asks),
            record.worker,
            record.facts,
        ],
    )

"""What a settlement writes down: its number, its outcomes, its audit, and the facts it had."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.json import Decoder
from msgspec.json import encode as encode_json

from registrar.audit.arrays import array, lines, text_array
from registrar.audit.log import Draft, Head, canonical, extend

from .behind import Writer
from .facts import stream
from .vocabulary import Ask, Event, Kind, State, Step, encode


class Facts(Struct, frozen=True):
    """All that a settlement decided on: enough to decide it again."""

    rules: int
    """The version of the rules it was decided by."""
    now: datetime
    state: State
    asks: tuple[int, ...]
    """Ids of the requests, in order."""

    def text(self) -> str:
        """As it is stored."""
        return encode_json(self).decode()


_facts = Decoder(Facts).decode


def facts_from(text: str) -> Facts:
    """Stored facts as the values they were. Raises msgspec.MsgspecError for any other text."""
    return _facts(text)


class Record(NamedTuple):
    """What one settlement leaves besides its plan: who, when, and on what it decided."""

    settlement: int
    now: datetime
    worker: str
    asks: Sequence[Ask]
    terms: dict[int, int]
    """The term of each offering held."""
    facts: str
    """`Facts` as JSON."""
    failures: Sequence[tuple[int, int, str]] = ()
    """Sections the database refused: offering, number, cause."""


_ENTRIES_AT_ONCE = 500
"""In one statement: so that the first are written while the next are still hashed."""


def write_history(
    writer: Writer, steps: Sequence[Step], record: Record, heads: Mapping[str, Head]
) -> None:
    """Write every outcome, the audit entries in the order of the changes, and the settlement."""
    _write_outcomes(writer, steps, record)
    _write_settlement(writer, record)
    drafts = _drafts(steps, record)
    while some := list(islice(drafts, _ENTRIES_AT_ONCE)):
        heads = extend(writer, heads, some, at=record.now)


_OUTCOMES = """
INSERT INTO outcomes (request_id, settlement_id, result, code, facts)
SELECT request, %s, result, code, facts::jsonb
FROM unnest(%s::bigint[], %s::text[], %s::text[], string_to_array(%s, E'\n'))
     AS v (request, result, code, facts)
"""


def _write_outcomes(writer: Writer, steps: Iterable[Step], record: Record) -> None:
    decided = [step for step in steps if step.event is Event.DECIDED]
    writer.execute(
        _OUTCOMES,
        [
            record.settlement,
            array(step.request for step in decided),
            text_array(step.result for step in decided),
            text_array(step.code for step in decided),
            lines(canonical(step.facts) for step in decided),
        ],
    )


def _drafts(steps: Iterable[Step], record: Record) -> Iterator[Draft]:
    """The audit of a settlement, in the order its changes were made.

    The first entry of each stream also says on what facts the settlement decided, by their hash.
    """
    actors = {ask.id: ask.actor for ask in record.asks}
    kinds: dict[int, Kind] = {ask.id: ask.kind for ask in record.asks}
    state = sha256(record.facts.encode()).hexdigest()
    seen: set[int] = set()
    for offering, number, cause in record.failures:
        failed = {"facts": {"section": number, "cause": cause}, "changes": []}
        yield _draft(offering, Event.SECTION_FAILED, "system", failed, record, 0)
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
        yield _draft(step.offering, step.event, actor, body, record, step.request)


def _draft(
    offering: int,
    event: Event,
    actor: str,
    body: Mapping[str, Any],
    record: Record,
    request: int,
) -> Draft:
    return Draft(
        stream(offering), event, actor, canonical(body), record.settlement, request or None
    )


_WRITE_SETTLEMENT = """
INSERT INTO settlements (id, decided_at, offerings, decided, worker, facts)
VALUES (%s, clock_timestamp(), %s::bigint[], %s, %s, %s)
"""


def _write_settlement(writer: Writer, record: Record) -> None:
    writer.execute(
        _WRITE_SETTLEMENT,
        [
            record.settlement,
            array(sorted(record.terms)),
            len(record.asks),
            record.worker,
            record.facts,
        ],
    )

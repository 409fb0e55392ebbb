"""Deciding again: the stored facts through `allocate` once more, against what was written."""

from collections.abc import Iterator, Sequence
from typing import Any

from enrollment.allocation import Undecidable, allocate
from enrollment.rules import VERSION
from enrollment.vocabulary import Ask, Event, Kind, Result, Step, encode
from registrar.audit.log import canonical

from .history import Report
from .stored import Entry, Settled


def check(settled: Settled, report: Report) -> None:
    """Report where a settlement's entries and outcomes are not what its facts lead to."""
    where = f"settlement {settled.id}"
    for missing in settled.missing:
        report("deciding-again-decides-the-same", f"{where}: request {missing} does not exist")
    ids = [ask.id for ask in settled.asks]
    if ids != sorted(set(ids)):
        report("decided-in-order", f"{where} decided {ids}")
    entries = [entry for entry in settled.entries if entry.event != Event.SECTION_FAILED]
    for stream in _not_as_hashed(entries, settled.hash):
        report("facts-are-as-hashed", f"{where}: {stream}")
    if settled.facts.rules == VERSION:
        _decide_again(settled, entries, report)
    asks = {ask.id: ask for ask in settled.asks}
    for entry in entries:
        if entry.event == Event.DECIDED:
            _check_decided(settled, entry, asks.get(entry.request), report)


def _decide_again(settled: Settled, entries: Sequence[Entry], report: Report) -> None:
    """Only by the version that decided it: other rules may well decide otherwise."""
    where = f"settlement {settled.id}"
    try:
        steps = allocate(settled.facts.state, settled.asks, settled.facts.now).steps
    except Undecidable as error:
        report("deciding-again-decides-the-same", f"{where}: {error}")
        return
    for difference in _differences(settled, steps, entries):
        report("deciding-again-decides-the-same", f"{where}: {difference}")


def _not_as_hashed(entries: Sequence[Entry], hash_: str) -> Iterator[str]:
    """Streams whose first entry does not name these facts by their hash."""
    seen: set[str] = set()
    for entry in entries:
        if entry.stream not in seen:
            seen.add(entry.stream)
            if f'"state":"{hash_}"' not in entry.body:
                yield entry.stream


def _differences(
    settled: Settled, steps: Sequence[Step], entries: Sequence[Entry]
) -> Iterator[str]:
    asks = {ask.id: ask for ask in settled.asks}
    if len(steps) != len(entries):
        yield f"{len(entries)} entries, deciding again gives {len(steps)}"
    seen: set[int] = set()
    for step, entry in zip(steps, entries, strict=False):
        hash_ = "" if step.offering in seen else settled.hash
        seen.add(step.offering)
        again = _entry(settled.id, step, asks[step.request] if _decided(step) else None, hash_)
        if again != entry:
            yield f"{_words(entry)}, deciding again gives {_words(again)}"


def _decided(step: Step) -> bool:
    return step.event is Event.DECIDED


def _entry(settlement: int, step: Step, ask: Ask | None, hash_: str) -> Entry:
    """The entry that this step is written as."""
    body: dict[str, Any] = {
        "student": step.student,
        "result": step.result,
        "code": step.code,
        "facts": step.facts,
        "changes": [encode(change) for change in step.changes],
    }
    if ask:
        body["kind"] = ask.kind
    if hash_:
        body["state"] = hash_
    return Entry(
        settlement,
        f"offering:{step.offering}",
        step.event,
        ask.actor if ask else "system",
        step.request,
        canonical(body),
    )


def _words(entry: Entry) -> str:
    return f"{entry.event} of request {entry.request} in {entry.stream} is {entry.body}"


def _check_decided(settled: Settled, entry: Entry, ask: Ask | None, report: Report) -> None:
    body = entry.told()
    outcome = settled.outcomes.get(entry.request)
    audited = body["result"], body["code"], body["facts"]
    if outcome != audited:
        report(
            "outcomes-are-as-audited",
            f"request {entry.request} is {outcome}, audited as {audited}",
        )
    if ask and ask.kind in (Kind.SWAP, Kind.BUNDLE) and not _whole(ask, body):
        report(
            "swaps-and-bundles-are-whole",
            f"request {ask.id} ({ask.kind}) ended {body['result']} with {body['changes']}",
        )


def _whole(ask: Ask, body: dict[str, Any]) -> bool:
    taken = sorted(row[1] for row in body["changes"] if row[0] == "seat")
    given = [row[1] for row in body["changes"] if row[0] == "free"]
    if body["result"] == Result.SWAPPED:
        return taken == [ask.body["offering"]] and given == [ask.body["give"]]
    if body["result"] == Result.ENROLLED:
        return taken == sorted(ask.body["offerings"]) and not given
    return not body["changes"]

"""Both proofs in one pass over the settlements, and what the tables hold against the result."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db.backends.utils import CursorWrapper

from enrollment.facts import load_lines, load_offerings, load_students
from enrollment.vocabulary import State, decode

from . import again
from .history import History, Report, SeatRow, WaitRow
from .stored import (
    Genesis,
    Settled,
    Unreadable,
    count_settlements,
    first_facts,
    geneses,
    settlements,
)

CHECKS = {
    "facts-are-as-hashed": "The facts stored with a settlement are those whose hash it chained "
    "into every stream it wrote.",
    "facts-agree-with-history": "What a settlement knew of seats, loads, limits and lines is what "
    "the settlements before it had left.",
    "audit-rebuilds-the-seats": "Folding the audit in settlement order gives every enrollment, "
    "waitlist place, load and counter of the tables.",
    "every-seat-has-a-history": "Every enrollment was made by a request, or is named in the "
    "genesis of its offering.",
    "deciding-again-decides-the-same": "`allocate`, run again on the facts stored, gives the same "
    "results, codes, facts and changes.",
    "decided-in-order": "Within a settlement requests are decided in the order of their ids.",
    "outcomes-are-as-audited": "A request's outcome is what its audit entry says.",
    "swaps-and-bundles-are-whole": "A swap gives one seat for one, a bundle takes a seat in every "
    "course, or nothing changes at all.",
    "sections-open-when-all-others-are-full": "A section that staff did not open opens by policy, "
    "within its limits and when every other place is full; each has the entry that opened it.",
    "rechecks-are-queued": "Whoever may have become eligible elsewhere is looked at again there: "
    "each recheck decided has its request.",
}

_BROKEN = (KeyError, ValueError, TypeError, IndexError, AttributeError)
"""What folding a record that is not a record raises."""


def run(
    cursor: CursorWrapper, report: Report, progress: Callable[[int, int], None] | None = None
) -> None:
    """Replay everything and report each offender under the name of its check."""
    with _no_collections():
        _run(cursor, report, progress)


@contextmanager
def _no_collections() -> Iterator[None]:
    """Millions of values are made and none refers back to itself: looking for cycles among them
    doubles the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _run(
    cursor: CursorWrapper, report: Report, progress: Callable[[int, int], None] | None
) -> None:
    history = History(report)
    beginnings = geneses(cursor)
    total = count_settlements(cursor)
    for done, settled in enumerate(settlements(cursor), start=1):
        while beginnings and beginnings[0].after < settled.id:
            _begin(cursor, history, beginnings.pop(0))
        _replay(history, settled, report)
        if progress:
            progress(done, total)
    for genesis in beginnings:
        _begin(cursor, history, genesis)
    _compare_counters(cursor, history)
    _compare_seats(cursor, history)
    _compare_waits(cursor, history)
    _compare_sections(cursor, history)
    _compare_rechecks(cursor, history)


def _begin(cursor: CursorWrapper, history: History, genesis: Genesis) -> None:
    try:
        facts = first_facts(cursor, genesis.offering)
        history.begin(
            genesis, facts or load_offerings(cursor, [genesis.offering]).facts[genesis.offering]
        )
    except _BROKEN as error:
        history.report("audit-rebuilds-the-seats", f"genesis of {genesis.stream}: {error!r}")


def _replay(history: History, settled: Settled | Unreadable, report: Report) -> None:
    where = f"settlement {settled.id}"
    if isinstance(settled, Unreadable):
        report("facts-agree-with-history", f"{where} cannot be read: {settled.why}")
        return
    history.expect(settled.facts.state, where, "facts-agree-with-history")
    try:
        again.check(settled, report)
    except _BROKEN as error:
        report("deciding-again-decides-the-same", f"{where}: {error!r}")
    for entry in settled.entries:
        try:
            body = entry.told()
            for row in body["changes"]:
                history.apply(decode(row), entry.event, settled.id, entry.request)
            history.note(entry.event, entry.request, body.get("code", ""))
        except _BROKEN as error:
            report(
                "audit-rebuilds-the-seats",
                f"{where}, {entry.event} of request {entry.request}: {error!r}",
            )


# The tables against the record ------------------------------------------------------------

_ALL_OFFERINGS = "SELECT id FROM offerings"
_ALL_STUDENTS = "SELECT student_id, term_id FROM student_terms"
_SEATS = """
SELECT e.student_id, e.offering_id, coalesce(s.section_number, 0), coalesce(e.request_id, 0),
       coalesce(e.settlement_id, 0), coalesce(e.ended_by, 0), e.active
FROM enrollments e LEFT JOIN sections s ON s.id = e.section_id
"""
_WAITS = """
SELECT w.request_id, w.student_id, w.offering_id, coalesce(s.section_number, -1), w.state,
       w.passed_over, coalesce(w.ended_settlement_id, 0)
FROM waitlist_entries w LEFT JOIN sections s ON s.id = w.section_id
"""
_SECTIONS = """
SELECT offering_id, section_number, coalesce(opened_by, 0) FROM sections
WHERE automatic OR opened_by IS NOT NULL
"""
_RECHECKS = """
SELECT split_part(key, ':', 2)::bigint, (body ->> 'offering')::bigint, student_id FROM requests
WHERE kind = 'RECHECK' AND key ~ '^recheck:[0-9]+:[0-9]+$'
"""


def _compare_counters(cursor: CursorWrapper, history: History) -> None:
    """The tables are what a settlement would know that comes now."""
    cursor.execute(_ALL_OFFERINGS)
    ids = [id_ for (id_,) in cursor.fetchall()]
    facts = load_offerings(cursor, ids).facts
    lines = load_lines(cursor, ids)
    cursor.execute(_ALL_STUDENTS)
    students = load_students(cursor, cursor.fetchall())
    offerings = tuple(
        facts[id_]._replace(waiters=lines[id_], waiters_loaded=True) for id_ in sorted(ids)
    )
    history.expect(State(offerings, students), "the tables", "audit-rebuilds-the-seats")


def _compare_seats(cursor: CursorWrapper, history: History) -> None:
    recorded = history.seats()
    found: Counter[SeatRow] = Counter()
    cursor.execute(_SEATS)
    for *row, active in cursor.fetchall():
        seat = SeatRow(*row)
        if not active and not (seat.request or seat.settlement or seat.ended_by):
            continue  # given back before there was a history
        found[seat] += 1
        if active == bool(seat.ended_by):
            history.report("audit-rebuilds-the-seats", f"active and ended do not agree: {seat}")
    for seat in found - recorded:
        if seat.request:
            history.report("audit-rebuilds-the-seats", f"not in the record: {seat}")
        else:
            history.report("every-seat-has-a-history", f"from nowhere: {seat}")
    for seat in recorded - found:
        history.report("audit-rebuilds-the-seats", f"not in the tables: {seat}")


def _compare_waits(cursor: CursorWrapper, history: History) -> None:
    cursor.execute(_WAITS)
    found = {WaitRow(*row) for row in cursor.fetchall()}
    recorded = set(history.waits.values())
    for wait in sorted(found - recorded):
        history.report("audit-rebuilds-the-seats", f"not in the record: {wait}")
    for wait in sorted(recorded - found):
        history.report("audit-rebuilds-the-seats", f"not in the tables: {wait}")


def _compare_sections(cursor: CursorWrapper, history: History) -> None:
    cursor.execute(_SECTIONS)
    found = {(offering, number): by for offering, number, by in cursor.fetchall()}
    for offering, number in sorted(found.keys() | history.opened.keys()):
        by, recorded = found.get((offering, number)), history.opened.get((offering, number))
        if by != recorded:
            history.report(
                "sections-open-when-all-others-are-full",
                f"section {number} of offering {offering}: opened by settlement {recorded} in the "
                f"record, by {by} in the tables",
            )


def _compare_rechecks(cursor: CursorWrapper, history: History) -> None:
    cursor.execute(_RECHECKS)
    found = set(cursor.fetchall())
    for settlement, offering, student in sorted(found ^ history.rechecks):
        where = "the requests" if (settlement, offering, student) in found else "the record"
        history.report(
            "rechecks-are-queued",
            f"settlement {settlement}: student {student} in offering {offering}, only in {where}",
        )

"""The only writer of seats: a plan becomes rows, in the settlement's own transaction.

Everything is written by `INSERT ... SELECT unnest(...)`: as fast as COPY on the server, and a
client frozen inside a COPY would keep its locks for ever (rule 5). An UPDATE names what it changes
twice, by `= ANY` beside the join: whichever way a kept plan goes, it reads no more than that.
Counters are set to what the plan says and loads are added to; the database's own CHECKs, unique
and exclusion constraints refuse whatever the code should not have written.
"""

from collections import Counter
from collections.abc import Mapping

from django.db.backends.utils import CursorWrapper

from courses.timetable import Meets, render
from registrar.audit.arrays import array, text_array
from registrar.audit.log import Head

from .behind import Writer
from .facts import Offerings
from .record import Record, write_history
from .vocabulary import (
    BASE,
    Change,
    Event,
    Free,
    Plan,
    Recheck,
    Seat,
    SetMeets,
    State,
    Step,
    Unwait,
    Wait,
)


def write(
    writer: Writer,
    plan: Plan,
    state: State,
    offerings: Offerings,
    heads: Mapping[str, Head],
    record: Record,
) -> dict[Recheck, int]:
    """Write the plan, its outcomes and its audit, and take its requests off the queue.

    `heads` are the last audit entries of the streams it adds to. Returns the RECHECKs that it
    wants, with their terms.
    """
    rows = _Rows(plan, state, offerings, record)
    _write_places(writer, plan, offerings)
    _end_enrollments(writer, rows)
    _retime(writer, rows)
    _insert_enrollments(writer, rows)
    _write_waitlist(writer, rows, record)
    _add_credits(writer, rows)
    write_history(writer, plan.steps, record, heads)
    _delete_pending(writer, record)
    return rows.rechecks


class _Rows:
    """The plan's changes as rows, one net row for a seat taken and given back in one batch."""

    def __init__(self, plan: Plan, state: State, offerings: Offerings, record: Record) -> None:
        self.offerings = offerings
        self.terms = record.terms
        self.settlement = record.settlement
        self.meets: dict[tuple[int, int], Meets] = {
            (o.id, p.number): p.meets for o in state.offerings for p in o.places
        } | {(p.offering, p.number): p.meets for p in plan.places}
        self.seated: dict[tuple[int, int], Seat] = {}
        self.came_and_went: list[tuple[Seat, int]] = []
        self.freed: list[tuple[int, int, int, int]] = []
        self.joined: dict[int, Wait] = {}
        self.left: dict[int, str] = {}
        self.passed_over: dict[int, str] = {}
        self.retimed: list[SetMeets] = []
        self.rechecks: dict[Recheck, int] = {}
        self.credits: Counter[tuple[int, int]] = Counter()
        for step in plan.steps:
            if step.event is Event.PASSED_OVER:
                self.passed_over[step.request] = step.code
            for change in step.changes:
                self._add(change, step)

    def _add(self, change: Change, step: Step) -> None:
        match change:
            case Seat():
                self.seated[change.student, change.offering] = change
                self._load(change.student, change.offering, +1)
            case Free():
                seat = self.seated.pop((change.student, change.offering), None)
                if seat is None:
                    term = self.terms[change.offering]
                    self.freed.append((term, change.student, change.offering, step.request))
                else:
                    self.came_and_went.append((seat, step.request))
                self._load(change.student, change.offering, -1)
            case Wait():
                self.joined[change.request] = change
            case Unwait():
                self.left[change.request] = change.why
            case SetMeets():
                self.retimed.append(change)
            case Recheck():
                self.rechecks[change] = self.terms[step.offering]

    def _load(self, student: int, offering: int, sign: int) -> None:
        credits = self.offerings.facts[offering].credits
        self.credits[student, self.terms[offering]] += sign * credits

    def section_id(self, offering: int, number: int) -> int:
        return 0 if number <= BASE else self.offerings.section_ids[offering, number]


_UPDATE_SECTIONS = """
UPDATE sections s SET enrollment_limit = v.capacity, taken = v.taken, permits = v.permits,
       meets = v.meets::int4multirange, needs_assignment = s.needs_assignment AND NOT v.retimed
FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::text[], %s::boolean[])
     AS v (id, capacity, taken, permits, meets, retimed)
WHERE s.id = v.id AND s.id = ANY(%s::bigint[])
"""
_UPDATE_OFFERINGS = """
UPDATE offerings o SET status = v.status, waiting = v.waiting, taken = v.taken,
       total_permits = v.total_permits, next_number = v.next_number,
       auto_create = v.auto_create, open_threshold = v.open_threshold,
       section_limit = v.section_limit, max_sections = nullif(v.max_sections, -1),
       total_cap = nullif(v.total_cap, -1), waitlist_cap = nullif(v.waitlist_cap, -1),
       base_limit = coalesce(base.capacity, o.base_limit),
       base_taken = coalesce(base.taken, o.base_taken),
       base_permits = coalesce(base.permits, o.base_permits),
       base_meets = coalesce(base.meets::int4multirange, o.base_meets)
FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::int[], %s::int[], %s::int[],
            %s::boolean[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[])
     AS v (id, status, waiting, taken, total_permits, next_number, auto_create, open_threshold,
           section_limit, max_sections, total_cap, waitlist_cap)
LEFT JOIN unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::text[])
     AS base (id, capacity, taken, permits, meets) ON base.id = v.id
WHERE o.id = v.id AND o.id = ANY(%s::bigint[])
"""


def _write_places(writer: Writer, plan: Plan, offerings: Offerings) -> None:
    """Base seats go with their offering, in one update: CHECKs compare the one with the other."""
    if plan.offerings:
        columns = list(zip(*(after[:6] for after in plan.offerings), strict=True))
        policies = zip(*(after.policy for after in plan.offerings), strict=True)
        texts = [array(columns[0]), text_array(columns[1]), *map(array, columns[2:])]
        base = [place for place in plan.places if place.number == BASE]
        writer.execute(
            _UPDATE_OFFERINGS,
            [
                *texts,
                *map(array, policies),
                array(place.offering for place in base),
                array(place.limit for place in base),
                array(place.taken for place in base),
                array(place.permits for place in base),
                text_array(render(place.meets) for place in base),
                texts[0],
            ],
        )
    sections = [place for place in plan.places if place.number != BASE]
    if sections:
        ids = array(offerings.section_ids[p.offering, p.number] for p in sections)
        writer.execute(
            _UPDATE_SECTIONS,
            [
                ids,
                array(place.limit for place in sections),
                array(place.taken for place in sections),
                array(place.permits for place in sections),
                text_array(render(place.meets) for place in sections),
                array(place.retimed for place in sections),
                ids,
            ],
        )


_END_ENROLLMENTS = """
UPDATE enrollments e SET active = false, ended_by = v.request
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
     AS v (term, student, offering, request)
WHERE e.term_id = v.term AND e.student_id = v.student AND e.offering_id = v.offering AND e.active
"""


def _end_enrollments(writer: Writer, rows: _Rows) -> None:
    """Give seats back first: the seats taken below may need their minutes."""
    if not rows.freed:
        return
    columns = [array(column) for column in zip(*rows.freed, strict=True)]
    writer.execute(_END_ENROLLMENTS, columns, rows=len(rows.freed), rare=True)


_INSERT_ENROLLMENTS = """
INSERT INTO enrollments (student_id, term_id, offering_id, section_id, credits, meets, active,
                         request_id, settlement_id, ended_by)
SELECT student, term, offering, nullif(section, 0), credits, meets::int4multirange, ended = 0,
       request, %s, nullif(ended, 0)
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::int[], %s::text[],
            %s::bigint[], %s::bigint[])
     AS seat (student, term, offering, section, credits, meets, request, ended)
"""


def _insert_enrollments(writer: Writer, rows: _Rows) -> None:
    seats = [*rows.came_and_went, *((seat, 0) for seat in rows.seated.values())]
    if not seats:
        return
    facts = rows.offerings.facts
    writer.execute(
        _INSERT_ENROLLMENTS,
        [
            rows.settlement,
            array(seat.student for seat, _ in seats),
            array(rows.terms[seat.offering] for seat, _ in seats),
            array(seat.offering for seat, _ in seats),
            array(rows.section_id(seat.offering, seat.number) for seat, _ in seats),
            array(facts[seat.offering].credits for seat, _ in seats),
            text_array(render(rows.meets[seat.offering, seat.number]) for seat, _ in seats),
            array(seat.request for seat, _ in seats),
            array(ended for _, ended in seats),
        ],
    )


_RETIME = """
UPDATE enrollments SET meets = %s::int4multirange
WHERE offering_id = %s AND active AND coalesce(section_id, 0) = %s
"""


def _retime(writer: Writer, rows: _Rows) -> None:
    for change in rows.retimed:
        section = rows.section_id(change.offering, change.number)
        writer.execute(_RETIME, [render(change.meets), change.offering, section], rare=True)


_INSERT_WAITLIST = """
INSERT INTO waitlist_entries (request_id, student_id, term_id, offering_id, section_id, state,
                              passed_over, ended_settlement_id)
SELECT request, student, term, offering, nullif(section, 0), state, '', nullif(ended, 0)
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
            %s::bigint[])
     AS v (request, student, term, offering, section, state, ended)
"""
_END_WAITS = """
UPDATE waitlist_entries w SET state = v.state, ended_settlement_id = %s
FROM unnest(%s::bigint[], %s::text[]) AS v (request, state)
WHERE w.request_id = v.request AND w.state = 'WAITING'
"""
_PASSED_OVER = """
UPDATE waitlist_entries w SET passed_over = v.code
FROM unnest(%s::bigint[], %s::text[]) AS v (request, code)
WHERE w.request_id = v.request
"""


def _write_waitlist(writer: Writer, rows: _Rows, record: Record) -> None:
    ended = {request: why for request, why in rows.left.items() if request not in rows.joined}
    if ended:
        columns = [record.settlement, array(ended), text_array(ended.values())]
        writer.execute(_END_WAITS, columns, rows=len(ended), rare=True)
    if rows.joined:
        waits = list(rows.joined.values())
        writer.execute(
            _INSERT_WAITLIST,
            [
                array(wait.request for wait in waits),
                array(wait.student for wait in waits),
                array(rows.terms[wait.offering] for wait in waits),
                array(wait.offering for wait in waits),
                array(rows.section_id(wait.offering, wait.pinned) for wait in waits),
                text_array(rows.left.get(wait.request, "WAITING") for wait in waits),
                array(record.settlement * (wait.request in rows.left) for wait in waits),
            ],
        )
    if rows.passed_over:
        codes = rows.passed_over
        writer.execute(_PASSED_OVER, [array(codes), text_array(codes.values())], rare=True)


_ADD_CREDITS = """
UPDATE student_terms st SET credits = st.credits + v.credits
FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS v (student, term, credits)
WHERE st.student_id = v.student AND st.term_id = v.term
  AND st.student_id = ANY(%s::bigint[]) AND st.term_id = ANY(%s::bigint[])
"""


def _add_credits(writer: Writer, rows: _Rows) -> None:
    moved = [(*key, credits) for key, credits in rows.credits.items() if credits]
    if moved:
        students, terms, credits = map(list, zip(*moved, strict=True))
        ids = array(students)
        columns = [ids, array(terms), array(credits), ids, array(set(terms))]
        writer.execute(_ADD_CREDITS, columns)


_QUEUE_RECHECKS = """
WITH asked AS (
    SELECT nextval(pg_get_serial_sequence('requests', 'id')) AS id, v.*
    FROM unnest(%(offerings)s::bigint[], %(students)s::bigint[], %(terms)s::bigint[])
         WITH ORDINALITY AS v (offering, student, term, nth)
), written AS (
    INSERT INTO requests (id, kind, actor, key, body_hash, student_id, term_id, offerings, body,
                          window_id, accepted_at)
    SELECT id, 'RECHECK', 'system', 'recheck:' || %(settlement)s || ':' || nth, '', student, term,
           ARRAY[offering], jsonb_build_object('offering', offering), NULL, %(now)s
    FROM asked
)
INSERT INTO pending (offering_id, request_id, student_id, cancels)
SELECT offering, id, student, false FROM asked
RETURNING offering_id, request_id
"""


def queue_rechecks(
    cursor: CursorWrapper, rechecks: Mapping[Recheck, int], record: Record
) -> list[tuple[int, int]]:
    """Queue, in this transaction, a look at every line where a student may now be eligible.

    Without it a waiter who was passed over once is forgotten for good (rule 13). Returns the
    (offering, request) pairs, to be posted after the commit.
    """
    if not rechecks:
        return []
    cursor.execute(
        _QUEUE_RECHECKS,
        {
            "offerings": array(recheck.offering for recheck in rechecks),
            "students": array(recheck.student for recheck in rechecks),
            "terms": array(rechecks.values()),
            "settlement": record.settlement,
            "now": record.now,
        },
    )
    return [(offering, request) for offering, request in cursor.fetchall()]


_DELETE_PENDING = """
DELETE FROM pending p USING unnest(%s::bigint[], %s::bigint[]) AS v (offering, request)
WHERE p.offering_id = v.offering AND p.request_id = v.request
  AND p.offering_id = ANY(%s::bigint[]) AND p.request_id = ANY(%s::bigint[])
"""


def _delete_pending(writer: Writer, record: Record) -> None:
    pairs = [(offering, ask.id) for ask in record.asks for offering in ask.offerings]
    offerings, requests = map(list, zip(*pairs, strict=True))
    ids = array(requests)
    columns = [array(offerings), ids, array(set(offerings)), ids]
    writer.execute(_DELETE_PENDING, columns, rows=len(pairs))

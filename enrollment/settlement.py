"""One settlement: lock, read, decide, write, commit.

    1 lock the offerings, in the order of their ids
    2 read their pending requests, in the order of request ids
    3 lock every student whom a decision may concern, in one sorted pass
    4 load what is known of them, as plain values
    5 decide (`allocation.allocate`, pure)
    6 write the plan, its audit and its outcomes, and clear the queue
    7 commit, then tell Redis what is no longer pending and what still is

Everything a settlement does is in the transaction that holds its locks, so a holder that freezes
or is cut off can write nothing late: there is no lease and no lock outside PostgreSQL (rule 5).
"""

import os
import secrets
import socket
import time
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import structlog
from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

from registrar import prepared
from registrar.audit.arrays import array

from . import choosing, facts, ledger, mailbox, poison
from .allocation import Undecidable, allocate
from .behind import writing
from .facts import Known, Offerings
from .mailbox import Line, Turn
from .openings import bar, delete_sections, make_sections
from .patience import Patience, TooSlow
from .record import Facts, Record
from .rules import VERSION
from .vocabulary import Ask, Open, Plan, State

log = structlog.get_logger()
WORKER = f"{socket.gethostname()}:{os.getpid()}"


class Settled(NamedTuple):
    """What one settlement did."""

    decided: int = 0
    codes: frozenset[str] = frozenset()
    """Codes of the courses it decided something for."""
    wider: frozenset[int] = frozenset()
    """What to hold next, when a request in line touches more offerings than were held."""
    rechecks: tuple[tuple[int, int], ...] = ()
    opened: tuple[int, ...] = ()
    """Ids of the sections it opened."""
    put_off: bool = False
    """Left alone for a moment, because it died there a moment ago; the sweeper comes back."""


class Report(NamedTuple):
    """What a run of settlements did, in words an administrator may read."""

    courses: tuple[str, ...]
    decided: int
    settlements: int
    milliseconds: int


def settle_ready(seconds: float) -> Report:
    """Settle what is ready until nothing is or `seconds` are over, then ring if more waits.

    Where there is more to do by then, another is rung for at once, and until they have come it goes
    on for a second at most: who is rung for takes a while to be there.
    """
    begun = time.monotonic()
    courses: set[str] = set()
    decided = settlements = 0
    settler = f"{WORKER}:{secrets.token_hex(4)}"
    turn = Turn.FIRST
    try:
        while time.monotonic() - begun < seconds + mailbox.RELIEF_SECONDS:
            ready = mailbox.take(settler, turn)
            if not ready:
                break
            done = settle(ready)
            courses |= done.codes
            decided += done.decided
            settlements += bool(done.decided)
            if turn is Turn.FIRST:
                turn = Turn.ON
            if turn is Turn.ON and time.monotonic() - begun >= seconds:
                turn = Turn.OVER
                mailbox.wake()
    finally:
        mailbox.leave(settler)
    milliseconds = round((time.monotonic() - begun) * 1000)
    return Report(tuple(sorted(courses)), decided, settlements, milliseconds)


def settle(offerings: Collection[int], *, wait: bool = False) -> Settled:
    """Settle a batch of these offerings' requests; those locked elsewhere are left out.

    With `wait` it waits for their locks instead (3 s at most). Offerings that requests in their
    lines touch too are held as well, where they are free. A request that touches more than is
    held is not decided past: the batch before it is, and then the rest of what it touches is
    waited for. Raises what the database raises, after putting back what is pending.
    """
    done = _settle_once(offerings, wait)
    for _ in range(_WIDENINGS):
        if not done.wider:
            break
        more = _settle_once(done.wider, True)
        done = more._replace(decided=done.decided + more.decided, codes=done.codes | more.codes)
    return done


_WIDENINGS = 3
"""How often a batch is taken again with a wider set; what is left is rung for like anything."""


def _settle_once(offerings: Collection[int], wait: bool) -> Settled:
    held = _Held()
    done = Settled()
    try:
        done = prepared.anew(lambda: _transact(offerings, wait, held))
    finally:
        if not done.put_off:
            _look_again(held)
    if done.rechecks:
        mailbox.post(done.rechecks)
    return done


class _Held:
    """What a settlement holds: to be put back afterwards, whatever became of it."""

    def __init__(self) -> None:
        self.offerings: list[int] = []
        self.drawn = 0
        """The last request id drawn before it held anything."""


def _transact(offerings: Collection[int], wait: bool, held: _Held) -> Settled:
    """The transaction; `held` is filled with the offerings locked."""
    held.offerings.clear()  # what a first try held is free again, and may be somebody else's
    trial = _Trial()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            reached, held.drawn = facts.reach(cursor, offerings)
            beside = reached - set(offerings)
            held.offerings += facts.lock_offerings(cursor, offerings, wait=wait)
            # Never waited for, so that no order among them matters.
            held.offerings += facts.lock_offerings(cursor, beside, wait=False) if beside else []
            done = _settle_held(cursor, held.offerings, trial) if held.offerings else Settled()
    except (OperationalError, InterfaceError):
        # Nobody's request is to blame for a lost connection, a deadlock or a full disk.
        trial.withdraw()
        raise
    if done.opened:
        _analyze_sections(done.opened)
    return done


class _Trial:
    """The attempt row of a settlement under way, if it has come that far."""

    attempt = 0

    def withdraw(self) -> None:
        if self.attempt:
            try:
                poison.withdraw(self.attempt)
            except Error:
                log.warning("settlement.attempt_not_withdrawn", attempt=self.attempt)


def _settle_held(cursor: CursorWrapper, held: Sequence[int], trial: _Trial) -> Settled:
    line = facts.read_line(cursor, held, settings.REGISTRAR["SETTLE_BATCH"])
    found = poison.left_behind(cursor, held) if line.attempts else []
    care = poison.caution(found, facts.database_now(cursor)) if found else poison.Caution(0)
    if care.wait:
        return Settled(put_off=True)
    asks, terms, wider = choosing.next_asks(cursor, held, line.pending, care.limit)
    if not asks:
        return Settled(wider=wider)
    requests = [ask.id for ask in asks]
    trial.attempt = poison.begin(requests, held)
    state, known = _load(cursor, line.offerings, asks, terms)
    plan, state, record = _decide(
        cursor, state._replace(broken=_broken(care, asks)), line.offerings, asks, known
    )
    with writing(cursor, len(asks)) as writer:
        poison.end(writer, trial.attempt, found, requests)
        rechecks = ledger.write(writer, plan, state, line.offerings, known.heads, record)
    queued = ledger.queue_rechecks(cursor, rechecks, record)
    touched = {step.offering for step in plan.steps}
    return Settled(
        len(asks),
        frozenset(line.offerings.facts[offering].code for offering in touched),
        wider,
        tuple(queued),
        tuple(line.offerings.section_ids[each.offering, each.number] for each in _opened(plan)),
    )


def _broken(care: poison.Caution, asks: Iterable[Ask]) -> tuple[int, ...]:
    return tuple(ask.id for ask in asks if ask.id == care.give_up)


def _load(
    cursor: CursorWrapper, offerings: Offerings, asks: Sequence[Ask], terms: dict[int, int]
) -> tuple[State, Known]:
    """Steps 3 and 4: waiters who may be served, the students' locks, and then their facts."""
    served = facts.may_be_served(asks, offerings.facts)
    lines = facts.load_lines(cursor, served) if served else {}
    for offering in offerings.facts.values():
        line = lines.get(offering.id, ())
        loaded = offering.id in lines or not offering.waiting
        offerings.facts[offering.id] = offering._replace(waiters=line, waiters_loaded=loaded)
    students = {(ask.student, terms[ask.id]) for ask in asks if ask.student}
    students |= {
        (waiter.student, offerings.facts[offering].term)
        for offering, line in lines.items()
        for waiter in line
    }
    students |= facts.load_holders(cursor, asks)
    touched = {offering for ask in asks for offering in ask.offerings}
    known = facts.lock_students(cursor, students, touched)
    return State(tuple(offerings.facts.values()), known.students), known


def _decide(
    cursor: CursorWrapper,
    state: State,
    offerings: Offerings,
    asks: Sequence[Ask],
    known: Known,
) -> tuple[Plan, State, Record]:
    """Step 5, again where a request cannot be decided or the database refuses a section.

    Sections are made before anything refers to them. One that fails costs nobody their request:
    `allocate` runs again and may open only as many as succeeded, so students are seated elsewhere
    or waitlisted (S0-37).
    """
    made: dict[tuple[int, int], int] = {}
    failures: list[tuple[int, int, str]] = []
    while True:
        plan, state = _allocate(state, asks, known.now)
        wanted = {(change.offering, change.number): change for change in _opened(plan)}
        record = _record(known, asks, state, failures)
        missing = [wanted[key] for key in sorted(wanted.keys() - made.keys())]
        ids, failed = make_sections(cursor, missing, offerings, record)
        made |= ids
        if not failed:
            break
        failures += failed
        state = bar(state, failed, made)
    surplus = made.keys() - wanted.keys()
    if surplus:
        delete_sections(cursor, [made.pop(key) for key in surplus])
    offerings.section_ids.update(made)
    return plan, state, record


def _allocate(state: State, asks: Sequence[Ask], now: datetime) -> tuple[Plan, State]:
    """Decide; a request that cannot be decided is failed, audited, and the rest go on."""
    while True:
        try:
            with Patience(_sign_of_life) as watch:
                return allocate(state, asks, now, watch), state
        except (Undecidable, TooSlow) as error:
            log.exception("settlement.undecidable", request=error.request)
            state = state._replace(broken=(*state.broken, error.request))


def _sign_of_life() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT")


def _opened(plan: Plan) -> list[Open]:
    return [change for step in plan.steps for change in step.changes if isinstance(change, Open)]


def _record(
    known: Known, asks: Sequence[Ask], state: State, failures: Sequence[tuple[int, int, str]]
) -> Record:
    decided_on = Facts(VERSION, known.now, state, tuple(ask.id for ask in asks)).text()
    terms = {offering.id: offering.term for offering in state.offerings}
    return Record(known.number, known.now, WORKER, asks, terms, decided_on, tuple(failures))


_HEADS = """
SELECT held.offering, head.request_id
FROM unnest(%s::bigint[]) AS held (offering)
LEFT JOIN LATERAL (
    SELECT request_id FROM pending WHERE offering_id = held.offering
    ORDER BY request_id LIMIT 1
) AS head ON true
"""


def _look_again(held: _Held) -> None:
    """After the end of the transaction, whichever it was: put back what is still pending.

    An offering that is locked elsewhere was skipped and not put back: its holder does it here.
    Where a line has no head any more, ids drawn since the settlement began are left in Redis:
    their rows may have come after the lines were read.
    """
    if not held.offerings:
        return
    try:
        heads = prepared.fetch(_HEADS, values=[array(held.offerings)])
    except Error as error:
        log.warning("settlement.look_again_failed", error=type(error).__name__)
        return
    mailbox.settled(Line(offering, head or held.drawn + 1, head or 0) for offering, head in heads)


def _analyze_sections(opened: Collection[int]) -> None:
    """Refresh statistics when the sections, by their ids, have doubled, after the commit.

    Foreign-key checks keep the plan they were first given, and a table that was empty when the
    term opened is then scanned for every seat. One settlement opens many sections at once, so a
    power of two is passed more often than met.
    """
    if max(opened).bit_length() > (min(opened) - 1).bit_length():
        with connection.cursor() as cursor:
            cursor.execute("SELECT analyze_sections()")

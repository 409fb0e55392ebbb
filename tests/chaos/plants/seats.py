"""Plants in what is decided and written: seats, lines, sections, rechecks, outcomes."""

import threading
from collections.abc import Collection
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from django.db.backends.utils import CursorWrapper

from enrollment import choosing, facts, ledger, openings, rules
from enrollment.behind import Writer
from enrollment.facts import Line, Pending
from enrollment.models import Outcome, WaitlistEntry
from enrollment.seating import Seating
from enrollment.vocabulary import Kind
from tests.chaos.plants.ground import CLIENT, HISTORY, INTERNAL, LIVENESS, Ground
from tests.chaos.plants.locks import ONE
from tests.chaos.plants.plant import Plant, swap
from tests.factories import ask, make_offering, make_student, make_term, open_window

_memory = threading.local()


# Scenes ---------------------------------------------------------------------------------------


def a_seat_given_back(ground: Ground, students: int = 2) -> None:
    """Two hold a seat and one of them drops it; whoever else asked waits for it."""
    term = make_term()
    open_window(term)
    offering = make_offering(term, base_limit=2)
    people = [make_student(term) for _ in range(students)]
    ground.worker()
    ground.witness.submit(*(ask(Kind.ENROLL, student, offering) for student in people))
    ground.drained(6)
    ground.witness.submit(ask(Kind.DROP, people[0], offering))
    ground.drained(6)


def two_rooms_at_the_same_time(ground: Ground) -> None:
    """A student asks for two courses whose hours overlap."""
    term = make_term()
    open_window(term)
    student = make_student(term)
    morning = make_offering(term, base_meets=((540, 630),))
    noon = make_offering(term, base_meets=((600, 690),))
    ground.worker()
    ground.witness.submit(ask(Kind.ENROLL, student, morning), ask(Kind.ENROLL, student, noon))
    ground.drained(6)


def a_seat_for_the_first_in_line(ground: Ground) -> None:
    """One holds the seat, two wait for it, and it comes free."""
    term = make_term()
    open_window(term)
    offering = make_offering(term, base_limit=1)
    students = [make_student(term) for _ in range(3)]
    ground.worker()
    requests = ground.witness.submit(*(ask(Kind.ENROLL, each, offering) for each in students))
    ground.drained(6)
    ground.witness.submit(ask(Kind.DROP, students[0], offering))
    ground.drained(6)
    states = dict(WaitlistEntry.objects.values_list("pk", "state"))
    if [states.get(request) for request in requests[1:]] != ["PROMOTED", "WAITING"]:
        ground.complain(CLIENT, f"first and second in line are {states}")


def eligible_again_elsewhere(ground: Ground) -> None:
    """A waiter is passed over for want of credits, drops another course, and so may have it."""
    term = make_term()
    open_window(term)
    waiter, holder = make_student(term, maximum=3), make_student(term)
    held, wanted = make_offering(term), make_offering(term, base_limit=1)
    ground.worker()
    ground.witness.submit(ask(Kind.ENROLL, holder, wanted), ask(Kind.ENROLL, waiter, wanted))
    ground.drained(6)
    ground.witness.submit(ask(Kind.ENROLL, waiter, held))
    ground.drained(6)
    ground.witness.submit(ask(Kind.DROP, holder, wanted))
    ground.drained(6)
    ground.witness.submit(ask(Kind.DROP, waiter, held))
    ground.drained(6)


def a_section_that_is_refused(ground: Ground) -> None:
    """Policy opens a section and the database will not have it."""
    term = make_term()
    open_window(term)
    offering = make_offering(term, base_limit=1, auto_create=True, section_limit=5)
    ground.owner(
        "CREATE FUNCTION no_sections() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'check_violation'; END $$",
        "CREATE TRIGGER no_sections BEFORE INSERT ON sections "
        "FOR EACH ROW EXECUTE FUNCTION no_sections()",
    )
    students = [make_student(term) for _ in range(3)]
    ground.witness.submit(*(ask(Kind.ENROLL, student, offering) for student in students))
    ground.worker()
    ground.drained(5)


def a_swap_before_a_newcomer(ground: Ground) -> None:
    """One seat in the course wanted; who swaps into it stands before who enrolls in it."""
    term = make_term()
    open_window(term)
    # Of two that are ready since the same request, the one made first is taken first.
    wanted, given = make_offering(term, base_limit=1), make_offering(term)
    swapper, newcomer = make_student(term), make_student(term)
    worker = ground.worker("before")
    ground.witness.submit(ask(Kind.ENROLL, swapper, given))
    ground.drained(6)
    worker.kill()
    ground.witness.submit(
        ask(Kind.SWAP, swapper, wanted, given), ask(Kind.ENROLL, newcomer, wanted)
    )
    ground.worker("after", **ONE)
    ground.drained(8)


def a_cancel_behind_a_long_line(ground: Ground) -> None:
    """Its target stands two batches away from the head."""
    term = make_term()
    open_window(term)
    offering = make_offering(term, base_limit=9)
    students = [make_student(term) for _ in range(4)]
    *_, last = ground.witness.submit(*(ask(Kind.ENROLL, each, offering) for each in students))
    [cancel] = ground.witness.submit(ask(Kind.CANCEL, students[-1], offering, request=last))
    ground.worker(SETTLE_BATCH=2)
    ground.drained(6)
    told = Outcome.objects.filter(pk__in=(last, cancel)).order_by("pk")
    results = [outcome.code for outcome in told]
    if results != ["CANCELLED", "DONE"]:
        ground.complain(CLIENT, f"a request taken back at once, and its CANCEL, ended {results}")


def two_batches(ground: Ground) -> None:
    """More requests than one batch holds."""
    term = make_term()
    open_window(term)
    offering = make_offering(term, base_limit=3)
    students = [make_student(term) for _ in range(5)]
    ground.witness.submit(*(ask(Kind.ENROLL, student, offering) for student in students))
    ground.worker(SETTLE_BATCH=2)
    ground.drained(6)


# Patches --------------------------------------------------------------------------------------


def times_not_compared() -> None:
    swap(rules, "timetable_clash", lambda _: lambda *_: 0)


def last_in_line_first() -> None:
    def serving(serve: Any) -> Any:
        def serve_backwards(self: Seating, ask: Any, offering: Any, before: int = 0) -> None:
            offering.line.reverse()
            try:
                serve(self, ask, offering, before)
            finally:
                offering.line.sort()

        return serve_backwards

    swap(Seating, "serve", serving)


def rechecks_lost() -> None:
    swap(ledger, "queue_rechecks", lambda _: lambda *_: [])


def no_savepoint() -> None:
    swap(openings, "transaction", lambda _: SimpleNamespace(atomic=nullcontext))


def decides_what_it_does_not_hold() -> None:
    """Requests of other courses are left for later, and what stands behind them is decided."""

    def reading(read: Any) -> Any:
        def read_held(cursor: CursorWrapper, held: Collection[int], limit: int) -> Line:
            line: Line = read(cursor, held, limit)
            ours = [each for each in line.pending if set(held).issuperset(each.ask.offerings)]
            return line._replace(pending=ours)

        return read_held

    swap(facts, "reach", lambda reach: lambda cursor, offerings: _only(reach, cursor, offerings))
    swap(facts, "read_line", reading)


def _only(reach: Any, cursor: CursorWrapper, offerings: Collection[int]) -> Any:
    return reach(cursor, offerings)._replace(offerings=frozenset(offerings))


def cancels_jump() -> None:
    """Every CANCEL in sight is decided at once, its target pending or not."""

    def jumping(_: Any) -> Any:
        def jump(_: Any, pending: Collection[Pending], *__: Any) -> list[Pending]:
            return [entry for entry in pending if entry.ask.kind is Kind.CANCEL]

        return jump

    swap(choosing, "_cancels", jumping)


def delivered_twice() -> None:
    """A message that carries its requests comes again: they are decided with the next batch."""

    def reading(read: Any) -> Any:
        def read_again(*arguments: Any) -> Line:
            line: Line = read(*arguments)
            before = getattr(_memory, "delivered", []) if line.pending else []
            _memory.delivered = line.pending
            again = sorted(before + line.pending, key=lambda entry: entry.ask.id)
            return line._replace(pending=again)

        return read_again

    swap(facts, "read_line", reading)
    swap(ledger, "_delete_pending", lambda _: _delete_what_there_is)


def _delete_what_there_is(writer: Writer, record: Any) -> None:
    ids = [ask.id for ask in record.asks]
    writer.execute("DELETE FROM pending WHERE request_id = ANY(%s)", [ids])


_TAKEN_NEVER_FALLS = (
    "CREATE FUNCTION never_falls() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "NEW.taken := greatest(OLD.taken, NEW.taken); "
    "NEW.base_taken := greatest(OLD.base_taken, NEW.base_taken); RETURN NEW; END $$",
    "CREATE TRIGGER never_falls BEFORE UPDATE ON offerings "
    "FOR EACH ROW EXECUTE FUNCTION never_falls()",
)
_NO_EXCLUSION = ("ALTER TABLE enrollments DROP CONSTRAINT enrollment_no_two_at_the_same_time",)
_NO_OUTCOME_KEY = ("ALTER TABLE outcomes DROP CONSTRAINT outcomes_pkey",)

PLANTS = (
    Plant(
        "counter-not-updated-on-drop",
        "a seat given back is not counted as free",
        a_seat_given_back,
        frozenset({"counters-tell-the-truth"}),
        statements=_TAKEN_NEVER_FALLS,
    ),
    Plant(
        "times-not-compared",
        "nobody looks whether two courses meet at the same time",
        two_rooms_at_the_same_time,
        frozenset({"nobody-is-in-two-places", "deciding-again-decides-the-same"}),
        times_not_compared,
        _NO_EXCLUSION,
        hidden_by="the exclusion constraint, dropped with it",
        sure_statements=_NO_EXCLUSION,
    ),
    Plant(
        "promoted-out-of-order",
        "a seat that comes free goes to the last in line",
        a_seat_for_the_first_in_line,
        frozenset({CLIENT, "deciding-again-decides-the-same"}),
        last_in_line_first,
    ),
    Plant(
        "recheck-lost",
        "a waiter who may be eligible again elsewhere is not looked at there",
        eligible_again_elsewhere,
        frozenset({"no-seat-idles", "rechecks-are-queued"}),
        rechecks_lost,
    ),
    Plant(
        "no-savepoint-around-a-section",
        "a section that the database refuses takes the whole settlement with it",
        a_section_that_is_refused,
        frozenset({LIVENESS, INTERNAL}),
        no_savepoint,
    ),
    Plant(
        "decides-past-what-it-does-not-hold",
        "a request that touches a course which is not held is skipped, not waited for",
        a_swap_before_a_newcomer,
        frozenset({HISTORY, LIVENESS}),
        decides_what_it_does_not_hold,
    ),
    Plant(
        "cancels-jump",
        "a CANCEL is decided while its target still waits behind the batch",
        a_cancel_behind_a_long_line,
        frozenset({CLIENT, "cancels-are-as-their-targets"}),
        cancels_jump,
    ),
    Plant(
        "settled-twice",
        "a batch that is delivered again is decided again",
        two_batches,
        frozenset({"one-outcome-a-request", "decided-is-audited-once"}),
        delivered_twice,
        _NO_OUTCOME_KEY,
        hidden_by="the outcome's primary key, dropped with it, and the count of places cleared",
        sure_statements=_NO_OUTCOME_KEY,
    ),
)

"""Plants in what is locked, how, and for how long: rules 3, 4, 5 and 8.

Each scene has two workers, of which the first stands still for a moment in the middle of its
settlement; there the second finds whatever is not locked, once nobody believes any more that the
first comes back by itself.
"""

import threading
import time
from collections.abc import Collection
from typing import Any

from django.db import connections
from django.db.backends.utils import CursorWrapper

from enrollment import facts, ledger, mailbox, poison
from enrollment.facts import Line
from enrollment.models import Outcome
from enrollment.vocabulary import Kind
from registrar.audit.arrays import array
from tests.chaos.plants.ground import CLIENT, DEADLOCK, Ground
from tests.chaos.plants.order import Pause
from tests.chaos.plants.plant import Plant, swap
from tests.factories import ask, make_offering, make_student, make_term, open_window

SOLD_TWICE = frozenset(
    {CLIENT, "counters-tell-the-truth", "facts-agree-with-history", "audit-rebuilds-the-seats"}
)
READ = Pause("enrollment.facts:lock_students")
"""All is locked and read; nothing is decided or written."""
LEASE_SECONDS = 0.2
ONE = {"SETTLE_OFFERINGS": 1}
"""A worker takes one offering at a time."""
MINE = threading.local()
"""What the settlement of this thread has read: `asks`, or the `number` it drew."""


# Scenes ---------------------------------------------------------------------------------------


def the_last_seat(ground: Ground) -> None:
    """Two students want one seat, the second while the first's settlement is under way."""
    term = make_term()
    open_window(term)
    offering = make_offering(term, base_limit=1)
    first, second = make_student(term), make_student(term)
    workers = [ground.worker(name, READ) for name in ("one", "two")]
    ground.witness.submit(ask(Kind.ENROLL, first, offering))
    ground.must(lambda: any(worker.paused() for worker in workers), "a settlement under way")
    time.sleep(2 * LEASE_SECONDS)
    ground.witness.submit(ask(Kind.ENROLL, second, offering))
    ground.meet(*workers)
    ground.drained(6)
    sold = Outcome.objects.filter(result="ENROLLED").count()
    if sold > 1:
        ground.complain(CLIENT, f"{sold} students were told that the one seat is theirs")


def swaps_that_cross(ground: Ground) -> None:
    """Two students want each other's course; a worker begins at either end."""
    term = make_term()
    open_window(term)
    students = make_student(term), make_student(term)
    one, other = make_offering(term, base_limit=2), make_offering(term, base_limit=2)
    worker = ground.worker("before")
    ground.witness.submit(ask(Kind.ENROLL, students[0], one), ask(Kind.ENROLL, students[1], other))
    ground.drained(6)
    worker.kill()
    time.sleep(mailbox.DUTY_SECONDS)  # for so long it is believed to come back
    held = Pause("enrollment.facts:lock_offerings")
    workers = [ground.worker(name, held, **ONE) for name in ("one", "two")]
    ground.witness.submit(ask(Kind.SWAP, students[0], other, one))
    ground.must(lambda: any(worker.paused() for worker in workers), "a settlement under way")
    time.sleep(mailbox.DUTY_SECONDS)
    ground.witness.submit(ask(Kind.SWAP, students[1], one, other))
    ground.meet(*workers)
    ground.drained(8)


def a_late_start(ground: Ground) -> None:
    """A worker stands still before it locks; another settles the course meanwhile."""
    term = make_term()
    open_window(term)
    offering = make_offering(term, base_limit=2)
    late = ground.worker("late", Pause("enrollment.facts:reach"))
    ground.witness.submit(ask(Kind.ENROLL, make_student(term), offering))
    ground.must(late.paused, "a settlement about to begin")
    quick = ground.worker("quick")
    [second] = ground.witness.submit(ask(Kind.ENROLL, make_student(term), offering))
    ground.must(Outcome.objects.filter(pk=second).exists, "the second worker settles")
    quick.kill()
    ground.witness.submit(ask(Kind.ENROLL, make_student(term), offering))
    late.release()
    ground.drained(8)


# Patches --------------------------------------------------------------------------------------


def each_its_own() -> None:
    """Workers claim requests one by one instead of a course, and nobody who is met at work is
    taken for dead: else the outcome's key, or the care for the dead, would hide a lost lock."""
    swap(poison, "left_behind", lambda _: lambda *_: [])

    def claiming(read: Any) -> Any:
        def claim(cursor: CursorWrapper, *arguments: Any) -> Line:
            line: Line = read(cursor, *arguments)
            ours = [entry for entry in line.pending if _claimed(cursor, entry.ask.id)]
            return line._replace(pending=ours)

        return claim

    swap(facts, "read_line", claiming)


def _claimed(cursor: CursorWrapper, request: int) -> bool:
    """By this session, until it ends."""
    cursor.execute("SELECT pg_try_advisory_lock(77, %s)", [request])
    return bool(cursor.fetchone()[0])


def no_course_lock() -> None:
    def unlocked(_: Any) -> Any:
        return lambda cursor, offerings, *, wait: sorted(offerings)

    each_its_own()
    swap(facts, "lock_offerings", unlocked)


def lock_and_read_in_one_statement() -> None:
    """What is taken is read by the statement that locks, whose snapshot is as old as its start."""
    taken: dict[int, int] = {}

    def locking(_: Any) -> Any:
        def lock(cursor: CursorWrapper, offerings: Collection[int], *, wait: bool) -> list[int]:
            cursor.execute(_SEATS_AND_LOCK, [array(offerings)])
            taken.update(cursor.fetchall())
            return sorted(set(offerings) & taken.keys())

        return lock

    def remembering(read: Any) -> Any:
        def remember(*arguments: Any) -> Line:
            line: Line = read(*arguments)
            for id_, offering in line.offerings.facts.items():
                base, *rest = offering.places
                seats = (base._replace(taken=taken[id_]), *rest)
                line.offerings.facts[id_] = offering._replace(places=seats)
            return line

        return remember

    swap(facts, "lock_offerings", locking)
    swap(facts, "read_line", remembering)


_SEATS_AND_LOCK = """
WITH locked AS (
    SELECT id FROM offerings WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE
)
SELECT locked.id, (SELECT count(*) FROM enrollments e WHERE e.offering_id = locked.id AND e.active)
FROM locked
"""


def repeatable_read() -> None:
    def isolating(reach: Any) -> Any:
        def isolate(cursor: CursorWrapper, offerings: Collection[int]) -> Any:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute(
                "SELECT pg_advisory_xact_lock(78, o::int) FROM unnest(%s::bigint[]) AS o",
                [array(offerings)],
            )
            return reach(cursor, offerings)

        return isolate

    swap(facts, "reach", isolating)
    no_course_lock()
    swap(ledger, "_write_places", lambda _: lambda *_: None)


def released_before_the_write() -> None:
    """Requests are claimed and the lock is given back; what was decided is written afterwards."""

    def loading(load: Any) -> Any:
        def load_and_release(cursor: CursorWrapper, *arguments: Any) -> Any:
            known = load(cursor, *arguments)
            ids = array(entry.ask.id for entry in MINE.asks)
            cursor.execute("DELETE FROM pending WHERE request_id = ANY(%s::bigint[])", [ids])
            cursor.execute("COMMIT")
            cursor.execute("BEGIN")
            return known

        return load_and_release

    remember_who_asks()
    swap(facts, "lock_students", loading)
    swap(ledger, "_delete_pending", lambda _: lambda *_: None)


def a_lease_in_redis() -> None:
    """A lock that ends by itself while its holder still works."""

    def leasing(_: Any) -> Any:
        def lock(_: Any, offerings: Collection[int], *, wait: bool) -> list[int]:
            redis = mailbox.client()
            return [
                offering
                for offering in sorted(offerings)
                if redis.set(f"lease:{offering}", 1, nx=True, px=int(1000 * LEASE_SECONDS))
            ]

        return lock

    each_its_own()
    swap(facts, "lock_offerings", leasing)


def remember_who_asks() -> None:
    def reading(read: Any) -> Any:
        def remember(*arguments: Any) -> Line:
            line: Line = read(*arguments)
            MINE.asks = line.pending
            return line

        return remember

    swap(facts, "read_line", reading)


def offerings_in_no_order() -> None:
    """What a swap touches beside is waited for, while the first is held."""

    def waiting(lock: Any) -> Any:
        return lambda cursor, offerings, *, wait: lock(cursor, offerings, wait=True)

    swap(facts, "lock_offerings", waiting)


def numbered_before_the_locks() -> None:
    lock_students = facts.lock_students

    def reaching(reach: Any) -> Any:
        def draw_and_reach(cursor: CursorWrapper, offerings: Collection[int]) -> Any:
            with connections["witness"].cursor() as other:
                MINE.number = lock_students(other, [], []).number
            return reach(cursor, offerings)

        return draw_and_reach

    swap(facts, "reach", reaching)
    swap(
        facts,
        "lock_students",
        lambda lock: lambda *arguments: lock(*arguments)._replace(number=MINE.number),
    )


_TWO_HEADS = ("ALTER TABLE audit_entries DROP CONSTRAINT audit_entry_seq_in_stream",)
_HEAD_HIDDEN = "two heads of one audit stream are refused by its numbers, which may be equal here"
_OWN_HIDDEN = (
    "the outcome's primary key refuses a request decided twice, and whoever is met at work is "
    "taken for dead: here each worker claims its own requests and asks for no deaths; and "
    + _HEAD_HIDDEN
)

PLANTS = (
    Plant(
        "no-course-lock",
        "a course is settled without a lock on it",
        the_last_seat,
        SOLD_TWICE,
        no_course_lock,
        _TWO_HEADS,
        hidden_by=_OWN_HIDDEN,
        sure=each_its_own,
        sure_statements=_TWO_HEADS,
    ),
    Plant(
        "lock-and-read-in-one-statement",
        "seats taken are read by the statement that waits for the lock",
        the_last_seat,
        SOLD_TWICE,
        lock_and_read_in_one_statement,
    ),
    Plant(
        "repeatable-read",
        "a settlement runs at REPEATABLE READ, its lock one that is no row",
        the_last_seat,
        frozenset({CLIENT}),
        repeatable_read,
        _TWO_HEADS,
        hidden_by="a row written twice cannot be serialized, so counters are not written; and "
        + _OWN_HIDDEN,
    ),
    Plant(
        "lock-released-early",
        "requests are taken off the queue and the lock is given back before the plan is written",
        the_last_seat,
        SOLD_TWICE,
        released_before_the_write,
        _TWO_HEADS,
        hidden_by=_HEAD_HIDDEN,
        sure_statements=_TWO_HEADS,
    ),
    Plant(
        "lease-in-redis",
        "the lock is a lease in Redis, which ends while its holder is at work",
        the_last_seat,
        SOLD_TWICE,
        a_lease_in_redis,
        _TWO_HEADS,
        hidden_by=_OWN_HIDDEN,
        sure=each_its_own,
        sure_statements=_TWO_HEADS,
    ),
    Plant(
        "courses-locked-in-no-order",
        "a swap's other course is waited for while the first is held, whatever their order",
        swaps_that_cross,
        frozenset({DEADLOCK}),
        offerings_in_no_order,
    ),
    Plant(
        "numbered-before-the-locks",
        "a settlement draws its number before it holds its locks",
        a_late_start,
        frozenset({"facts-agree-with-history", "deciding-again-decides-the-same"}),
        numbered_before_the_locks,
    ),
)

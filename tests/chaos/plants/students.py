"""Plants in the lock of a student's row, which all the courses of the student share (rule 4)."""

from collections.abc import Collection
from typing import Any

from django.db.backends.utils import CursorWrapper

from enrollment import facts
from enrollment.vocabulary import Kind
from tests.chaos.plants.ground import DEADLOCK, Ground
from tests.chaos.plants.locks import MINE, ONE, READ, remember_who_asks
from tests.chaos.plants.order import Pause
from tests.chaos.plants.plant import Plant, swap
from tests.factories import ask, make_offering, make_student, make_term, open_window
from tests.races import NO_LOCK, lock_rows

# Scenes ---------------------------------------------------------------------------------------


def two_courses_at_once(ground: Ground) -> None:
    """A student with three credits left asks for two courses, which two workers settle."""
    term = make_term()
    open_window(term)
    student = make_student(term, maximum=3)
    workers = [ground.worker(name, READ) for name in ("one", "two")]
    for offering in (make_offering(term), make_offering(term)):
        ground.witness.submit(ask(Kind.ENROLL, student, offering))
        ground.must(lambda: any(worker.paused() for worker in workers), "a settlement under way")
    ground.meet(*workers)
    ground.drained(6)


def a_promotion_and_a_request(ground: Ground) -> None:
    """Who waits for the first course is promoted while their request for the second is settled."""
    term = make_term()
    open_window(term)
    holder, waiter = make_student(term), make_student(term, maximum=3)
    first, second = make_offering(term, base_limit=1), make_offering(term)
    worker = ground.worker("before")
    ground.witness.submit(ask(Kind.ENROLL, holder, first), ask(Kind.ENROLL, waiter, first))
    ground.drained(6)
    worker.kill()
    workers = [ground.worker(name, READ) for name in ("one", "two")]
    ground.witness.submit(ask(Kind.DROP, holder, first))
    ground.must(lambda: any(worker.paused() for worker in workers), "a settlement under way")
    ground.witness.submit(ask(Kind.ENROLL, waiter, second))
    ground.meet(*workers)
    ground.drained(6)


def two_promotions_that_cross(ground: Ground) -> None:
    """Each of two students drops the course that the other one waits for."""
    term = make_term()
    open_window(term)
    students = make_student(term), make_student(term)
    courses = make_offering(term, base_limit=1), make_offering(term, base_limit=1)
    worker = ground.worker("before")
    for holder, other, course in zip(students, reversed(students), courses, strict=True):
        ground.witness.submit(ask(Kind.ENROLL, holder, course), ask(Kind.ENROLL, other, course))
    ground.drained(6)
    worker.kill()
    held = Pause("enrollment.facts:lock_students", inner=True)
    workers = [ground.worker(name, held, **ONE) for name in ("one", "two")]
    for holder, course in zip(students, courses, strict=True):
        ground.witness.submit(ask(Kind.DROP, holder, course))
        ground.must(lambda: any(worker.paused() for worker in workers), "a settlement under way")
    ground.meet(*workers)
    ground.drained(8)


# Patches --------------------------------------------------------------------------------------


def no_student_lock() -> None:
    swap(facts.students, "_LOCK_STUDENTS", lambda _: NO_LOCK)


def _who_asks(students: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    asking = {entry.ask.student for entry in MINE.asks}
    return {student for student in students if student[0] in asking}


def only_who_asks_is_locked() -> None:
    remember_who_asks()
    swap(facts.students, "_LOCK_STUDENTS", lambda _: NO_LOCK)

    def locking(load: Any) -> Any:
        def lock_some(cursor: CursorWrapper, students: Any, touched: Any) -> Any:
            lock_rows(cursor, _who_asks(students))
            return load(cursor, students, touched)

        return lock_some

    swap(facts, "lock_students", locking)


def who_waits_is_locked_later() -> None:
    """Two passes instead of one: those who ask, and then those who may be promoted."""

    def locking(lock: Any) -> Any:
        def lock_twice(cursor: CursorWrapper, students: Any, touched: Any) -> Any:
            lock(cursor, _who_asks(students), touched)
            return lock(cursor, students, touched)

        return lock_twice

    remember_who_asks()
    swap(facts, "lock_students", locking)


_CREDITS_CHECK = ("ALTER TABLE student_terms DROP CONSTRAINT student_term_within_credit_maximum",)
_CREDITS_HIDDEN = "the CHECK on credits, dropped with it"
_CREDITS = frozenset({"credits-are-the-sum-of-seats"})

PLANTS = (
    Plant(
        "no-student-lock",
        "a student's row is not locked, only the courses are",
        two_courses_at_once,
        _CREDITS,
        no_student_lock,
        _CREDITS_CHECK,
        hidden_by=_CREDITS_HIDDEN,
        sure_statements=_CREDITS_CHECK,
    ),
    Plant(
        "waiters-not-locked",
        "only who asks is locked, not who may be promoted",
        a_promotion_and_a_request,
        _CREDITS,
        only_who_asks_is_locked,
        _CREDITS_CHECK,
        hidden_by=_CREDITS_HIDDEN,
        sure_statements=_CREDITS_CHECK,
    ),
    Plant(
        "students-locked-in-two-passes",
        "who may be promoted is locked after who asks, not in one sorted pass",
        two_promotions_that_cross,
        frozenset({DEADLOCK}),
        who_waits_is_locked_later,
    ),
)

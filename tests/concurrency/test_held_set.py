"""A request that touches two courses keeps its place in both lines: it is decided holding both."""

import itertools
import threading
from collections.abc import Callable, Collection

import pytest
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper

from courses.models import Offering, Term
from enrollment import facts, poison
from enrollment.models import Enrollment, Outcome, Student
from enrollment.settlement import Settled, settle
from enrollment.vocabulary import Kind
from tests.factories import (
    ask,
    enroll,
    make_offering,
    make_student,
    make_term,
    open_window,
    submit,
)
from tests.races import Meeting, after, broken, only, race, racer, settle_all, together

pytestmark = pytest.mark.concurrency


@pytest.fixture
def term(database: None) -> Term:
    term = make_term()
    open_window(term)
    return term


def result(request: int) -> str:
    return Outcome.objects.get(pk=request).result


def holders(offering: Offering) -> set[int]:
    seats = Enrollment.objects.filter(offering=offering, active=True)
    return set(seats.values_list("student_id", flat=True))


# A place in two lines -------------------------------------------------------------------------


def a_swap_before_a_newcomer(term: Term) -> tuple[Offering, int, int]:
    """The course wanted has one seat; who swaps into it stands before who enrolls in it."""
    given, wanted = make_offering(term), make_offering(term, base_limit=1)
    swapper, newcomer = make_student(term), make_student(term)
    enroll(given, [swapper])
    settle_all()
    swap, request = submit(
        ask(Kind.SWAP, swapper, wanted, given), ask(Kind.ENROLL, newcomer, wanted)
    )
    return wanted, swap, request


def hold_nothing_beside(patch: pytest.MonkeyPatch) -> None:
    """As when somebody else holds the other courses at first."""
    reach = facts.Reach
    patch.setattr(facts, "reach", lambda _, offerings: reach(frozenset(offerings), drawn=0))


def decide_only_what_is_held(patch: pytest.MonkeyPatch) -> None:
    """Leave requests of other courses for later, and go on behind them."""
    hold_nothing_beside(patch)
    read = facts.read_line

    def read_held(cursor: CursorWrapper, held: Collection[int], limit: int) -> facts.Line:
        line = read(cursor, held, limit)
        ours = [each for each in line.pending if set(held).issuperset(each.ask.offerings)]
        return line._replace(pending=ours)

    patch.setattr(facts, "read_line", read_held)


@pytest.mark.parametrize("given_is_free", [True, False])
def test_a_swap_keeps_its_place_in_the_line_of_the_course_it_wants(
    term: Term, monkeypatch: pytest.MonkeyPatch, given_is_free: bool
) -> None:
    wanted, swap, newcomer = a_swap_before_a_newcomer(term)
    if not given_is_free:
        hold_nothing_beside(monkeypatch)

    settle([wanted.pk])
    settle_all()

    assert (result(swap), result(newcomer)) == ("SWAPPED", "WAITLISTED")


def test_decided_without_the_other_course_a_swap_is_overtaken(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, swap, newcomer = a_swap_before_a_newcomer(term)
    with monkeypatch.context() as patch:
        decide_only_what_is_held(patch)
        settle([wanted.pk])
    settle_all()

    assert (result(swap), result(newcomer)) == ("REFUSED", "ENROLLED")


# Both courses, or neither ---------------------------------------------------------------------


def a_swap_and_a_newcomer_to_what_is_given(term: Term) -> tuple[Offering, Offering, Student]:
    """One seat in the course given up; a third student asks for it at the same time."""
    given, wanted = make_offering(term, base_limit=1), make_offering(term)
    swapper, newcomer = make_student(term), make_student(term)
    enroll(given, [swapper])
    settle_all()
    enroll(given, [newcomer])
    submit(ask(Kind.SWAP, swapper, wanted, given))
    return given, wanted, newcomer


def only_the_wanted_is_locked(patch: pytest.MonkeyPatch, given: Offering) -> None:
    """The second racer holds both courses, but has locked one; each decides one request, and
    takes the other, whom it now meets at work, for nobody who died at it."""
    hold_nothing_beside(patch)
    patch.setattr(poison, "left_behind", lambda *_: [])
    lock = facts.lock_offerings

    def lock_one(cursor: CursorWrapper, offerings: Collection[int], *, wait: bool) -> list[int]:
        locked = [o for o in offerings if racer() == 0 or o != given.pk]
        lock(cursor, locked, wait=wait)
        return sorted(offerings)

    patch.setattr(facts, "lock_offerings", lock_one)
    only(patch, lambda ask: ask.kind is [Kind.ENROLL, Kind.SWAP][racer()])


def settling(given: Offering, wanted: Offering) -> list[Callable[[], Settled]]:
    return [
        lambda: settle([given.pk], wait=True),
        lambda: settle([given.pk, wanted.pk], wait=True),
    ]


def test_a_swap_gives_its_seat_to_who_stands_in_line_for_it(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, wanted, newcomer = a_swap_and_a_newcomer_to_what_is_given(term)
    meeting = Meeting()
    after(monkeypatch, facts, "lock_students", meeting)

    together(*settling(given, wanted))
    settle_all()

    assert not meeting.met
    assert holders(given) == {newcomer.pk}


def test_with_one_of_its_courses_not_locked_half_a_swap_is_lost(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, wanted, newcomer = a_swap_and_a_newcomer_to_what_is_given(term)
    only_the_wanted_is_locked(monkeypatch, given)
    meeting = Meeting()
    after(monkeypatch, facts, "lock_students", meeting)

    together(*settling(given, wanted))

    assert meeting.met
    given.refresh_from_db()
    assert newcomer.waitlistentry_set.filter(state="WAITING").exists()
    assert (holders(given), given.waiting) == (set(), 0)


# Cycles ---------------------------------------------------------------------------------------


def a_cycle_of_swaps(term: Term) -> tuple[list[Offering], list[int]]:
    """Two students want each other's course; the second has one seat to spare.

    So the first swap must come first: it frees the seat that the second one takes.
    """
    courses = [make_offering(term, base_limit=limit) for limit in (1, 2)]
    students = [make_student(term), make_student(term)]
    for course, student in zip(courses, students, strict=True):
        enroll(course, [student])
    settle_all()
    one, other = courses
    swaps = submit(ask(Kind.SWAP, students[0], other, one), ask(Kind.SWAP, students[1], one, other))
    return courses, swaps


def test_swaps_in_a_cycle_are_decided_in_order_and_without_deadlock(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    courses, swaps = a_cycle_of_swaps(term)
    each_holds_one = Meeting()
    after(monkeypatch, facts, "lock_offerings", each_holds_one)

    together(*[lambda pk=course.pk: settle([pk], wait=True) for course in courses])

    assert each_holds_one.met
    assert [result(swap) for swap in swaps] == ["SWAPPED", "SWAPPED"]


def test_many_swaps_in_cycles_all_settle_under_settlers_of_single_courses(term: Term) -> None:
    """Every student of three courses asks for the next course, over and over, in four threads."""
    courses = [make_offering(term, base_limit=5) for _ in range(3)]
    students = [make_student(term) for _ in range(12)]
    for student, course in zip(students, itertools.cycle(courses)):
        enroll(course, [student])
    settle_all()
    over = threading.Event()

    def ask_around() -> int:
        for turn in range(4):
            for at, student in enumerate(students):
                one, other = courses[(at + turn) % 3], courses[(at + turn + 1) % 3]
                submit(ask(Kind.SWAP, student, other, one))
        over.set()
        return 48

    def settle_one(pk: int) -> int:
        decided = 0
        while not over.is_set():
            decided += settle([pk], wait=True).decided
        return decided

    together(ask_around, *[lambda pk=course.pk: settle_one(pk) for course in courses])
    settle_all()

    assert Outcome.objects.count() == 12 + 48
    assert Enrollment.objects.filter(active=True).count() == 12
    assert broken() == {}


def test_courses_locked_one_by_one_in_no_order_deadlock(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    courses, _ = a_cycle_of_swaps(term)
    pks = [course.pk for course in courses]
    lock, meeting = facts.lock_offerings, Meeting()

    def lock_in_no_order(
        cursor: CursorWrapper, offerings: Collection[int], *, wait: bool
    ) -> list[int]:
        first, second = pks if racer() == 0 else reversed(pks)
        lock(cursor, [first], wait=wait)
        meeting()
        lock(cursor, [second], wait=wait)
        return sorted(offerings)

    monkeypatch.setattr(facts, "lock_offerings", lock_in_no_order)

    ended = race(*[lambda: settle(pks, wait=True)] * 2)

    [error] = [each for each in ended if isinstance(each, Exception)]
    assert isinstance(error, OperationalError)
    assert "deadlock detected" in str(error)


# CANCEL stands in no line ---------------------------------------------------------------------


def test_a_cancel_of_a_decided_swap_is_answered_whichever_course_is_settled(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_nothing_beside(monkeypatch)
    given, wanted = make_offering(term), make_offering(term)
    student = make_student(term)
    enroll(given, [student])
    settle_all()
    [swap] = submit(ask(Kind.SWAP, student, wanted, given))
    settle_all()
    [cancel] = submit(ask(Kind.CANCEL, student, wanted, given, request=swap))

    settle([given.pk])

    assert Outcome.objects.get(pk=cancel).code == "ALREADY_DECIDED"

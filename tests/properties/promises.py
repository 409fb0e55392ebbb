"""What is promised of every plan, checked by walking through it step by step.

Written without `seating` and `rules`: eligibility and openings are worked out here a second time,
the slow and obvious way.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import combinations
from typing import Any

from courses.timetable import Meets
from enrollment.board import Board, BoardOffering, BoardPlace, BoardStudent
from enrollment.rules import REASONS
from enrollment.vocabulary import (
    Ask,
    Event,
    Kind,
    Open,
    Plan,
    Recheck,
    Result,
    Seat,
    State,
    Step,
    Waiter,
)
from tests.values import ANY, TERM

_NOTHING_HAPPENED = {Result.REFUSED, Result.CANCELLED, Result.FAILED_INTERNAL}


class Walk:
    """A board that the steps of a plan are applied to, one after the other."""

    def __init__(
        self, state: State, asks: Sequence[Ask], plan: Plan, owed: Iterable[tuple[int, int]] = ()
    ) -> None:
        self.state, self.plan = state, plan
        self.board = Board(state)
        self.kinds = {ask.id: ask.kind for ask in asks}
        self.ids = [ask.id for ask in asks]
        self.owed = set(owed)
        """Lines (offering, student) where a RECHECK is still to come."""
        self.loads = {s.id: s.credits - sum(h.credits for h in s.held) for s in state.students}
        self.others = {
            (o.id, p.number): p.taken - _holders(state, o.id, p.number)
            for o in state.offerings
            for p in o.places
        }

    def check(self) -> frozenset[tuple[int, int]]:
        """Raise AssertionError where the plan breaks a promise; return the RECHECKs still owed."""
        for step in self.plan.steps:
            self._check_before(step)
            over = self._over()
            for change in step.changes:
                self.board.apply(change)
                if isinstance(change, Recheck):
                    self.owed.add((change.offering, change.student))
            self._check_over(step, over)
            self._check_counts()
            self._check_students()
        self._check_answers()
        self._check_result()
        self._check_nothing_idle()
        return frozenset(self.owed)

    # Before a step ------------------------------------------------------------------------

    def _check_before(self, step: Step) -> None:
        by_staff = self._kind(step) in (Kind.PERMIT, Kind.LIMIT)
        for change in step.changes:
            if isinstance(change, Seat) and not by_staff:
                self._check_turn(step, change)
            if isinstance(change, Open) and not by_staff:
                self._check_opening(change)
        if self._kind(step) is Kind.RECHECK:
            self.owed.discard((step.offering, step.student))

    def _check_turn(self, step: Step, seat: Seat) -> None:
        """Nobody earlier in line could have had this seat, and the offering takes students."""
        offering = self.board.offerings[seat.offering]
        place = offering.places[seat.number]
        assert offering.status == "OPEN", f"a seat in a course that is not open: {step}"
        own = self._student(seat.student).waits.get(seat.offering)
        turn = own.request if own else seat.request
        room = _room_in_total(offering)  # at the cap only a change of section needs none
        for waiter in offering.line:
            if waiter.request < turn and (seat.offering, waiter.student) not in self.owed:
                could = room and self._fits(waiter, offering, place)
                assert not could, f"{waiter} was before {step}"

    def _check_opening(self, change: Open) -> None:
        offering = self.board.offerings[change.offering]
        policy = offering.policy
        assert policy["auto_create"], "the policy opens no sections"
        assert offering.openings != 0, "no more sections could be made"
        assert all(place.taken >= place.limit for place in offering.places.values())
        assert policy["max_sections"] < 0 or offering.sections() < policy["max_sections"]
        assert _room_in_total(offering)
        assert change.number == offering.next_number
        assert change.limit == policy["section_limit"] > 0

    # After a step -------------------------------------------------------------------------

    def _over(self) -> dict[tuple[int, int], int]:
        """How far each place, and each offering as a whole (-1), is over its limit."""
        over: dict[tuple[int, int], int] = {}
        for offering in self.board.offerings.values():
            cap = offering.policy["total_cap"]
            over[offering.id, -1] = max(0, offering.taken - cap) if cap >= 0 else 0
            for number, place in offering.places.items():
                over[offering.id, number] = max(0, place.taken - place.limit)
        return over

    def _check_over(self, step: Step, before: dict[tuple[int, int], int]) -> None:
        staff = self._kind(step) in (Kind.PERMIT, Kind.LIMIT)
        for key, over in self._over().items():
            assert staff or over <= before.get(key, 0), f"{step} put {key} over its limit"

    def _check_counts(self) -> None:
        for offering in self.board.offerings.values():
            for number, place in offering.places.items():
                seated = self.others.get((offering.id, number), 0) + sum(
                    s.held[offering.id].number == number
                    for s in self.board.students.values()
                    if offering.id in s.held
                )
                assert place.taken == seated, f"{offering.code} {number} counts {place.taken}"
                assert place.permits == max(0, place.taken - place.limit)
            cap = offering.policy["total_cap"]
            assert offering.taken == sum(place.taken for place in offering.places.values())
            assert offering.total_permits == (max(0, offering.taken - cap) if cap >= 0 else 0)
            assert offering.waiting == len(offering.line)
            assert offering.line == sorted(offering.line)
            free = [n for n, place in offering.places.items() if place.taken < place.limit]
            assert offering.room == sorted(free)

    def _check_students(self) -> None:
        lines = {
            (offering.id, waiter.student): waiter
            for offering in self.board.offerings.values()
            for waiter in offering.line
        }
        for student in self.board.students.values():
            held = student.held.values()
            assert student.credits == self.loads[student.id] + sum(h.credits for h in held)
            assert student.credits <= student.max_credits
            assert not any(_overlap(a.meets, b.meets) for a, b in combinations(held, 2))
            assert not student.held.keys() & student.waits.keys(), "seated and waiting at once"
            for id, wait in student.waits.items():
                assert lines.pop((id, student.id)) == (wait.request, student.id, wait.pinned)
        assert not lines, f"in line unknown to themselves: {lines}"

    # At the end ---------------------------------------------------------------------------

    def _check_answers(self) -> None:
        decided = [step for step in self.plan.steps if step.event is Event.DECIDED]
        assert [step.request for step in decided] == self.ids, "one answer each, in order"
        told = [
            (step.request, step.code) for step in self.plan.steps if step.event is Event.PASSED_OVER
        ]
        assert len(told) == len(set(told)), "a reason was told twice"
        for step in self.plan.steps:
            if step.result in _NOTHING_HAPPENED:
                assert not step.changes, f"a refusal that changes something: {step}"
            if step.result is Result.REFUSED or step.event is Event.PASSED_OVER:
                assert step.code in REASONS
            assert all(map(_exact, (step.facts, *step.changes))), f"not exact in JSON: {step}"

    def _check_result(self) -> None:
        """The counters that are written are those that the changes lead to."""
        fresh = Board(self.state)
        written = {after.id: after for after in self.plan.offerings}
        places = {(after.offering, after.number): after for after in self.plan.places}
        for id, offering in self.board.offerings.items():
            unwritten = fresh.offerings[id].after()
            assert offering.after() == written.get(id, unwritten)
            for number, place in offering.places.items():
                known = fresh.offerings[id].places.get(number)
                now = (place.limit, place.taken, place.permits, place.meets)
                if (id, number) in places:
                    assert places[id, number][2:6] == now
                else:
                    assert known is not None, f"section {number} of {id} is not written"
                    assert (known.limit, known.taken, known.permits, known.meets) == now
        assert all(number in self.board.offerings[id].places for id, number in places)

    def _check_nothing_idle(self) -> None:
        """Where an offering is open, no seat is left that somebody in line could have."""
        for offering in self.board.offerings.values():
            if offering.status != "OPEN" or not _room_in_total(offering):
                continue
            for waiter in offering.line:
                if (offering.id, waiter.student) in self.owed:
                    continue
                for place in offering.places.values():
                    room = place.taken < place.limit
                    idle = room and self._fits(waiter, offering, place)
                    assert not idle, f"{waiter} could sit in {offering.code} {place.number}"
                assert not self._might_open_for(waiter, offering), f"none opened for {waiter}"

    def _might_open_for(self, waiter: Waiter, offering: BoardOffering) -> bool:
        policy = offering.policy
        return (
            waiter.pinned == ANY
            and bool(policy["auto_create"])
            and policy["section_limit"] > 0
            and offering.openings != 0
            and not 0 <= policy["max_sections"] <= offering.sections()
            and all(place.taken >= place.limit for place in offering.places.values())
            and len(offering.line) >= policy["open_threshold"]
            and self._affords(waiter, offering)
        )

    # Worked out a second time -------------------------------------------------------------

    def _fits(self, waiter: Waiter, offering: BoardOffering, place: BoardPlace) -> bool:
        held = self._student(waiter.student).held.values()
        return (
            waiter.pinned in (ANY, place.number)
            and self._affords(waiter, offering)
            and not any(_overlap(seat.meets, place.meets) for seat in held)
        )

    def _affords(self, waiter: Waiter, offering: BoardOffering) -> bool:
        student = self._student(waiter.student)
        return student.credits + offering.credits <= student.max_credits

    def _student(self, id: int) -> BoardStudent:
        return self.board.students[id, TERM]

    def _kind(self, step: Step) -> Kind | None:
        return self.kinds[step.request] if step.event is Event.DECIDED else None


def _holders(state: State, offering: int, number: int) -> int:
    held = (seat for student in state.students for seat in student.held)
    return sum(seat.offering == offering and seat.number == number for seat in held)


def _room_in_total(offering: BoardOffering) -> bool:
    cap = offering.policy["total_cap"]
    return cap < 0 or sum(place.taken for place in offering.places.values()) < cap


def _overlap(a: Meets, b: Meets) -> bool:
    return bool(_minutes(a) & _minutes(b))


@cache
def _minutes(meets: Meets) -> frozenset[int]:
    return frozenset(minute for start, end in meets for minute in range(start, end))


def _exact(value: Any) -> bool:
    """Whether JSON holds it exactly: no float, no nothing, no key that is not a string."""
    return all(isinstance(leaf, str | int) for leaf in _leaves(value))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key if isinstance(key, str) else None
            yield from _leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value

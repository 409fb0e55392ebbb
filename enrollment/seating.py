"""Seats and the line: where a student may sit, when a section opens, who is served next.

A `Seating` is one run of `allocation.allocate`: the board as it stands and the steps so far. What
each kind of request does with it is in `allocation`; here is what they have in common.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from . import rules
from .board import Board, BoardOffering, BoardPlace
from .rules import Case, Refusal
from .vocabulary import (
    BASE,
    Ask,
    Change,
    Event,
    Kind,
    Open,
    Result,
    Seat,
    State,
    Status,
    Step,
    Unwait,
    Waiter,
)

ANY = -1
"""No section in particular."""

C = TypeVar("C", bound=Change)


class Seating:
    """The board of a settlement, and how its seats are found, opened and handed down the line."""

    def __init__(self, state: State) -> None:
        self.board = Board(state)
        self.steps: list[Step] = []
        self._told: set[tuple[int, str]] = set()

    def do(self, change: C) -> C:
        """Make a change on the board; it is the caller's to put it into a step."""
        self.board.apply(change)
        return change

    def take_back(self, begun: int, tried: Iterable[Change]) -> None:
        """Undo what was tried, and every step since `begun` that it had led to."""
        self.board.undo(tried)
        self.board.undo(change for step in self.steps[begun:] for change in step.changes)
        for step in self.steps[begun:]:
            self._told.discard((step.request, step.code))
        del self.steps[begun:]

    # Finding a seat -----------------------------------------------------------------------

    def find(self, case: Case, offering: BoardOffering, pinned: int) -> int | None:
        """The lowest-numbered place with a free seat that fits the student's timetable."""
        given = case.given() if case.giving == offering.id else None
        if not offering.room_in_total(freeing=given is not None):
            return None
        own = given.number if given else None
        for place in _places(offering, pinned, free=True):
            if place.number != own and not rules.timetable_clash(case, place.meets):
                return place.number
        return None

    def find_or_open(
        self, ask: Ask, case: Case, offering: BoardOffering, pinned: int
    ) -> int | None:
        """A free seat that fits, opening sections as policy allows; waiters are served first."""
        number = self.find(case, offering, pinned)
        asking = offering.id not in case.student.waits
        while number is None and pinned == ANY and _may_open(offering, asking):
            self._open(ask, offering, before=ask.student)
            number = self.find(case, offering, pinned)
        return number

    def fitting(self, case: Case, offering: BoardOffering, pinned: int) -> BoardPlace | None:
        """A place that fits the student's timetable, full or not; one with a free seat if any."""
        fits = [
            place
            for place in _places(offering, pinned)
            if not rules.timetable_clash(case, place.meets)
        ]
        return min(fits, key=lambda place: (not place.has_room, place.number), default=None)

    # Opening a section --------------------------------------------------------------------

    def _open(self, ask: Ask, offering: BoardOffering, before: int = 0) -> None:
        """Open the next section and serve those who waited before anyone who asks now (T29)."""
        change = Open(offering.id, offering.next_number, offering.policy["section_limit"])
        facts = {
            "section": change.number,
            "waiting": offering.waiting,
            "threshold": offering.policy["open_threshold"],
            "seats_elsewhere": 0,
        }
        self.do(change)
        self._tell(Event.SECTION_OPENED, offering, ask.id, ask.student, Result.DONE, facts, change)
        self.serve(ask, offering, before)

    def open_for_waiters(self, ask: Ask, offering: BoardOffering) -> None:
        """Open sections while policy allows and somebody who waits would get a seat there.

        A newcomer opens sections by asking. Where a limit rose, a pause ended or the last seat
        elsewhere was taken, nobody may ask any more.
        """
        while (
            offering.status == Status.OPEN
            and offering.waiting
            and _may_open(offering, asking=False)
            and any(self._would_sit(waiter, offering) for waiter in offering.line)
        ):
            self._open(ask, offering)

    def _would_sit(self, waiter: Waiter, offering: BoardOffering) -> bool:
        case = self._waiter_case(waiter, offering)
        return waiter.pinned == ANY and not rules.first_refusal(case, rules.PROMOTION_RULES)

    # Serving the line ---------------------------------------------------------------------

    def serve(self, ask: Ask, offering: BoardOffering, before: int = 0) -> None:
        """Offer every free seat down the waitlist, in order, re-checking every rule.

        It ends at the place of the student `before`, who is about to take what is left.
        """
        if offering.status != Status.OPEN or not offering.waiting:
            return
        if not offering.waiters_loaded:
            raise RuntimeError(f"the waitlist of offering {offering.id} was not loaded")
        for waiter in tuple(offering.line):
            if waiter.student == before or not offering.room or not offering.room_in_total():
                return
            self._promote_or_pass(ask, waiter, offering)

    def _promote_or_pass(self, ask: Ask, waiter: Waiter, offering: BoardOffering) -> None:
        request, student, pinned = waiter
        case = self._waiter_case(waiter, offering)
        refusal = rules.first_refusal(case, rules.PROMOTION_RULES)
        number = None if refusal else self.find(case, offering, pinned)
        if number is not None:
            ended = self.end_wait(student, offering, "PROMOTED")
            seat = self.do(Seat(offering.id, number, student, request))
            facts: dict[str, Any] = {"section": number, "by_request": ask.id}
            self._tell(
                Event.PROMOTED, offering, request, student, Result.ENROLLED, facts, *ended, seat
            )
            return
        refusal = refusal or _clash(case, offering, pinned, free=True)
        if refusal and (request, refusal.code) not in self._told:
            self._told.add((request, refusal.code))
            facts = {"code": refusal.code, "by_request": ask.id, **refusal.facts}
            self._tell(Event.PASSED_OVER, offering, request, student, Result.WAITLISTED, facts)

    def end_wait(
        self, student: int, offering: BoardOffering, why: str = "SEATED"
    ) -> tuple[Unwait, ...]:
        """Take the student out of the line, if in it."""
        waiting = self.board.student(student, offering.id).waits.get(offering.id)
        if waiting is None:
            return ()
        _, request, pinned = waiting
        return (self.do(Unwait(offering.id, pinned, student, request, why)),)

    def _waiter_case(self, waiter: Waiter, offering: BoardOffering) -> Case:
        student = self.board.student(waiter.student, offering.id)
        return Case(Kind.RECHECK, 0, student, offering)

    def _tell(
        self,
        event: Event,
        offering: BoardOffering,
        request: int,
        student: int,
        result: Result,
        facts: dict[str, Any],
        *changes: Change,
    ) -> None:
        """Add a step that another request's decision led to."""
        code = facts.get("code", result)
        self.steps.append(Step(event, offering.id, request, student, result, code, facts, changes))


# Why there is no seat -------------------------------------------------------------------------


def no_wait(case: Case, offering: BoardOffering, pinned: int) -> Refusal | None:
    """Why a student without a seat cannot wait either, or None when they can."""
    refusal = no_place_fits(case, offering, pinned)
    cap = offering.policy["waitlist_cap"]
    if refusal is None and 0 <= cap <= offering.waiting:
        facts = {**full(offering), "waitlist_cap": cap, "waiting": offering.waiting}
        refusal = Refusal("FULL", facts)
    return refusal


def no_place_fits(case: Case, offering: BoardOffering, pinned: int) -> Refusal | None:
    """TIME_CLASH when every place clashes, so that waiting would not help either.

    A full offering that may still open sections is worth waiting for: a new section has no fixed
    times.
    """
    if pinned == ANY and not offering.room and _may_grow(offering):
        return None
    return _clash(case, offering, pinned)


def _clash(case: Case, offering: BoardOffering, pinned: int, free: bool = False) -> Refusal | None:
    """The first clash when every place clashes, or every one that has a free seat."""
    refusal: Refusal | None = None
    for place in _places(offering, pinned, free):
        with_offering = rules.timetable_clash(case, place.meets)
        if not with_offering:
            return None
        refusal = refusal or rules.clash_refusal(case, with_offering, place.meets)
    return refusal


def full(offering: BoardOffering) -> dict[str, Any]:
    """The limit that keeps a seat from being free, by its name (T28)."""
    policy = offering.policy
    if not offering.room_in_total():
        return {"cap": "total_cap", "limit": policy["total_cap"]}
    if policy["auto_create"] and 0 <= policy["max_sections"] <= offering.sections():
        return {"cap": "max_sections", "limit": policy["max_sections"]}
    return {"cap": "seats", "limit": sum(place.limit for place in offering.places.values())}


def unknown_section(offering: BoardOffering, pinned: int) -> Refusal | None:
    """The offering has no section of that number."""
    if pinned == ANY or pinned in offering.places:
        return None
    return Refusal("SECTION_UNKNOWN", {"section": pinned})


# What an offering allows ----------------------------------------------------------------------


def _places(offering: BoardOffering, pinned: int, free: bool = False) -> Iterator[BoardPlace]:
    """Where a student may sit, by number: the one section asked for, or any.

    Base seats of which there are none are no place, unless asked for by number.
    """
    for number in offering.room if free else sorted(offering.places):
        place = offering.places[number]
        if pinned == number or (pinned == ANY and (place.limit or number != BASE)):
            yield place


def _may_open(offering: BoardOffering, asking: bool) -> bool:
    """Whether policy opens one more section now: only when every seat is taken (S0-18)."""
    return (
        _may_grow(offering)
        and offering.openings != 0
        and not offering.room
        and offering.room_in_total()
        and offering.waiting + asking >= offering.policy["open_threshold"]
    )


def _may_grow(offering: BoardOffering) -> bool:
    """Whether policy allows one more section at all, now or when demand is there."""
    policy = offering.policy
    below = policy["max_sections"] < 0 or offering.sections() < policy["max_sections"]
    return bool(policy["auto_create"]) and policy["section_limit"] > 0 and below

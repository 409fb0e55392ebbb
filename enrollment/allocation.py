"""The decision: requests of a settlement, in order, against the facts under its locks.

`allocate` is pure: no clock, no database, no randomness. Given the same facts it gives the same
plan, which `verify` proves by running it again on what was stored.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from courses.timetable import Meets, describe, merge

from . import rules
from .board import BoardOffering, BoardStudent
from .rules import Case, Refusal
from .seating import ANY, Seating, full, no_place_fits, no_wait, unknown_section
from .vocabulary import (
    BASE,
    POLICY_FIELDS,
    STUDENT_KINDS,
    Ask,
    Change,
    Event,
    Free,
    Kind,
    Open,
    Permit,
    Plan,
    Recheck,
    Result,
    Seat,
    SetLimit,
    SetMeets,
    SetPolicy,
    SetStatus,
    State,
    Status,
    Step,
    Wait,
)


class Undecidable(Exception):
    """Deciding one request raised; `request` names it so that the others can go on."""

    def __init__(self, request: int) -> None:
        super().__init__(f"request {request} could not be decided")
        self.request = request


def _nobody(request: int) -> None:
    """Whom nobody watches may take as long as they like."""


def allocate(
    state: State, asks: Sequence[Ask], now: datetime, watch: Callable[[int], None] = _nobody
) -> Plan:
    """Decide every ask, in the order of request ids, and say what each decision changes.

    `asks` are all the requests to decide, sorted by id, and touch only offerings of `state`. A
    CANCEL stands in no line: its target, if among the asks, is decided CANCELLED at its own
    place. Asks named in `state.broken` are refused as FAILED_INTERNAL. `watch` is told each ask
    before it is decided.

    Raises Undecidable when deciding one of them raised anything: the caller adds it to
    `state.broken` and runs again.
    """
    deciding = _Allocation(state, asks)
    for ask in asks:
        watch(ask.id)
        try:
            deciding.decide(ask)
        except Exception as error:
            # An interruption for being slow may arrive when the next ask has begun.
            raise Undecidable(getattr(error, "request", ask.id)) from error
    board = deciding.board
    return Plan(tuple(deciding.steps), board.plan_offerings(), board.plan_places())


class _Allocation(Seating):
    """One run of `allocate`: one method a kind of request."""

    def __init__(self, state: State, asks: Sequence[Ask]) -> None:
        super().__init__(state)
        self._broken = frozenset(state.broken)
        self._asks = {ask.id: ask for ask in asks}
        self._cancels = {
            (ask.body.get("request"), ask.student): ask
            for ask in reversed(asks)
            if ask.kind is Kind.CANCEL and ask.id not in self._broken
        }
        self._cancelled: set[int] = set()

    def decide(self, ask: Ask) -> None:
        """Add the step that ends this ask, and those it leads to."""
        cancel = self._cancels.get((ask.id, ask.student))
        if ask.id in self._broken:
            self._end(ask, Result.FAILED_INTERNAL, "FAILED_INTERNAL")
        elif cancel is not None and _may_cancel(cancel, ask):
            self._cancelled.add(ask.id)
            self._end(ask, Result.CANCELLED, facts={"cancelled_by": cancel.id})
        else:
            _DECIDE[ask.kind](self, ask)
            for offering in ask.offerings:
                self.open_for_waiters(ask, self.board.offerings[offering])

    # What students ask --------------------------------------------------------------------

    def enroll(self, ask: Ask) -> None:
        offering, pinned = self._wanted(ask)
        case = self._case(ask, offering)
        refusal = rules.first_refusal(case) or unknown_section(offering, pinned)
        if refusal:
            self._refuse(ask, refusal)
            return
        if pinned == BASE and self.find(case, offering, BASE) is None:
            # Nobody waits for the course's own seats as such: any section will do then.
            pinned = ANY
        number = self.find_or_open(ask, case, offering, pinned)
        if number is not None:
            self._seated(ask, Result.ENROLLED, Seat(offering.id, number, ask.student, ask.id))
            return
        refusal = no_wait(case, offering, pinned)
        if refusal:
            self._refuse(ask, refusal)
            return
        wait = self.do(Wait(offering.id, pinned, ask.student, ask.id))
        self._end(ask, Result.WAITLISTED, facts={"position": offering.waiting}, changes=[wait])

    def drop(self, ask: Ask) -> None:
        offering, _ = self._wanted(ask)
        held = self.board.student(ask.student, offering.id).held.get(offering.id)
        refusal = rules.status_refusal(offering.status) if ask.window else None
        if refusal or held is None:
            self._refuse(ask, refusal or Refusal("NOT_ENROLLED"))
            return
        free = self.do(Free(offering.id, held.number, ask.student))
        changes: list[Change] = [free, *self._rechecks(ask, offering.id)]
        self._end(ask, Result.DROPPED, facts={"section": held.number}, changes=changes)
        self.serve(ask, offering)

    def swap(self, ask: Ask) -> None:
        wanted, pinned = self._wanted(ask)
        given = self.board.offerings[ask.body["give"]]
        case = self._case(ask, wanted, giving=given.id)
        held = case.given()
        if held is None:
            self._refuse(ask, Refusal("NOT_ENROLLED", {"offering": given.id}))
            return
        refusal = (
            rules.status_refusal(given.status)
            or rules.first_refusal(case)
            or unknown_section(wanted, pinned)
        )
        if wanted is given and pinned == held.number:
            refusal = refusal or Refusal("ALREADY_ENROLLED", {"section": held.number})
        if refusal:
            self._refuse(ask, refusal)
            return
        number = self.find_or_open(ask, case, wanted, pinned)
        if number is None:
            refusal = no_place_fits(case, wanted, pinned) or Refusal("SWAP_FULL", full(wanted))
            self._refuse(ask, refusal)
            return
        free = self.do(Free(given.id, held.number, ask.student))
        waited = self.end_wait(ask.student, wanted)
        seat = Seat(wanted.id, number, ask.student, ask.id)
        self._seated(ask, Result.SWAPPED, seat, [free, *waited], self._rechecks(ask, given.id))
        if waited:
            self.serve(ask, wanted)  # a section may have opened, and been left to this place
        self.serve(ask, given)

    def bundle(self, ask: Ask) -> None:
        """A cart marked all or nothing: a seat in every course, or no change at all."""
        begun = len(self.steps)
        tried: list[Seat] = []
        blocking: list[dict[str, Any]] = []
        for offering_id in ask.body["offerings"]:
            offering = self.board.offerings[offering_id]
            case = self._case(ask, offering)
            refusal = rules.first_refusal(case)
            number = None if refusal else self.find_or_open(ask, case, offering, ANY)
            if number is None:
                refusal = refusal or no_place_fits(case, offering, ANY)
                refusal = refusal or Refusal("FULL", full(offering))
                blocking.append({"offering": offering_id, "code": refusal.code, **refusal.facts})
            else:
                tried.append(self.do(Seat(offering_id, number, ask.student, ask.id)))
        if blocking:
            self.take_back(begun, tried)
            self._refuse(ask, Refusal("BUNDLE_BLOCKED", {"blocking": blocking}))
        else:
            facts = {"sections": {str(seat.offering): seat.number for seat in tried}}
            self._end(ask, Result.ENROLLED, facts=facts, changes=tried)

    def leave(self, ask: Ask) -> None:
        offering, _ = self._wanted(ask)
        ended = self.end_wait(ask.student, offering, "LEFT")
        if ended:
            self._end(ask, Result.LEFT, changes=ended)
        else:
            self._refuse(ask, Refusal("NOT_WAITING"))

    def cancel(self, ask: Ask) -> None:
        """The CANCEL's own answer: where its target is among the asks, that was ended at its own
        place; any other was decided before, and there is nothing to cancel."""
        request = ask.body["request"]
        target = self._asks.get(request)
        if target is not None and not _may_cancel(ask, target):
            self._refuse(ask, Refusal("NOT_YOURS", {"request": request}))
        elif request in self._cancelled:
            self._end(ask, Result.DONE, facts={"request": request})
        else:
            self._refuse(ask, Refusal("ALREADY_DECIDED", {"request": request}))

    # What staff and the system ask --------------------------------------------------------

    def limit(self, ask: Ask) -> None:
        """Set fields of the seat policy, limits of places, or open sections by hand."""
        offering, _ = self._wanted(ask)
        wanted = ask.body["set"]
        wrong = [name for name in sorted(wanted) if not _may_set(offering, name, wanted[name])]
        if wrong:
            self._refuse(ask, Refusal("LIMIT_INVALID", {"field": wrong[0]}))
            return
        changes = list(_settings(offering, wanted))
        for change in changes:
            self.do(change)
        self._end(ask, Result.DONE, facts={"reason": ask.body["reason"]}, changes=changes)
        self.serve(ask, offering)

    def permit(self, ask: Ask) -> None:
        """Staff seat a student, over the limit if need be (D5); every other rule still holds."""
        offering, pinned = self._wanted(ask)
        case = self._case(ask, offering)
        refusal = rules.first_refusal(case, rules.PERMIT_RULES)
        refusal = refusal or unknown_section(offering, pinned)
        place = None if refusal else self.fitting(case, offering, pinned)
        if place is None:
            refusal = refusal or no_place_fits(case, offering, pinned) or Refusal("FULL")
            self._refuse(ask, refusal)
            return
        changes: list[Change] = []
        over, beyond = not place.has_room, not offering.room_in_total()
        if over or beyond:
            permit = Permit(offering.id, place.number, int(over), int(beyond))
            changes.append(self.do(permit))
        changes += self.end_wait(ask.student, offering)
        seat = Seat(offering.id, place.number, ask.student, ask.id)
        self._seated(ask, Result.ENROLLED, seat, changes, reason=ask.body["reason"])

    def timetable(self, ask: Ask) -> None:
        """Confirm a section's weekly times; a clash with what its students hold is refused."""
        offering, number = self._wanted(ask)
        meets = merge((start, end) for start, end in ask.body["meets"])
        refusal = unknown_section(offering, number)
        clashing = [] if refusal else self._clashing(offering, number, meets)
        if clashing:
            refusal = Refusal("CLASH_FOR_STUDENTS", {"students": clashing})
        if refusal:
            self._refuse(ask, refusal)
            return
        changes: list[Change] = [self.do(SetMeets(offering.id, number, meets))]
        for student in self._holders(offering, number):
            changes += [Recheck(other, student.id) for other in sorted(student.waits)]
        facts = {"section": number, "meets": describe(meets)}
        self._end(ask, Result.DONE, facts=facts, changes=changes)
        self.serve(ask, offering)

    def pause(self, ask: Ask) -> None:
        offering, _ = self._wanted(ask)
        change = self.do(SetStatus(offering.id, Status(ask.body["status"])))
        self._end(ask, Result.DONE, facts={"reason": ask.body["reason"]}, changes=[change])
        self.serve(ask, offering)

    def recheck(self, ask: Ask) -> None:
        offering, _ = self._wanted(ask)
        self._end(ask, Result.DONE)
        self.serve(ask, offering)

    # Small words --------------------------------------------------------------------------

    def _wanted(self, ask: Ask) -> tuple[BoardOffering, int]:
        return self.board.offerings[ask.body["offering"]], ask.body.get("section", ANY)

    def _case(self, ask: Ask, offering: BoardOffering, giving: int = 0) -> Case:
        student = self.board.student(ask.student, offering.id)
        return Case(ask.kind, ask.window, student, offering, giving)

    def _rechecks(self, ask: Ask, freed: int) -> list[Recheck]:
        """Ask again wherever the student waits: credits or hours came free (rule 13)."""
        student = self.board.student(ask.student, freed)
        return [Recheck(offering, student.id) for offering in sorted(student.waits)]

    def _clashing(self, offering: BoardOffering, number: int, meets: Meets) -> list[int]:
        return [
            student.id
            for student in self._holders(offering, number)
            if rules.timetable_clash(
                Case(Kind.TIMETABLE, 0, student, offering, giving=offering.id), meets
            )
        ]

    def _holders(self, offering: BoardOffering, number: int) -> list[BoardStudent]:
        """Who sits in a section: a TIMETABLE's settlement loads them all."""
        return [
            student
            for student in self.board.students.values()
            if (held := student.held.get(offering.id)) is not None and held.number == number
        ]

    def _seated(
        self,
        ask: Ask,
        result: Result,
        seat: Seat,
        before: Iterable[Change] = (),
        after: Iterable[Change] = (),
        **facts: Any,
    ) -> None:
        """The ask ends with a seat, between what was given up for it and what follows."""
        changes = [*before, self.do(seat), *after]
        self._end(ask, result, facts={"section": seat.number, **facts}, changes=changes)

    def _refuse(self, ask: Ask, refusal: Refusal) -> None:
        self._end(ask, Result.REFUSED, refusal.code, refusal.facts)

    def _end(
        self,
        ask: Ask,
        result: Result,
        code: str = "",
        facts: Mapping[str, Any] = {},
        changes: Iterable[Change] = (),
    ) -> None:
        offering = ask.body.get("offering", ask.offerings[0])
        self.steps.append(
            Step(
                Event.DECIDED,
                offering,
                ask.id,
                ask.student,
                result,
                code or result,
                facts,
                tuple(changes),
            )
        )


_CANCELLABLE = STUDENT_KINDS - {Kind.CANCEL}


def _may_cancel(cancel: Ask, target: Ask) -> bool:
    """Only what students ask, and only by the one who asked it."""
    return cancel.student == target.student and target.kind in _CANCELLABLE


_LEAST = {
    "auto_create": 0,
    "open_threshold": 1,
    "section_limit": 0,
    "max_sections": -1,
    "total_cap": -1,
    "waitlist_cap": -1,
    "open_sections": 0,
}


def _may_set(offering: BoardOffering, name: str, value: int) -> bool:
    if name.isdigit():
        return int(name) in offering.places and value >= 0
    return name in _LEAST and value >= _LEAST[name] and (name != "auto_create" or value <= 1)


def _settings(offering: BoardOffering, wanted: Mapping[str, int]) -> Iterator[Change]:
    for name, value in sorted(wanted.items()):
        if name in POLICY_FIELDS:
            yield SetPolicy(offering.id, name, value)
        elif name == "open_sections":
            size = wanted.get("section_limit", offering.policy["section_limit"])
            allowed = value if offering.openings < 0 else min(value, offering.openings)
            for number in range(offering.next_number, offering.next_number + allowed):
                yield Open(offering.id, number, size)
        else:
            yield SetLimit(offering.id, int(name), value)


_DECIDE: dict[Kind, Callable[[_Allocation, Ask], None]] = {
    Kind.ENROLL: _Allocation.enroll,
    Kind.DROP: _Allocation.drop,
    Kind.SWAP: _Allocation.swap,
    Kind.BUNDLE: _Allocation.bundle,
    Kind.LEAVE: _Allocation.leave,
    Kind.CANCEL: _Allocation.cancel,
    Kind.LIMIT: _Allocation.limit,
    Kind.PERMIT: _Allocation.permit,
    Kind.TIMETABLE: _Allocation.timetable,
    Kind.PAUSE: _Allocation.pause,
    Kind.RECHECK: _Allocation.recheck,
}

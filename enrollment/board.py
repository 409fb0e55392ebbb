"""The state of a settlement while it decides: facts that changes are applied to.

`apply` is the one meaning of a change. A settlement applies what it decides as it goes; `verify`
applies what the audit stored and must arrive at the same seats.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from typing import Any

from .vocabulary import (
    BASE,
    POLICY_FIELDS,
    Change,
    Free,
    Held,
    OfferingAfter,
    OfferingFacts,
    Open,
    Permit,
    Place,
    PlaceAfter,
    Recheck,
    Seat,
    SetLimit,
    SetMeets,
    SetPolicy,
    SetStatus,
    State,
    StudentFacts,
    Unwait,
    Wait,
    Waiter,
    Waiting,
)


class BoardPlace:
    """Seats that fill together, while they fill."""

    __slots__ = ("limit", "meets", "number", "permits", "retimed", "taken", "touched")

    def __init__(self, facts: Place, *, touched: bool = False) -> None:
        self.number, self.limit, self.taken, self.permits, self.meets = facts
        self.touched = touched
        self.retimed = False

    @property
    def has_room(self) -> bool:
        return self.taken < self.limit


class BoardStudent:
    """A student's load in a term, while it changes."""

    __slots__ = ("credits", "held", "id", "max_credits", "term", "waits")

    def __init__(self, facts: StudentFacts) -> None:
        self.id, self.term, self.credits, self.max_credits = facts[:4]
        self.held: dict[int, Held] = {h.offering: h for h in facts.held}
        self.waits: dict[int, Waiting] = {w.offering: w for w in facts.waits}


class BoardOffering:
    """An offering's places and waitlist, while they change."""

    def __init__(self, facts: OfferingFacts) -> None:
        self.id, self.term, self.code, self.credits = facts[:4]
        self.status = facts.status
        self.policy: dict[str, int] = {name: getattr(facts, name) for name in POLICY_FIELDS}
        self.total_permits = facts.total_permits
        self.waiting = facts.waiting
        self.next_number = facts.next_number
        self.openings = facts.openings
        self.places = {place.number: BoardPlace(place) for place in facts.places}
        self.room = sorted(n for n, place in self.places.items() if place.has_room)
        self.taken = sum(place.taken for place in facts.places)
        self.line: list[Waiter] = sorted(facts.waiters)
        self.waiters_loaded = facts.waiters_loaded
        self.touched = False

    def sections(self) -> int:
        """How many sections there are, base seats not counted."""
        return len(self.places) - (BASE in self.places)

    def room_in_total(self, freeing: bool = False) -> bool:
        """Whether the cap on the whole offering leaves a seat; `freeing` gives one up first."""
        cap = self.policy["total_cap"]
        return cap < 0 or self.taken - freeing < cap

    def note_room(self, place: BoardPlace) -> None:
        """Keep `room` true after a place's counters moved."""
        index = bisect_left(self.room, place.number)
        listed = index < len(self.room) and self.room[index] == place.number
        if place.has_room and not listed:
            self.room.insert(index, place.number)
        elif listed and not place.has_room:
            del self.room[index]

    def join(self, waiter: Waiter) -> None:
        insort(self.line, waiter)
        self.waiting += 1
        self.touched = True

    def leave(self, request: int) -> None:
        """Take a place out of the line; the line itself may not have been loaded."""
        index = bisect_left(self.line, (request,))
        if index < len(self.line) and self.line[index].request == request:
            del self.line[index]
        self.waiting -= 1
        self.touched = True

    def settle_permits(self) -> None:
        """Permission over the total ends as soon as the seats are given back (D5)."""
        cap = self.policy["total_cap"]
        self.total_permits = max(0, self.taken - cap) if cap >= 0 else 0

    def after(self) -> OfferingAfter:
        return OfferingAfter(
            self.id,
            self.status,
            self.waiting,
            self.taken,
            self.total_permits,
            self.next_number,
            tuple(int(self.policy[name]) for name in POLICY_FIELDS),
        )


class Board:
    """Every offering and student of a settlement."""

    def __init__(self, state: State) -> None:
        self.offerings = {facts.id: BoardOffering(facts) for facts in state.offerings}
        self.students = {(s.id, s.term): BoardStudent(s) for s in state.students}

    def student(self, student: int, offering: int) -> BoardStudent:
        """The student in that offering's term. Raises KeyError when they were not loaded."""
        return self.students[student, self.offerings[offering].term]

    def apply(self, change: Change) -> None:
        """Make one change. Raises KeyError when it concerns what this board does not hold."""
        _APPLY[type(change)](self, change)

    def undo(self, changes: Iterable[Change]) -> None:
        """Take back what a bundle tried: seats, promotions and new sections, last first."""
        for change in reversed(list(changes)):
            _UNDO[type(change)](self, change)

    def plan_offerings(self) -> tuple[OfferingAfter, ...]:
        return tuple(o.after() for o in self.offerings.values() if o.touched)

    def plan_places(self) -> tuple[PlaceAfter, ...]:
        return tuple(
            PlaceAfter(o.id, p.number, p.limit, p.taken, p.permits, p.meets, p.retimed)
            for o in self.offerings.values()
            if o.touched
            for p in o.places.values()
            if p.touched
        )

    # One method a change ------------------------------------------------------------------

    def _seat(self, change: Seat) -> None:
        offering, place = self._move(change.offering, change.number, +1)
        student = self.student(change.student, change.offering)
        student.held[offering.id] = Held(offering.id, place.number, offering.credits, place.meets)
        student.credits += offering.credits

    def _free(self, change: Free) -> None:
        offering, place = self._move(change.offering, change.number, -1)
        place.permits = max(0, place.taken - place.limit)
        offering.settle_permits()
        student = self.student(change.student, change.offering)
        student.credits -= student.held.pop(change.offering).credits

    def _move(self, offering_id: int, number: int, by: int) -> tuple[BoardOffering, BoardPlace]:
        offering = self.offerings[offering_id]
        place = offering.places[number]
        place.taken += by
        offering.taken += by
        place.touched = offering.touched = True
        offering.note_room(place)
        return offering, place

    def _wait(self, change: Wait) -> None:
        offering, pinned, student, request = change
        self.offerings[offering].join(Waiter(request, student, pinned))
        self.student(student, offering).waits[offering] = Waiting(offering, request, pinned)

    def _unwait(self, change: Unwait) -> None:
        self.offerings[change.offering].leave(change.request)
        self.student(change.student, change.offering).waits.pop(change.offering)

    def _open(self, change: Open) -> None:
        offering = self.offerings[change.offering]
        place = BoardPlace(Place(change.number, change.limit, 0, 0, ()), touched=True)
        offering.places[change.number] = place
        offering.next_number = change.number + 1
        offering.touched = True
        if offering.openings > 0:
            offering.openings -= 1
        offering.note_room(place)

    def _permit(self, change: Permit) -> None:
        offering = self.offerings[change.offering]
        place = offering.places[change.number]
        place.permits += change.place
        offering.total_permits += change.total
        place.touched = offering.touched = True

    def _set_policy(self, change: SetPolicy) -> None:
        offering = self.offerings[change.offering]
        offering.policy[change.field] = change.value
        offering.touched = True
        offering.settle_permits()

    def _set_limit(self, change: SetLimit) -> None:
        offering = self.offerings[change.offering]
        place = offering.places[change.number]
        place.limit = change.limit
        place.permits = max(0, place.taken - place.limit)
        place.touched = offering.touched = True
        offering.note_room(place)

    def _set_status(self, change: SetStatus) -> None:
        offering = self.offerings[change.offering]
        offering.status = change.status
        offering.touched = True

    def _set_meets(self, change: SetMeets) -> None:
        offering = self.offerings[change.offering]
        place = offering.places[change.number]
        place.meets = change.meets
        place.touched = place.retimed = offering.touched = True
        for student in self.students.values():
            held = student.held.get(change.offering)
            if held is not None and held.number == change.number:
                student.held[change.offering] = held._replace(meets=change.meets)

    def _recheck(self, change: Recheck) -> None:
        """A message to another offering's line: nothing changes here."""

    # What a bundle may have to take back ---------------------------------------------------

    def _unseat(self, change: Seat) -> None:
        self._move(change.offering, change.number, -1)
        student = self.student(change.student, change.offering)
        student.credits -= student.held.pop(change.offering).credits

    def _rejoin(self, change: Unwait) -> None:
        self._wait(Wait(*change[:4]))

    def _unopen(self, change: Open) -> None:
        offering = self.offerings[change.offering]
        del offering.places[change.number]
        offering.room.remove(change.number)
        offering.next_number = change.number
        if offering.openings >= 0:
            offering.openings += 1


_APPLY: dict[type[Change], Callable[[Board, Any], None]] = {
    Seat: Board._seat,
    Free: Board._free,
    Wait: Board._wait,
    Unwait: Board._unwait,
    Open: Board._open,
    Permit: Board._permit,
    SetPolicy: Board._set_policy,
    SetLimit: Board._set_limit,
    SetStatus: Board._set_status,
    SetMeets: Board._set_meets,
    Recheck: Board._recheck,
}
_UNDO: dict[type[Change], Callable[[Board, Any], None]] = {
    Seat: Board._unseat,
    Unwait: Board._rejoin,
    Open: Board._unopen,
}

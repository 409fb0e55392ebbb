"""Seats rebuilt from nothing but what was recorded: genesis, then every change in its order."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from enrollment.board import Board, BoardOffering, BoardStudent
from enrollment.vocabulary import (
    POLICY_FIELDS,
    Change,
    Event,
    Free,
    OfferingFacts,
    Open,
    Recheck,
    Seat,
    State,
    StudentFacts,
    Unwait,
    Wait,
)

from .stored import Genesis

Report: TypeAlias = Callable[[str, str], None]
"""Told the name of a check and an offender, in words."""


class SeatRow(NamedTuple):
    """An enrollment: who sat where, by which request of which settlement, and what ended it."""

    student: int
    offering: int
    number: int
    request: int
    settlement: int
    ended_by: int


class WaitRow(NamedTuple):
    """A place in line and what became of it."""

    request: int
    student: int
    offering: int
    pinned: int
    state: str
    passed_over: str
    ended: int


class History:
    """Every offering and student as the record so far has left them."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.board = Board(State((), ()))
        self.live: dict[tuple[int, int], SeatRow] = {}
        self.ended: Counter[SeatRow] = Counter()
        self.waits: dict[int, WaitRow] = {}
        self.opened: dict[tuple[int, int], int] = {}
        self.rechecks: set[tuple[int, int, int]] = set()

    def begin(self, genesis: Genesis, facts: OfferingFacts) -> None:
        """Seat those who held a seat before the pipeline was there (S0-16)."""
        offering = self._know(facts)
        for student, number in genesis.seats():
            if (student, facts.id) in self.live:
                continue  # an adoption names those adopted before once more
            if (student, facts.term) not in self.board.students:
                load = StudentFacts(student, facts.term, 0, 0, (), ())
                self.board.students[student, facts.term] = BoardStudent(load)
            self.board.apply(Seat(facts.id, number, student, 0))
            self.live[student, facts.id] = SeatRow(student, facts.id, number, 0, 0, 0)
        for place in offering.places.values():
            place.permits = max(0, place.taken - place.limit)
        offering.settle_permits()

    def expect(self, state: State, where: str, check: str) -> None:
        """Report where `state` is not what the record says, and go on from what it says."""
        for offering in state.offerings:
            known = self._know(offering)
            if self._tell(check, where, offering_differences(known, offering)):
                fresh = BoardOffering(offering)
                fresh.line = fresh.line if offering.waiters_loaded else known.line
                self.board.offerings[offering.id] = fresh
        for student in state.students:
            load = self.board.students.get((student.id, student.term))
            if load is None:
                load = BoardStudent(student._replace(credits=0, held=(), waits=()))
                self.board.students[student.id, student.term] = load
            load.max_credits = student.max_credits
            if self._tell(check, where, student_differences(load, student)):
                self.board.students[student.id, student.term] = BoardStudent(student)

    def apply(self, change: Change, event: str, settlement: int, request: int) -> None:
        """Make one recorded change of the entry of this event, settlement and request."""
        if isinstance(change, Open):
            self.opened[change.offering, change.number] = settlement
            # What staff open, by a LIMIT, they open when they like.
            if event == Event.SECTION_OPENED:
                self._check_opening(change, settlement)
        self.board.apply(change)
        match change:
            case Seat():
                row = SeatRow(
                    change.student, change.offering, change.number, change.request, settlement, 0
                )
                self.live[change.student, change.offering] = row
            case Free():
                row = self.live.pop((change.student, change.offering))
                self.ended[row._replace(ended_by=request)] += 1
            case Wait(offering, pinned, student, request_):
                self.waits[request_] = WaitRow(
                    request_, student, offering, pinned, "WAITING", "", 0
                )
            case Unwait():
                wait = self.waits[change.request]
                self.waits[change.request] = wait._replace(state=change.why, ended=settlement)
            case Recheck():
                self.rechecks.add((settlement, change.offering, change.student))

    def note(self, event: str, request: int, code: str) -> None:
        """Remember why a waiter was passed over last."""
        if event == Event.PASSED_OVER:
            self.waits[request] = self.waits[request]._replace(passed_over=code)

    def seats(self) -> Counter[SeatRow]:
        """Every enrollment there should be, ended ones too."""
        return self.ended + Counter(self.live.values())

    def _know(self, facts: OfferingFacts) -> BoardOffering:
        """The offering, empty where it is seen for the first time.

        Its limits are what they were then: the catalogue set them. Sections that the catalogue
        added since are taken in while they are empty.
        """
        places = tuple(place._replace(taken=0, permits=0) for place in facts.places)
        known = self.board.offerings.get(facts.id)
        if known is None:
            empty = facts._replace(
                places=places, waiters=(), waiting=0, total_permits=0, openings=-1
            )
            known = self.board.offerings[facts.id] = BoardOffering(empty)
            return known
        added = [place for place in places if place.number not in known.places]
        if added:
            more = BoardOffering(facts._replace(places=tuple(added), waiters=()))
            known.places |= more.places
            for place in more.places.values():
                known.note_room(place)
            known.next_number = max(known.next_number, added[-1].number + 1)
        return known

    def _tell(self, check: str, where: str, differences: Iterator[str]) -> bool:
        told = False
        for difference in differences:
            self.report(check, f"{where}: {difference}")
            told = True
        return told

    def _check_opening(self, change: Open, settlement: int) -> None:
        offering = self.board.offerings[change.offering]
        maximum = offering.policy["max_sections"]
        wrong = [
            words
            for words, holds in (
                ("while the policy opened none", not offering.policy["auto_create"]),
                (f"while {len(offering.room)} others had a seat free", bool(offering.room)),
                ("beyond the cap of the offering", not offering.room_in_total()),
                (f"beyond {maximum} sections", 0 <= maximum <= offering.sections()),
                (f"instead of {offering.next_number}", change.number != offering.next_number),
            )
            if holds
        ]
        if wrong:
            self.report(
                "sections-open-when-all-others-are-full",
                f"settlement {settlement} opened section {change.number} of offering "
                f"{change.offering} {', '.join(wrong)}",
            )


def offering_differences(known: BoardOffering, facts: OfferingFacts) -> Iterator[str]:
    """Where an offering is not what the record says, in words."""
    expected = {
        "status": (known.status, facts.status),
        "credits": (known.credits, facts.credits),
        "waiting": (known.waiting, facts.waiting),
        "permits over the cap": (known.total_permits, facts.total_permits),
        "next section number": (known.next_number, facts.next_number),
        **{name: (known.policy[name], getattr(facts, name)) for name in POLICY_FIELDS},
    }
    if facts.waiters_loaded:
        expected["line"] = [tuple(w) for w in known.line], [tuple(w) for w in facts.waiters]
    places = {place.number: place for place in facts.places}
    for number in sorted(known.places.keys() | places.keys()):
        place, found = known.places.get(number), places.get(number)
        expected[f"section {number} (limit, taken, permits, times)"] = (
            place and (place.limit, place.taken, place.permits, place.meets),
            found and tuple(found[1:]),
        )
    for name, (recorded, found_) in expected.items():
        if recorded != found_:
            yield f"offering {facts.id}: {name} is {found_}, the record says {recorded}"


def student_differences(known: BoardStudent, facts: StudentFacts) -> Iterator[str]:
    """Where a student's load is not what the record says, in words."""
    for name, recorded, found in (
        ("credits", known.credits, facts.credits),
        ("seats", known.held, {held.offering: held for held in facts.held}),
        ("places in line", known.waits, {wait.offering: wait for wait in facts.waits}),
    ):
        if recorded != found:
            yield (
                f"student {facts.id} in term {facts.term}: {name} are {_plain(found)}, "
                f"the record says {_plain(recorded)}"
            )


def _plain(value: object) -> object:
    """Seats and places as plain tuples: what a person reads."""
    return [tuple(each) for each in value.values()] if isinstance(value, dict) else value

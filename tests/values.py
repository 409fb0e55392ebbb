"""One-line makers of what `allocate` works on: whatever is not named is plain and valid.

A campus is described by what a reader wants to know: how many seats, who holds one, who waits.
Counters, loads and lines follow from it, so that no test can start from a state that contradicts
itself. The cast: Ada came first, Ben is ordinary, Cam is the one in trouble, Dot comes late.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from courses.timetable import MINUTES_PER_DAY, Meets
from enrollment.allocation import allocate
from enrollment.board import Board, BoardOffering, BoardStudent
from enrollment.vocabulary import (
    BASE,
    POLICY_FIELDS,
    Ask,
    Change,
    Event,
    Held,
    Kind,
    OfferingFacts,
    Open,
    Place,
    Plan,
    Recheck,
    State,
    Step,
    StudentFacts,
    Waiter,
    Waiting,
)

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
TERM = 1
WINDOW = 5
ANY = -1

ALGEBRA, BOTANY, CHEMISTRY = 1, 2, 3
ADA, BEN, CAM, DOT = 11, 12, 13, 14

MONDAY: Meets = ((540, 590),)
TUESDAY: Meets = ((MINUTES_PER_DAY + 540, MINUTES_PER_DAY + 590),)
MONDAY_LATER: Meets = ((570, 620),)
"""Begins before MONDAY is over."""


# A campus ---------------------------------------------------------------------------------


def place(
    number: int, limit: int, others: int = 0, *, meets: Meets = (), permits: int | None = None
) -> Place:
    """A section, or the base seats; `others` sit there whom the settlement need not know."""
    over = max(0, others - limit) if permits is None else permits
    return Place(number, limit, others, over, meets)


def offering(id: int, base: int | Place, *sections: int | Place, **policy: Any) -> OfferingFacts:
    """An offering with its base seats and sections, each a limit or a `place`; opens none."""
    given = (base, *sections)
    places = tuple(p if isinstance(p, Place) else place(n, p) for n, p in enumerate(given))
    facts = OfferingFacts(
        id=id,
        term=TERM,
        code=f"C{id}",
        credits=3,
        status="OPEN",
        auto_create=False,
        open_threshold=1,
        section_limit=2,
        max_sections=-1,
        total_cap=-1,
        total_permits=0,
        waitlist_cap=-1,
        waiting=0,
        next_number=places[-1].number + 1,
        openings=-1,
        places=places,
        waiters=(),
        waiters_loaded=True,
    )
    return facts._replace(**policy)


class Person(NamedTuple):
    """A student as a test tells of them; `campus` makes the facts."""

    id: int
    holds: Mapping[int, int]
    waits: Mapping[int, int]
    pinned: Mapping[int, int]
    load: int
    maximum: int


def student(
    id: int,
    *,
    holds: Mapping[int, int] | None = None,
    waits: Mapping[int, int] | None = None,
    pinned: Mapping[int, int] | None = None,
    load: int = 0,
    maximum: int = 24,
) -> Person:
    """A student who holds a seat in {offering: number} and waits in {offering: request}.

    `pinned` names the section waited for; `load` is credits of courses not on this campus.
    """
    return Person(id, holds or {}, waits or {}, pinned or {}, load, maximum)


def campus(*parts: OfferingFacts | Person) -> State:
    """The state of these offerings and students, in which every count is what it must be."""
    offerings = {part.id: part for part in parts if isinstance(part, OfferingFacts)}
    people = [part for part in parts if isinstance(part, Person)]
    students = tuple(_student_facts(person, offerings) for person in people)
    return State(tuple(_offering_facts(facts, students) for facts in offerings.values()), students)


def _student_facts(person: Person, offerings: Mapping[int, OfferingFacts]) -> StudentFacts:
    held = tuple(
        Held(id_, number, offerings[id_].credits, _place(offerings[id_], number).meets)
        for id_, number in sorted(person.holds.items())
    )
    waits = tuple(
        Waiting(id_, request, person.pinned.get(id_, ANY))
        for id_, request in sorted(person.waits.items())
    )
    load = person.load + sum(seat.credits for seat in held)
    return StudentFacts(person.id, TERM, load, person.maximum, held, waits)


def _offering_facts(facts: OfferingFacts, students: Iterable[StudentFacts]) -> OfferingFacts:
    held = [seat.number for s in students for seat in s.held if seat.offering == facts.id]
    line = sorted(
        Waiter(wait.request, s.id, wait.pinned)
        for s in students
        for wait in s.waits
        if wait.offering == facts.id
    )
    places = tuple(_with_holders(each, held.count(each.number)) for each in facts.places)
    over = sum(each.taken for each in places) - facts.total_cap if facts.total_cap >= 0 else 0
    return facts._replace(
        places=places, waiters=tuple(line), waiting=len(line), total_permits=max(0, over)
    )


def _with_holders(seats: Place, holders: int) -> Place:
    taken = seats.taken + holders
    return seats._replace(taken=taken, permits=max(seats.permits, taken - seats.limit, 0))


def _place(facts: OfferingFacts, number: int) -> Place:
    return next(each for each in facts.places if each.number == number)


# What is asked ----------------------------------------------------------------------------


def ask(
    id: int, kind: Kind, student: int, *offerings: int, window: int = WINDOW, **body: Any
) -> Ask:
    """A request of a student; its body names the first offering unless it says otherwise."""
    touched = tuple(sorted(set(offerings)))
    return Ask(id, kind, student, touched, body, f"user:{student}", window)


def enroll(id: int, student: int, offering: int, **more: Any) -> Ask:
    return ask(id, Kind.ENROLL, student, offering, offering=offering, **more)


def drop(id: int, student: int, offering: int, **more: Any) -> Ask:
    return ask(id, Kind.DROP, student, offering, offering=offering, **more)


def swap(id: int, student: int, *, give: int, want: int, **more: Any) -> Ask:
    return ask(id, Kind.SWAP, student, give, want, offering=want, give=give, **more)


def bundle(id: int, student: int, *offerings: int, **more: Any) -> Ask:
    return ask(id, Kind.BUNDLE, student, *offerings, offerings=list(offerings), **more)


def leave(id: int, student: int, offering: int) -> Ask:
    return ask(id, Kind.LEAVE, student, offering, offering=offering)


def cancel(id: int, student: int, *, target: Ask | int, offering: int = ALGEBRA) -> Ask:
    """The offerings of a CANCEL are those of its target."""
    request, touched = (target.id, target.offerings) if isinstance(target, Ask) else (target, ())
    return ask(id, Kind.CANCEL, student, *(touched or (offering,)), request=request)


def staff(id: int, kind: Kind, offering: int, *, student: int = 0, **body: Any) -> Ask:
    """A request of staff, who need no window."""
    return Ask(id, kind, student, (offering,), {"offering": offering, **body}, "user:1", 0)


def limit(id: int, offering: int, **values: Any) -> Ask:
    """LIMIT: a policy field, `open_sections`, or `seats_3=40` for the limit of section 3."""
    asked = {name.removeprefix("seats_"): value for name, value in values.items()}
    return staff(id, Kind.LIMIT, offering, set=asked, reason="as agreed")


def permit(id: int, student: int, offering: int, **more: Any) -> Ask:
    return staff(id, Kind.PERMIT, offering, student=student, reason="as agreed", **more)


def timetable(id: int, offering: int, section: int, meets: Sequence[Sequence[int]]) -> Ask:
    times = [list(span) for span in meets]
    return staff(id, Kind.TIMETABLE, offering, section=section, meets=times)


def pause(id: int, offering: int, status: str = "PAUSED") -> Ask:
    return staff(id, Kind.PAUSE, offering, status=status, reason="as agreed")


def recheck(id: int, student: int, offering: int) -> Ask:
    body = {"offering": offering}
    return Ask(id, Kind.RECHECK, student, (offering,), body, "system", 0)


# What came of it --------------------------------------------------------------------------


class Decided(NamedTuple):
    """A plan, and the state it leaves behind."""

    plan: Plan
    after: State

    def step(self, request: int) -> Step:
        """The step that decided this request."""
        found = [s for s in self.plan.steps if s.request == request and s.event is Event.DECIDED]
        assert len(found) == 1, f"request {request} was decided {len(found)} times"
        return found[0]

    def ended(self, request: int) -> tuple[str, str]:
        """How this request ended: its result, and its code where it was refused."""
        step = self.step(request)
        return str(step.result), "" if step.code == step.result else step.code

    def events(self, event: Event) -> list[Step]:
        return [step for step in self.plan.steps if step.event is event]

    @property
    def promoted(self) -> list[int]:
        """The students promoted, in the order in which they were."""
        return [step.student for step in self.events(Event.PROMOTED)]

    @property
    def passed_over(self) -> list[tuple[int, str]]:
        return [(step.student, step.code) for step in self.events(Event.PASSED_OVER)]

    @property
    def opened(self) -> list[tuple[int, int]]:
        """The offering and number of every section opened."""
        changes = (change for step in self.plan.steps for change in step.changes)
        return [(each.offering, each.number) for each in changes if isinstance(each, Open)]

    @property
    def rechecks(self) -> list[Recheck]:
        changes = (change for step in self.plan.steps for change in step.changes)
        return [change for change in changes if isinstance(change, Recheck)]

    def offering(self, id: int) -> OfferingFacts:
        return next(facts for facts in self.after.offerings if facts.id == id)

    def place(self, offering: int, number: int = BASE) -> Place:
        return _place(self.offering(offering), number)

    def taken(self, offering: int) -> list[int]:
        """How many sit in the base seats, in section 1, and so on."""
        return [each.taken for each in self.offering(offering).places]

    def line(self, offering: int) -> list[int]:
        """Who waits, first in line first."""
        return [waiter.student for waiter in self.offering(offering).waiters]

    def student(self, id: int) -> StudentFacts:
        return next(facts for facts in self.after.students if facts.id == id)

    def holds(self, student: int) -> dict[int, int]:
        return {seat.offering: seat.number for seat in self.student(student).held}


def settle(state: State, *asks: Ask) -> Decided:
    """Decide these asks, in the order of their ids, and carry the state on."""
    plan = allocate(state, sorted(asks), NOW)
    return Decided(plan, advance(state, plan))


def advance(state: State, plan: Plan) -> State:
    """The state that the next settlement finds: the changes of every step, folded."""
    return fold(state, (change for step in plan.steps for change in step.changes))


def fold(state: State, changes: Iterable[Change]) -> State:
    board = Board(state)
    for change in changes:
        board.apply(change)
    offerings = tuple(_frozen(facts, board.offerings[facts.id]) for facts in state.offerings)
    students = tuple(_frozen_student(s) for s in board.students.values())
    return State(offerings, students, state.broken)


def _frozen(facts: OfferingFacts, now: BoardOffering) -> OfferingFacts:
    return facts._replace(
        **{name: type(getattr(facts, name))(now.policy[name]) for name in POLICY_FIELDS},
        status=str(now.status),
        total_permits=now.total_permits,
        waiting=now.waiting,
        next_number=now.next_number,
        openings=now.openings,
        places=tuple(
            Place(p.number, p.limit, p.taken, p.permits, p.meets)
            for _, p in sorted(now.places.items())
        ),
        waiters=tuple(now.line),
    )


def _frozen_student(now: BoardStudent) -> StudentFacts:
    held = tuple(now.held[offering] for offering in sorted(now.held))
    waits = tuple(now.waits[offering] for offering in sorted(now.waits))
    return StudentFacts(now.id, now.term, now.credits, now.max_credits, held, waits)

"""Two students, two courses, every kind of request: not a sample but all there is.

Whatever sequence of requests is tried, of whatever length, it goes through states that are found
here; in each of them everything that can be asked is asked.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from enrollment.allocation import allocate
from enrollment.vocabulary import Ask, OfferingFacts, State, StudentFacts
from tests.properties.promises import Walk
from tests.values import (
    ADA,
    ALGEBRA,
    BEN,
    BOTANY,
    NOW,
    advance,
    bundle,
    campus,
    drop,
    enroll,
    leave,
    limit,
    offering,
    pause,
    permit,
    recheck,
    student,
    swap,
)

FIRST, SECOND = 101, 102


def beginning() -> State:
    """One seat in each course; BOTANY opens one section when two want it; Ada affords one."""
    return campus(
        offering(ALGEBRA, 1),
        offering(BOTANY, 1, auto_create=True, max_sections=1, section_limit=1, open_threshold=2),
        student(ADA, maximum=3),
        student(BEN, maximum=6),
    )


def everything(id: int) -> Iterator[Ask]:
    """Every request that can be made, under this id."""
    for who in (ADA, BEN):
        for course, other in ((ALGEBRA, BOTANY), (BOTANY, ALGEBRA)):
            yield enroll(id, who, course)
            yield drop(id, who, course)
            yield leave(id, who, course)
            yield swap(id, who, give=course, want=other)
            yield recheck(id, who, course)
        yield bundle(id, who, ALGEBRA, BOTANY)
        yield enroll(id, who, BOTANY, section=1)
    yield permit(id, ADA, BOTANY)
    yield limit(id, ALGEBRA, seats_0=0)
    yield limit(id, ALGEBRA, seats_0=2)
    yield pause(id, BOTANY)
    yield pause(id, BOTANY, "OPEN")


class Reached(NamedTuple):
    """A state, and the (offering, student) lines where a RECHECK is still to come."""

    state: State
    owed: frozenset[tuple[int, int]] = frozenset()

    def after(self, ask: Ask) -> "Reached":
        """What the ask leads to. Raises AssertionError where that breaks a promise."""
        plan = allocate(self.state, (ask,), NOW)
        owed = Walk(self.state, (ask,), plan, self.owed).check()
        after = renumbered(advance(self.state, plan))
        waiting = {(wait.offering, each.id) for each in after.students for wait in each.waits}
        return Reached(after, owed & waiting)


def reachable(requests: int = -1) -> dict[Reached, None]:
    """All that some sequence of so many requests leads to, or of any number of them."""
    found = new = {Reached(beginning()): None}
    while new and requests:
        after = (reached.after(ask) for reached in new for ask in everything(FIRST))
        new = dict.fromkeys(reached for reached in after if reached not in found)
        found = found | new
        requests -= 1
    return found


def renumbered(state: State) -> State:
    """The same state, in which the requests that wait are numbered from 1 in their order."""
    waiting = sorted(w.request for facts in state.offerings for w in facts.waiters)
    rank = {request: n for n, request in enumerate(waiting, start=1)}

    def line(facts: OfferingFacts) -> OfferingFacts:
        return facts._replace(
            waiters=tuple(w._replace(request=rank[w.request]) for w in facts.waiters)
        )

    def waits(facts: StudentFacts) -> StudentFacts:
        return facts._replace(waits=tuple(w._replace(request=rank[w.request]) for w in facts.waits))

    return State(tuple(map(line, state.offerings)), tuple(map(waits, state.students)))


def test_every_promise_is_kept_by_every_request_in_every_state() -> None:
    assert len(reachable()) > 500, "most of the states are no longer reached"


def test_of_four_requests_the_last_two_may_come_in_one_batch_or_in_two() -> None:
    for (state, _), one in product(reachable(requests=2), everything(FIRST)):
        first = allocate(state, (one,), NOW)
        between = advance(state, first)
        for other in everything(SECOND):
            apart = first.steps + allocate(between, (other,), NOW).steps

            assert allocate(state, (one, other), NOW).steps == apart, (state, one, other)

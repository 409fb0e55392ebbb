"""Whatever is asked, in whatever order: what every plan of `allocate` keeps."""

import json
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from enrollment.allocation import allocate
from enrollment.board import Board
from enrollment.record import Facts, facts_from
from enrollment.rules import VERSION
from enrollment.vocabulary import (
    Event,
    Kind,
    Plan,
    Recheck,
    Result,
    State,
    Step,
    decode,
    encode,
)
from tests.properties.campuses import Day, days
from tests.properties.promises import Walk
from tests.values import NOW, advance, fold, recheck

NOTHING = Plan((), (), ())
IN_VAIN = {Result.REFUSED, Result.FAILED_INTERNAL}


@given(days())
def test_every_promise_is_kept_at_every_step(day: Day) -> None:
    plan = allocate(day.state, day.asks, NOW)

    Walk(day.state, day.asks, plan).check()


@given(days())
def test_once_its_rechecks_are_settled_no_seat_is_left_for_anybody_in_line(day: Day) -> None:
    plan = allocate(day.state, day.asks, NOW)
    between = advance(day.state, plan)
    ids = count(day.asks[-1].id + 1)
    owed = dict.fromkeys(c for step in plan.steps for c in step.changes if isinstance(c, Recheck))
    asks = [recheck(next(ids), each.student, each.offering) for each in owed]

    after = allocate(between, asks, NOW)

    Walk(between, asks, after).check()
    Walk(advance(between, after), (), NOTHING).check()


@given(days())
def test_the_same_facts_and_requests_give_the_same_plan(day: Day) -> None:
    assert allocate(day.state, day.asks, NOW) == allocate(day.state, day.asks, NOW)


@given(days(), st.integers(0, 24))
def test_two_batches_decide_as_one_does(day: Day, cut: int) -> None:
    """CANCELs aside: they reach back over the requests of their own batch."""
    first, then = day.asks[:cut], day.asks[cut:]
    reaches_back = {ask.id for ask in first}
    then = tuple(
        ask
        for ask in then
        if ask.kind is not Kind.CANCEL or ask.body["request"] not in reaches_back
    )

    whole = allocate(day.state, (*first, *then), NOW)
    half = allocate(day.state, first, NOW)
    rest = allocate(advance(day.state, half), then, NOW)

    assert advance(advance(day.state, half), rest) == advance(day.state, whole)
    assert done(half) + done(rest) == done(whole)


def done(plan: Plan) -> list[Step]:
    """Everything but who was passed over, which each batch says once."""
    return [step for step in plan.steps if step.event is not Event.PASSED_OVER]


@given(days())
def test_a_request_that_came_to_nothing_might_as_well_not_have_been_sent(day: Day) -> None:
    plan = allocate(day.state, day.asks, NOW)
    opened = {step.request for step in plan.steps if step.event is Event.SECTION_OPENED}
    vain = {step.request for step in plan.steps if step.result in IN_VAIN} - opened

    others = tuple(ask for ask in day.asks if ask.id not in vain)

    assert done(allocate(day.state, others, NOW)) == [
        step for step in done(plan) if step.request not in vain
    ]


@given(days())
def test_folding_the_stored_changes_rebuilds_what_the_plan_wrote(day: Day) -> None:
    plan = allocate(day.state, day.asks, NOW)
    stored = [stored_as_json(encode(change)) for step in plan.steps for change in step.changes]

    rebuilt = fold(day.state, map(decode, stored))

    assert rebuilt == advance(day.state, plan)
    board = Board(rebuilt)
    for written in plan.offerings:
        assert board.offerings[written.id].after() == written


@given(days())
def test_facts_read_back_from_their_json_are_the_facts_and_decide_the_same(day: Day) -> None:
    state = advance(day.state, allocate(day.state, day.asks, NOW))._replace(broken=(7, 9))

    assert stored(state) == state
    again = tuple(ask._replace(body=stored_as_json(ask.body)) for ask in day.asks)
    assert allocate(stored(day.state), again, NOW) == allocate(day.state, day.asks, NOW)


def stored(state: State) -> State:
    return facts_from(Facts(VERSION, NOW, state, ()).text()).state


def stored_as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))

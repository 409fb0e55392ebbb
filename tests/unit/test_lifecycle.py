"""States of a version and the steps between them, as the seed's table has them."""

import pytest

from courses.lifecycle import TRANSITIONS, State, can_transition, superseded, works

STEPS = {
    ("DRAFT", "ACTIVE"),
    ("DRAFT", "ARCHIVED"),
    ("ACTIVE", "INACTIVE"),
    ("ACTIVE", "DEPRECATED"),
    ("INACTIVE", "ACTIVE"),
    ("INACTIVE", "ARCHIVED"),
    ("DEPRECATED", "ARCHIVED"),
}


@pytest.mark.requirement("S1-79", "S1-80")
@pytest.mark.parametrize("old", State)
@pytest.mark.parametrize("new", State)
def test_only_the_seeds_steps_are_possible(old: State, new: State) -> None:
    assert can_transition(old, new) is ((old, new) in STEPS)


@pytest.mark.requirement("S1-79")
def test_there_are_the_seeds_five_states() -> None:
    assert {*State} == {"DRAFT", "ACTIVE", "INACTIVE", "DEPRECATED", "ARCHIVED"} == {*TRANSITIONS}


@pytest.mark.requirement("S1-17")
def test_only_an_active_version_is_offered() -> None:
    assert [state for state in State if works(state)] == [State.ACTIVE]


@pytest.mark.requirement("S1-86")
def test_a_superseded_version_is_deprecated_unless_it_was_not_offered() -> None:
    assert superseded(State.ACTIVE) is State.DEPRECATED
    assert superseded(State.INACTIVE) is State.INACTIVE


def test_what_becomes_of_a_superseded_version_is_a_step_or_no_step() -> None:
    for state in (State.ACTIVE, State.INACTIVE):
        after = superseded(state)
        assert after is state or can_transition(state, after)

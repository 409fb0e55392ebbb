"""What a version says of itself, from its own fields."""

from decimal import Decimal

import pytest

from courses.lifecycle import TRANSITIONS, State
from courses.models import Course
from courses.versioning import HOURS, PERCENTAGES


@pytest.mark.requirement("S1-75")
def test_a_version_is_called_as_the_seeds_example_shows() -> None:
    """Its code lacks the space before the dash, its example has it (T48)."""
    course = Course(code="CS101", name="Introduction to Computer Science", version=Decimal("1.0"))

    assert str(course) == "CS101 - Introduction to Computer Science - v1.0"


@pytest.mark.requirement("S1-15", "S1-77")
def test_the_defaults_of_the_assessment_sum_to_100() -> None:
    course = Course()

    assert [getattr(course, name) for name in PERCENTAGES] == [10, 20, 10, 30, 15, 10, 5]
    assert course.validate_assessment_percentages() is True


@pytest.mark.requirement("S1-16", "S1-77")
@pytest.mark.parametrize("percent", [0, 9, 11, 100])
def test_an_assessment_that_does_not_sum_to_100_is_seen(percent: int) -> None:
    assert Course(percent_quiz_1=percent).validate_assessment_percentages() is False


@pytest.mark.requirement("S1-8", "S1-9")
def test_hours_may_be_missing_and_are_summed_all_the_same() -> None:
    assert Course().total_contact_hours == 0
    assert Course(lecture_hours=3, pratical_hours=2).total_contact_hours == 5
    assert Course(**dict.fromkeys(HOURS, 2)).total_contact_hours == 10


@pytest.mark.requirement("S1-8")
def test_practical_hours_can_be_read_by_their_right_name() -> None:
    assert Course(pratical_hours=2).practical_hours == 2
    assert Course().practical_hours is None


@pytest.mark.requirement("S1-80")
@pytest.mark.parametrize("state", State)
def test_a_version_knows_where_it_can_go(state: State) -> None:
    course = Course(state=state)

    assert {new for new in State if course.can_transition_to(new)} == TRANSITIONS[state]


def test_the_models_choices_are_the_rules_own() -> None:
    assert set(Course.State.values) == set(State)
    assert Course().can_transition_to("ELSEWHERE") is False

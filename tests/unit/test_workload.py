"""Credits and contact hours: weekly hours in fifteen weeks against what a credit stands for."""

import pytest

from courses.workload import align, contact_hours


@pytest.mark.requirement("S1-9")
def test_contact_hours_are_those_of_every_kind() -> None:
    hours = {"lecture_hours": 3, "tutorial_hours": 1, "pratical_hours": None, "project_hours": 2}

    assert contact_hours(hours) == 6


@pytest.mark.requirement("S1-98")
@pytest.mark.parametrize(
    ("credit", "lectures", "agrees"),
    [(3, 3, True), (3, 2, False), (3, 4, False), (4, 4, True), (1, 1, True), (1, 0, False)],
)
def test_an_hour_a_week_is_a_credit(credit: int, lectures: int, agrees: bool) -> None:
    """A 3-0-0 course of three credits has 45 hours; the seed would have compared 3 (T19)."""
    assert align(credit, {"lecture_hours": lectures}).agrees is agrees


@pytest.mark.requirement("S1-98")
@pytest.mark.parametrize(("percent", "agrees"), [(100, False), (50, True), (60, True), (80, False)])
def test_a_laboratory_hour_counts_what_the_university_says(percent: int, agrees: bool) -> None:
    hours = {"lecture_hours": 3, "pratical_hours": 2}

    assert align(4, hours, {"pratical_hours": percent}).agrees is agrees


@pytest.mark.requirement("S1-98")
def test_the_tolerance_is_two_hours_a_credit_to_the_hour() -> None:
    # 15 hours a credit are 1 a week: 8 credits may be 16 hours off, 7 only 14.
    assert align(8, {"lecture_hours": 9}).agrees
    assert align(7, {"lecture_hours": 8}).agrees is False


@pytest.mark.requirement("S1-7")
def test_a_course_without_credits_may_meet_as_long_as_it_likes() -> None:
    assert align(0, {"lecture_hours": 2}).agrees


def test_what_does_not_agree_is_said_in_hours() -> None:
    found = align(3, {"pratical_hours": 1}, {"pratical_hours": 50})

    assert found.sentence == (
        "The contact hours make 7.50 hours in a semester of 15 weeks, the credits stand for "
        "45 hours, 6 hours more or less."
    )


def test_hours_that_are_not_stated_are_none() -> None:
    assert align(3, {"lecture_hours": None}).agrees is False

"""What a study plan adds up to."""

import pytest

from courses.plans.credits import Reach, Span, of_slot, reach, total


def test_a_slot_adds_what_the_course_chosen_in_it_does() -> None:
    assert of_slot("Professional Core", [4]) == Span(4, 4)
    assert of_slot("Professional Elective", [3, 4, 2]) == Span(2, 4)


def test_an_empty_slot_adds_nothing() -> None:
    assert of_slot("Professional Core", []) == Span(0, 0)


@pytest.mark.parametrize("kind", ["Optional", "Backlog"])
def test_what_nobody_has_to_take_may_add_nothing(kind: str) -> None:
    assert of_slot(kind, [3, 4]) == Span(0, 4)


def test_sums_keep_the_least_and_the_most_apart() -> None:
    assert total([Span(3, 3), Span(2, 4)]) == Span(5, 7)
    assert total([]) == Span(0, 0)


@pytest.mark.parametrize(("span", "said"), [(Span(18, 18), "18"), (Span(17, 19), "17 to 19")])
def test_credits_are_read_as_one_number_where_they_are_one(span: Span, said: str) -> None:
    assert str(span) == said


@pytest.mark.parametrize(
    ("credits", "needed", "expected"),
    [
        (Span(20, 24), 20, Reach.ALWAYS),
        (Span(19, 24), 20, Reach.BY_CHOICE),
        (Span(16, 20), 20, Reach.BY_CHOICE),
        (Span(16, 19), 20, Reach.NEVER),
        (Span(0, 0), 0, Reach.ALWAYS),
    ],
)
def test_a_plan_says_whether_it_gives_what_it_asks_for(
    credits: Span, needed: int, expected: Reach
) -> None:
    assert reach(credits, needed) is expected

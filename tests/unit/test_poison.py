"""How carefully a settlement goes about what killed the one before it."""

from datetime import timedelta

from enrollment.poison import APART, DEATHS, Attempt, Caution, caution
from tests.values import NOW

MINUTE = timedelta(minutes=1)


def died(first: int, size: int, ago: timedelta = MINUTE, left: int | None = None) -> Attempt:
    """A settlement of `size` requests that died, of which all or `left` are still pending."""
    return Attempt(1, first, size, NOW - ago, size if left is None else left)


def test_nothing_left_behind_calls_for_no_caution() -> None:
    assert caution([], NOW) == Caution(limit=0)


def test_half_of_the_range_that_died_is_tried_next() -> None:
    assert caution([died(100, size=500)], NOW) == Caution(limit=250)


def test_what_was_settled_of_it_since_no_longer_counts() -> None:
    assert caution([died(100, size=500, left=9)], NOW) == Caution(limit=4)
    assert caution([died(100, size=500, left=1)], NOW) == Caution(limit=1)


def test_a_range_of_which_nothing_is_left_calls_for_no_caution() -> None:
    assert caution([died(100, size=500, left=0)], NOW) == Caution(limit=0)
    assert caution([died(100, size=1, left=0, ago=timedelta(0))], NOW) == Caution(limit=0)


def test_no_more_than_were_tried_can_have_killed_it() -> None:
    """Sixteen are pending between the first and the last of five, and eleven were not tried."""
    assert caution([died(100, size=5, left=16)], NOW) == Caution(limit=2)


def test_the_smallest_range_that_died_counts() -> None:
    assert caution([died(100, size=8), died(100, size=4)], NOW) == Caution(limit=2)
    assert caution([died(100, size=3)], NOW) == Caution(limit=1)


def test_a_range_is_narrowed_to_one_request_in_as_many_deaths_as_it_has_halves() -> None:
    found = [died(100, size=2000)]
    while (care := caution(found, NOW)).limit > 1:
        found.append(died(100, size=care.limit))

    assert [attempt.size for attempt in found] == [2000, 1000, 500, 250, 125, 62, 31, 15, 7, 3]
    assert care == Caution(limit=1)


def test_one_that_died_alone_a_moment_ago_is_left_alone() -> None:
    assert caution([died(100, size=1, ago=timedelta(0))], NOW).wait
    assert caution([died(100, size=1, ago=APART - timedelta(microseconds=1))], NOW).wait


def test_a_death_in_the_future_is_not_waited_for() -> None:
    """The clock was set back by ten minutes: so long would the course stand still."""
    assert caution([died(100, size=1, ago=-timedelta(minutes=10))], NOW) == Caution(limit=1)


def test_one_that_died_alone_is_tried_again_a_second_later() -> None:
    assert caution([died(100, size=1, ago=APART)], NOW) == Caution(limit=1)


def test_the_last_death_is_the_one_that_must_be_a_second_ago() -> None:
    assert caution([died(100, 1, timedelta(0)), died(100, 1)], NOW).wait
    assert not caution([died(100, 1), died(100, 1, timedelta(seconds=2))], NOW).wait


def test_the_third_death_alone_is_the_last() -> None:
    deaths = [died(100, 1, timedelta(seconds=5 * n)) for n in range(1, DEATHS + 1)]

    assert caution(deaths[1:], NOW) == Caution(limit=1)
    assert caution(deaths, NOW) == Caution(limit=1, give_up=100)


def test_deaths_in_company_do_not_count_toward_the_third() -> None:
    company = [died(100, size=4), died(100, size=2), died(100, size=2)]

    assert caution([*company, died(100, size=1)], NOW) == Caution(limit=1)


def test_deaths_of_two_requests_are_not_added_up() -> None:
    deaths = [died(100, 1), died(100, 1), died(107, 1), died(107, 1)]

    assert caution(deaths, NOW) == Caution(limit=1)


def test_the_request_that_stands_first_in_line_is_given_up_first() -> None:
    deaths = [died(107, 1)] * DEATHS + [died(100, 1)] * DEATHS

    assert caution(deaths, NOW).give_up == 100

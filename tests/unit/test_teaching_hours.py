"""How much a course is for who teaches it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.teaching import weekly_hours


@pytest.mark.requirement("S1-9", "S1-95")
@pytest.mark.parametrize(
    ("contact", "groups", "share", "expected"),
    [
        (4, 1, 100, "4.00"),
        (4, 0, 100, "4.00"),
        (4, 3, 100, "12.00"),
        (4, 1, 50, "2.00"),
        (3, 1, 33, "0.99"),
        (5, 2, 25, "2.50"),
        (4, 2, 0, "0.00"),
        (0, 2, 100, "0.00"),
    ],
)
def test_a_load_is_hours_times_groups_times_share(
    contact: int, groups: int, share: int, expected: str
) -> None:
    assert weekly_hours(contact, groups, share) == Decimal(expected)


@given(
    st.integers(0, 60), st.integers(0, 40), st.lists(st.integers(0, 100), min_size=1, max_size=9)
)
def test_shares_that_sum_to_the_whole_carry_the_whole_exactly(
    contact: int, groups: int, shares: list[int]
) -> None:
    parts = sum((weekly_hours(contact, groups, share) for share in shares), Decimal(0))

    assert parts * 100 == contact * max(1, groups) * sum(shares)

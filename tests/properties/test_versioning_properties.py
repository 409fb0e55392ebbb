"""Versioning whatever is changed: the same answer twice, nothing for nothing, always upwards."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.versioning import (
    LAST,
    LINKS,
    NUMBERS,
    PRIORITY,
    TEXTS,
    Bump,
    Overflow,
    determine_version_bump_type,
    greatest,
    is_typo_correction,
    next_version,
    plain,
    reasons,
)

TEXT = st.text(alphabet="abcI2 Vé\n", max_size=12)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("code", "name", *TEXTS), TEXT),
    **dict.fromkeys(NUMBERS, st.integers(0, 3)),
    **dict.fromkeys(LINKS, st.frozensets(st.integers(1, 3))),
}
COURSES = st.fixed_dictionaries(FIELDS)
CHANGES = st.fixed_dictionaries({}, optional=FIELDS)
BUMPS = st.sampled_from(PRIORITY[1:])
VERSIONS = st.integers(10, 99_999).map(lambda tenths: Decimal(tenths) / 10)


@pytest.mark.requirement("S1-57")
@given(COURSES, CHANGES)
def test_the_same_change_is_always_the_same_bump(
    course: dict[str, Any], changes: dict[str, Any]
) -> None:
    other_order = dict(reversed(changes.items()))

    assert reasons(course, changes) == reasons(course, other_order)
    assert determine_version_bump_type(course, changes) is greatest(
        reason.bump for reason in reasons(course, changes)
    )


@pytest.mark.requirement("S1-61")
@given(COURSES, CHANGES)
def test_there_is_no_bump_exactly_when_nothing_differs(
    course: dict[str, Any], changes: dict[str, Any]
) -> None:
    differs = any(plain(name, course[name]) != plain(name, changes[name]) for name in changes)

    assert (determine_version_bump_type(course, changes) is not Bump.NONE) is differs


@pytest.mark.requirement("S1-57")
@given(COURSES, CHANGES, CHANGES)
def test_a_further_change_never_makes_a_bump_smaller(
    course: dict[str, Any], changes: dict[str, Any], more: dict[str, Any]
) -> None:
    one = determine_version_bump_type(course, changes)
    both = determine_version_bump_type(course, {**more, **changes})

    assert PRIORITY.index(both) >= PRIORITY.index(one)


@pytest.mark.requirement("S1-3", "S1-63")
@given(VERSIONS, st.lists(BUMPS, max_size=30))
def test_versions_rise_with_every_revision_and_stay_in_tenths(
    version: Decimal, bumps: list[Bump]
) -> None:
    for bump in bumps:
        try:
            after = next_version(version, bump)
        except Overflow:
            assert version + 1 > LAST or bump is Bump.MAJOR
            return
        assert version < after <= LAST
        assert after.as_tuple().exponent == -1
        version = after


@pytest.mark.requirement("S1-24")
@given(VERSIONS, VERSIONS)
def test_a_version_under_a_taken_over_code_is_beyond_all_that_bore_it(
    version: Decimal, above: Decimal
) -> None:
    try:
        after = next_version(version, Bump.MAJOR, above)
    except Overflow:
        return
    assert after > max(version, above)
    assert after == int(after)


@pytest.mark.requirement("S1-62")
@given(TEXT, TEXT)
def test_a_correction_can_be_taken_back(one: str, other: str) -> None:
    assert is_typo_correction(one, other) == is_typo_correction(other, one)

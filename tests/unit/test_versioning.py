"""Which version a change makes: the seed's rules, and where it contradicts itself, ours."""

from decimal import Decimal
from typing import Any

import pytest

from courses.versioning import (
    Bump,
    Overflow,
    determine_version_bump_type,
    is_typo_correction,
    next_version,
    reasons,
    typo_test,
)

COURSE: dict[str, Any] = {
    "code": "CS101",
    "name": "Introduction to Computer Science",
    "credit": 3,
    "lecture_hours": 3,
    "tutorial_hours": None,
    "pratical_hours": None,
    "discussion_hours": None,
    "project_hours": None,
    "pre_requisits": None,
    "syllabus": "Sets\nFunctions",
    "percent_quiz_1": 10,
    "percent_midsem": 20,
    "percent_quiz_2": 10,
    "percent_endsem": 30,
    "percent_project": 15,
    "percent_lab_evaluation": 10,
    "percent_course_attendance": 5,
    "ref_books": "None.",
    "max_seats": 90,
    "disciplines": frozenset({1}),
    "pre_requisit_courses": frozenset(),
}


def bump(**changes: Any) -> Bump:
    return determine_version_bump_type(COURSE, changes)


# What kind of change ------------------------------------------------------------------------


@pytest.mark.requirement("S1-1", "S1-4", "S1-57", "S1-58")
@pytest.mark.parametrize("code", ["CS102", "PHY301", "CS1O1", "X"])
def test_another_code_is_major_however_near_it_is(code: str) -> None:
    assert bump(code=code) is Bump.MAJOR


@pytest.mark.requirement("S1-58")
def test_no_code_is_ever_a_typing_error() -> None:
    """One letter of six passes the typo test; the seed would have made no version of it (T6)."""
    course = {**COURSE, "code": "PHY301"}

    assert is_typo_correction("PHY301", "PHY302") is False, "the digits differ"
    assert typo_test("PHY301", "PHY302").by_rule
    assert determine_version_bump_type(course, {"code": "PHY302"}) is Bump.MAJOR


@pytest.mark.requirement("S1-1")
def test_a_code_typed_in_other_capitals_is_the_same_course() -> None:
    assert bump(code="cs101") is Bump.PATCH
    assert bump(code=" CS101 ") is Bump.NONE


@pytest.mark.requirement("S1-4")
def test_other_disciplines_are_major() -> None:
    assert bump(disciplines=[1, 2]) is Bump.MAJOR
    assert bump(disciplines=[1]) is Bump.NONE


@pytest.mark.requirement("S1-5", "S1-59")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("credit", 4),
        ("lecture_hours", 4),
        ("tutorial_hours", 1),
        ("pratical_hours", 1),
        ("discussion_hours", 0),
        ("project_hours", 1),
        ("pre_requisits", "CS100"),
        ("syllabus", "Sets"),
        ("percent_quiz_1", 9),
        ("percent_midsem", 19),
        ("percent_quiz_2", 9),
        ("percent_endsem", 29),
        ("percent_project", 14),
        ("percent_lab_evaluation", 9),
        ("percent_course_attendance", 4),
        ("ref_books", "Knuth"),
        ("max_seats", 91),
        ("pre_requisit_courses", [7]),
    ],
)
def test_what_a_course_asks_of_people_is_minor(field: str, value: Any) -> None:
    [reason] = reasons(COURSE, {field: value})

    assert (reason.field, reason.bump) == (field, Bump.MINOR)
    assert reason.why.endswith(".")


@pytest.mark.requirement("S1-2", "S1-6", "S1-60")
@pytest.mark.parametrize(
    "name",
    [
        "Introduction to Computer Sciense",
        "introduction to computer science",
        "Introduction  to Computer Science",
    ],
)
def test_a_corrected_name_is_a_patch(name: str) -> None:
    assert bump(name=name) is Bump.PATCH


@pytest.mark.requirement("S1-2")
def test_another_name_is_minor_and_not_nothing() -> None:
    """The seed has no list that a new name is in, so it would not be saved at all (T7)."""
    assert bump(name="Foundations of Computing") is Bump.MINOR


@pytest.mark.requirement("S1-61")
def test_nothing_that_differs_is_no_version() -> None:
    assert bump() is Bump.NONE
    assert determine_version_bump_type(COURSE, COURSE) is Bump.NONE


@pytest.mark.requirement("S1-57")
def test_the_greatest_bump_of_all_fields_counts() -> None:
    assert bump(name="Introduction to Computer Sciense", credit=4) is Bump.MINOR
    assert bump(credit=4, code="CS102") is Bump.MAJOR


@pytest.mark.requirement("S1-57")
def test_fields_that_are_not_given_are_not_compared() -> None:
    """`new_data.get(field)` is None for them, so any partial edit looked like a change (T10)."""
    assert bump(credit=3) is Bump.NONE


def test_how_a_browser_sends_a_text_is_no_change() -> None:
    assert bump(syllabus="Sets\r\nFunctions\r\n") is Bump.NONE
    assert bump(pre_requisits="") is Bump.NONE


def test_a_field_that_no_version_has_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="fee, working_course"):
        bump(working_course=True, fee=3)


def test_an_object_with_the_fields_will_do() -> None:
    course = type("Row", (), COURSE)()

    assert determine_version_bump_type(course, {"credit": 4}) is Bump.MINOR


# Typing errors ------------------------------------------------------------------------------


@pytest.mark.requirement("S1-62")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Calculus I", "Calculus II"),
        ("Physics 1", "Physics 2"),
        ("Advanced Physics", "Advanced Physics 2"),
        ("Chemistry Ⅰ", "Chemistry Ⅱ"),
        ("Engineering Mathematics one", "Engineering Mathematics two"),
        ("First Course in Algebra", "Third Course in Algebra"),
        ("Signals and Systems (EE2)", "Signals and Systems (EE3)"),
    ],
)
def test_what_differs_in_a_number_is_no_typing_error(old: str, new: str) -> None:
    assert is_typo_correction(old, new) is False


@pytest.mark.requirement("S1-62")
def test_both_verdicts_of_the_typo_test_can_be_told() -> None:
    """The rule takes it for a typo, the guard does not: the audit keeps both (T8)."""
    found = typo_test("Introduction to Calculus I", "Introduction to Calculus II")

    assert (found.distance, found.length) == (1, 27)
    assert (found.by_rule, found.numbers_differ, found.verdict) == (True, True, False)
    [reason] = reasons(
        {**COURSE, "name": "Calculus of One Sort 1"}, {"name": "Calculus of One Sort 2"}
    )
    assert reason.bump is Bump.MINOR
    assert "number" in reason.why


@pytest.mark.requirement("S1-62")
def test_a_near_word_of_another_meaning_is_a_typing_error_to_the_rule() -> None:
    """Which is why it is only proposed: a person sees it before it is saved (T8)."""
    assert is_typo_correction("Organic Chemistry", "Inorganic Chemistry")


@pytest.mark.requirement("S1-62")
@pytest.mark.parametrize(("old", "new"), [("", "Algebra"), ("Algebra", ""), ("", "")])
def test_nothing_is_a_correction_of_nothing(old: str, new: str) -> None:
    assert is_typo_correction(old, new) is False


def allowed(length: int) -> int:
    """How many letters may differ in a text of this length, written out from the seed's words:
    at most three, at most a quarter, and less than a fifth."""
    return max(n for n in range(4) if n <= length // 4 and n * 5 < length)


LIMITS = {1: 0, 4: 0, 5: 0, 6: 1, 8: 1, 10: 1, 11: 2, 12: 2, 15: 2, 16: 3, 40: 3}


@pytest.mark.requirement("S1-62")
@pytest.mark.parametrize("length", range(1, 41))
def test_the_seeds_limits_hold_at_every_length(length: int) -> None:
    """Exactly a fifth is no typo (T5); where the two limits disagree, the narrower holds (T9)."""
    old = "q" * length

    verdicts = [is_typo_correction(old, "z" * n + old[n:]) for n in range(length + 1)]

    assert verdicts == [n <= allowed(length) for n in range(length + 1)]
    assert allowed(length) == LIMITS.get(length, allowed(length))


@pytest.mark.requirement("S1-62")
@pytest.mark.parametrize("length", range(1, 41))
def test_the_seeds_own_arithmetic_agrees_at_every_length(length: int) -> None:
    for distance in range(length + 1):
        by_seed = distance <= min(3, length // 4) and distance / length <= (1 - 0.8)
        old = "q" * length
        assert is_typo_correction(old, "z" * distance + old[distance:]) is by_seed


# What comes next ----------------------------------------------------------------------------


@pytest.mark.requirement("S1-3", "S1-63")
@pytest.mark.parametrize(
    ("version", "kind", "after"),
    [
        ("1.0", Bump.MAJOR, "2.0"),
        ("1.3", Bump.MAJOR, "2.0"),
        ("1.0", Bump.MINOR, "2.0"),
        ("1.3", Bump.MINOR, "2.3"),
        ("1.1", Bump.PATCH, "1.2"),
        ("1.9", Bump.PATCH, "2.0"),
        ("9998.9", Bump.MINOR, "9999.9"),
        ("1.3", Bump.NONE, "1.3"),
    ],
)
def test_the_number_that_follows(version: str, kind: Bump, after: str) -> None:
    found = next_version(Decimal(version), kind)

    assert found == Decimal(after)
    assert str(found) == after, "always one decimal"


@pytest.mark.requirement("S1-3")
@pytest.mark.parametrize(
    ("version", "kind"),
    [("9999.9", Bump.PATCH), ("9999.0", Bump.MAJOR), ("9999.0", Bump.MINOR)],
)
def test_there_is_no_version_after_the_last(version: str, kind: Bump) -> None:
    with pytest.raises(Overflow, match=f"after {version}"):
        next_version(Decimal(version), kind)


@pytest.mark.requirement("S1-24")
def test_a_code_taken_over_goes_on_where_the_other_course_left_it() -> None:
    assert next_version(Decimal("1.0"), Bump.MAJOR, above=Decimal("3.4")) == Decimal("4.0")
    assert next_version(Decimal("1.0"), Bump.MAJOR, above=Decimal("2.0")) == Decimal("3.0")
    assert next_version(Decimal("5.0"), Bump.MAJOR, above=Decimal("3.4")) == Decimal("6.0")

"""What prerequisite texts are understood to ask for, and what is left to a person."""

import pytest

from courses.expressions import (
    All,
    Condition,
    Course,
    Placement,
    Some,
    Sort,
    Verdict,
    as_json,
    codes,
    from_json,
    parse,
    wording,
)
from courses.expressions.clauses import DEPTH, LENGTH


def said(text: str) -> str:
    """The tree in words, of a text that is understood to the last word."""
    understood = parse(text)
    assert understood.rest == (), understood.rest
    assert understood.tree is not None
    return wording(understood.tree)


# What the seed and the issue give as examples -------------------------------------------------


@pytest.mark.requirement("S1-10", "S1-12")
def test_the_seeds_examples_are_understood() -> None:
    assert parse("Completion of CS101 with minimum B grade OR CS102 with A grade").tree == Some(
        1, (Course("CS101", "B"), Course("CS102", "A"))
    )
    assert parse("Mathematics placement test score > 85 OR completion of MATH100").tree == Some(
        1, (Placement("Mathematics placement test", 85, strict=True), Course("MATH100"))
    )


@pytest.mark.requirement("S1-10")
def test_the_issues_examples_are_understood() -> None:
    assert said("CS101 with minimum B OR CS102 with A") == (
        "CS101 with at least B or CS102 with at least A"
    )
    assert parse("CSE 12 and CSE 15L and (CSE 20 or MATH 109)").tree == All(
        (
            Course("CSE 12"),
            Course("CSE 15L"),
            Some(1, (Course("CSE 20"), Course("MATH 109"))),
        )
    )


# The language of catalogues -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"),
    [
        # subjects that are left out
        ("ART 10", "ART 10"),
        ("ART10.", "ART10"),
        ("Math 20", "MATH 20"),
        ("Prerequisites: ART 10.", "ART 10"),
        ("ART 10 and 11L", "ART 10 and ART 11L"),
        ("ART 10 or 11", "ART 10 or ART 11"),
        ("ART 10 or 11 and ZOO 1 or 2", "(ART 10 or ART 11) and (ZOO 1 or ZOO 2)"),
        ("ART 1 and 2 or ZOO 1 and 2", "(ART 1 and ART 2) or (ZOO 1 and ZOO 2)"),
        # series
        ("ART 20A-B-C", "ART 20A and ART 20B and ART 20C"),
        ("ART 20A-B-F", "ART 20A and ART 20B and ART 20F"),
        ("ART 2A–D", "ART 2A and ART 2B and ART 2C and ART 2D"),
        ("ART 20A-B or 31", "(ART 20A and ART 20B) or ART 31"),
        ("ART/ZOO 27", "ART 27 or ZOO 27"),
        # lists
        ("ART 1, 2, and 3", "ART 1 and ART 2 and ART 3"),
        ("ART 1, 2, or ZOO 3", "ART 1 or ART 2 or ZOO 3"),
        ("ART 1, ZOO 2", "ART 1 and ZOO 2"),
        ("ART 1 or 2, and ZOO 3", "(ART 1 or ART 2) and ZOO 3"),
        ("ART 1 and ZOO 3, or BIO 4", "(ART 1 and ZOO 3) or BIO 4"),
        ("ART 1 or 2, ZOO 3, and BIO 4", "(ART 1 or ART 2) and ZOO 3 and BIO 4"),
        ("ART 1, ZOO 3 or 4 or 5", "ART 1 and (ZOO 3 or ZOO 4 or ZOO 5)"),
        ("ART 1; ZOO 3 or ZOO 4", "ART 1 and (ZOO 3 or ZOO 4)"),
        ("ART 1; and ZOO 3 or ZOO 4", "ART 1 and (ZOO 3 or ZOO 4)"),
        ("ART 1; or ZOO 3", "ART 1 or ZOO 3"),
        ("ART 1 (or ZOO 3) and BIO 4", "(ART 1 or ZOO 3) and BIO 4"),
        ("ART 1 and either ZOO 3 or ZOO 4", "ART 1 and (ZOO 3 or ZOO 4)"),
        ("either ART 1, ZOO 3, or BIO 4", "ART 1 or ZOO 3 or BIO 4"),
        ("either ART 1 or ZOO 3, and BIO 4", "(ART 1 or ZOO 3) and BIO 4"),
        ("both ART 1 and ZOO 3", "ART 1 and ZOO 3"),
        ("one course from ART 1, 2, 3", "ART 1 or ART 2 or ART 3"),
        ("ART 9 and two of ART 1, 2, 3", "ART 9 and (two of ART 1, ART 2, ART 3)"),
        ("one of the following: ART 1, 2, or 3", "ART 1 or ART 2 or ART 3"),
        ("ART 1 and/or ZOO 2", "ART 1 or ZOO 2"),
        # grades
        ("ART 1 with a grade of C– or better", "ART 1 with at least C-"),
        ("ART 1 with a C- or better", "ART 1 with at least C-"),
        ("ART 1 with a B+.", "ART 1 with at least B+"),
        ("grade of B+ or better in ART 1", "ART 1 with at least B+"),
        ("A grade of B or better in ART 1", "ART 1 with at least B"),
        ("ART 1 and 2 with grades of B", "ART 1 with at least B and ART 2 with at least B"),
        (
            "grades of C or better in ART 1, ZOO 2, and BIO 3",
            "ART 1 with at least C and ZOO 2 with at least C and BIO 3 with at least C",
        ),
        ("ART 1 and ZOO 2 with a B in each", "ART 1 with at least B and ZOO 2 with at least B"),
        ("graduate standing and ART 1 with a B", "graduate standing and ART 1 with at least B"),
        # at the same time
        ("concurrent enrollment in ART 1", "ART 1 (or taken now)"),
        ("ART 1 (may be taken concurrently)", "ART 1 (or taken now)"),
        ("ART 1 or concurrent enrollment", "ART 1 (or taken now)"),
        ("prior or concurrent enrollment in ART 1", "ART 1 (or taken now)"),
        ("ART 1. Corequisite: ART 1L", "ART 1 and ART 1L (or taken now)"),
        ("ART 1; ART 1L must be taken as a corequisite", "ART 1 and ART 1L (or taken now)"),
        # tests
        ("a score of 4 on the AP Music exam", "AP Music exam score of at least 4"),
        ("SAT Math score of at least 600 or ART 1", "SAT Math score of at least 600 or ART 1"),
        # what a person checks
        ("ART 1 or consent of instructor", "ART 1 or consent of instructor"),
        ("ART 1 and ZOO 2 or consent of instructor", "(ART 1 and ZOO 2) or consent of instructor"),
        (
            "ART 1, and ZOO 2, or consent of instructor",
            "(ART 1 and ZOO 2) or consent of instructor",
        ),
        ("ART 1. ZOO 2; or consent of instructor", "ART 1 and (ZOO 2 or consent of instructor)"),
        ("ART 1 or equivalent", "ART 1 or equivalent of ART 1"),
        ("ART 1 and department stamp required", "ART 1 and department stamp"),
        ("ART 1 and department stamp. +", "ART 1 and department stamp"),
        ("upper-division standing, ART 1", "upper-division standing and ART 1"),
        ("ART 1. Open to art majors only.", "ART 1 and Open to art majors only"),
        (
            "ART 1. Students who have not completed ART 1 may enroll with consent of instructor.",
            "ART 1 or consent of instructor",
        ),
        (
            "restricted to art majors. All other students will be allowed as space permits.",
            "restricted to art majors or All other students will be allowed as space permits",
        ),
    ],
)
def test_a_text_is_read_as_english_means_it(text: str, read: str) -> None:
    assert said(text) == read


@pytest.mark.requirement("S1-12")
@pytest.mark.parametrize(
    "text",
    [
        # “and” beside “or”, with nothing to tell which holds first
        "ART 1 and ZOO 2 or BIO 3",
        "ART 1 or ZOO 2 and BIO 3 or LAW 4",
        "ART 1 or 2 and 3",
        "ART 1, and ZOO 2, or BIO 3",
        # one list, or two
        "ART 1, ZOO 2 or BIO 3",
        "ART 1, ZOO 2 or BIO 3, and LAW 4",
        "ART 1, 2, or 3 and ZOO 4",
        "ART 1 and one of ZOO 1, 2, or 3 and BIO 4",
        # consent instead of what?
        "ART 1, ZOO 2, or consent of instructor",
        "ART 1, and ZOO 2 or consent of instructor",
        "ART 1 and senior standing or consent of instructor",
        "MBA student or consent of instructor and department stamp",
        # a grade, an equivalent, or “concurrent” of which of them?
        "ART 1 or ZOO 2 with a grade of B or better",
        "grade of B or better in ART 1 or ZOO 2",
        "concurrent enrollment in ART 1 and ZOO 2",
        "ART 1 and ZOO 2 or equivalent",
        "ART 1, 2, 3, or equivalent",
        # either, both and one of, without an end
        "either ART 1 and ZOO 2",
        "both ART 1 or ZOO 2",
        "both ART 1 and ZOO 2 or BIO 3",
        "either ART 1 or ZOO 2 and BIO 3",
        "one of two of ART 1, 2, 3",
        "one of ART 1",
        "one of ART 1, consent of instructor",
        # a code that is none, or a series that is none
        "12 and ART 13",
        "ART 2A-D",
        "ART 2C-B",
        "ART 1/ZOO 2",
        "CS25",
        # words nobody taught us
        "ART 1 and good taste",
        "ART 1 unless ZOO 2 was taken",
        "not ART 1",
        "or consent of instructor",
    ],
)
def test_what_can_be_read_in_two_ways_is_left_to_a_person(text: str) -> None:
    understood = parse(text)

    assert understood.verdict is Verdict.FLAGGED
    assert understood.rest == (text,)


@pytest.mark.requirement("S1-12")
@pytest.mark.parametrize(
    ("text", "read", "rest"),
    [
        ("ART 1. Own a violin.", "ART 1", ("Own a violin",)),
        ("ART 1; or an audition; ZOO 2.", "ART 1 and ZOO 2", ("or an audition",)),
        ("ART 1. ART 2; ART 3; or ART 4.", "ART 1 and ART 2 and ART 3", ("or ART 4",)),
        ("ART 1; ZOO 2, or consent of instructor", "ART 1", ("ZOO 2, or consent of instructor",)),
        (
            "Own a violin. Nongraduate students may enroll with consent of instructor. ART 1",
            "ART 1",
            ("Own a violin", "Nongraduate students may enroll with consent of instructor"),
        ),
        (
            "ART 1. All other students will be allowed as space permits.",
            "ART 1",
            ("All other students will be allowed as space permits",),
        ),
    ],
)
def test_what_is_not_understood_is_kept_word_for_word(
    text: str, read: str, rest: tuple[str, ...]
) -> None:
    understood = parse(text)

    assert understood.verdict is Verdict.PARTLY
    assert understood.tree is not None
    assert (wording(understood.tree), understood.rest) == (read, rest)


@pytest.mark.parametrize(
    "remark",
    [
        "(F,W,S)",
        "(S/U grades only.)",
        "(Formerly known as ART 101.)",
        "(ZOO 1 is strongly recommended)",
        "Recommended: ZOO 1.",
        "ZOO 1 and ZOO 2 are recommended.",
        "ZOO 1 recommended.",
        "(Not offered every year.)",
        "Offered in selected years.",
        "May be taken for credit three times.",
        "Students may not receive credit for both ART 1 and ART 1R.",
        "Priority given to art majors.",
    ],
)
def test_a_remark_is_kept_and_asks_for_nothing(remark: str) -> None:
    understood = parse(f"ART 10. {remark}")

    assert understood.tree == Course("ART 10")
    assert understood.rest == ()
    assert [each.rstrip(".") for each in understood.remarks] == [remark.rstrip(".")]


@pytest.mark.parametrize("text", [None, "", "  \n", "none", "None.", "Prerequisites: none."])
def test_a_text_that_asks_for_nothing_says_so(text: str | None) -> None:
    assert parse(text).verdict is Verdict.NONE
    assert codes(parse(text).tree) == ()


@pytest.mark.parametrize(
    "text",
    [
        "ART 1, ART 2 recommended",
        "ART 1 and ART 2 recommended",
        "ZOO 1 (ART 1 required, ART 2 recommended)",
        "Offered to art majors",
        "ZOO 1 (offered to art majors)",
        "Satisfies ART 1",
    ],
)
def test_what_may_be_asked_for_is_not_passed_off_as_a_remark(text: str) -> None:
    """Whether ART 1 is needed or recommended cannot be told, so it is not dropped."""
    understood = parse(text)

    assert understood.rest == (text,)
    assert understood.remarks == ()


def test_a_restriction_that_names_a_course_is_no_mere_restriction() -> None:
    text = "open to students who passed ART 101 only"

    assert parse(text).rest == (text,)


# Limits -----------------------------------------------------------------------------------------


def test_a_text_beyond_the_limits_is_kept_unread() -> None:
    long = "ART 1 and " * (LENGTH // 10) + "ZOO 2"
    deep = "(" * (DEPTH + 1) + "ART 1" + ")" * (DEPTH + 1)

    assert parse(long).rest == (long,)
    assert parse(deep).rest == (deep,)
    assert said("(" * DEPTH + "ART 1" + ")" * DEPTH) == "ART 1"


# Keeping it -------------------------------------------------------------------------------------


def test_a_tree_comes_back_from_json_as_it_was() -> None:
    tree = parse(
        "ART 1 with a grade of B or better and (two of ZOO 1, 2, 3) and concurrent enrollment in "
        "BIO 1 and a score of 4 on the AP Music exam, or consent of instructor"
    ).tree

    assert tree is not None
    assert from_json(as_json(tree)) == tree
    assert codes(tree) == ("ART 1", "ZOO 1", "ZOO 2", "ZOO 3", "BIO 1")


def test_json_that_is_no_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="no such node: guess"):
        from_json({"is": "guess"})
    with pytest.raises(TypeError):
        from_json({"is": "course", "name": "ART 1"})


def test_a_condition_keeps_the_words_of_the_text() -> None:
    assert parse("Senior standing").tree == Condition(Sort.STANDING, "Senior standing")

"""No text brings the reader down, none loses a word, and none takes long."""

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.expressions import (
    All,
    Course,
    Done,
    Judged,
    Node,
    Some,
    Verdict,
    as_json,
    from_json,
    parse,
    satisfied,
    wording,
)
from courses.expressions.clauses import LENGTH
from courses.expressions.tree import all_of, any_of

WORDS = (
    *("ART 1", "ZOO 2A-B", "MATH 20A–C", "101", "11L", "CS25", "ART/ZOO 3", "math 5", "30–34"),
    *("and", "or", "and/or", ",", ", and", ", or", ";", ".", "(", ")", "either", "both", "; or"),
    *("one of", "two from", "with a grade of B or better", "with grades of C", "with A grade"),
    *("concurrent enrollment in", "(may be taken concurrently)", "or equivalent", "completion of"),
    *("consent of instructor", "department stamp", "upper-division standing", "majors only"),
    *("test score > 85", "a score of 4 on the AP exam", "3.0 GPA", "none", "recommended", "not"),
    *("Students who have not completed this may enroll with consent of instructor", "required"),
    *(
        "will be allowed as space permits",
        "restricted to",
        "corequisite:",
        "(F,W,S)",
        "Ⅷ",
        "٣",
        "\0",
    ),
)
PHRASES = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
CODES = tuple(f"ART {number}" for number in range(1, 7))
COURSES = st.sampled_from(CODES).map(Course)
EXACTING = st.tuples(
    st.sampled_from(CODES), st.sampled_from([None, "A-", "B", "C+"]), st.booleans()
).map(lambda said: Course(*said))
TREES: st.SearchStrategy[Node] = st.recursive(
    COURSES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(all_of),
        st.lists(inner, min_size=2, max_size=4).map(any_of),
    ),
    max_leaves=12,
)


@given(st.one_of(st.text(), PHRASES, st.binary().map(lambda b: b.decode("utf-8", "replace"))))
def test_no_text_brings_the_reader_down(text: str) -> None:
    understood = parse(text)

    assert understood.verdict in Verdict
    if understood.tree is not None:
        assert from_json(as_json(understood.tree)) == understood.tree
        assert satisfied(understood.tree, Done()).verdict in Judged


@given(PHRASES)
def test_a_course_is_never_dropped(text: str) -> None:
    """Each is in the tree, in what is left to a person, or in a remark that was kept."""
    understood = parse(text)
    tree = wording(understood.tree) if understood.tree is not None else ""
    kept = " ".join([tree, *understood.rest, *understood.remarks])

    assert ("ART 1" in kept) >= (re.search(r"\bART 1\b", text) is not None)
    assert ("101" in kept) >= ("101" in text)


@given(st.one_of(TREES, EXACTING))
def test_what_is_written_out_is_read_back(tree: Node) -> None:
    understood = parse(wording(tree))

    assert understood.rest == () or _deep(wording(tree))
    if understood.rest == ():
        assert understood.tree == tree


def _deep(text: str) -> bool:
    depth = worst = 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        worst = max(worst, depth)
    return worst > 8


@given(TREES, st.sets(st.sampled_from(CODES)))
def test_a_tree_is_judged_as_logic_judges_it(tree: Node, passed: set[str]) -> None:
    answer = satisfied(tree, Done(dict.fromkeys(passed)))

    assert answer.verdict is (Judged.YES if _holds(tree, passed) else Judged.NO)


def _holds(tree: Node, passed: set[str]) -> bool:
    match tree:
        case Course():
            return tree.code in passed
        case All():
            return all(_holds(part, passed) for part in tree.of)
        case Some():
            return sum(_holds(part, passed) for part in tree.of) >= tree.number
    raise AssertionError(tree)


@given(TREES, st.sets(st.sampled_from(CODES)), st.sampled_from(CODES))
def test_one_more_course_passed_never_makes_it_worse(
    tree: Node, passed: set[str], more: str
) -> None:
    before = satisfied(tree, Done(dict.fromkeys(passed)))
    after = satisfied(tree, Done(dict.fromkeys({*passed, more})))

    assert not (before.verdict is Judged.YES and after.verdict is not Judged.YES)


# Time, in calls instead of seconds --------------------------------------------------------------


def calls(what: Callable[[], Any]) -> int:
    """How many functions were entered, Python's and the interpreter's own."""
    count = 0

    def watch(frame: FrameType, event: str, arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(watch)
    try:
        what()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "piece",
    [
        *("(", ")", "()", "(or ", "ART 1 and ", "ART 1, ", "ART 1 or 2 and ", "ART 1; or "),
        *("ART 1 with grades of C, ", "one of ", "either ", "x", "x ", "test score ", "A-", "1"),
        *("ART 1. ", "(F) ", "admission to the x ", "consent of instructor or ", ".", ";", " "),
        *("upper-division or ", "ART 1 or equivalent, and ", "ART 20A-B-", "department and "),
    ],
)
def test_the_longest_text_takes_a_bounded_number_of_steps(piece: str) -> None:
    """A limit for whatever the lexer, the parser and the arrangement do together."""
    half = calls(lambda: parse((piece * LENGTH)[: LENGTH // 2]))
    whole = calls(lambda: parse((piece * LENGTH)[:LENGTH]))

    assert whole < 400_000
    assert whole < 5 * half + 1000

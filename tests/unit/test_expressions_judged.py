"""Whether what a student has done satisfies a tree: yes, no, or a person has to look."""

import pytest

from courses.expressions import Answer, Done, Judged, best, parse, satisfied, together
from courses.expressions.judging import GRADES

YES, NO, UNKNOWN = Judged.YES, Judged.NO, Judged.UNKNOWN


def judge(text: str, done: Done) -> Answer:
    understood = parse(text)
    assert understood.rest == ()
    return satisfied(understood.tree, done)


@pytest.mark.requirement("S1-89")
@pytest.mark.parametrize(
    ("text", "grades", "verdict"),
    [
        ("none", {}, YES),
        ("ART 1", {"ART 1": None}, YES),
        ("ART 1", {"art1": "C"}, YES),
        ("ART 1", {}, NO),
        ("ART 1", {"ART 1": "F"}, NO),
        ("ART 1", {"ART 1": "NP"}, NO),
        ("ART 1 with a B", {"ART 1": "B"}, YES),
        ("ART 1 with a B", {"ART 1": "A+"}, YES),
        ("ART 1 with a B", {"ART 1": "B-"}, NO),
        ("ART 1 with a B-", {"ART 1": "B–"}, YES),
        ("ART 1 with a B", {"ART 1": "P"}, UNKNOWN),
        ("ART 1 with a B", {"ART 1": None}, UNKNOWN),
        ("ART 1 and ZOO 2", {"ART 1": None}, NO),
        ("ART 1 and ZOO 2", {"ART 1": None, "ZOO 2": None}, YES),
        ("ART 1 or ZOO 2", {"ZOO 2": None}, YES),
        ("ART 1 or ZOO 2", {}, NO),
        ("two of ART 1, 2, 3", {"ART 1": None}, NO),
        ("two of ART 1, 2, 3", {"ART 1": None, "ART 3": None}, YES),
        ("ART 1 or consent of instructor", {}, UNKNOWN),
        ("ART 1 or consent of instructor", {"ART 1": None}, YES),
        ("ART 1 and consent of instructor", {}, NO),
        ("ART 1 and consent of instructor", {"ART 1": None}, UNKNOWN),
    ],
)
def test_courses_and_grades(text: str, grades: dict[str, str | None], verdict: Judged) -> None:
    assert judge(text, Done(grades)).verdict is verdict


@pytest.mark.parametrize(
    ("text", "score", "verdict"),
    [
        ("Math placement test score > 85", 86, YES),
        ("Math placement test score > 85", 85, NO),
        ("Math placement test score above 85", 85, NO),
        ("Math placement test score of at least 85", 85, YES),
        ("Math placement test score of 85 or higher", 84, NO),
        ("a score of 85 on the math placement TEST", 85, YES),
        ("Art placement test score > 85", 99, UNKNOWN),
    ],
)
def test_a_score_is_compared_as_the_text_says(text: str, score: int, verdict: Judged) -> None:
    """Of another test nothing is known here, which is no proof that it was not taken."""
    assert judge(text, Done(placements={"Math placement test": score})).verdict is verdict


def test_a_course_of_the_same_term_counts_only_where_the_text_says_so() -> None:
    now = Done(taking=frozenset({"art 1"}))

    assert judge("concurrent enrollment in ART 1", now).verdict is YES
    assert judge("ART 1", now).verdict is NO
    assert judge("concurrent enrollment in ART 1", Done()).verdict is NO


def test_an_answer_says_what_is_missing_and_what_to_check() -> None:
    answer = judge("ART 1 and (ZOO 1 or ZOO 2) and senior standing", Done({"ART 1": "B"}))

    assert answer == Answer(NO, missing=("ZOO 1 or ZOO 2",), to_check=("senior standing",))
    open_end = judge("ART 1 or consent of instructor", Done())
    assert open_end.missing == ("ART 1 or consent of instructor",)
    assert open_end.to_check == ("consent of instructor",)


def test_a_course_that_the_catalogue_does_not_know_is_for_a_person() -> None:
    answer = judge("ART 1", Done(unknown=frozenset({"ART 1"})))

    assert answer == Answer(UNKNOWN, to_check=("ART 1 is not in the catalogue",))


def test_answers_together_are_as_bad_as_the_worst() -> None:
    yes, no, unknown = Answer(YES), Answer(NO, ("x",)), Answer(UNKNOWN, (), ("y",))

    assert together([]).verdict is YES
    assert together([yes, unknown]) == Answer(UNKNOWN, (), ("y",))
    assert together([unknown, no, yes]) == Answer(NO, ("x",), ("y",))


def test_the_best_of_several_grades_counts() -> None:
    assert best(["C", "A-", "F"]) == "A-"
    assert best(["F", "P"]) == "P"
    assert best(["F", None]) is None
    assert best(["W", "F"]) == "W"
    assert GRADES[0] == "A+"
    assert GRADES[-1] == "F"

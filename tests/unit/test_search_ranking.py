"""What was typed, and the order of what was found: no database needed."""

from uuid import UUID

import pytest

from courses.search.ranking import COMPARED, MOST, Hit, Match, ranked
from courses.search.typed import LONGEST, Typed, typed


def hit(id_: int, name: str, match: Match = Match.WORDS, weight: float = 1.0) -> Hit:
    return Hit(id_, UUID(int=id_), f"C{id_:04d}", name, match, weight)


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("algebra", Typed("algebra", "", "algebra")),
        ("  linear\talgebra ", Typed("linear algebra", "linear", "algebra")),
        ("linear or matrix", Typed("linear or matrix", "", "")),
        ('"linear algebra"', Typed('"linear algebra"', "", "")),
        ("algebra -linear", Typed("algebra -linear", "", "")),
        ("or", Typed("or", "", "")),
        ("C++", Typed("C++", "", "")),
        ("well-known", Typed("well-known", "", "")),
        ("oral history", Typed("oral history", "oral", "history")),
        ("nul\x00and\ud800surrogate", Typed("nul and surrogate", "nul and", "surrogate")),
        (" \n ", Typed("", "", "")),
    ],
)
def test_what_was_typed_is_made_safe_and_its_last_word_set_apart(raw: str, read: Typed) -> None:
    assert typed(raw) == read


def test_no_more_is_read_than_anybody_means() -> None:
    assert len(typed("x" * 100_000).text) == LONGEST


def test_a_code_comes_before_a_name_and_a_name_before_a_text() -> None:
    found = [
        hit(1, "Databases", Match.ALIKE, 0.9),
        hit(2, "Databases", Match.WORDS, 9.0),
        hit(3, "Anything", Match.CODE),
        hit(4, "Databases", Match.NAME),
        hit(5, "Anything", Match.CODE_PREFIX),
        hit(6, "Anything", Match.FORMER_CODE),
    ]

    assert [each.id for each in ranked("databases", found)] == [3, 6, 5, 4, 2, 1]


def test_a_course_that_was_found_twice_is_shown_once_as_it_was_found_best() -> None:
    found = [hit(1, "Databases", Match.WORDS), hit(1, "Databases", Match.CODE)]

    assert [each.match for each in ranked("databases", found)] == [Match.CODE]


def test_of_two_texts_of_one_weight_the_one_with_the_likelier_name_is_first() -> None:
    found = [hit(1, "History of Measurement"), hit(2, "Measure Theory")]

    assert [each.id for each in ranked("measure theory", found)] == [2, 1]


def test_of_two_like_names_the_heavier_text_is_first() -> None:
    found = [hit(1, "Optics", weight=0.1), hit(2, "Optics", weight=0.9)]

    assert [each.id for each in ranked("optics", found)] == [2, 1]


def test_equals_are_ordered_by_code_every_time() -> None:
    found = [hit(n, "Optics") for n in (3, 1, 2)]

    assert [each.id for each in ranked("optics", found)] == [1, 2, 3]
    assert ranked("optics", found) == ranked("optics", found[::-1])


def test_what_is_answered_and_what_is_compared_is_bounded() -> None:
    found = [hit(n, "Optics", weight=1 / n) for n in range(1, 3 * MOST)]

    answered = ranked("optics", found)

    assert len(answered) == MOST
    assert {each.id for each in answered[:COMPARED]} == set(range(1, COMPARED + 1))

"""A double click within one batch of intake is one request; a change of mind is not."""

from typing import Any

from enrollment.requests import Submission, _twins
from enrollment.vocabulary import Kind
from tests.values import ADA, ALGEBRA, BEN, BOTANY, TERM


def asks(kind: Kind, *offerings: int, student: int = ADA, key: str = "", **body: Any) -> Submission:
    touched = tuple(sorted(offerings))
    said = body or {"offering": offerings[0]}
    return Submission(kind, f"user:{student}", student, TERM, touched, said, key)


ENROLL = asks(Kind.ENROLL, ALGEBRA)
DROP = asks(Kind.DROP, ALGEBRA)


def test_nothing_repeats_nothing() -> None:
    assert _twins([]) == ({}, [])
    assert _twins([ENROLL]) == ({}, [0])


def test_a_second_click_repeats_the_first_and_so_does_a_third() -> None:
    assert _twins([ENROLL, ENROLL, ENROLL]) == ({1: 0, 2: 0}, [0])


def test_enroll_drop_and_enroll_again_are_three_requests() -> None:
    assert _twins([ENROLL, DROP, ENROLL]) == ({}, [0, 1, 2])


def test_a_double_click_after_a_change_of_mind_repeats_the_newest() -> None:
    assert _twins([ENROLL, DROP, DROP, ENROLL, ENROLL]) == ({2: 1, 4: 3}, [0, 1, 3])


def test_the_same_click_of_two_students_is_two_requests() -> None:
    theirs = asks(Kind.ENROLL, ALGEBRA, student=BEN)

    assert _twins([ENROLL, theirs, ENROLL, theirs]) == ({2: 0, 3: 1}, [0, 1])


def test_a_click_on_another_course_in_between_does_not_part_a_double_click() -> None:
    assert _twins([ENROLL, asks(Kind.ENROLL, BOTANY), ENROLL]) == ({2: 0}, [0, 1])


def test_another_section_is_another_wish() -> None:
    pinned = asks(Kind.ENROLL, ALGEBRA, offering=ALGEBRA, section=2)

    assert _twins([ENROLL, pinned, pinned]) == ({2: 1}, [0, 1])


def test_a_request_with_a_key_repeats_nothing_here_because_its_key_says_so() -> None:
    keyed = ENROLL._replace(key="a")

    assert _twins([keyed, keyed._replace(key="b")]) == ({}, [0, 1])
    assert _twins([ENROLL, keyed]) == ({}, [0, 1])


def test_a_request_over_two_courses_is_repeated_only_where_it_is_the_newest_of_both() -> None:
    swap = asks(Kind.SWAP, ALGEBRA, BOTANY, offering=BOTANY, give=ALGEBRA)
    back = asks(Kind.SWAP, ALGEBRA, BOTANY, offering=ALGEBRA, give=BOTANY)

    assert _twins([swap, swap]) == ({1: 0}, [0])
    assert _twins([swap, back, swap]) == ({}, [0, 1, 2])
    assert _twins([swap, asks(Kind.DROP, BOTANY), swap]) == ({}, [0, 1, 2])


def test_clicks_that_repeat_nothing_keep_their_order() -> None:
    _, fresh = _twins([ENROLL, ENROLL, asks(Kind.ENROLL, BOTANY), DROP, ENROLL])

    assert fresh == [0, 2, 3, 4]

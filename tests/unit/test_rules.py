"""Each rule by itself: whom it lets pass, and what it says to the others."""

import pytest

from enrollment.board import Board, BoardStudent
from enrollment.rules import (
    PERMIT_RULES,
    PROMOTION_RULES,
    REASONS,
    RULES,
    Case,
    Refusal,
    clash_refusal,
    credit_maximum,
    first_refusal,
    not_enrolled,
    not_waiting,
    offering_open,
    timetable_clash,
    window_open,
)
from enrollment.vocabulary import STUDENT_KINDS, Kind, OfferingFacts
from tests.values import (
    ADA,
    ALGEBRA,
    BOTANY,
    MONDAY,
    MONDAY_LATER,
    TUESDAY,
    Person,
    campus,
    offering,
    place,
    student,
)


def case(
    person: Person,
    wanted: OfferingFacts,
    *others: OfferingFacts,
    kind: Kind = Kind.ENROLL,
    window: int = 5,
    giving: int = 0,
) -> Case:
    board = Board(campus(wanted, *others, person))
    asking: BoardStudent = board.student(person.id, wanted.id)
    return Case(kind, window, asking, board.offerings[wanted.id], giving)


class TestWindow:
    @pytest.mark.parametrize("kind", sorted(STUDENT_KINDS))
    def test_a_student_needs_a_window(self, kind: Kind) -> None:
        outside = case(student(ADA), offering(ALGEBRA, 1), kind=kind, window=0)

        assert window_open(outside) == Refusal("WINDOW_CLOSED")

    def test_a_request_accepted_in_a_window_passes(self) -> None:
        assert window_open(case(student(ADA), offering(ALGEBRA, 1), window=5)) is None

    @pytest.mark.parametrize("kind", sorted(set(Kind) - STUDENT_KINDS))
    def test_staff_and_the_system_need_none(self, kind: Kind) -> None:
        outside = case(student(ADA), offering(ALGEBRA, 1), kind=kind, window=0)

        assert window_open(outside) is None


class TestOffering:
    @pytest.mark.parametrize(
        ("status", "code"), [("PAUSED", "PAUSED"), ("CLOSED", "OFFERING_CLOSED")]
    )
    def test_an_offering_that_takes_nobody_says_why(self, status: str, code: str) -> None:
        refusal = offering_open(case(student(ADA), offering(ALGEBRA, 1, status=status)))

        assert refusal == Refusal(code)

    def test_an_open_offering_passes(self) -> None:
        assert offering_open(case(student(ADA), offering(ALGEBRA, 1))) is None


class TestSeatAndPlaceInLine:
    def test_a_second_seat_in_an_offering_is_refused_with_the_section_of_the_first(self) -> None:
        holder = case(student(ADA, holds={ALGEBRA: 2}), offering(ALGEBRA, 1, 1, 1))

        assert not_enrolled(holder) == Refusal("ALREADY_ENROLLED", {"section": 2})

    def test_giving_that_very_seat_up_is_a_change_of_section(self) -> None:
        moving = case(student(ADA, holds={ALGEBRA: 0}), offering(ALGEBRA, 1, 1), giving=ALGEBRA)

        assert not_enrolled(moving) is None

    def test_a_seat_in_another_offering_does_not_matter(self) -> None:
        elsewhere = case(student(ADA, holds={BOTANY: 0}), offering(ALGEBRA, 1), offering(BOTANY, 1))

        assert not_enrolled(elsewhere) is None

    @pytest.mark.parametrize("kind", [Kind.ENROLL, Kind.BUNDLE])
    def test_a_second_place_in_line_is_refused(self, kind: Kind) -> None:
        waiter = case(student(ADA, waits={ALGEBRA: 7}), offering(ALGEBRA, 0), kind=kind)

        assert not_waiting(waiter) == Refusal("ALREADY_WAITING")

    @pytest.mark.parametrize("kind", [Kind.SWAP, Kind.PERMIT])
    def test_a_swap_or_a_permit_may_end_the_wait(self, kind: Kind) -> None:
        waiter = case(student(ADA, waits={ALGEBRA: 7}), offering(ALGEBRA, 0), kind=kind)

        assert not_waiting(waiter) is None


class TestCredits:
    def test_credits_up_to_the_maximum_itself_pass(self) -> None:
        full_load = case(student(ADA, load=6, maximum=9), offering(ALGEBRA, 1, credits=3))

        assert credit_maximum(full_load) is None

    def test_one_credit_more_is_refused_with_the_figures(self) -> None:
        too_much = case(student(ADA, load=7, maximum=9), offering(ALGEBRA, 1, credits=3))

        figures = {"credits": 7, "wanted": 3, "maximum": 9}
        assert credit_maximum(too_much) == Refusal("CREDIT_MAXIMUM", figures)

    def test_the_credits_given_up_make_room(self) -> None:
        swapping = case(
            student(ADA, holds={BOTANY: 0}, load=6, maximum=9),
            offering(ALGEBRA, 1, credits=3),
            offering(BOTANY, 1, credits=3),
            giving=BOTANY,
        )

        assert credit_maximum(swapping) is None

    def test_a_course_without_credits_is_always_affordable(self) -> None:
        assert (
            credit_maximum(case(student(ADA, load=9, maximum=9), offering(ALGEBRA, 1, credits=0)))
            is None
        )


class TestTimetable:
    def holder(self, giving: int = 0) -> Case:
        return case(
            student(ADA, holds={BOTANY: 0}),
            offering(ALGEBRA, 1),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            giving=giving,
        )

    def test_it_names_the_course_that_meets_at_the_same_time(self) -> None:
        assert timetable_clash(self.holder(), MONDAY_LATER) == BOTANY

    def test_other_times_and_no_fixed_times_do_not_clash(self) -> None:
        assert timetable_clash(self.holder(), TUESDAY) == 0
        assert timetable_clash(self.holder(), ()) == 0

    def test_the_seat_given_up_does_not_count(self) -> None:
        assert timetable_clash(self.holder(giving=BOTANY), MONDAY) == 0

    def test_the_refusal_says_when_the_section_meets(self) -> None:
        refusal = clash_refusal(self.holder(), BOTANY, MONDAY)

        assert refusal.code == "TIME_CLASH"
        assert refusal.facts == {"with_offering": BOTANY, "meets": "Mon 09:00-09:50"}


class TestOrder:
    @pytest.mark.requirement("S1-90")
    def test_the_first_rule_that_refuses_speaks(self) -> None:
        hopeless = case(student(ADA, load=24), offering(ALGEBRA, 1, status="PAUSED"), window=0)

        assert first_refusal(hopeless) == Refusal("WINDOW_CLOSED")
        assert first_refusal(hopeless, RULES[1:]) == Refusal("PAUSED")

    def test_who_may_have_a_seat_passes_every_rule(self) -> None:
        assert first_refusal(case(student(ADA), offering(ALGEBRA, 1))) is None

    def test_a_promotion_does_not_ask_for_a_window_again(self) -> None:
        waiter = case(
            student(ADA, waits={ALGEBRA: 7}), offering(ALGEBRA, 1), kind=Kind.RECHECK, window=0
        )

        assert first_refusal(waiter, PROMOTION_RULES) is None

    def test_a_permit_waives_a_pause_and_keeps_the_credit_maximum(self) -> None:
        paused = offering(ALGEBRA, 1, status="PAUSED")

        assert first_refusal(case(student(ADA), paused, kind=Kind.PERMIT), PERMIT_RULES) is None
        refusal = first_refusal(case(student(ADA, load=24), paused, kind=Kind.PERMIT), PERMIT_RULES)
        assert refusal is not None
        assert refusal.code == "CREDIT_MAXIMUM"


def test_every_reason_has_a_sentence_and_a_remedy() -> None:
    for code, reason in REASONS.items():
        assert code == code.upper()
        assert reason.sentence.endswith(".")
        assert reason.remedy.endswith(".")

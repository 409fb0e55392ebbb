"""A student changes one seat for another, or one section for another: both halves or neither."""

import pytest

from enrollment.vocabulary import Free, OfferingFacts, Recheck, Seat
from tests.values import (
    ADA,
    ALGEBRA,
    BEN,
    BOTANY,
    CHEMISTRY,
    MONDAY,
    MONDAY_LATER,
    campus,
    offering,
    place,
    settle,
    student,
    swap,
)


class TestSwap:
    def test_one_seat_is_given_for_the_other(self) -> None:
        state = campus(
            offering(ALGEBRA, 1), offering(BOTANY, 0, 1), student(ADA, holds={ALGEBRA: 0})
        )

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=BOTANY))

        assert done.ended(101) == ("SWAPPED", "")
        assert done.holds(ADA) == {BOTANY: 1}
        assert done.step(101).changes == (Free(ALGEBRA, 0, ADA), Seat(BOTANY, 1, ADA, 101))
        assert done.student(ADA).credits == 3

    def test_the_seat_given_up_goes_to_whoever_waits_for_it(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            offering(BOTANY, 1),
            student(ADA, holds={ALGEBRA: 0}),
            student(BEN, waits={ALGEBRA: 7}),
        )

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=BOTANY))

        assert done.holds(BEN) == {ALGEBRA: 0}

    def test_into_a_full_course_it_keeps_the_seat(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            offering(BOTANY, place(0, 1, others=1)),
            student(ADA, holds={ALGEBRA: 0}),
        )

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=BOTANY))

        assert done.ended(101) == ("REFUSED", "SWAP_FULL")
        assert done.step(101).facts == {"cap": "seats", "limit": 1}
        assert done.holds(ADA) == {ALGEBRA: 0}
        assert done.line(BOTANY) == []

    def test_two_students_cannot_change_places_in_full_courses(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            offering(BOTANY, 1),
            student(ADA, holds={ALGEBRA: 0}),
            student(BEN, holds={BOTANY: 0}),
        )

        done = settle(
            state,
            swap(101, ADA, give=ALGEBRA, want=BOTANY),
            swap(102, BEN, give=BOTANY, want=ALGEBRA),
        )

        assert done.ended(101) == done.ended(102) == ("REFUSED", "SWAP_FULL")

    def test_the_hours_and_credits_given_up_make_room_for_those_taken(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 1, meets=MONDAY), credits=4),
            offering(BOTANY, place(0, 1, meets=MONDAY_LATER), credits=4),
            student(ADA, holds={ALGEBRA: 0}, maximum=4),
        )

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=BOTANY))

        assert done.holds(ADA) == {BOTANY: 0}

    def test_a_clash_with_a_third_course_keeps_the_seat(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            offering(CHEMISTRY, place(0, 1, meets=MONDAY)),
            student(ADA, holds={ALGEBRA: 0, CHEMISTRY: 0}),
        )

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=BOTANY))

        assert done.ended(101) == ("REFUSED", "TIME_CLASH")
        assert done.holds(ADA) == {ALGEBRA: 0, CHEMISTRY: 0}

    @pytest.mark.parametrize(
        ("give", "want", "code"),
        [
            (offering(ALGEBRA, 1, status="PAUSED"), offering(BOTANY, 1), "PAUSED"),
            (offering(ALGEBRA, 1, status="CLOSED"), offering(BOTANY, 1), "OFFERING_CLOSED"),
            (offering(ALGEBRA, 1), offering(BOTANY, 1, status="PAUSED"), "PAUSED"),
            (offering(ALGEBRA, 1), offering(BOTANY, 1, credits=25), "CREDIT_MAXIMUM"),
        ],
    )
    def test_what_keeps_either_half_from_happening_refuses_both(
        self, give: OfferingFacts, want: OfferingFacts, code: str
    ) -> None:
        state = campus(give, want, student(ADA, holds={ALGEBRA: 0}))

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=BOTANY))

        assert done.ended(101) == ("REFUSED", code)
        assert done.after == state

    def test_of_a_seat_one_does_not_have_is_refused(self) -> None:
        state = campus(offering(ALGEBRA, 1), offering(BOTANY, 1), student(ADA))

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=BOTANY))

        assert done.ended(101) == ("REFUSED", "NOT_ENROLLED")
        assert done.step(101).facts == {"offering": ALGEBRA}

    def test_for_a_seat_one_has_already_is_refused(self) -> None:
        state = campus(
            offering(ALGEBRA, 1), offering(BOTANY, 2), student(ADA, holds={ALGEBRA: 0, BOTANY: 0})
        )

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=BOTANY))

        assert done.ended(101) == ("REFUSED", "ALREADY_ENROLLED")

    def test_into_a_section_that_does_not_exist_is_refused(self) -> None:
        state = campus(offering(ALGEBRA, 1), offering(BOTANY, 1), student(ADA, holds={ALGEBRA: 0}))

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=BOTANY, section=4))

        assert done.ended(101) == ("REFUSED", "SECTION_UNKNOWN")

    def test_it_asks_again_where_the_student_waits_but_not_for_the_course_wanted(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            offering(BOTANY, 1),
            offering(CHEMISTRY, 0),
            student(ADA, holds={ALGEBRA: 0}, waits={BOTANY: 6, CHEMISTRY: 7}),
        )

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=BOTANY))

        assert done.rechecks == [Recheck(CHEMISTRY, ADA)]


class TestChangeOfSection:
    def test_the_new_section_is_taken_and_the_old_one_served(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, 1, 1),
            student(ADA, holds={ALGEBRA: 1}),
            student(BEN, waits={ALGEBRA: 7}, pinned={ALGEBRA: 1}),
        )

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=ALGEBRA, section=2))

        assert done.ended(101) == ("SWAPPED", "")
        assert done.holds(ADA) == {ALGEBRA: 2}
        assert done.holds(BEN) == {ALGEBRA: 1}

    def test_any_other_section_will_do_when_none_is_named(self) -> None:
        state = campus(offering(ALGEBRA, 0, 5, 5), student(ADA, holds={ALGEBRA: 1}))

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=ALGEBRA))

        assert done.holds(ADA) == {ALGEBRA: 2}

    def test_into_the_section_one_sits_in_is_refused(self) -> None:
        state = campus(offering(ALGEBRA, 0, 5), student(ADA, holds={ALGEBRA: 1}))

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=ALGEBRA, section=1))

        assert done.ended(101) == ("REFUSED", "ALREADY_ENROLLED")

    def test_it_is_possible_when_the_offering_is_at_its_cap(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, place(1, 2, others=1), 2, total_cap=2),
            student(ADA, holds={ALGEBRA: 1}),
        )

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=ALGEBRA, section=2))

        assert done.taken(ALGEBRA) == [0, 1, 1]

    def test_times_may_be_the_same_as_those_given_up(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, place(1, 1, meets=MONDAY), place(2, 1, meets=MONDAY_LATER)),
            student(ADA, holds={ALGEBRA: 1}),
        )

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=ALGEBRA, section=2))

        assert done.holds(ADA) == {ALGEBRA: 2}

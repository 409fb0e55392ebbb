"""What staff ask: limits, permits over them, times, and a pause. They come in by the same door."""

import pytest

from enrollment.vocabulary import (
    Open,
    Permit,
    PlaceAfter,
    Recheck,
    Seat,
    SetLimit,
    SetMeets,
    SetPolicy,
    SetStatus,
)
from tests.values import (
    ADA,
    ALGEBRA,
    BEN,
    BOTANY,
    CAM,
    MONDAY,
    MONDAY_LATER,
    TUESDAY,
    campus,
    drop,
    enroll,
    limit,
    offering,
    pause,
    permit,
    place,
    settle,
    student,
    timetable,
)


class TestLimit:
    def test_each_field_of_the_policy_is_a_change(self) -> None:
        state = campus(offering(ALGEBRA, 1))

        done = settle(state, limit(101, ALGEBRA, waitlist_cap=5, open_threshold=2, auto_create=1))

        assert done.ended(101) == ("DONE", "")
        assert done.step(101).facts == {"reason": "as agreed"}
        assert done.step(101).changes == (
            SetPolicy(ALGEBRA, "auto_create", 1),
            SetPolicy(ALGEBRA, "open_threshold", 2),
            SetPolicy(ALGEBRA, "waitlist_cap", 5),
        )

    def test_more_seats_go_to_those_who_wait(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, place(1, 1, others=1)),
            student(ADA, waits={ALGEBRA: 7}),
            student(BEN, waits={ALGEBRA: 8}),
        )

        done = settle(state, limit(101, ALGEBRA, seats_1=2))

        assert done.step(101).changes == (SetLimit(ALGEBRA, 1, 2),)
        assert done.promoted == [ADA]

    def test_fewer_seats_than_are_taken_send_nobody_away(self) -> None:
        state = campus(
            offering(ALGEBRA, 3), *(student(who, holds={ALGEBRA: 0}) for who in (ADA, BEN, CAM))
        )

        lowered = settle(state, limit(101, ALGEBRA, seats_0=1))
        dropped = settle(lowered.after, drop(102, ADA, ALGEBRA))

        assert lowered.place(ALGEBRA)[1:4] == (1, 3, 2)
        assert dropped.place(ALGEBRA)[1:4] == (1, 2, 1)

    def test_a_cap_below_what_is_taken_closes_every_section(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 5, others=1)), student(ADA, holds={ALGEBRA: 0}), student(BEN)
        )

        done = settle(state, limit(101, ALGEBRA, total_cap=1), enroll(102, BEN, ALGEBRA))

        assert done.offering(ALGEBRA).total_permits == 1
        assert done.ended(102) == ("WAITLISTED", "")

    def test_no_limit_is_minus_one(self) -> None:
        state = campus(offering(ALGEBRA, 5, total_cap=0), student(ADA))

        done = settle(state, limit(101, ALGEBRA, total_cap=-1), enroll(102, ADA, ALGEBRA))

        assert done.ended(102) == ("ENROLLED", "")

    def test_sections_are_opened_by_hand_whatever_the_policy(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, section_limit=4, max_sections=0), student(ADA, waits={ALGEBRA: 7})
        )

        done = settle(state, limit(101, ALGEBRA, open_sections=2))

        assert done.step(101).changes == (Open(ALGEBRA, 1, 4), Open(ALGEBRA, 2, 4))
        assert done.holds(ADA) == {ALGEBRA: 1}

    def test_they_have_the_size_set_in_the_same_request(self) -> None:
        done = settle(
            campus(offering(ALGEBRA, 0)), limit(101, ALGEBRA, open_sections=1, section_limit=40)
        )

        assert done.place(ALGEBRA, 1).limit == 40

    @pytest.mark.parametrize(
        "wrong",
        [
            {"seats_4": 10},
            {"seats_0": -1},
            {"colour": 3},
            {"open_threshold": 0},
            {"section_limit": -1},
            {"max_sections": -2},
            {"total_cap": -2},
            {"waitlist_cap": -2},
            {"auto_create": 2},
            {"auto_create": -1},
            {"open_sections": -1},
        ],
    )
    def test_what_cannot_be_set_is_refused_by_name_and_nothing_is_set(
        self, wrong: dict[str, int]
    ) -> None:
        state = campus(offering(ALGEBRA, 1))

        done = settle(state, limit(101, ALGEBRA, **{"seats_0": 5, "waitlist_cap": 9, **wrong}))

        assert done.ended(101) == ("REFUSED", "LIMIT_INVALID")
        assert done.step(101).facts == {"field": next(iter(wrong)).removeprefix("seats_")}
        assert done.after == state


class TestPermit:
    def test_a_free_seat_is_used_before_the_limit_is_exceeded(self) -> None:
        state = campus(offering(ALGEBRA, place(0, 1, others=1), 1), student(ADA))

        done = settle(state, permit(101, ADA, ALGEBRA))

        assert done.ended(101) == ("ENROLLED", "")
        assert done.step(101).changes == (Seat(ALGEBRA, 1, ADA, 101),)
        assert done.step(101).facts == {"section": 1, "reason": "as agreed"}

    def test_over_the_limit_it_takes_a_permit_with_it(self) -> None:
        state = campus(offering(ALGEBRA, place(0, 1, others=1)), student(ADA))

        done = settle(state, permit(101, ADA, ALGEBRA))

        assert done.step(101).changes == (Permit(ALGEBRA, 0, 1, 0), Seat(ALGEBRA, 0, ADA, 101))
        assert done.place(ALGEBRA)[1:4] == (1, 2, 1)

    def test_over_the_cap_of_the_offering_it_fills_a_seat_that_is_free(self) -> None:
        full, free = place(0, 1, others=1), place(1, 2)
        state = campus(offering(ALGEBRA, full, free, total_cap=1), student(ADA))

        done = settle(state, permit(101, ADA, ALGEBRA))

        assert done.step(101).changes == (Permit(ALGEBRA, 1, 0, 1), Seat(ALGEBRA, 1, ADA, 101))
        assert done.offering(ALGEBRA).total_permits == 1

    def test_over_both_it_takes_both(self) -> None:
        state = campus(offering(ALGEBRA, place(0, 1, others=1), total_cap=1), student(ADA))

        done = settle(state, permit(101, ADA, ALGEBRA))

        assert done.step(101).changes[0] == Permit(ALGEBRA, 0, 1, 1)

    def test_a_drop_afterwards_ends_the_permit(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 1, others=1), total_cap=1),
            student(ADA),
            student(BEN, waits={ALGEBRA: 7}),
        )

        done = settle(state, permit(101, ADA, ALGEBRA), drop(102, ADA, ALGEBRA))

        assert done.place(ALGEBRA)[1:4] == (1, 1, 0)
        assert done.offering(ALGEBRA).total_permits == 0
        assert done.line(ALGEBRA) == [BEN]

    def test_the_section_named_is_the_one_exceeded(self) -> None:
        state = campus(offering(ALGEBRA, 5, place(1, 1, others=1)), student(ADA))

        done = settle(state, permit(101, ADA, ALGEBRA, section=1))

        assert done.place(ALGEBRA, 1)[1:4] == (1, 2, 1)

    def test_an_offering_without_seats_of_its_own_seats_nobody_there_unasked(self) -> None:
        state = campus(offering(ALGEBRA, 0, place(1, 1, others=1)), student(ADA))

        assert settle(state, permit(101, ADA, ALGEBRA)).holds(ADA) == {ALGEBRA: 1}
        assert settle(state, permit(101, ADA, ALGEBRA, section=0)).holds(ADA) == {ALGEBRA: 0}

    def test_a_section_that_fits_is_exceeded_rather_than_one_that_clashes(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, place(1, 1, 1, meets=MONDAY), place(2, 1, 1, meets=TUESDAY)),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            student(ADA, holds={BOTANY: 0}),
        )

        assert settle(state, permit(101, ADA, ALGEBRA)).holds(ADA)[ALGEBRA] == 2

    def test_it_seats_in_a_paused_offering(self) -> None:
        state = campus(offering(ALGEBRA, 1, status="PAUSED"), student(ADA))

        assert settle(state, permit(101, ADA, ALGEBRA)).ended(101) == ("ENROLLED", "")

    def test_it_waives_no_other_rule(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 1, others=1, meets=MONDAY)),
            offering(BOTANY, place(0, 1, meets=MONDAY_LATER)),
            student(ADA, holds={BOTANY: 0}),
            student(BEN, load=24),
            student(CAM, holds={ALGEBRA: 0}),
        )

        done = settle(
            state,
            permit(101, ADA, ALGEBRA),
            permit(102, BEN, ALGEBRA),
            permit(103, CAM, ALGEBRA),
            permit(104, CAM, BOTANY, section=3),
        )

        codes = ["TIME_CLASH", "CREDIT_MAXIMUM", "ALREADY_ENROLLED", "SECTION_UNKNOWN"]
        assert [done.ended(id)[1] for id in (101, 102, 103, 104)] == codes
        assert done.after == state

    def test_where_there_is_no_place_at_all_it_says_full(self) -> None:
        done = settle(campus(offering(ALGEBRA, 0), student(ADA)), permit(101, ADA, ALGEBRA))

        assert done.ended(101) == ("REFUSED", "FULL")


class TestTimetable:
    def test_the_section_and_everybody_in_it_meet_at_the_new_times(self) -> None:
        state = campus(offering(ALGEBRA, 0, 2, 2), student(ADA, holds={ALGEBRA: 1}))

        done = settle(state, timetable(101, ALGEBRA, 1, MONDAY))

        assert done.ended(101) == ("DONE", "")
        assert done.step(101).facts == {"section": 1, "meets": "Mon 09:00-09:50"}
        assert done.step(101).changes == (SetMeets(ALGEBRA, 1, MONDAY),)
        assert done.student(ADA).held[0].meets == MONDAY
        assert done.plan.places == (PlaceAfter(ALGEBRA, 1, 2, 1, 0, MONDAY, retimed=True),)

    def test_times_are_kept_as_the_database_keeps_them(self) -> None:
        monday, after_it = (540, 590), (590, 640)
        [tuesday] = TUESDAY

        done = settle(
            campus(offering(ALGEBRA, 0, 2)), timetable(101, ALGEBRA, 1, [tuesday, after_it, monday])
        )

        assert done.place(ALGEBRA, 1).meets == ((540, 640), tuesday)

    def test_the_base_seats_have_times_too(self) -> None:
        done = settle(campus(offering(ALGEBRA, 2)), timetable(101, ALGEBRA, 0, MONDAY))

        assert done.place(ALGEBRA, 0).meets == MONDAY

    def test_a_clash_with_what_its_students_hold_is_refused_with_their_names(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, 2, 2),
            offering(BOTANY, place(0, 3, meets=MONDAY)),
            student(ADA, holds={ALGEBRA: 1, BOTANY: 0}),
            student(BEN, holds={ALGEBRA: 1}),
            student(CAM, holds={ALGEBRA: 2, BOTANY: 0}),
        )

        done = settle(state, timetable(101, ALGEBRA, 1, MONDAY_LATER))

        assert done.ended(101) == ("REFUSED", "CLASH_FOR_STUDENTS")
        assert done.step(101).facts == {"students": [ADA]}
        assert done.after == state

    def test_its_own_old_times_do_not_clash_with_its_new_ones(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, place(1, 2, meets=MONDAY)), student(ADA, holds={ALGEBRA: 1})
        )

        done = settle(state, timetable(101, ALGEBRA, 1, MONDAY_LATER))

        assert done.ended(101) == ("DONE", "")

    def test_one_seated_in_the_same_batch_counts(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, 2),
            offering(BOTANY, place(0, 3, meets=MONDAY)),
            student(ADA, holds={BOTANY: 0}),
        )

        done = settle(state, enroll(101, ADA, ALGEBRA), timetable(102, ALGEBRA, 1, MONDAY))

        assert done.ended(102) == ("REFUSED", "CLASH_FOR_STUDENTS")

    def test_a_section_that_does_not_exist_is_refused(self) -> None:
        done = settle(campus(offering(ALGEBRA, 1)), timetable(101, ALGEBRA, 3, MONDAY))

        assert done.ended(101) == ("REFUSED", "SECTION_UNKNOWN")

    def test_hours_that_come_free_are_asked_about_wherever_its_students_wait(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, place(1, 2, meets=MONDAY)),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            student(ADA, holds={ALGEBRA: 1}, waits={BOTANY: 7}),
            student(BEN, waits={BOTANY: 8}),
        )

        done = settle(state, timetable(101, ALGEBRA, 1, TUESDAY))

        assert done.rechecks == [Recheck(BOTANY, ADA)]

    def test_times_that_now_fit_seat_those_who_waited(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, place(1, 1, meets=MONDAY)),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            student(ADA, holds={BOTANY: 0}, waits={ALGEBRA: 7}),
        )

        done = settle(state, timetable(101, ALGEBRA, 1, TUESDAY))

        assert done.promoted == [ADA]


class TestPause:
    def test_what_comes_after_it_is_refused_and_what_came_before_stands(self) -> None:
        state = campus(offering(ALGEBRA, 5), student(ADA), student(BEN))

        done = settle(
            state,
            enroll(101, ADA, ALGEBRA),
            pause(102, ALGEBRA),
            enroll(103, BEN, ALGEBRA),
            drop(104, ADA, ALGEBRA),
        )

        assert done.ended(101) == ("ENROLLED", "")
        assert done.ended(102) == ("DONE", "")
        assert done.step(102).changes == (SetStatus(ALGEBRA, "PAUSED"),)
        assert done.ended(103) == done.ended(104) == ("REFUSED", "PAUSED")

    def test_opening_again_serves_the_line(self) -> None:
        state = campus(
            offering(ALGEBRA, 1, auto_create=True, section_limit=1, status="PAUSED"),
            student(ADA, waits={ALGEBRA: 7}),
            student(BEN, waits={ALGEBRA: 8}),
        )

        done = settle(state, pause(101, ALGEBRA, "OPEN"))

        assert done.promoted == [ADA, BEN]
        assert done.opened == [(ALGEBRA, 1)]

    def test_a_closed_offering_says_so(self) -> None:
        state = campus(offering(ALGEBRA, 5), student(ADA))

        done = settle(state, pause(101, ALGEBRA, "CLOSED"), enroll(102, ADA, ALGEBRA))

        assert done.ended(102) == ("REFUSED", "OFFERING_CLOSED")

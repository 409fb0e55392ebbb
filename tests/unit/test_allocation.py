"""A student asks for a seat or gives one up; what cannot be decided is named."""

import pytest

from enrollment.allocation import Undecidable, allocate
from enrollment.vocabulary import Ask, Event, Kind, Recheck, Result
from tests.values import (
    ADA,
    ALGEBRA,
    BEN,
    BOTANY,
    CAM,
    CHEMISTRY,
    DOT,
    MONDAY,
    MONDAY_LATER,
    NOW,
    TUESDAY,
    campus,
    drop,
    enroll,
    leave,
    offering,
    place,
    settle,
    staff,
    student,
    swap,
)


class TestEnroll:
    @pytest.mark.requirement("S0-16", "S0-20", "S0-28")
    def test_a_free_seat_on_the_course_itself_is_taken_first(self) -> None:
        done = settle(campus(offering(ALGEBRA, 1, 5), student(ADA)), enroll(101, ADA, ALGEBRA))

        assert done.ended(101) == ("ENROLLED", "")
        assert done.holds(ADA) == {ALGEBRA: 0}
        assert done.step(101).facts == {"section": 0}

    @pytest.mark.requirement("S0-17", "S0-29")
    def test_then_the_lowest_numbered_section_with_a_seat(self) -> None:
        full, part = place(1, 2, others=2), place(2, 2, others=1)
        state = campus(offering(ALGEBRA, 0, full, part, 9), student(ADA))

        done = settle(state, enroll(101, ADA, ALGEBRA))

        assert done.holds(ADA) == {ALGEBRA: 2}

    def test_a_section_that_clashes_is_skipped_for_one_that_fits(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, place(1, 2, meets=MONDAY_LATER), place(2, 2, meets=TUESDAY)),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            student(ADA, holds={BOTANY: 0}),
        )

        done = settle(state, enroll(101, ADA, ALGEBRA))

        assert done.holds(ADA)[ALGEBRA] == 2

    def test_a_section_asked_for_is_the_section_given(self) -> None:
        state = campus(offering(ALGEBRA, 5, 5, 5), student(ADA))

        done = settle(state, enroll(101, ADA, ALGEBRA, section=2))

        assert done.holds(ADA) == {ALGEBRA: 2}

    def test_requests_are_decided_in_the_order_of_their_ids(self) -> None:
        state = campus(offering(ALGEBRA, 2), student(ADA), student(BEN), student(CAM))

        done = settle(
            state, enroll(103, ADA, ALGEBRA), enroll(101, BEN, ALGEBRA), enroll(102, CAM, ALGEBRA)
        )

        assert [done.ended(id)[0] for id in (101, 102, 103)] == [
            "ENROLLED",
            "ENROLLED",
            "WAITLISTED",
        ]

    def test_an_earlier_seat_of_the_same_batch_counts_for_rules_elsewhere(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 5, meets=MONDAY)),
            offering(BOTANY, place(0, 5, meets=MONDAY)),
            offering(CHEMISTRY, 5),
            student(ADA, maximum=5),
        )

        done = settle(
            state, enroll(101, ADA, ALGEBRA), enroll(102, ADA, BOTANY), enroll(103, ADA, CHEMISTRY)
        )

        assert done.ended(102) == ("REFUSED", "CREDIT_MAXIMUM")
        assert done.ended(103) == ("REFUSED", "CREDIT_MAXIMUM")
        assert done.student(ADA).credits == 3

    @pytest.mark.requirement("S0-25")
    def test_the_cap_on_the_whole_offering_holds_although_a_section_has_room(self) -> None:
        state = campus(offering(ALGEBRA, place(0, 5, others=2), total_cap=2), student(ADA))

        done = settle(state, enroll(101, ADA, ALGEBRA))

        assert done.ended(101) == ("WAITLISTED", "")


class TestEnrollRefused:
    def test_outside_a_window(self) -> None:
        done = settle(
            campus(offering(ALGEBRA, 1), student(ADA)), enroll(101, ADA, ALGEBRA, window=0)
        )

        assert done.ended(101) == ("REFUSED", "WINDOW_CLOSED")

    @pytest.mark.parametrize(
        ("status", "code"), [("PAUSED", "PAUSED"), ("CLOSED", "OFFERING_CLOSED")]
    )
    def test_when_the_offering_takes_nobody(self, status: str, code: str) -> None:
        state = campus(offering(ALGEBRA, 1, status=status), student(ADA))

        assert settle(state, enroll(101, ADA, ALGEBRA)).ended(101) == ("REFUSED", code)

    def test_twice_in_the_same_course(self) -> None:
        done = settle(
            campus(offering(ALGEBRA, 5, 5), student(ADA)),
            enroll(101, ADA, ALGEBRA),
            enroll(102, ADA, ALGEBRA, section=1),
        )

        assert done.ended(102) == ("REFUSED", "ALREADY_ENROLLED")
        assert done.step(102).facts == {"section": 0}

    def test_twice_in_the_same_line(self) -> None:
        done = settle(
            campus(offering(ALGEBRA, 0), student(ADA)),
            enroll(101, ADA, ALGEBRA),
            enroll(102, ADA, ALGEBRA),
        )

        assert done.ended(102) == ("REFUSED", "ALREADY_WAITING")
        assert done.line(ALGEBRA) == [ADA]

    def test_over_the_credit_maximum(self) -> None:
        state = campus(offering(ALGEBRA, 5), student(ADA, load=22))

        done = settle(state, enroll(101, ADA, ALGEBRA))

        assert done.ended(101) == ("REFUSED", "CREDIT_MAXIMUM")
        assert done.step(101).facts == {"credits": 22, "wanted": 3, "maximum": 24}

    def test_when_every_section_clashes(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, place(1, 2, meets=MONDAY), place(2, 2, meets=MONDAY_LATER)),
            offering(BOTANY, place(0, 1, meets=MONDAY_LATER)),
            student(ADA, holds={BOTANY: 0}),
        )

        done = settle(state, enroll(101, ADA, ALGEBRA))

        assert done.ended(101) == ("REFUSED", "TIME_CLASH")
        assert done.step(101).facts == {"with_offering": BOTANY, "meets": "Mon 09:00-09:50"}

    def test_when_the_one_section_asked_for_clashes(self) -> None:
        state = campus(
            offering(ALGEBRA, 5, place(1, 2, meets=MONDAY)),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            student(ADA, holds={BOTANY: 0}),
        )

        done = settle(state, enroll(101, ADA, ALGEBRA, section=1))

        assert done.ended(101) == ("REFUSED", "TIME_CLASH")

    def test_in_a_section_that_does_not_exist(self) -> None:
        state = campus(offering(ALGEBRA, 5, 5), student(ADA))

        done = settle(state, enroll(101, ADA, ALGEBRA, section=2))

        assert done.ended(101) == ("REFUSED", "SECTION_UNKNOWN")
        assert done.step(101).facts == {"section": 2}


class TestDrop:
    def test_the_seat_and_the_credits_come_free(self) -> None:
        state = campus(offering(ALGEBRA, 0, 1), student(ADA, holds={ALGEBRA: 1}))

        done = settle(state, drop(101, ADA, ALGEBRA))

        assert done.ended(101) == ("DROPPED", "")
        assert done.step(101).facts == {"section": 1}
        assert done.taken(ALGEBRA) == [0, 0]
        assert done.student(ADA).credits == 0

    def test_without_a_seat_it_is_refused(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA, waits={ALGEBRA: 7}))

        assert settle(state, drop(101, ADA, ALGEBRA)).ended(101) == ("REFUSED", "NOT_ENROLLED")

    def test_enroll_drop_and_enroll_again_are_three_decisions(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA))

        done = settle(
            state, enroll(101, ADA, ALGEBRA), drop(102, ADA, ALGEBRA), enroll(103, ADA, ALGEBRA)
        )

        assert [done.ended(id)[0] for id in (101, 102, 103)] == ["ENROLLED", "DROPPED", "ENROLLED"]
        assert done.taken(ALGEBRA) == [1]

    @pytest.mark.parametrize(
        ("status", "code"), [("PAUSED", "PAUSED"), ("CLOSED", "OFFERING_CLOSED")]
    )
    def test_by_a_student_it_waits_for_the_offering_to_open(self, status: str, code: str) -> None:
        state = campus(offering(ALGEBRA, 1, status=status), student(ADA, holds={ALGEBRA: 0}))

        done = settle(state, drop(101, ADA, ALGEBRA))

        assert done.ended(101) == ("REFUSED", code)
        assert done.holds(ADA) == {ALGEBRA: 0}

    def test_by_staff_it_is_done_in_a_paused_offering_too(self) -> None:
        state = campus(
            offering(ALGEBRA, 1, status="PAUSED"),
            student(ADA, holds={ALGEBRA: 0}),
            student(BEN, waits={ALGEBRA: 7}),
        )

        done = settle(state, drop(101, ADA, ALGEBRA, window=0))

        assert done.ended(101) == ("DROPPED", "")
        assert done.promoted == []

    def test_from_a_section_over_its_limit_it_lowers_the_permits_and_frees_no_seat(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 2, others=2)),
            student(ADA, holds={ALGEBRA: 0}),
            student(BEN, waits={ALGEBRA: 7}),
        )

        done = settle(state, drop(101, ADA, ALGEBRA))

        assert done.place(ALGEBRA) == place(0, 2, others=2, permits=0)
        assert done.line(ALGEBRA) == [BEN]

    def test_it_asks_again_wherever_else_the_student_waits(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            offering(BOTANY, 0),
            offering(CHEMISTRY, 0),
            student(ADA, holds={ALGEBRA: 0}, waits={BOTANY: 7, CHEMISTRY: 5}),
        )

        done = settle(state, drop(101, ADA, ALGEBRA))

        assert done.rechecks == [Recheck(BOTANY, ADA), Recheck(CHEMISTRY, ADA)]


class TestWhatCannotBeDecided:
    def test_it_is_named_so_that_the_others_can_go_on(self) -> None:
        state = campus(offering(ALGEBRA, 5), student(ADA))
        unknown = enroll(102, DOT, ALGEBRA)

        with pytest.raises(Undecidable) as caught:
            settle(state, enroll(101, ADA, ALGEBRA), unknown)

        assert caught.value.request == 102
        assert isinstance(caught.value.__cause__, KeyError)

    @pytest.mark.parametrize("kind", sorted(Kind))
    def test_a_body_that_says_nothing_is_never_a_fault_of_somebody_else(self, kind: Kind) -> None:
        state = campus(offering(ALGEBRA, 5), student(ADA))
        empty = Ask(102, kind, ADA, (ALGEBRA,), {}, "user:11", 5)

        with pytest.raises(Undecidable) as caught:
            settle(state, enroll(101, ADA, ALGEBRA), empty)

        assert caught.value.request == 102

    def test_once_named_broken_it_fails_and_the_rest_are_decided(self) -> None:
        state = campus(offering(ALGEBRA, 5), student(ADA), student(BEN))._replace(broken=(101,))

        done = settle(state, enroll(101, DOT, ALGEBRA), enroll(102, BEN, ALGEBRA))

        assert done.step(101).code == done.step(101).result == "FAILED_INTERNAL"
        assert done.ended(102) == ("ENROLLED", "")

    def test_what_is_broken_changes_nothing(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA, holds={ALGEBRA: 0}))._replace(
            broken=(101,)
        )

        assert settle(state, drop(101, ADA, ALGEBRA)).after == state

    def test_each_request_is_announced_before_it_is_decided(self) -> None:
        state = campus(offering(ALGEBRA, 5), student(ADA), student(BEN))
        announced: list[int] = []

        allocate(
            state, [enroll(101, ADA, ALGEBRA), enroll(102, BEN, ALGEBRA)], NOW, announced.append
        )

        assert announced == [101, 102]


def test_every_request_ends_with_one_step_that_names_the_course_it_asked_for() -> None:
    state = campus(
        offering(ALGEBRA, 1),
        offering(BOTANY, 1),
        student(ADA, holds={ALGEBRA: 0}),
        student(BEN, waits={ALGEBRA: 7}),
        student(CAM),
    )

    done = settle(
        state,
        swap(101, ADA, give=ALGEBRA, want=BOTANY),
        leave(102, BEN, ALGEBRA),
        enroll(103, CAM, ALGEBRA),
        staff(104, Kind.RECHECK, BOTANY),
    )

    decided = [(s.request, s.offering, s.result) for s in done.events(Event.DECIDED)]
    assert decided == [
        (101, BOTANY, Result.SWAPPED),
        (102, ALGEBRA, Result.REFUSED),
        (103, ALGEBRA, Result.WAITLISTED),
        (104, BOTANY, Result.DONE),
    ]

"""Waiting in line: joining, leaving, being promoted, being passed over and asked again."""

from typing import Any

import pytest

from enrollment.allocation import Undecidable
from enrollment.vocabulary import Event, Kind, Seat, Unwait, Wait
from tests.values import (
    ADA,
    ALGEBRA,
    ANY,
    BEN,
    BOTANY,
    CAM,
    CHEMISTRY,
    DOT,
    MONDAY,
    TUESDAY,
    campus,
    drop,
    enroll,
    leave,
    limit,
    offering,
    pause,
    permit,
    place,
    recheck,
    settle,
    student,
    swap,
)


class TestJoining:
    @pytest.mark.requirement("S0-26")
    def test_one_who_finds_no_seat_joins_the_line_of_the_course(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA, holds={ALGEBRA: 0}), student(BEN))

        done = settle(state, enroll(101, BEN, ALGEBRA))

        assert done.ended(101) == ("WAITLISTED", "")
        assert done.step(101).changes == (Wait(ALGEBRA, ANY, BEN, 101),)
        assert done.step(101).facts == {"position": 1}

    @pytest.mark.requirement("S0-27")
    def test_one_who_asked_for_a_section_waits_for_that_section(self) -> None:
        state = campus(offering(ALGEBRA, 5, place(1, 1, others=1)), student(ADA))

        done = settle(state, enroll(101, ADA, ALGEBRA, section=1))

        assert done.step(101).changes == (Wait(ALGEBRA, 1, ADA, 101),)

    def test_both_kinds_stand_in_one_line(self) -> None:
        full = place(1, 1, others=1)
        state = campus(offering(ALGEBRA, 0, full), student(ADA), student(BEN), student(CAM))

        done = settle(
            state,
            enroll(101, ADA, ALGEBRA),
            enroll(102, BEN, ALGEBRA, section=1),
            enroll(103, CAM, ALGEBRA),
        )

        assert [done.step(id).facts["position"] for id in (101, 102, 103)] == [1, 2, 3]
        assert done.line(ALGEBRA) == [ADA, BEN, CAM]

    def test_a_line_that_takes_no_more_names_refuses_with_the_limits(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 4, others=4), waitlist_cap=1),
            student(ADA, waits={ALGEBRA: 7}),
            student(BEN),
        )

        done = settle(state, enroll(101, BEN, ALGEBRA))

        assert done.ended(101) == ("REFUSED", "FULL")
        assert done.step(101).facts == {"cap": "seats", "limit": 4, "waitlist_cap": 1, "waiting": 1}

    @pytest.mark.parametrize(
        ("policy", "cap"),
        [
            ({"total_cap": 4}, {"cap": "total_cap", "limit": 4}),
            ({"auto_create": True, "max_sections": 0}, {"cap": "max_sections", "limit": 0}),
            ({}, {"cap": "seats", "limit": 4}),
        ],
    )
    def test_the_refusal_names_the_limit_that_was_reached(
        self, policy: dict[str, Any], cap: dict[str, object]
    ) -> None:
        full = offering(ALGEBRA, place(0, 4, others=4), waitlist_cap=0)._replace(**policy)

        done = settle(campus(full, student(ADA)), enroll(101, ADA, ALGEBRA))

        assert done.ended(101) == ("REFUSED", "FULL")
        assert done.step(101).facts.items() >= cap.items()

    def test_one_who_asked_for_the_courses_own_seats_waits_for_any(self) -> None:
        state = campus(offering(ALGEBRA, place(0, 1, others=1)), student(ADA))

        done = settle(state, enroll(101, ADA, ALGEBRA, section=0))

        assert done.step(101).changes == (Wait(ALGEBRA, ANY, ADA, 101),)

    def test_and_does_not_wait_beside_a_section_with_a_seat(self) -> None:
        state = campus(offering(ALGEBRA, place(0, 1, others=1), 1), student(ADA))

        done = settle(state, enroll(101, ADA, ALGEBRA, section=0))

        assert done.holds(ADA) == {ALGEBRA: 1}

    def test_one_whom_only_full_sections_would_fit_may_wait_for_them(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, place(1, 1, meets=MONDAY), place(2, 1, others=1, meets=TUESDAY)),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            student(ADA, holds={BOTANY: 0}),
        )

        done = settle(state, enroll(101, ADA, ALGEBRA))

        assert done.ended(101) == ("WAITLISTED", "")

    def test_a_section_yet_to_open_is_worth_waiting_for_although_all_others_clash(self) -> None:
        state = campus(
            offering(
                ALGEBRA, place(0, 1, others=1, meets=MONDAY), auto_create=True, open_threshold=9
            ),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            student(ADA, holds={BOTANY: 0}),
        )

        done = settle(state, enroll(101, ADA, ALGEBRA))

        assert done.ended(101) == ("WAITLISTED", "")


class TestLeaving:
    def test_one_who_leaves_is_forgotten(self) -> None:
        state = campus(offering(ALGEBRA, 0), student(ADA, waits={ALGEBRA: 7}))

        done = settle(state, leave(101, ADA, ALGEBRA))

        assert done.ended(101) == ("LEFT", "")
        assert done.step(101).changes == (Unwait(ALGEBRA, ANY, ADA, 7, "LEFT"),)
        assert done.line(ALGEBRA) == []

    def test_one_who_does_not_wait_is_refused(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA, holds={ALGEBRA: 0}))

        assert settle(state, leave(101, ADA, ALGEBRA)).ended(101) == ("REFUSED", "NOT_WAITING")

    def test_it_makes_room_in_a_line_that_was_full(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, waitlist_cap=1), student(ADA, waits={ALGEBRA: 7}), student(BEN)
        )

        done = settle(state, leave(101, ADA, ALGEBRA), enroll(102, BEN, ALGEBRA))

        assert done.line(ALGEBRA) == [BEN]

    @pytest.mark.parametrize("ended_by", [Kind.SWAP, Kind.PERMIT])
    def test_a_seat_got_another_way_ends_the_wait(self, ended_by: Kind) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 1, others=1), place(1, 1)),
            offering(BOTANY, 1),
            student(ADA, holds={BOTANY: 0}, waits={ALGEBRA: 7}),
        )
        asks = {
            Kind.SWAP: swap(101, ADA, give=BOTANY, want=ALGEBRA),
            Kind.PERMIT: permit(101, ADA, ALGEBRA),
        }

        done = settle(state, asks[ended_by])

        assert done.holds(ADA)[ALGEBRA] == 1
        assert done.line(ALGEBRA) == []
        assert Unwait(ALGEBRA, ANY, ADA, 7, "SEATED") in done.step(101).changes


class TestPromotion:
    def test_the_first_in_line_gets_the_seat_that_comes_free(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            student(ADA, holds={ALGEBRA: 0}),
            student(BEN, waits={ALGEBRA: 9}),
            student(CAM, waits={ALGEBRA: 8}),
        )

        done = settle(state, drop(101, ADA, ALGEBRA))

        assert done.promoted == [CAM]
        assert done.line(ALGEBRA) == [BEN]

    def test_it_is_recorded_for_the_request_that_waited_and_names_what_freed_the_seat(self) -> None:
        state = campus(
            offering(ALGEBRA, 1), student(ADA, holds={ALGEBRA: 0}), student(BEN, waits={ALGEBRA: 9})
        )

        done = settle(state, drop(101, ADA, ALGEBRA))

        [step] = done.events(Event.PROMOTED)
        assert (step.request, step.student, step.result) == (9, BEN, "ENROLLED")
        assert step.facts == {"section": 0, "by_request": 101}
        assert step.changes == (Unwait(ALGEBRA, ANY, BEN, 9, "PROMOTED"), Seat(ALGEBRA, 0, BEN, 9))

    def test_it_is_before_whoever_asks_next(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            student(ADA, holds={ALGEBRA: 0}),
            student(BEN, waits={ALGEBRA: 9}),
            student(DOT),
        )

        done = settle(state, drop(101, ADA, ALGEBRA), enroll(102, DOT, ALGEBRA))

        assert done.promoted == [BEN]
        assert done.line(ALGEBRA) == [DOT]

    def test_one_who_waits_for_another_section_is_skipped(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, 1, place(2, 1, others=1)),
            student(ADA, holds={ALGEBRA: 1}),
            student(BEN, waits={ALGEBRA: 8}, pinned={ALGEBRA: 2}),
            student(CAM, waits={ALGEBRA: 9}),
        )

        done = settle(state, drop(101, ADA, ALGEBRA))

        assert done.promoted == [CAM]
        assert done.passed_over == []

    def test_the_cap_of_the_offering_ends_it(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 5, others=2), total_cap=2),
            student(ADA, waits={ALGEBRA: 7}),
            student(BEN, waits={ALGEBRA: 8}),
        )

        done = settle(state, limit(101, ALGEBRA, total_cap=3))

        assert done.promoted == [ADA]

    def test_a_chain_of_swaps_and_waits_resolves_in_one_settlement(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            offering(BOTANY, 1),
            offering(CHEMISTRY, 1),
            student(ADA, holds={ALGEBRA: 0}),
            student(BEN, holds={BOTANY: 0}, waits={ALGEBRA: 7}),
            student(CAM, waits={BOTANY: 8}),
        )

        done = settle(state, swap(101, ADA, give=ALGEBRA, want=CHEMISTRY), drop(102, BEN, BOTANY))

        assert done.holds(BEN) == {ALGEBRA: 0}
        assert done.holds(CAM) == {BOTANY: 0}

    def test_one_promoted_may_drop_the_seat_in_the_same_batch(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            student(ADA, holds={ALGEBRA: 0}),
            student(BEN, waits={ALGEBRA: 8}),
            student(CAM, waits={ALGEBRA: 9}),
        )

        done = settle(state, drop(101, ADA, ALGEBRA), drop(102, BEN, ALGEBRA))

        assert done.promoted == [BEN, CAM]
        assert done.holds(CAM) == {ALGEBRA: 0}

    def test_a_paused_offering_promotes_nobody_until_it_opens(self) -> None:
        state = campus(offering(ALGEBRA, 0, status="PAUSED"), student(ADA, waits={ALGEBRA: 7}))

        paused = settle(state, limit(101, ALGEBRA, seats_0=1))
        opened = settle(paused.after, pause(102, ALGEBRA, "OPEN"))

        assert paused.promoted == []
        assert opened.promoted == [ADA]

    def test_a_line_that_was_not_loaded_is_an_error_and_not_a_loss(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA, holds={ALGEBRA: 0}))
        [facts] = state.offerings
        unloaded = facts._replace(waiting=1, waiters_loaded=False)

        with pytest.raises(Undecidable):
            settle(state._replace(offerings=(unloaded,)), drop(101, ADA, ALGEBRA))


class TestPassedOver:
    def test_one_over_the_credit_maximum_is_told_and_keeps_the_place(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            student(ADA, holds={ALGEBRA: 0}),
            student(BEN, waits={ALGEBRA: 8}, load=23),
            student(CAM, waits={ALGEBRA: 9}),
        )

        done = settle(state, drop(101, ADA, ALGEBRA))

        assert done.promoted == [CAM]
        assert done.passed_over == [(BEN, "CREDIT_MAXIMUM")]
        assert done.line(ALGEBRA) == [BEN]

    def test_the_entry_is_for_the_request_that_waits_with_the_facts_of_the_refusal(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            student(ADA, holds={ALGEBRA: 0}),
            student(BEN, waits={ALGEBRA: 8}, load=23),
        )

        done = settle(state, drop(101, ADA, ALGEBRA))

        [step] = done.events(Event.PASSED_OVER)
        figures = {"credits": 23, "wanted": 3, "maximum": 24}
        assert (step.request, step.result, step.changes) == (8, "WAITLISTED", ())
        assert step.facts == {"code": "CREDIT_MAXIMUM", "by_request": 101, **figures}

    def test_one_whose_hours_are_taken_is_told_so(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 1, meets=MONDAY)),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            student(ADA, holds={ALGEBRA: 0}),
            student(BEN, holds={BOTANY: 0}, waits={ALGEBRA: 8}),
        )

        done = settle(state, drop(101, ADA, ALGEBRA))

        assert done.passed_over == [(BEN, "TIME_CLASH")]

    def test_a_reason_is_told_once_however_many_seats_come_free(self) -> None:
        state = campus(
            offering(ALGEBRA, 2),
            student(ADA, holds={ALGEBRA: 0}),
            student(DOT, holds={ALGEBRA: 0}),
            student(BEN, waits={ALGEBRA: 8}, load=23),
        )

        done = settle(state, drop(101, ADA, ALGEBRA), drop(102, DOT, ALGEBRA))

        assert done.passed_over == [(BEN, "CREDIT_MAXIMUM")]

    def test_another_reason_is_told_too(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 2, meets=MONDAY)),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            offering(CHEMISTRY, 1),
            student(ADA, holds={ALGEBRA: 0}),
            student(DOT, holds={ALGEBRA: 0}),
            student(BEN, holds={BOTANY: 0, CHEMISTRY: 0}, waits={ALGEBRA: 8}, maximum=8),
        )

        done = settle(
            state, drop(101, ADA, ALGEBRA), drop(102, BEN, CHEMISTRY), drop(103, DOT, ALGEBRA)
        )

        assert done.passed_over == [(BEN, "CREDIT_MAXIMUM"), (BEN, "TIME_CLASH")]


class TestRecheck:
    def test_one_who_became_eligible_elsewhere_is_promoted(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA, waits={ALGEBRA: 7}))

        done = settle(state, recheck(101, ADA, ALGEBRA))

        assert done.ended(101) == ("DONE", "")
        assert done.promoted == [ADA]

    def test_it_follows_from_a_drop_and_frees_the_one_who_was_passed_over(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            offering(BOTANY, 1),
            student(ADA, holds={ALGEBRA: 0}, waits={BOTANY: 7}, load=21),
        )

        before = settle(state, recheck(101, ADA, BOTANY))
        dropped = settle(before.after, drop(102, ADA, ALGEBRA))
        after = settle(dropped.after, recheck(103, ADA, BOTANY))

        assert before.passed_over == [(ADA, "CREDIT_MAXIMUM")]
        assert [r.offering for r in dropped.rechecks] == [BOTANY]
        assert after.promoted == [ADA]

    def test_it_opens_a_section_when_policy_does(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 1, others=1), auto_create=True),
            student(ADA, waits={ALGEBRA: 7}),
        )

        done = settle(state, recheck(101, ADA, ALGEBRA))

        assert done.opened == [(ALGEBRA, 1)]
        assert done.holds(ADA) == {ALGEBRA: 1}

    def test_one_who_no_longer_waits_changes_nothing(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA))

        done = settle(state, recheck(101, ADA, ALGEBRA))

        assert done.ended(101) == ("DONE", "")
        assert done.after == state

"""All or nothing: a cart settled whole, and a request taken back before it was decided."""

from typing import Any

import pytest

from enrollment.vocabulary import Event, Kind, OfferingFacts, Seat
from tests.values import (
    ADA,
    ALGEBRA,
    BEN,
    BOTANY,
    CAM,
    CHEMISTRY,
    MONDAY,
    bundle,
    campus,
    cancel,
    drop,
    enroll,
    offering,
    permit,
    place,
    recheck,
    settle,
    student,
)


def full_course(**policy: Any) -> OfferingFacts:
    """ALGEBRA without a free seat; it opens sections when enough students want one."""
    return offering(ALGEBRA, place(0, 1, others=1), auto_create=True)._replace(**policy)


class TestBundle:
    def test_a_seat_in_every_course_is_taken_in_one_step(self) -> None:
        state = campus(offering(ALGEBRA, 1), offering(BOTANY, 0, 1), student(ADA))

        done = settle(state, bundle(101, ADA, BOTANY, ALGEBRA))

        assert done.ended(101) == ("ENROLLED", "")
        assert done.step(101).changes == (Seat(BOTANY, 1, ADA, 101), Seat(ALGEBRA, 0, ADA, 101))
        assert done.step(101).facts == {"sections": {"2": 1, "1": 0}}

    def test_one_course_that_cannot_be_had_leaves_the_others_untaken(self) -> None:
        state = campus(offering(ALGEBRA, 1), offering(BOTANY, place(0, 4, others=4)), student(ADA))

        done = settle(state, bundle(101, ADA, ALGEBRA, BOTANY))

        assert done.ended(101) == ("REFUSED", "BUNDLE_BLOCKED")
        assert done.step(101).facts == {
            "blocking": [{"offering": BOTANY, "code": "FULL", "cap": "seats", "limit": 4}]
        }
        assert done.after == state

    def test_every_course_that_blocks_is_named_with_its_reason(self) -> None:
        state = campus(
            offering(ALGEBRA, 1),
            offering(BOTANY, 1, status="PAUSED"),
            offering(CHEMISTRY, place(0, 1, meets=MONDAY)),
            offering(4, place(0, 1, meets=MONDAY)),
            student(ADA, holds={4: 0}, waits={ALGEBRA: 7}),
        )

        done = settle(state, bundle(101, ADA, ALGEBRA, BOTANY, CHEMISTRY))

        blocking = done.step(101).facts["blocking"]
        assert [(each["offering"], each["code"]) for each in blocking] == [
            (ALGEBRA, "ALREADY_WAITING"),
            (BOTANY, "PAUSED"),
            (CHEMISTRY, "TIME_CLASH"),
        ]
        assert blocking[2]["with_offering"] == 4

    def test_courses_of_the_cart_clash_with_each_other(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 1, meets=MONDAY)),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            student(ADA),
        )

        done = settle(state, bundle(101, ADA, ALGEBRA, BOTANY))

        [blocked] = done.step(101).facts["blocking"]
        assert (blocked["offering"], blocked["code"]) == (BOTANY, "TIME_CLASH")

    def test_the_credits_of_the_whole_cart_count(self) -> None:
        state = campus(offering(ALGEBRA, 1), offering(BOTANY, 1), student(ADA, maximum=5))

        done = settle(state, bundle(101, ADA, ALGEBRA, BOTANY))

        [blocked] = done.step(101).facts["blocking"]
        assert (blocked["code"], blocked["credits"]) == ("CREDIT_MAXIMUM", 3)

    def test_outside_a_window_every_course_blocks(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA))

        done = settle(state, bundle(101, ADA, ALGEBRA, window=0))

        assert done.step(101).facts["blocking"] == [{"offering": ALGEBRA, "code": "WINDOW_CLOSED"}]

    def test_a_section_it_had_opened_and_the_waiters_it_had_seated_are_as_before(self) -> None:
        state = campus(
            full_course(section_limit=3, open_threshold=3, openings=5),
            offering(BOTANY, place(0, 1, others=1)),
            student(ADA),
            student(BEN, waits={ALGEBRA: 7}),
            student(CAM, waits={ALGEBRA: 8}, load=24),
        )

        done = settle(state, bundle(101, ADA, ALGEBRA, BOTANY))

        assert [step.event for step in done.plan.steps] == [Event.DECIDED]
        assert done.step(101).changes == ()
        assert done.after == state

    def test_the_next_request_finds_nothing_of_a_cart_that_failed(self) -> None:
        state = campus(
            full_course(section_limit=3, open_threshold=3),
            offering(BOTANY, place(0, 1, others=1)),
            student(ADA),
            student(BEN, waits={ALGEBRA: 7}),
            student(CAM, waits={ALGEBRA: 8}, load=24),
        )

        alone = settle(state, enroll(102, ADA, ALGEBRA))
        after = settle(state, bundle(101, ADA, ALGEBRA, BOTANY), enroll(102, ADA, ALGEBRA))

        assert after.plan.steps[1:] == alone.plan.steps
        assert after.passed_over == [(CAM, "CREDIT_MAXIMUM")]
        assert after.after == alone.after

    def test_a_cart_that_succeeds_keeps_what_it_led_to(self) -> None:
        state = campus(
            full_course(open_threshold=2),
            offering(BOTANY, 1),
            student(ADA),
            student(BEN, waits={ALGEBRA: 7}),
        )

        done = settle(state, bundle(101, ADA, ALGEBRA, BOTANY))

        assert done.opened == [(ALGEBRA, 1)]
        assert done.promoted == [BEN]
        assert done.holds(ADA) == {ALGEBRA: 1, BOTANY: 0}


class TestCancel:
    def test_a_request_still_pending_is_cancelled_at_its_own_place(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA), student(BEN))
        wish = enroll(101, ADA, ALGEBRA)

        done = settle(state, wish, enroll(102, BEN, ALGEBRA), cancel(103, ADA, target=wish))

        assert done.ended(101) == ("CANCELLED", "")
        assert done.step(101).facts == {"cancelled_by": 103}
        assert done.ended(103) == ("DONE", "")
        assert done.holds(BEN) == {ALGEBRA: 0}

    @pytest.mark.parametrize("kind", ["drop", "bundle"])
    def test_whatever_a_student_asked_can_be_cancelled(self, kind: str) -> None:
        state = campus(offering(ALGEBRA, 1), offering(BOTANY, 1), student(ADA, holds={ALGEBRA: 0}))
        wish = drop(101, ADA, ALGEBRA) if kind == "drop" else bundle(101, ADA, BOTANY)

        done = settle(state, wish, cancel(103, ADA, target=wish))

        assert done.ended(101) == ("CANCELLED", "")
        assert done.after == state

    def test_a_request_decided_before_is_not_undone(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA, holds={ALGEBRA: 0}))

        done = settle(state, cancel(103, ADA, target=99))

        assert done.ended(103) == ("REFUSED", "ALREADY_DECIDED")
        assert done.step(103).facts == {"request": 99}
        assert done.after == state

    def test_somebody_elses_request_is_decided_as_if_nobody_had_asked(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA), student(BEN))
        wish = enroll(101, ADA, ALGEBRA)

        done = settle(state, wish, cancel(102, BEN, target=wish))

        assert done.ended(101) == ("ENROLLED", "")
        assert done.ended(102) == ("REFUSED", "NOT_YOURS")

    def test_a_strangers_cancel_does_not_stand_in_the_way_of_ones_own(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA), student(BEN))
        wish = enroll(101, ADA, ALGEBRA)

        done = settle(state, wish, cancel(102, ADA, target=wish), cancel(103, BEN, target=wish))

        assert done.ended(101) == ("CANCELLED", "")
        assert done.ended(102) == ("DONE", "")
        assert done.ended(103) == ("REFUSED", "NOT_YOURS")

    def test_to_cancel_twice_is_to_cancel(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA))
        wish = enroll(101, ADA, ALGEBRA)

        done = settle(state, wish, cancel(102, ADA, target=wish), cancel(103, ADA, target=wish))

        assert done.step(101).facts == {"cancelled_by": 102}
        assert done.ended(102) == done.ended(103) == ("DONE", "")

    def test_a_cancel_cannot_be_cancelled(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA))
        wish = enroll(101, ADA, ALGEBRA)
        regret = cancel(102, ADA, target=wish)

        done = settle(state, wish, regret, cancel(103, ADA, target=regret))

        assert done.ended(101) == ("CANCELLED", "")
        assert done.ended(102) == ("DONE", "")
        assert done.ended(103)[0] == "REFUSED"

    @pytest.mark.parametrize("kind", [Kind.PERMIT, Kind.RECHECK])
    def test_what_staff_or_the_system_ask_for_a_student_is_not_the_students(
        self, kind: Kind
    ) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA, waits={ALGEBRA: 7}))
        theirs = (permit if kind is Kind.PERMIT else recheck)(101, ADA, ALGEBRA)

        done = settle(state, theirs, cancel(102, ADA, target=theirs))

        assert done.ended(102) == ("REFUSED", "NOT_YOURS")
        assert done.holds(ADA) == {ALGEBRA: 0}

    def test_a_cancel_that_could_not_be_decided_cancels_nothing(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA))._replace(broken=(102,))
        wish = enroll(101, ADA, ALGEBRA)

        done = settle(state, wish, cancel(102, ADA, target=wish))

        assert done.ended(101) == ("ENROLLED", "")
        assert done.ended(102)[0] == "FAILED_INTERNAL"

    def test_a_request_that_could_not_be_decided_was_not_cancelled(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA))._replace(broken=(101,))
        wish = enroll(101, ADA, ALGEBRA)

        done = settle(state, wish, cancel(102, ADA, target=wish))

        assert done.ended(101)[0] == "FAILED_INTERNAL"
        assert done.ended(102) == ("REFUSED", "ALREADY_DECIDED")

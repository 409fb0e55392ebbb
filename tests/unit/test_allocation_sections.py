"""Sections open on demand, by the policy of the offering and not a seat before (S0-18)."""

from typing import Any

import pytest

from enrollment.vocabulary import Event, OfferingFacts, Open, State
from tests.values import (
    ADA,
    ALGEBRA,
    BEN,
    BOTANY,
    CAM,
    DOT,
    MONDAY,
    Decided,
    bundle,
    campus,
    drop,
    enroll,
    limit,
    offering,
    place,
    settle,
    student,
    swap,
)


def growing(*places: int, **policy: Any) -> OfferingFacts:
    """An offering whose seats are all taken, and which opens sections of two seats."""
    full = [place(number, seats, others=seats) for number, seats in enumerate(places or (1,))]
    return offering(ALGEBRA, *full, auto_create=True, **policy)


def everybody(facts: OfferingFacts) -> State:
    return campus(facts, student(ADA), student(BEN), student(CAM), student(DOT))


class TestWhenAllAreFull:
    @pytest.mark.requirement("S0-1", "S0-12", "S0-18", "S0-19", "S0-34", "S0-35")
    def test_the_next_section_opens_and_the_one_who_asked_sits_in_it(self) -> None:
        done = settle(everybody(growing(1, 1)), enroll(101, ADA, ALGEBRA))

        assert done.opened == [(ALGEBRA, 2)]
        assert done.holds(ADA) == {ALGEBRA: 2}
        assert done.place(ALGEBRA, 2).limit == 2
        assert done.offering(ALGEBRA).next_number == 3

    def test_the_opening_says_who_caused_it_and_why(self) -> None:
        done = settle(everybody(growing()), enroll(101, ADA, ALGEBRA))

        [opening] = done.events(Event.SECTION_OPENED)
        assert opening.request == 101
        assert opening.changes == (Open(ALGEBRA, 1, 2),)
        assert opening.facts["section"] == 1
        assert opening.facts["threshold"] == 1

    def test_it_opens_before_the_request_is_decided(self) -> None:
        done = settle(everybody(growing()), enroll(101, ADA, ALGEBRA))

        assert [step.event for step in done.plan.steps] == [Event.SECTION_OPENED, Event.DECIDED]

    @pytest.mark.requirement("S0-23", "S0-24")
    def test_sections_count_up_as_each_one_fills(self) -> None:
        facts = growing(0, section_limit=1)

        done = settle(everybody(facts), enroll(101, ADA, ALGEBRA), enroll(102, BEN, ALGEBRA))

        assert done.opened == [(ALGEBRA, 1), (ALGEBRA, 2)]
        assert done.taken(ALGEBRA) == [0, 1, 1]

    def test_a_seat_free_anywhere_keeps_the_next_one_shut(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 1, others=1), place(1, 1, meets=MONDAY), auto_create=True),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            student(ADA, holds={BOTANY: 0}),
        )

        done = settle(state, enroll(101, ADA, ALGEBRA))

        assert done.opened == []
        assert done.ended(101) == ("WAITLISTED", "")

    def test_a_number_is_never_used_again(self) -> None:
        done = settle(everybody(growing(1, next_number=7)), enroll(101, ADA, ALGEBRA))

        assert done.opened == [(ALGEBRA, 7)]

    def test_a_change_of_course_opens_one_too(self) -> None:
        state = campus(growing(), offering(BOTANY, 1), student(ADA, holds={BOTANY: 0}))

        done = settle(state, swap(101, ADA, give=BOTANY, want=ALGEBRA))

        assert done.holds(ADA) == {ALGEBRA: 1}

    @pytest.mark.requirement("S0-15")
    def test_a_cart_opens_them_in_each_of_its_courses(self) -> None:
        state = campus(growing(), offering(BOTANY, 0, auto_create=True), student(ADA))

        done = settle(state, bundle(101, ADA, ALGEBRA, BOTANY))

        assert done.opened == [(ALGEBRA, 1), (BOTANY, 1)]
        assert done.step(101).facts == {"sections": {"1": 1, "2": 1}}

    def test_one_who_asks_for_a_full_section_opens_none(self) -> None:
        done = settle(everybody(growing(0, 1)), enroll(101, ADA, ALGEBRA, section=1))

        assert done.opened == []
        assert done.line(ALGEBRA) == [ADA]


class TestPolicy:
    @pytest.mark.parametrize(
        "policy", [{"auto_create": False}, {"section_limit": 0}, {"max_sections": 0}]
    )
    def test_an_offering_that_opens_none_waitlists(self, policy: dict[str, Any]) -> None:
        done = settle(everybody(growing()._replace(**policy)), enroll(101, ADA, ALGEBRA))

        assert done.opened == []
        assert done.ended(101) == ("WAITLISTED", "")

    def test_no_more_open_than_the_maximum_not_counting_the_base_seats(self) -> None:
        state = everybody(growing(1, 1, max_sections=2, section_limit=1))

        done = settle(state, enroll(101, ADA, ALGEBRA), enroll(102, BEN, ALGEBRA))

        assert done.opened == [(ALGEBRA, 2)]
        assert done.line(ALGEBRA) == [BEN]

    @pytest.mark.requirement("S0-38")
    def test_none_opens_until_as_many_want_one_as_the_threshold_says(self) -> None:
        state = everybody(growing(open_threshold=3, section_limit=5))

        before = settle(state, enroll(101, ADA, ALGEBRA), enroll(102, BEN, ALGEBRA))
        then = settle(before.after, enroll(103, CAM, ALGEBRA))

        assert before.opened == []
        assert then.opened == [(ALGEBRA, 1)]
        assert then.promoted == [ADA, BEN]
        assert then.holds(CAM) == {ALGEBRA: 1}

    def test_the_threshold_counts_for_each_section_anew(self) -> None:
        state = everybody(growing(open_threshold=2, section_limit=2))

        done = settle(state, *(enroll(100 + who, who, ALGEBRA) for who in (ADA, BEN, CAM)))

        assert done.opened == [(ALGEBRA, 1)]
        assert done.line(ALGEBRA) == [CAM]

    def test_none_opens_beyond_the_cap_of_the_offering(self) -> None:
        state = everybody(growing(total_cap=2, section_limit=5))

        done = settle(state, enroll(101, ADA, ALGEBRA), enroll(102, BEN, ALGEBRA))

        assert done.opened == [(ALGEBRA, 1)]
        assert done.taken(ALGEBRA) == [1, 1]
        assert done.line(ALGEBRA) == [BEN]

    def test_the_cap_keeps_the_rest_of_a_new_section_empty(self) -> None:
        state = campus(
            growing(total_cap=2, section_limit=5, open_threshold=2),
            student(ADA, waits={ALGEBRA: 7}),
            student(BEN),
        )

        done = settle(state, enroll(101, BEN, ALGEBRA))

        assert done.promoted == [ADA]
        assert done.line(ALGEBRA) == [BEN]


class TestWaitlistFirst:
    @pytest.mark.requirement("S0-26")
    def test_those_who_waited_sit_before_the_one_who_asked(self) -> None:
        state = campus(
            growing(section_limit=2, open_threshold=3),
            student(ADA, waits={ALGEBRA: 7}),
            student(BEN, waits={ALGEBRA: 8}),
            student(CAM),
        )

        done = settle(state, enroll(101, CAM, ALGEBRA))

        assert done.promoted == [ADA, BEN]
        assert done.line(ALGEBRA) == [CAM]

    def test_a_second_one_opens_for_the_asker_when_the_first_was_filled_by_waiters(self) -> None:
        state = campus(
            growing(section_limit=1),
            student(ADA, waits={ALGEBRA: 7}),
            student(BEN),
        )

        done = settle(state, enroll(101, BEN, ALGEBRA))

        assert done.opened == [(ALGEBRA, 1), (ALGEBRA, 2)]
        assert (done.holds(ADA), done.holds(BEN)) == ({ALGEBRA: 1}, {ALGEBRA: 2})

    def test_one_who_swaps_into_a_course_they_wait_for_keeps_their_place_in_its_line(self) -> None:
        state = campus(
            growing(section_limit=2, open_threshold=3),
            offering(BOTANY, 1),
            student(ADA, waits={ALGEBRA: 7}),
            student(BEN, waits={ALGEBRA: 8}, holds={BOTANY: 0}),
            student(CAM, waits={ALGEBRA: 9}),
        )

        done = settle(state, swap(101, BEN, give=BOTANY, want=ALGEBRA))

        assert done.ended(101) == ("SWAPPED", "")
        assert done.holds(BEN) == {ALGEBRA: 1}
        assert done.taken(BOTANY) == [0]
        assert done.promoted == [ADA]
        assert done.line(ALGEBRA) == [CAM]

    def test_those_behind_the_one_who_swapped_get_what_is_left(self) -> None:
        state = campus(
            growing(section_limit=2),
            offering(BOTANY, 1),
            student(BEN, waits={ALGEBRA: 8}, holds={BOTANY: 0}),
            student(CAM, waits={ALGEBRA: 9}),
        )

        done = settle(state, swap(101, BEN, give=BOTANY, want=ALGEBRA))

        assert done.taken(ALGEBRA) == [1, 2]
        assert done.holds(CAM) == {ALGEBRA: 1}

    def test_one_who_waits_and_swaps_counts_once_toward_the_threshold(self) -> None:
        state = campus(
            growing(open_threshold=2),
            offering(BOTANY, 1),
            student(BEN, waits={ALGEBRA: 8}, holds={BOTANY: 0}),
        )

        done = settle(state, swap(101, BEN, give=BOTANY, want=ALGEBRA))

        assert done.opened == []
        assert done.ended(101) == ("REFUSED", "SWAP_FULL")
        assert done.line(ALGEBRA) == [BEN]


class TestForThoseWhoWait:
    """A section opens as soon as policy allows, not only when a newcomer happens to ask."""

    def waiting(self, facts: OfferingFacts) -> State:
        return campus(
            facts,
            student(ADA, waits={ALGEBRA: 7}),
            student(BEN, waits={ALGEBRA: 8}),
            student(CAM, holds={ALGEBRA: 0}),
        )

    def opened_by_limit(self, facts: OfferingFacts, **values: int) -> Decided:
        return settle(self.waiting(facts), limit(101, ALGEBRA, **values))

    def test_a_higher_maximum_opens_one(self) -> None:
        facts = offering(ALGEBRA, 1, auto_create=True, max_sections=0)

        done = self.opened_by_limit(facts, max_sections=1)

        assert done.opened == [(ALGEBRA, 1)]
        assert done.promoted == [ADA, BEN]

    def test_as_many_open_as_are_needed(self) -> None:
        facts = offering(ALGEBRA, 1, section_limit=1)

        done = self.opened_by_limit(facts, auto_create=1)

        assert done.opened == [(ALGEBRA, 1), (ALGEBRA, 2)]

    def test_none_opens_for_one_who_could_not_sit_in_it(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 1, others=1)),
            student(ADA, waits={ALGEBRA: 7}, load=24),
        )

        done = settle(state, limit(101, ALGEBRA, auto_create=1))

        assert done.opened == []
        assert done.line(ALGEBRA) == [ADA]

    def test_none_opens_for_those_who_wait_for_another_section(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, place(1, 1, others=1)),
            student(ADA, waits={ALGEBRA: 7}, pinned={ALGEBRA: 1}),
        )

        assert settle(state, limit(101, ALGEBRA, auto_create=1)).opened == []

    def test_a_drop_that_makes_room_under_the_cap_opens_one(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 1, others=1), auto_create=True, total_cap=2),
            student(ADA, holds={ALGEBRA: 0}),
            student(BEN, waits={ALGEBRA: 7}),
        )

        done = settle(state, drop(101, ADA, ALGEBRA))

        assert done.opened == [(ALGEBRA, 1)]
        assert done.holds(BEN) == {ALGEBRA: 1}

    def test_the_last_seat_elsewhere_opens_one_for_whom_it_did_not_fit(self) -> None:
        full, clashing = place(0, 1, others=1), place(1, 1, meets=MONDAY)
        state = campus(
            offering(ALGEBRA, full, clashing, auto_create=True),
            offering(BOTANY, place(0, 1, meets=MONDAY)),
            student(ADA, holds={BOTANY: 0}, waits={ALGEBRA: 7}),
            student(BEN),
        )

        done = settle(state, enroll(101, BEN, ALGEBRA))

        assert done.holds(BEN) == {ALGEBRA: 1}
        assert done.opened == [(ALGEBRA, 2)]
        assert done.holds(ADA)[ALGEBRA] == 2


@pytest.mark.requirement("S0-37")
class TestOpeningsBarred:
    """The database refused a section: `allocate` runs again with as many as it made."""

    def test_none_opens_where_none_could_be_made(self) -> None:
        done = settle(everybody(growing(openings=0)), enroll(101, ADA, ALGEBRA))

        assert done.opened == []
        assert done.ended(101) == ("WAITLISTED", "")

    def test_it_stops_after_as_many_as_could_be_made(self) -> None:
        state = everybody(growing(openings=1, section_limit=1))

        done = settle(state, *(enroll(100 + who, who, ALGEBRA) for who in (ADA, BEN, CAM)))

        assert done.opened == [(ALGEBRA, 1)]
        assert done.line(ALGEBRA) == [BEN, CAM]

    def test_another_offering_opens_its_own(self) -> None:
        barred, free = growing(openings=0), offering(BOTANY, 0, auto_create=True)
        state = campus(barred, free, student(ADA))

        done = settle(state, enroll(101, ADA, ALGEBRA), enroll(102, ADA, BOTANY))

        assert done.opened == [(BOTANY, 1)]

    def test_sections_opened_by_hand_stop_there_too(self) -> None:
        done = settle(everybody(growing(openings=1)), limit(101, ALGEBRA, open_sections=3))

        assert done.opened == [(ALGEBRA, 1)]
        assert done.ended(101) == ("DONE", "")

    def test_a_cart_that_needed_one_is_blocked_whole(self) -> None:
        state = campus(growing(openings=0), offering(BOTANY, 1), student(ADA))

        done = settle(state, bundle(101, ADA, BOTANY, ALGEBRA))

        assert done.ended(101) == ("REFUSED", "BUNDLE_BLOCKED")
        assert done.after == state

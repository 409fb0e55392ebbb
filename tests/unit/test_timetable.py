"""Weekly minutes: reading, comparing, joining and telling them."""

import pytest

from courses.timetable import (
    MINUTES_PER_WEEK,
    Meets,
    describe,
    merge,
    overlap,
    parse,
    render,
    weekly,
)

MONDAY = weekly(0, 540, 590)
WEDNESDAY = weekly(2, 540, 590)


def test_the_week_begins_on_monday_at_midnight() -> None:
    assert weekly(0, 0, 50) == (0, 50)
    assert weekly(6, 1390, 1440) == (MINUTES_PER_WEEK - 50, MINUTES_PER_WEEK)


@pytest.mark.parametrize(
    ("text", "meets"),
    [
        ("{}", ()),
        ("{[540,590)}", (MONDAY,)),
        ("{[540,590),[3420,3470)}", (MONDAY, WEDNESDAY)),
    ],
)
def test_postgresql_text_is_read_and_written_as_it_is_printed(text: str, meets: Meets) -> None:
    assert parse(text) == meets
    assert render(meets) == text


class TestOverlap:
    def test_times_that_share_a_minute_overlap_whichever_is_asked_first(self) -> None:
        later = ((589, 700),)

        assert overlap((MONDAY,), later)
        assert overlap(later, (MONDAY,))

    def test_one_that_ends_when_the_other_begins_does_not_overlap(self) -> None:
        assert not overlap(((540, 590),), ((590, 640),))

    def test_one_inside_the_other_overlaps(self) -> None:
        assert overlap(((500, 700),), ((540, 590),))

    def test_any_two_of_many_meetings_are_enough(self) -> None:
        assert overlap((MONDAY, WEDNESDAY), (weekly(1, 540, 590), weekly(2, 580, 600)))

    def test_the_same_hour_of_another_day_does_not_overlap(self) -> None:
        assert not overlap((MONDAY,), (WEDNESDAY,))

    def test_what_has_no_fixed_times_overlaps_nothing(self) -> None:
        assert not overlap((), (MONDAY,))
        assert not overlap((MONDAY,), ())
        assert not overlap((), ())


class TestMerge:
    def test_meetings_come_out_in_the_order_of_the_week(self) -> None:
        assert merge([WEDNESDAY, MONDAY]) == (MONDAY, WEDNESDAY)

    def test_meetings_that_touch_or_overlap_become_one(self) -> None:
        assert merge([(540, 590), (590, 640)]) == ((540, 640),)
        assert merge([(540, 640), (550, 600)]) == ((540, 640),)

    def test_nothing_merges_to_no_fixed_times(self) -> None:
        assert merge([]) == ()

    def test_the_whole_week_is_allowed(self) -> None:
        assert merge([(0, MINUTES_PER_WEEK)]) == ((0, MINUTES_PER_WEEK),)

    @pytest.mark.parametrize("wrong", [(-1, 50), (590, 540), (540, 540), (0, MINUTES_PER_WEEK + 1)])
    def test_what_is_no_time_of_the_week_is_refused(self, wrong: tuple[int, int]) -> None:
        with pytest.raises(ValueError, match="within one week"):
            merge([wrong])


class TestDescribe:
    def test_a_person_reads_days_and_clock_times(self) -> None:
        assert describe((MONDAY, WEDNESDAY)) == "Mon 09:00-09:50, Wed 09:00-09:50"

    def test_the_end_of_a_day_is_midnight_of_that_day(self) -> None:
        assert describe((weekly(6, 1380, 1440),)) == "Sun 23:00-24:00"

    def test_a_meeting_over_midnight_names_both_days(self) -> None:
        assert describe(((1380, 1500),)) == "Mon 23:00-Tue 01:00"

    def test_no_meetings_are_no_fixed_times(self) -> None:
        assert describe(()) == "no fixed times"

"""What each change means, and that what was tried can be taken back."""

import json

import pytest

from enrollment.board import Board
from enrollment.vocabulary import (
    CHANGES,
    Change,
    Free,
    Open,
    Permit,
    Recheck,
    Seat,
    SetLimit,
    SetMeets,
    SetPolicy,
    SetStatus,
    State,
    Unwait,
    Wait,
    decode,
    encode,
)
from tests.values import (
    ADA,
    ALGEBRA,
    ANY,
    BEN,
    BOTANY,
    CAM,
    MONDAY,
    TERM,
    TUESDAY,
    campus,
    fold,
    offering,
    place,
    student,
)


def after(state: State, *changes: Change) -> Board:
    return Board(fold(state, changes))


class TestSeat:
    def test_it_counts_in_the_section_the_offering_and_the_load(self) -> None:
        board = after(campus(offering(ALGEBRA, 1, 2), student(ADA)), Seat(ALGEBRA, 1, ADA, 101))

        assert board.offerings[ALGEBRA].taken == 1
        assert board.offerings[ALGEBRA].places[1].taken == 1
        assert board.students[ADA, TERM].credits == 3
        assert board.students[ADA, TERM].held[ALGEBRA].number == 1

    def test_the_last_one_takes_the_section_out_of_those_with_room(self) -> None:
        state = campus(offering(ALGEBRA, 1, 1, 2), student(ADA))

        board = after(state, Seat(ALGEBRA, 1, ADA, 101))

        assert board.offerings[ALGEBRA].room == [0, 2]

    def test_the_student_holds_the_section_at_its_times(self) -> None:
        state = campus(offering(ALGEBRA, place(0, 1, meets=MONDAY)), student(ADA))

        board = after(state, Seat(ALGEBRA, 0, ADA, 101))

        assert board.students[ADA, TERM].held[ALGEBRA].meets == MONDAY


class TestFree:
    def test_it_gives_back_the_seat_and_the_credits(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA, holds={ALGEBRA: 0}, load=2))

        board = after(state, Free(ALGEBRA, 0, ADA))

        assert board.offerings[ALGEBRA].room == [0]
        assert board.offerings[ALGEBRA].taken == 0
        assert board.students[ADA, TERM].credits == 2
        assert not board.students[ADA, TERM].held

    def test_over_the_limit_it_lowers_the_permits_and_frees_no_seat(self) -> None:
        state = campus(offering(ALGEBRA, place(0, 1, others=2)), student(ADA, holds={ALGEBRA: 0}))

        board = after(state, Free(ALGEBRA, 0, ADA))

        assert board.offerings[ALGEBRA].places[0].taken == 2
        assert board.offerings[ALGEBRA].places[0].permits == 1
        assert board.offerings[ALGEBRA].room == []

    def test_over_the_cap_of_the_offering_it_lowers_those_permits_too(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 9, others=2), total_cap=1),
            student(ADA, holds={ALGEBRA: 0}),
        )

        board = after(state, Free(ALGEBRA, 0, ADA))

        assert board.offerings[ALGEBRA].total_permits == 1


class TestLine:
    def test_it_is_in_the_order_of_requests_whoever_joins_when(self) -> None:
        state = campus(offering(ALGEBRA, 0), student(ADA), student(BEN), student(CAM))

        board = after(
            state,
            Wait(ALGEBRA, ANY, BEN, 20),
            Wait(ALGEBRA, 1, CAM, 30),
            Wait(ALGEBRA, ANY, ADA, 10),
        )

        assert [waiter.student for waiter in board.offerings[ALGEBRA].line] == [ADA, BEN, CAM]
        assert board.offerings[ALGEBRA].waiting == 3
        assert board.students[CAM, TERM].waits[ALGEBRA].pinned == 1

    def test_one_who_leaves_is_no_longer_in_it(self) -> None:
        state = campus(offering(ALGEBRA, 0), student(ADA, waits={ALGEBRA: 10}))

        board = after(state, Unwait(ALGEBRA, ANY, ADA, 10, "LEFT"))

        assert board.offerings[ALGEBRA].line == []
        assert board.offerings[ALGEBRA].waiting == 0
        assert not board.students[ADA, TERM].waits

    def test_one_can_leave_a_line_that_was_not_loaded(self) -> None:
        facts = offering(ALGEBRA, 0)
        state = campus(facts, student(ADA, waits={ALGEBRA: 10}))
        unloaded = facts._replace(waiting=7, waiters_loaded=False)

        board = after(state._replace(offerings=(unloaded,)), Unwait(ALGEBRA, ANY, ADA, 10, "LEFT"))

        assert board.offerings[ALGEBRA].waiting == 6


class TestPolicy:
    def test_a_new_section_is_empty_and_has_no_fixed_times(self) -> None:
        board = after(campus(offering(ALGEBRA, 0)), Open(ALGEBRA, 1, 30))

        section = board.offerings[ALGEBRA].places[1]
        assert (section.limit, section.taken, section.meets) == (30, 0, ())
        assert board.offerings[ALGEBRA].next_number == 2
        assert board.offerings[ALGEBRA].room == [1]

    def test_each_section_opened_uses_up_an_opening(self) -> None:
        state = campus(offering(ALGEBRA, 0, openings=2))

        assert after(state, Open(ALGEBRA, 1, 30)).offerings[ALGEBRA].openings == 1

    def test_a_permit_allows_one_more_in_the_section_and_in_the_whole(self) -> None:
        board = after(campus(offering(ALGEBRA, 0, 1)), Permit(ALGEBRA, 1, 1, 1))

        assert board.offerings[ALGEBRA].places[1].permits == 1
        assert board.offerings[ALGEBRA].total_permits == 1

    def test_a_limit_below_what_is_taken_becomes_permits(self) -> None:
        state = campus(offering(ALGEBRA, place(0, 5, others=5)))

        lowered = after(state, SetLimit(ALGEBRA, 0, 3)).offerings[ALGEBRA]
        raised = after(state, SetLimit(ALGEBRA, 0, 3), SetLimit(ALGEBRA, 0, 6)).offerings[ALGEBRA]

        assert (lowered.places[0].permits, lowered.room) == (2, [])
        assert (raised.places[0].permits, raised.room) == (0, [0])

    def test_a_cap_below_what_is_taken_becomes_permits(self) -> None:
        state = campus(offering(ALGEBRA, place(0, 5, others=5)))

        lowered = after(state, SetPolicy(ALGEBRA, "total_cap", 3)).offerings[ALGEBRA]
        lifted = after(
            state, SetPolicy(ALGEBRA, "total_cap", 3), SetPolicy(ALGEBRA, "total_cap", -1)
        ).offerings[ALGEBRA]

        assert lowered.total_permits == 2
        assert lifted.total_permits == 0

    def test_a_status_is_set(self) -> None:
        board = after(campus(offering(ALGEBRA, 0)), SetStatus(ALGEBRA, "PAUSED"))

        assert board.offerings[ALGEBRA].status == "PAUSED"

    def test_new_times_are_the_times_of_those_who_sit_there(self) -> None:
        state = campus(
            offering(ALGEBRA, 0, place(1, 3, meets=MONDAY), place(2, 3, meets=MONDAY)),
            student(ADA, holds={ALGEBRA: 1}),
            student(BEN, holds={ALGEBRA: 2}),
        )

        board = after(state, SetMeets(ALGEBRA, 1, TUESDAY))

        assert board.offerings[ALGEBRA].places[1].meets == TUESDAY
        assert board.students[ADA, TERM].held[ALGEBRA].meets == TUESDAY
        assert board.students[BEN, TERM].held[ALGEBRA].meets == MONDAY

    def test_a_recheck_changes_nothing_here(self) -> None:
        state = campus(offering(ALGEBRA, 1), student(ADA))

        assert fold(state, [Recheck(BOTANY, ADA)]) == state


class TestUndo:
    def test_seats_promotions_and_new_sections_are_taken_back_last_first(self) -> None:
        state = campus(
            offering(ALGEBRA, place(0, 1, others=1), openings=3),
            student(ADA, waits={ALGEBRA: 10}),
            student(BEN),
        )
        tried: list[Change] = [
            Open(ALGEBRA, 1, 2),
            Unwait(ALGEBRA, ANY, ADA, 10, "PROMOTED"),
            Seat(ALGEBRA, 1, ADA, 10),
            Seat(ALGEBRA, 1, BEN, 101),
        ]
        board = Board(state)
        for change in tried:
            board.apply(change)

        board.undo(tried)

        pristine = Board(state)
        assert board.offerings[ALGEBRA].after() == pristine.offerings[ALGEBRA].after()
        assert board.offerings[ALGEBRA].places.keys() == {0}
        assert board.offerings[ALGEBRA].line == pristine.offerings[ALGEBRA].line
        assert board.offerings[ALGEBRA].room == []
        assert board.offerings[ALGEBRA].openings == 3
        assert board.students[ADA, TERM].waits == pristine.students[ADA, TERM].waits
        assert not board.students[ADA, TERM].held
        assert board.students[BEN, TERM].credits == 0

    def test_an_offering_without_a_bound_on_openings_still_has_none(self) -> None:
        board = Board(campus(offering(ALGEBRA, 0)))
        board.apply(Open(ALGEBRA, 1, 2))

        board.undo([Open(ALGEBRA, 1, 2)])

        assert board.offerings[ALGEBRA].openings == -1


class TestPlan:
    def test_only_what_was_touched_is_written(self) -> None:
        board = Board(campus(offering(ALGEBRA, 1, 2), offering(BOTANY, 1), student(ADA)))

        board.apply(Seat(ALGEBRA, 1, ADA, 101))

        assert [after.id for after in board.plan_offerings()] == [ALGEBRA]
        assert [(p.offering, p.number) for p in board.plan_places()] == [(ALGEBRA, 1)]

    def test_policies_are_written_as_numbers_in_their_order(self) -> None:
        board = Board(campus(offering(ALGEBRA, 1, auto_create=True, section_limit=30)))

        board.apply(SetPolicy(ALGEBRA, "open_threshold", 4))

        assert board.plan_offerings()[0].policy == (1, 4, 30, -1, -1, -1)

    def test_a_section_says_whether_its_times_were_confirmed(self) -> None:
        board = Board(campus(offering(ALGEBRA, 0, 2, 2), student(ADA)))

        board.apply(SetMeets(ALGEBRA, 1, MONDAY))
        board.apply(Seat(ALGEBRA, 2, ADA, 101))

        assert {p.number: p.retimed for p in board.plan_places()} == {1: True, 2: False}


def test_what_a_board_does_not_hold_is_not_guessed() -> None:
    board = Board(campus(offering(ALGEBRA, 1), student(ADA)))

    for change in (
        Seat(BOTANY, 0, ADA, 101),
        Seat(ALGEBRA, 4, ADA, 101),
        Seat(ALGEBRA, 0, BEN, 101),
    ):
        with pytest.raises(KeyError):
            board.apply(change)


@pytest.mark.parametrize(
    "change",
    [
        Seat(1, 2, 3, 4),
        Free(1, 2, 3),
        Wait(1, ANY, 3, 4),
        Unwait(1, ANY, 3, 4, "LEFT"),
        Open(1, 2, 30),
        Permit(1, 2, 1, 0),
        SetPolicy(1, "total_cap", -1),
        SetLimit(1, 0, 5),
        SetStatus(1, "OPEN"),
        SetMeets(1, 2, (*MONDAY, *TUESDAY)),
        Recheck(1, 3),
    ],
)
def test_a_change_is_read_back_from_its_json_as_it_was(change: Change) -> None:
    assert decode(json.loads(json.dumps(encode(change)))) == change


def test_every_kind_of_change_has_a_name_to_be_read_back_by() -> None:
    assert set(CHANGES.values()) == set(Change.__args__)


def test_a_change_of_an_unknown_name_is_not_read() -> None:
    with pytest.raises(KeyError):
        decode(["vanish", 1, 2])

"""A check that cannot fail proves nothing: faults planted in the core, each of them found."""

from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings

from enrollment import allocation, rules
from enrollment.allocation import Undecidable, allocate
from enrollment.board import BoardOffering, BoardPlace
from enrollment.seating import Seating
from enrollment.vocabulary import Ask
from tests.properties.campuses import Day, days
from tests.properties.promises import Walk
from tests.values import NOW

serve = Seating.serve


def serve_last_in_line_first(
    self: Seating, ask: Ask, offering: BoardOffering, before: int = 0
) -> None:
    offering.line.reverse()
    serve(self, ask, offering, before)
    offering.line.sort()


def nothing(*_: object) -> tuple[()]:
    return ()


FAULTS: dict[str, tuple[object, str, object]] = {
    "the last in line is served first": (Seating, "serve", serve_last_in_line_first),
    "a seat that comes free is offered to nobody": (Seating, "serve", nothing),
    "no section opens for those who wait": (Seating, "open_for_waiters", nothing),
    "a failed bundle leaves what it tried": (Seating, "take_back", nothing),
    "credits are not asked again": (rules, "PROMOTION_RULES", (rules.offering_open,)),
    "hours are not compared": (rules, "timetable_clash", lambda case, meets: 0),
    "a place takes one too many": (BoardPlace, "has_room", property(lambda p: p.taken <= p.limit)),
    "the cap is not looked at": (BoardOffering, "room_in_total", lambda self, freeing=False: True),
    "nobody is asked again": (allocation._Allocation, "_rechecks", nothing),
}


@settings(max_examples=2000, phases=[Phase.generate], report_multiple_bugs=False)
@given(days())
def keep_every_promise(day: Day) -> None:
    Walk(day.state, day.asks, allocate(day.state, day.asks, NOW)).check()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_planted_in_the_core_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, name, wrong = FAULTS[fault]
    monkeypatch.setattr(owner, name, wrong)
    keep: Callable[[], None] = keep_every_promise

    with pytest.raises((AssertionError, Undecidable)):
        keep()

"""What every study plan adds up to, whatever is in it."""

from collections.abc import Sequence
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from courses.models import SlotType
from courses.plans.credits import NOT_NEEDED, Reach, Span, of_slot, reach, total

Slot = tuple[str, list[int]]
SLOTS = st.lists(
    st.tuples(st.sampled_from(SlotType.values), st.lists(st.integers(0, 9), max_size=3)),
    max_size=4,
)


def choices(slot: Slot) -> Sequence[int]:
    """What a student may take from a slot, one by one."""
    kind, credits = slot
    return [*credits, *([0] if kind in NOT_NEEDED or not credits else [])]


@given(SLOTS)
def test_the_span_is_that_of_every_way_through_the_plan(slots: list[Slot]) -> None:
    sums = [sum(way) for way in product(*(choices(slot) for slot in slots))]

    assert total(of_slot(kind, credits) for kind, credits in slots) == Span(min(sums), max(sums))


@given(SLOTS, st.integers(0, 40))
def test_a_plan_reaches_what_its_ways_reach(slots: list[Slot], needed: int) -> None:
    reached = {sum(way) >= needed for way in product(*(choices(slot) for slot in slots))}

    expected = {
        frozenset({True}): Reach.ALWAYS,
        frozenset({True, False}): Reach.BY_CHOICE,
        frozenset({False}): Reach.NEVER,
    }[frozenset(reached)]
    assert reach(total(of_slot(kind, credits) for kind, credits in slots), needed) is expected


@given(st.lists(st.builds(Span, st.integers(0, 50), st.integers(50, 99))))
def test_the_order_of_what_is_summed_changes_nothing(spans: list[Span]) -> None:
    assert total(spans) == total(reversed(spans))

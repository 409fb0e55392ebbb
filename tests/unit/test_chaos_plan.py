"""What a seed of bin/chaos stands for: the same faults every time, each in its turn."""

import random
from collections import Counter

import pytest

from tests.chaos import demand
from tests.chaos.faults.fault import Bite, Fault
from tests.chaos.plan import A_ROUND, plan
from tests.chaos.site import Site


def nothing(site: Site, chance: random.Random) -> Bite:
    return Bite(0)


FAULTS = [Fault(f"fault-{row}", row, nothing, alone=row % 5 == 0) for row in range(1, 18)]


def test_a_seed_names_the_same_faults_and_times_every_time() -> None:
    assert plan(4711, FAULTS) == plan(4711, FAULTS)
    assert plan(4711, FAULTS) != plan(4712, FAULTS)


def test_in_a_run_no_fault_comes_up_much_oftener_than_another() -> None:
    drawn = Counter(each.fault.name for seed in range(170) for each in plan(seed, FAULTS).faults)

    assert drawn.keys() == {fault.name for fault in FAULTS}
    assert max(drawn.values()) - min(drawn.values()) <= 4


@pytest.mark.parametrize("first", [0, 5, 10**8])
def test_a_round_has_two_faults_and_they_differ(first: int) -> None:
    for seed in range(first, first + 200):
        names = {each.fault.name for each in plan(seed, FAULTS).faults}
        assert len(names) == A_ROUND


def test_only_those_meet_that_may() -> None:
    met = [plan(seed, FAULTS) for seed in range(300) if plan(seed, FAULTS).meet]

    assert len(met) > 50
    assert not any(each.fault.alone for one in met for each in one.faults)
    assert not plan(1, [FAULTS[0]]).meet


def test_a_storm_is_the_same_for_its_seed_and_has_every_kind_of_request() -> None:
    storm = demand.deeds(random.Random(7), 6.0)

    assert storm == demand.deeds(random.Random(7), 6.0)
    assert sum(deed.copies for deed in storm if not deed.knocks) >= demand.SENDS
    kinds = {deed.kind for seed in range(5) for deed in demand.deeds(random.Random(seed), 6.0)}
    assert kinds == {"enroll", "drop", "swap", "leave", "cancel", "cart", "bundle", "limit"}

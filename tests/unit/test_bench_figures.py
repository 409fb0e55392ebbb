"""The benchmark's arithmetic: its crowds are what they are said to be, its ratios are fair."""

from collections import Counter

from benchmarks.contender import Run
from benchmarks.figures import Ratio, rates, ratio, verdicts
from benchmarks.workloads import LIMIT, catalogue, rush
from courses.timetable import MINUTES_PER_WEEK

TWICE = Ratio("twice the floor", over="ours", under="floor", target=2)
RUNS = [
    Run("floor", 0, done=100, seconds=1.0),
    Run("ours", 0, done=100, seconds=0.25),
    # A round in which the machine had other things to do, for both of them.
    Run("floor", 1, done=100, seconds=10.0),
    Run("ours", 1, done=100, seconds=4.0),
    Run("floor", 2, done=100, seconds=1.0),
    Run("ours", 2, done=100, seconds=0.5),
]


def test_a_ratio_is_taken_within_a_round() -> None:
    assert ratio(RUNS, TWICE) == (2.0, 2.5, 4.0)
    assert rates(RUNS, "floor") == (10.0, 100.0, 100.0)


def test_a_target_is_met_by_the_median_or_missed() -> None:
    met, missed = verdicts(RUNS, [TWICE, TWICE._replace(target=3), TWICE._replace(target=None)])

    assert met == {"name": "twice the floor", "value": 2.5, "target": 2, "met": True}
    assert not missed["met"]


def test_the_rush_is_of_students_who_all_want_the_one_course() -> None:
    workload = rush(500)

    assert len(workload.courses) == 1
    assert sorted(student for student, _ in workload.asks) == list(range(500))


def test_the_catalogue_is_wanted_by_zipfs_law_and_the_same_every_time() -> None:
    workload = catalogue(20_000)
    demand = Counter(course for _, course in workload.asks)

    assert workload == catalogue(20_000)
    assert (len(workload.courses), workload.students, len(workload.asks)) == (500, 5000, 20_000)
    assert set(Counter(student for student, _ in workload.asks).values()) == {4}
    # 20,000 / (1 + 1/2 + ... + 1/500) ask for the first, half as many for the second.
    assert 2_750 < demand[0] < 3_150
    assert 1_300 < demand[1] < 1_650
    assert max(demand.values()) > 10 * LIMIT, "nobody would have to wait"


def test_every_course_of_the_catalogue_has_times_within_the_week() -> None:
    for course in catalogue(1000).courses:
        assert course.meets
        assert all(0 <= start < end <= MINUTES_PER_WEEK for start, end in course.meets)

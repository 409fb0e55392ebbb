"""The benchmark's arithmetic: its crowds are what they are said to be, its ratios are fair."""

from collections import Counter

from benchmarks.contender import Run
from benchmarks.figures import Below, Ratio, Target, single, spread
from benchmarks.groups import DEFAULT
from benchmarks.workloads import LIMIT, catalogue, rush
from courses.timetable import MINUTES_PER_WEEK

TWICE = single("twice the floor", 2, over="ours", under="floor")
RUNS = [
    Run("floor", 0, done=100, seconds=1.0, facts={"p99_ms": 20}),
    Run("ours", 0, done=100, seconds=0.25, facts={"p99_ms": 10}),
    # A round in which the machine had other things to do, for both of them.
    Run("floor", 1, done=100, seconds=10.0, facts={"p99_ms": 80}),
    Run("ours", 1, done=100, seconds=4.0, facts={"p99_ms": 40}),
    Run("floor", 2, done=100, seconds=1.0, facts={"p99_ms": 22}),
    Run("ours", 2, done=100, seconds=0.5, facts={"p99_ms": 12}),
]


def test_a_ratio_is_taken_within_a_round() -> None:
    assert Ratio("", "ours", "floor").of(RUNS) == (2.0, 2.5, 4.0)
    assert Ratio("", "ours", "floor", "p99_ms").of(RUNS)[1] == 0.5
    assert spread(RUNS, "floor") == (10.0, 100.0, 100.0)


def test_a_target_is_met_by_the_median_or_missed() -> None:
    met, missed = TWICE.judge(RUNS), TWICE._replace(goal=3).judge(RUNS)

    assert met.as_json() == {"name": "twice the floor", "value": 2.5, "target": 2, "met": True}
    assert not missed.met
    assert not TWICE._replace(at_most=True).judge(RUNS).met
    assert TWICE._replace(goal=None).judge(RUNS).met


def test_a_target_with_several_ratios_is_as_good_as_the_worst() -> None:
    ratios = (Ratio("", "ours", "floor"), Ratio("", "floor", "ours"))

    assert Target("both", 1, ratios).judge(RUNS).value.middle == 0.4
    assert Target("both", 1, ratios, at_most=True).judge(RUNS).value.middle == 2.5


def test_a_figure_must_be_below_the_other_ones_of_the_same_run() -> None:
    quick = Below("quick", "ours", "floor", "p99_ms").judge(RUNS)
    slow = Below("slow", "floor", "ours", "p99_ms").judge(RUNS)

    assert quick.as_json() == {"name": "quick", "value": 12, "target": 22, "met": True}
    assert not slow.met


def test_no_two_groups_promise_the_same_under_one_name() -> None:
    names = [target.name for group in DEFAULT for target in group.targets]

    assert len(names) == len(set(names))


def test_the_first_of_a_workload_are_on_the_same_campus() -> None:
    whole, first = catalogue(1000), catalogue(1000).first(10)

    assert first.asks == whole.asks[:10]
    assert (first.courses, first.students) == (whole.courses, whole.students)


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

"""The invented university: the same for the same seed, shaped like real demand, and a full day."""

from collections import Counter

import pytest

from courses.timetable import overlap
from enrollment.rehearsal.day import Day, Deed, Kind, plan_day
from enrollment.rehearsal.university import University, invent, spread

SECONDS = 56.0
STUDENTS = 4000


@pytest.fixture(scope="module")
def university() -> University:
    return invent(1, STUDENTS)


@pytest.fixture(scope="module")
def day(university: University) -> Day:
    return plan_day(university, 1, SECONDS)


def demand(university: University) -> list[int]:
    """How many students want each course."""
    wanted = Counter(course for student in university.students for course in student.wishes)
    return [wanted[course] for course in range(len(university.courses))]


def after_the_opening(day: Day) -> list[Deed]:
    return [deed for deed in day.deeds if deed.at >= 0]


# The university ---------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_university_and_another_another() -> None:
    one, same, other = invent(3, 200), invent(3, 200), invent(4, 200)

    assert one == same
    assert one != other
    assert plan_day(one, 3, 5) == plan_day(same, 3, 5)


def test_it_has_250_courses_under_different_codes_that_fit(university: University) -> None:
    codes = [course.code for course in university.courses]

    assert len(set(codes)) == len(codes) == 250
    assert all(len(code) <= 10 and code.isalnum() and not code.isdecimal() for code in codes)
    assert all(0 < len(course.name) <= 100 for course in university.courses)


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_its_demand_is_as_skewed_as_real_demand(seed: int) -> None:
    """Against the sizes of ITC-2007 sets 1, 2, 5, 6 and 8, as shares of their means."""
    sizes = demand(invent(seed, STUDENTS))
    mean = sum(sizes) / len(sizes)
    half, most, nearly_all, largest = (size / mean for size in spread(sizes))

    assert 0.30 <= half <= 0.75
    assert 1.8 <= most <= 3.1
    assert 4.5 <= nearly_all <= 11
    assert 4.8 <= largest <= 13


def test_students_want_as_many_courses_as_real_ones(university: University) -> None:
    loads = [len(student.wishes) for student in university.students]

    assert 3.0 <= sum(loads) / len(loads) <= 4.2
    assert (min(loads), max(loads)) == (1, 9)
    assert all(len(set(s.wishes)) == len(s.wishes) for s in university.students)


def test_most_popular_courses_have_fewer_seats_than_takers(university: University) -> None:
    wanted = demand(university)
    popular = [i for i, course in enumerate(university.courses) if wanted[i] >= 60]

    short = [
        i
        for i in popular
        if wanted[i]
        > university.courses[i].base_limit + sum(s.limit for s in university.courses[i].sections)
    ]

    assert len(short) > len(popular) / 2


def test_every_way_to_run_a_course_is_there(university: University) -> None:
    courses = university.courses

    assert any(course.sections and not course.base_limit for course in courses)
    assert any(course.auto_create and course.open_threshold == 1 for course in courses)
    assert any(course.auto_create and course.open_threshold > 1 for course in courses)
    assert any(not course.auto_create for course in courses)
    assert any(course.waitlist_cap > 0 for course in courses)
    assert any(course.waitlist_cap < 0 for course in courses)


def test_every_section_meets_and_some_students_overlook_a_clash(university: University) -> None:
    assert all(course.meets for course in university.courses)
    assert all(s.meets and s.limit for course in university.courses for s in course.sections)

    clashes = sum(
        overlap(university.courses[a].meets, university.courses[b].meets)
        for student in university.students
        for a in student.wishes
        for b in student.wishes
        if a < b
    )
    assert 0 < clashes < STUDENTS


# The day ----------------------------------------------------------------------------------


def test_a_day_is_at_least_15_000_requests_and_2_000_of_them_at_once(day: Day) -> None:
    deeds = after_the_opening(day)

    assert len(deeds) >= 15_000
    assert sum(deed.at < 5 for deed in deeds) >= 2_500
    assert max(deed.at for deed in deeds) <= SECONDS


def test_a_day_has_everything_a_student_can_do(day: Day) -> None:
    kinds = Counter(deed.act.kind for deed in day.deeds)
    kinds += Counter(act.kind for deed in day.deeds for act in deed.instead.values())

    assert set(kinds) == set(Kind)
    assert kinds[Kind.CART] > 400
    assert any(deed.act.together for deed in day.deeds)
    assert any(deed.act.section for deed in day.deeds)
    assert any(deed.twice and deed.keyed for deed in day.deeds)
    assert any(deed.twice and not deed.keyed for deed in day.deeds)


def test_some_come_before_the_opening(day: Day) -> None:
    early = [deed for deed in day.deeds if deed.at < 0]

    assert any(deed.act.kind is Kind.ENROLL for deed in early)
    assert {deed.act.kind for deed in early} == {Kind.ENROLL, Kind.FILL}


def test_deeds_come_in_the_order_of_their_times(day: Day) -> None:
    times = [deed.at for deed in day.deeds]

    assert times == sorted(times)
    assert len({deed.number for deed in day.deeds}) == len(day.deeds)


def test_a_second_thought_comes_after_the_first_of_the_same_student(day: Day) -> None:
    place = {deed.number: place for place, deed in enumerate(day.deeds)}
    second = [deed for deed in day.deeds if deed.after >= 0]

    assert second
    for deed in second:
        first = day.deeds[place[deed.after]]
        assert place[first.number] < place[deed.number]
        assert first.student == deed.student


def test_a_swap_gives_up_what_the_first_request_took(day: Day) -> None:
    first = {deed.number: deed for deed in day.deeds}
    swaps = [
        (first[deed.after], act)
        for deed in day.deeds
        for act in deed.instead.values()
        if act.kind is Kind.SWAP
    ]

    assert swaps
    assert all(act.give == before.act.course != act.course for before, act in swaps)


def test_a_cart_was_filled_before_it_is_asked_for(day: Day) -> None:
    filled = {deed.student for deed in day.deeds if deed.act.kind is Kind.FILL}
    asked = {deed.student for deed in day.deeds if deed.act.kind is Kind.CART}

    assert asked == filled | set(day.carts)
    assert not filled & set(day.carts)


@pytest.mark.parametrize("students", [1, 2, 40])
def test_a_small_day_is_possible_too(students: int) -> None:
    university = invent(5, students)

    day = plan_day(university, 5, 3)

    assert max(deed.at for deed in day.deeds) <= 3
    assert {deed.student for deed in after_the_opening(day)} == set(range(students))

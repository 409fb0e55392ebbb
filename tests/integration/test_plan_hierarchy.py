"""The whole hierarchy is read in a number of queries that its size has no part in (S1-106)."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from courses.models import Curriculum, Discipline, Programme, SlotType
from courses.plans import hierarchy
from courses.plans.batches import join
from courses.plans.credits import Reach, Span
from courses.plans.versions import new_version
from tests.factories import make_course, make_user
from tests.studyplans import (
    CLERK,
    NOW,
    close,
    make_batch,
    make_full_plan,
    make_plan,
    make_programme,
    make_slot,
    supersede,
)


@pytest.fixture
def programme(database: None) -> Programme:
    return make_programme("Astronautics", "Aerospace", "Physics")


def queries(read: Callable[[], object]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert read()
    return len(seen)


@pytest.mark.requirement("S1-87")
def test_a_plan_is_read_from_the_programme_down_to_the_course_version(
    programme: Programme,
) -> None:
    mechanics, optics = make_course("AS101", 4), make_course("AS102", 3)
    plan = make_plan(programme, needed=7)
    make_slot(plan, 1, "Mechanics", mechanics)
    make_slot(plan, 2, "Choice", optics, mechanics, kind=SlotType.OPEN_ELECTIVE)

    seen = hierarchy.programme(programme.pk)

    assert seen is not None
    assert (seen.category, seen.name) == ("UG", "Astronautics")
    assert seen.disciplines == ["Aerospace", "Physics"]
    [curriculum] = seen.curricula
    assert (curriculum.name, curriculum.version, curriculum.latest) == ("Astro", "1.0", True)
    first, second = curriculum.semesters
    assert (first.number, first.credits) == (1, Span(4, 4))
    assert (second.number, second.credits) == (2, Span(3, 4))
    [choice] = second.slots
    assert (choice.name, choice.type) == ("Choice", "Open Elective")
    assert [(c.code, c.version, c.flags) for c in choice.courses] == [
        ("AS101", "1.0", []),
        ("AS102", "1.0", []),
    ]
    assert (curriculum.credits, curriculum.reach) == (Span(7, 8), Reach.ALWAYS)


@pytest.mark.requirement("S1-106")
@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda top, plan: hierarchy.programmes(), 2),
        (lambda top, plan: hierarchy.programme(top.pk), 6),
        (lambda top, plan: hierarchy.curriculum(plan.pk), 5),
        (lambda top, plan: hierarchy.curricula(Q()), 5),
    ],
)
def test_a_hundred_courses_cost_as_many_queries_as_one(
    programme: Programme,
    read: Callable[[Programme, Curriculum], object],
    expected: int,
) -> None:
    small = make_plan(programme, "Small", semesters=1)
    make_slot(small, 1, "Only", make_course())
    with_little = queries(lambda: read(programme, small))
    discipline = Discipline.objects.get(name="Physics")
    large = make_full_plan(programme, "Large", semesters=5, slots=5)
    for year in range(2020, 2024):
        make_batch(discipline, large, year=year)
    for other in range(3):
        make_full_plan(make_programme(f"Other {other}"), "Plan", semesters=2, slots=2)

    with_much = queries(lambda: read(programme, large))

    assert with_little == with_much == expected


def test_a_course_that_was_superseded_or_closed_is_flagged_where_it_stands(
    programme: Programme,
) -> None:
    old, closed, fine = make_course("AS1"), make_course("AS2"), make_course("AS3")
    plan = make_plan(programme)
    make_slot(plan, 1, "Any", old, closed, fine)
    new = supersede(old)
    close(closed)

    seen = hierarchy.curriculum(plan.pk)

    assert seen is not None
    found = {c.code: (c.superseded_by, c.flags) for c in seen.semesters[0].slots[0].courses}
    assert found == {
        "AS1": (new.pk, ["superseded by v2.0"]),
        "AS2": (None, ["not offered now"]),
        "AS3": (None, []),
    }
    assert seen.flagged == 2


def test_every_version_of_a_plan_is_shown_the_latest_first(programme: Programme) -> None:
    plan = make_plan(programme)
    make_plan(programme, "Another")
    new_version(curriculum=plan.pk, whole=True, renew=False, actor=CLERK, now=NOW)

    seen = hierarchy.programme(programme.pk)

    assert seen is not None
    assert [(c.name, c.version, c.latest) for c in seen.curricula] == [
        ("Another", "1.0", True),
        ("Astro", "2.0", True),
        ("Astro", "1.0", False),
    ]
    [listed] = hierarchy.programmes()
    assert [(c.name, c.version, c.latest) for c in listed.curricula] == [
        (c.name, c.version, c.latest) for c in seen.curricula
    ]


def test_a_programme_without_disciplines_or_plans_is_shown_so(database: None) -> None:
    made = make_programme("Alchemy")

    seen = hierarchy.programme(made.pk)

    assert seen is not None
    assert (seen.disciplines, seen.curricula) == ([], [])


def test_what_is_not_there_is_none(database: None) -> None:
    assert hierarchy.programme(1) is None
    assert hierarchy.curriculum(1) is None
    assert hierarchy.own_plan(1) is None
    assert hierarchy.programmes() == []


@pytest.mark.requirement("S1-88")
def test_a_student_sees_the_plan_of_their_batch_in_six_queries(programme: Programme) -> None:
    plan, other = make_plan(programme), make_plan(programme, "Other")
    make_slot(plan, 1, "Mechanics", make_course("AS101"))
    make_slot(other, 1, "Optics", make_course("AS102"))
    batch = make_batch(Discipline.objects.get(name="Physics"), plan)
    ada, ben = make_user("ada"), make_user("ben")
    join(batch=batch, user=ada.pk, actor=CLERK, now=NOW)

    seen = hierarchy.own_plan(ada.pk)

    assert seen is not None
    assert (seen.batch.name, seen.batch.members, seen.binding) == ("Comets", 1, False)
    assert seen.curriculum is not None
    courses = [c.code for s in seen.curriculum.semesters for x in s.slots for c in x.courses]
    assert courses == ["AS101"]
    assert [each.id for each in seen.curriculum.batches] == [batch]
    assert queries(lambda: hierarchy.own_plan(ada.pk)) == 6
    assert hierarchy.own_plan(ben.pk) is None


def test_a_batch_without_a_plan_says_so(programme: Programme) -> None:
    batch = make_batch(Discipline.objects.get(name="Physics"))
    ada = make_user("ada")
    join(batch=batch, user=ada.pk, actor=CLERK, now=NOW)

    seen = hierarchy.own_plan(ada.pk)

    assert seen is not None
    assert seen.curriculum is None


@pytest.mark.requirement("S1-22")
def test_a_course_lists_the_slots_that_it_may_be_taken_in(programme: Programme) -> None:
    course, other = make_course(), make_course()
    plan = make_plan(programme)
    first = make_slot(plan, 1, "First", course, other)
    second = make_slot(plan, 2, "Second", course)

    assert list(course.courseslots) == [first, second]
    assert list(other.courseslots) == [first]

"""One course with all that belongs to it, in as many queries however much that is (S1-106)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from courses import queries
from courses.models import Course, CoursePrerequisite, Department, Discipline, SlotType
from tests.factories import make_course
from tests.studyplans import make_full_plan, make_plan, make_programme, make_slot


def read(course: Course) -> tuple[queries.CourseDetail, int]:
    with CaptureQueriesContext(connection) as seen:
        found = queries.course_detail(course.pk)
    assert found is not None
    return found, len(seen)


@pytest.mark.requirement("S1-20", "S1-87", "S1-106")
def test_a_course_is_read_up_to_the_programmes_it_is_taken_in(database: None) -> None:
    course = Course(code="AS101", name="Mechanics", credit=4, lecture_hours=3)
    course.department = Department.objects.create(code="AST", name="Astronautics")
    course.save()
    course.pre_requisit_courses.add(make_course("MA1", name="Calculus"))
    plan = make_plan(make_programme())
    slot = make_slot(plan, 2, "Choice", course, kind=SlotType.OPEN_ELECTIVE)

    found, _ = read(course)

    assert (found.code, found.version, found.lecture_hours) == ("AS101", "1.0", 3)
    assert (found.department, found.lineage) == ("AST", str(course.lineage))
    assert [(needed.code, needed.name) for needed in found.prerequisites] == [("MA1", "Calculus")]
    assert found.slots == [
        queries.SlotSeen(
            slot.pk,
            "Choice",
            "Open Elective",
            2,
            plan.pk,
            "Astro v1.0",
            plan.programme_id,
            "Astronautics (UG)",
        )
    ]


@pytest.mark.requirement("S1-106")
def test_a_course_in_many_places_costs_as_many_queries_as_one_in_none(database: None) -> None:
    alone = make_course("AS1")
    disciplines = [Discipline.objects.create(name=f"Discipline {n}") for n in range(5)]
    busy = make_course("AS2")
    for number in range(5):
        needed = make_course(f"N{number}")
        CoursePrerequisite.objects.create(from_course=busy, to_course=needed)
        plan = make_full_plan(make_programme(f"Programme {number}"), "Plan", 2, 2)
        make_slot(plan, 1, "Here too", busy)

    lonely, with_little = read(alone)
    found, with_much = read(busy)

    assert with_little == with_much == 4
    assert len(found.slots) == len(found.prerequisites) == len(disciplines) == 5
    assert (lonely.slots, lonely.prerequisites, lonely.disciplines) == ([], [], [])


@pytest.mark.requirement("S1-20", "S1-34")
def test_a_course_may_be_of_several_disciplines(database: None) -> None:
    physics = Discipline.objects.create(name="Physics")
    chemistry = Discipline.objects.create(name="Chemistry")
    course = make_course("AS1", state=Course.State.DRAFT, working_course=False)
    course.disciplines.add(physics, chemistry)

    found, _ = read(course)

    assert found.disciplines == ["Chemistry", "Physics"]


def test_a_course_that_is_not_there_is_none(database: None) -> None:
    assert queries.course_detail(1) is None

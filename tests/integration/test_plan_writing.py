"""Study plans are changed by acts that the log knows; one that nobody studies by stays."""

import json
from typing import Any

import pytest
from django.db.models import Q

from courses.models import (
    Course,
    CourseSlot,
    CourseSlotCourse,
    Curriculum,
    CurriculumSemester,
    Discipline,
    Programme,
    SlotType,
)
from courses.plans.versions import new_version
from courses.plans.writing import (
    SlotFields,
    add_semester,
    add_slot,
    change_needed,
    change_slot,
    create_curriculum,
    put_course,
    save_programme,
    take_course,
)
from registrar.audit.models import Entry
from tests.factories import make_course
from tests.studyplans import (
    CLERK,
    NOW,
    close,
    field,
    make_batch,
    make_plan,
    make_programme,
    make_slot,
    refusal,
    supersede,
)

BY: dict[str, Any] = {"actor": CLERK, "now": NOW}


@pytest.fixture
def programme(database: None) -> Programme:
    return make_programme("Astronautics", "Physics")


@pytest.fixture
def plan(programme: Programme) -> Curriculum:
    return make_plan(programme)


def log(plan: int) -> list[tuple[str, dict[str, Any]]]:
    entries = Entry.objects.filter(stream=f"plan:{plan}").order_by("seq")
    assert all((each.actor, each.at) == (CLERK, NOW) for each in entries)
    return [(each.event, json.loads(each.body)) for each in entries]


def codes(slot: CourseSlot) -> list[tuple[str, str]]:
    inside = slot.courses.order_by("code")
    return [(course.code, str(course.version)) for course in inside]


def test_a_programme_is_told_what_is_wrong_with_it(programme: Programme) -> None:
    physics = Discipline.objects.get(name="Physics").pk
    said: dict[str, Any] = {"category": "UG", "name": "Rocketry", "disciplines": [physics]}

    assert field(save_programme, **said | {"category": "MBA"})[0] == "category"
    assert field(save_programme, **said | {"name": programme.name})[0] == "name"
    assert field(save_programme, **said | {"disciplines": [99]})[0] == "disciplines"
    assert save_programme(**said, **BY) == Programme.objects.get(name="Rocketry").pk


# A plan -------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-43", "S1-44")
def test_a_plan_is_made_with_its_semesters(programme: Programme) -> None:
    made = create_curriculum(
        programme=programme.pk, name="Astro", no_of_semester=8, min_credit=160, **BY
    )

    plan = Curriculum.objects.get(pk=made)
    assert (str(plan.version), plan.latest_version, plan.min_credit) == ("1.0", True, 160)
    numbers = plan.semesters.order_by("semester_no").values_list("semester_no", flat=True)
    assert list(numbers) == [1, 2, 3, 4, 5, 6, 7, 8]
    facts = {"programme": programme.pk, "name": "Astro", "version": "1.0", "no_of_semester": 8}
    assert log(made) == [("curriculum_created", {**facts, "min_credit": 160})]


def test_a_programme_has_one_plan_of_a_name(programme: Programme, plan: Curriculum) -> None:
    said: dict[str, Any] = {"name": plan.name, "no_of_semester": 2, "min_credit": 1}

    where, message = field(create_curriculum, programme=programme.pk, **said)

    assert (where, message.startswith("There is a plan of this name already")) == ("name", True)
    other = make_programme("Botany")
    assert create_curriculum(programme=other.pk, **said, **BY)


@pytest.mark.parametrize("semesters", [0, 21])
def test_a_plan_has_a_number_of_semesters_that_can_be(programme: Programme, semesters: int) -> None:
    said = {"name": "Astro", "no_of_semester": semesters, "min_credit": 1}

    where, _ = field(create_curriculum, programme=programme.pk, **said)

    assert where == "no_of_semester"
    assert not Curriculum.objects.exists()


def test_a_semester_is_added_where_one_is_missing_and_then_at_the_end(plan: Curriculum) -> None:
    CurriculumSemester.objects.filter(curriculum=plan, semester_no=1).delete()

    add_semester(curriculum=plan.pk, **BY)
    add_semester(curriculum=plan.pk, **BY)

    plan.refresh_from_db()
    assert plan.no_of_semester == 3
    assert set(plan.semesters.values_list("semester_no", flat=True)) == {1, 2, 3}
    assert [facts for _, facts in log(plan.pk)[1:]] == [{"semester": 1}, {"semester": 3}]


def test_a_plan_does_not_grow_without_end(programme: Programme) -> None:
    plan = make_plan(programme, semesters=20)

    where, message = field(add_semester, curriculum=plan.pk)

    assert (where, message) == ("curriculum", "A plan has no more than 20 semesters.")


def test_the_credits_a_plan_asks_for_can_be_corrected(plan: Curriculum) -> None:
    change_needed(curriculum=plan.pk, min_credit=7, **BY)

    plan.refresh_from_db()
    assert plan.min_credit == 7
    assert log(plan.pk)[-1] == ("credits_needed_changed", {"before": 6, "after": 7})


# Slots --------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-30")
def test_a_slot_has_the_seeds_limits_unless_others_are_given(plan: Curriculum) -> None:
    slot = make_slot(plan)

    assert (slot.duration, slot.min_registration_limit, slot.max_registration_limit) == (1, 0, 1000)
    event, facts = log(plan.pk)[-1]
    assert (event, facts["slot"], facts["type"]) == ("slot_added", slot.pk, "Professional Core")


@pytest.mark.requirement("S1-32")
def test_a_slot_is_in_a_semester_once_by_name_and_type(plan: Curriculum) -> None:
    make_slot(plan, 1, "Elective")
    same = SlotFields("Elective", SlotType.PROFESSIONAL_CORE)

    where, _ = field(add_slot, curriculum=plan.pk, semester_no=1, slot=same)

    assert where == "name"
    make_slot(plan, 1, "Elective", kind=SlotType.DESIGN)
    make_slot(plan, 2, "Elective")


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        (SlotFields("A", SlotType.DESIGN, "", 1, 5, 4), "max_registration_limit"),
        (SlotFields("Core 1", SlotType.PROFESSIONAL_CORE), "name"),
    ],
)
def test_a_slot_that_cannot_be_is_refused_by_its_field(
    plan: Curriculum, fields: SlotFields, where: str
) -> None:
    make_slot(plan)
    other = make_slot(plan, 1, "Core 2")

    assert field(add_slot, curriculum=plan.pk, semester_no=1, slot=fields)[0] == where
    assert field(change_slot, slot=other.pk, to=fields)[0] == where


def test_a_slot_needs_a_semester_that_is_there(plan: Curriculum) -> None:
    fields = SlotFields("A", SlotType.DESIGN)

    assert field(add_slot, curriculum=plan.pk, semester_no=3, slot=fields) == (
        "semester_no",
        "This plan has no semester 3.",
    )


def test_a_slot_is_changed_and_keeps_its_courses(plan: Curriculum) -> None:
    slot = make_slot(plan, 1, "Core 1", make_course("AS1"))

    change_slot(slot=slot.pk, to=SlotFields("Choice", SlotType.OPTIONAL, "Any", 2, 3, 40), **BY)

    slot.refresh_from_db()
    assert (slot.name, slot.type, slot.course_slot_info) == ("Choice", "Optional", "Any")
    assert (slot.duration, slot.min_registration_limit, slot.max_registration_limit) == (2, 3, 40)
    assert codes(slot) == [("AS1", "1.0")]
    event, facts = log(plan.pk)[-1]
    assert (event, facts["before"]["name"], facts["after"]["name"]) == (
        "slot_changed",
        "Core 1",
        "Choice",
    )
    # Saved as it is, it is no duplicate of itself.
    change_slot(slot=slot.pk, to=SlotFields("Choice", SlotType.OPTIONAL), **BY)


# Courses ------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-33")
def test_a_course_is_put_into_a_slot_once_and_taken_out_again(plan: Curriculum) -> None:
    course = make_course("AS1")
    slot = make_slot(plan, 1, "Core 1", course)

    twice = field(put_course, slot=slot.pk, course=course.pk)
    take_course(slot=slot.pk, course=course.pk, **BY)

    assert twice == ("course", "AS1 v1.0 is in this slot already.")
    assert codes(slot) == []
    put = {"slot": slot.pk, "course": course.pk, "replaced": []}
    out = {"slot": slot.pk, "course": course.pk}
    assert log(plan.pk)[-2:] == [("course_put", put), ("course_taken_out", out)]
    assert field(take_course, slot=slot.pk, course=course.pk)[0] == "course"


def test_a_newer_version_takes_the_place_of_the_older(plan: Curriculum) -> None:
    old = make_course("AS1")
    slot = make_slot(plan, 1, "Core 1", old, make_course("AS2"))
    new = supersede(old)

    put_course(slot=slot.pk, course=new.pk, **BY)

    assert codes(slot) == [("AS1", "2.0"), ("AS2", "1.0")]
    assert log(plan.pk)[-1][1]["replaced"] == [old.pk]


def test_only_what_is_offered_and_current_is_put_into_a_plan(plan: Curriculum) -> None:
    old, closed = make_course("AS1"), make_course("AS2")
    supersede(old)
    close(closed)
    slot = make_slot(plan)

    assert field(put_course, slot=slot.pk, course=old.pk) == (
        "course",
        "AS1 v1.0 is superseded: put v2.0 in.",
    )
    assert field(put_course, slot=slot.pk, course=closed.pk) == (
        "course",
        "AS2 is not offered: it is INACTIVE.",
    )
    assert field(put_course, slot=slot.pk, course=999)[1] == "There is no such course."
    assert codes(slot) == []


def test_what_is_not_there_cannot_be_changed(database: None) -> None:
    fields = SlotFields("A", SlotType.DESIGN)
    unknown = [
        refusal(create_curriculum, programme=9, name="A", no_of_semester=1, min_credit=1),
        refusal(add_semester, curriculum=9),
        refusal(change_slot, slot=9, to=fields),
        refusal(put_course, slot=9, course=9),
        refusal(new_version, curriculum=9, whole=True, renew=False),
    ]

    assert {each.code for each in unknown} == {"NOT_FOUND"}
    assert not Entry.objects.exists()


# Versions -----------------------------------------------------------------------------------


def shape(plan: int) -> list[tuple[int, str, str, int, str | None]]:
    """What is in a plan, by semester and slot, whatever its ids."""
    places = CourseSlot.objects.filter(semester__curriculum=plan)
    return sorted(
        places.values_list(
            "semester__semester_no", "name", "type", "max_registration_limit", "courses__code"
        )
    )


@pytest.mark.requirement("S1-43")
def test_a_new_version_is_a_copy_and_the_old_one_stays(plan: Curriculum) -> None:
    first, second = make_course("AS1"), make_course("AS2")
    slot = make_slot(plan, 1, "Core 1", first, second)
    change_slot(slot=slot.pk, to=SlotFields("Core 1", SlotType.DESIGN, "", 1, 2, 50), **BY)
    make_slot(plan, 2, "Core 2", first)
    before = shape(plan.pk)

    made = new_version(curriculum=plan.pk, whole=False, renew=False, **BY)
    take_course(
        slot=CourseSlot.objects.get(semester__curriculum=made, name="Core 2").pk,
        course=first.pk,
        **BY,
    )

    plan.refresh_from_db()
    new = Curriculum.objects.get(pk=made)
    assert (str(plan.version), plan.latest_version) == ("1.0", False)
    assert (str(new.version), new.latest_version, new.name) == ("1.1", True, plan.name)
    assert (new.no_of_semester, new.min_credit) == (plan.no_of_semester, plan.min_credit)
    assert shape(plan.pk) == before
    assert shape(made) == [*before[:-1], (2, "Core 2", "Professional Core", 1000, None)]
    assert log(plan.pk)[-1] == ("curriculum_superseded", {"by": made})
    facts = {"version": "1.1", "copied_from": plan.pk, "renewed": []}
    assert log(made)[0] == ("curriculum_versioned", facts)


def test_a_new_version_takes_the_courses_of_today_where_that_is_wanted(plan: Curriculum) -> None:
    old, closed = make_course("AS1"), make_course("AS2")
    slot = make_slot(plan, 1, "Core 1", old, closed)
    new = supersede(old)
    close(closed)

    kept = new_version(curriculum=plan.pk, whole=True, renew=False, **BY)
    renewed = new_version(curriculum=kept, whole=True, renew=True, **BY)

    assert codes(slot) == [("AS1", "1.0"), ("AS2", "1.0")]
    assert codes(CourseSlot.objects.get(semester__curriculum=kept)) == codes(slot)
    assert codes(CourseSlot.objects.get(semester__curriculum=renewed)) == [
        ("AS1", "2.0"),
        # Nothing newer is offered in its place: it stays, and is flagged.
        ("AS2", "1.0"),
    ]
    assert log(renewed)[0][1]["renewed"] == [[old.pk, new.pk]]


def test_two_versions_of_a_course_in_a_slot_become_one(plan: Curriculum) -> None:
    old = make_course("AS1")
    slot = make_slot(plan, 1, "Core 1", old)
    new = supersede(old)
    CourseSlotCourse.objects.create(slot=slot, course=new)

    made = new_version(curriculum=plan.pk, whole=True, renew=True, **BY)

    assert codes(CourseSlot.objects.get(semester__curriculum=made)) == [("AS1", "2.0")]


def test_only_the_latest_version_is_followed_by_another(plan: Curriculum) -> None:
    new_version(curriculum=plan.pk, whole=True, renew=False, **BY)

    refused = refusal(new_version, curriculum=plan.pk, whole=False, renew=False)

    assert (refused.code, refused.sentence) == ("PLAN_CLOSED", "Astro v1.0 is superseded.")
    assert Curriculum.objects.filter(latest_version=True).count() == 1


@pytest.mark.parametrize(
    ("version", "whole", "after"),
    [
        ("2.3", True, "3.0"),
        ("2.3", False, "2.4"),
        ("1.9", False, "2.0"),
        ("9998.9", True, "9999.0"),
    ],
)
def test_a_whole_version_follows_or_a_tenth(
    plan: Curriculum, version: str, whole: bool, after: str
) -> None:
    Curriculum.objects.filter(pk=plan.pk).update(version=version)

    made = new_version(curriculum=plan.pk, whole=whole, renew=False, **BY)

    assert str(Curriculum.objects.get(pk=made).version) == after


@pytest.mark.parametrize(("version", "whole"), [("9999.9", False), ("9999.0", True)])
def test_the_last_number_is_the_last_version(plan: Curriculum, version: str, whole: bool) -> None:
    Curriculum.objects.filter(pk=plan.pk).update(version=version)

    where, _ = field(new_version, curriculum=plan.pk, whole=whole, renew=False)

    assert where == "version"
    assert Curriculum.objects.get().latest_version


def test_a_superseded_plan_changes_only_while_somebody_studies_by_it(plan: Curriculum) -> None:
    course = make_course("AS1")
    slot = make_slot(plan)
    new_version(curriculum=plan.pk, whole=True, renew=False, **BY)
    physics = Discipline.objects.get(name="Physics")
    acts: list[tuple[Any, dict[str, Any]]] = [
        (put_course, {"slot": slot.pk, "course": course.pk}),
        (take_course, {"slot": slot.pk, "course": course.pk}),
        (add_semester, {"curriculum": plan.pk}),
        (change_needed, {"curriculum": plan.pk, "min_credit": 1}),
        (change_slot, {"slot": slot.pk, "to": SlotFields("B", SlotType.DESIGN)}),
    ]

    closed = [refusal(act, **said).code for act, said in acts]
    make_batch(physics, plan)

    assert set(closed) == {"PLAN_CLOSED"}
    for act, said in acts:
        act(**said, **BY)


def test_a_plan_that_is_refused_a_change_keeps_no_trace_of_it(plan: Curriculum) -> None:
    slot = make_slot(plan, 1, "Core 1", make_course("AS1"))
    before = log(plan.pk), shape(plan.pk)

    field(put_course, slot=slot.pk, course=Course.objects.get().pk)

    assert (log(plan.pk), shape(plan.pk)) == before
    assert Entry.objects.filter(~Q(stream=f"plan:{plan.pk}")).count() == 0

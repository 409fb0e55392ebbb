"""Study plans over HTTP: read by everybody signed in, written by who plans, refused by name."""

from typing import Any

import pytest
from django.test import Client

from courses.models import Batch, Course, CourseSlot, Curriculum, Discipline, Programme, SlotType
from courses.plans.batches import join
from courses.plans.versions import new_version
from registrar.accounts.roles import Role
from tests.callers import Caller
from tests.factories import make_course, make_user
from tests.studyplans import (
    CLERK,
    NOW,
    caller,
    close,
    make_batch,
    make_full_plan,
    make_plan,
    make_programme,
    make_slot,
    supersede,
)

CATALOG = "/api/catalog"


@pytest.fixture
def programme(database: None) -> Programme:
    return make_programme("Astronautics", "Physics")


@pytest.fixture
def student(programme: Programme) -> Caller:
    return caller(Role.STUDENT)


@pytest.fixture
def committee(programme: Programme) -> Caller:
    return caller(Role.CURRICULUM_COMMITTEE)


def errors(reply: Any) -> dict[str, str]:
    assert (reply.status, reply.code) == (422, "INVALID"), reply.raw
    return {each["field"]: each["message"] for each in reply.body["errors"]}


# Reading ------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-87", "S1-99")
def test_a_student_reads_the_hierarchy_down_to_the_version(
    student: Caller, programme: Programme
) -> None:
    course = make_course("AS101", 4)
    plan = make_plan(programme, semesters=1, needed=4)
    slot = make_slot(plan, 1, "Mechanics", course)

    listed = student.get(f"{CATALOG}/programmes/")
    whole = student.get(f"{CATALOG}/programmes/{programme.pk}/")
    one = student.get(f"{CATALOG}/curricula/{plan.pk}/")

    [card] = listed.body["results"]
    assert (card["name"], card["disciplines"]) == ("Astronautics", ["Physics"])
    assert card["curricula"] == [{"id": plan.pk, "name": "Astro", "version": "1.0", "latest": True}]
    assert whole.body["curricula"] == [one.body]
    assert one.body["credits"] == {"least": 4, "most": 4}
    assert (one.body["reach"], one.body["flagged"], one.body["batches"]) == ("ALWAYS", 0, [])
    [semester] = one.body["semesters"]
    assert semester["slots"] == [
        {
            "id": slot.pk,
            "name": "Mechanics",
            "type": "Professional Core",
            "information": "",
            "duration": 1,
            "min_registration_limit": 0,
            "max_registration_limit": 1000,
            "credits": {"least": 4, "most": 4},
            "courses": [
                {
                    "id": course.pk,
                    "code": "AS101",
                    "name": "Course AS101",
                    "version": "1.0",
                    "credits": 4,
                    "state": "ACTIVE",
                    "superseded_by": None,
                    "flags": [],
                }
            ],
        }
    ]


def test_what_has_not_changed_is_not_sent_again(student: Caller, programme: Programme) -> None:
    plan = make_full_plan(programme, "Astro", 2, 2)
    first = student.get(f"{CATALOG}/curricula/{plan.pk}/")

    again = student.get(f"{CATALOG}/curricula/{plan.pk}/", if_none_match=first.headers["ETag"])

    assert (first.status, again.status, again.raw) == (200, 304, b"")


@pytest.mark.parametrize(
    "path", ["programmes/9/", "curricula/9/", "batches/9/", f"curricula/{2**70}/", "plan/"]
)
def test_what_is_not_there_is_not_found(student: Caller, path: str) -> None:
    reply = student.get(f"{CATALOG}/{path}")

    assert (reply.status, reply.code) == (404, "NOT_FOUND")


@pytest.mark.requirement("S1-88")
def test_a_student_reads_the_plan_of_their_batch_which_does_not_bind_them_yet(
    student: Caller, programme: Programme
) -> None:
    plan = make_plan(programme)
    batch = make_batch(Discipline.objects.get(), plan)
    assert student.student.user is not None
    join(batch=batch, user=student.student.user.pk, actor=CLERK, now=NOW)

    reply = student.get(f"{CATALOG}/plan/")

    assert (reply.body["batch"]["id"], reply.body["binding"]) == (batch, False)
    assert reply.body["curriculum"]["id"] == plan.pk
    [listed] = student.get(f"{CATALOG}/batches/").body["results"]
    assert listed == reply.body["batch"]
    assert (listed["members"], listed["total_seats"], listed["running"]) == (1, 60, True)


# Writing ------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-41", "S1-42", "S1-43", "S1-44", "S1-99")
def test_the_committee_builds_a_plan_from_nothing(committee: Caller) -> None:
    physics = Discipline.objects.get()
    course = make_course("AS101")
    fields: dict[str, Any] = {"category": "PG", "name": "Rockets", "disciplines": [physics.pk]}

    programme = committee.post(f"{CATALOG}/programmes/", fields)
    plan = committee.post(
        f"{CATALOG}/programmes/{programme.body['id']}/curricula/",
        {"name": "Rockets", "no_of_semester": 4, "min_credit": 60},
    )
    path = f"{CATALOG}/curricula/{plan.body['id']}"
    slot = committee.post(f"{path}/semesters/2/slots/", {"name": "A", "type": "Swayam"})
    slot_id = slot.body["semesters"][1]["slots"][0]["id"]
    put = committee.send("put", f"{CATALOG}/slots/{slot_id}/courses/{course.pk}/")
    longer = committee.post(f"{path}/semesters/")
    needed = committee.send("patch", f"{path}/", {"min_credit": 64})

    assert (programme.status, plan.status, slot.status, put.status) == (201, 201, 201, 200)
    assert programme.headers["Location"] == f"{CATALOG}/programmes/{programme.body['id']}/"
    assert plan.headers["Location"] == f"{path}/"
    assert [each["number"] for each in longer.body["semesters"]] == [1, 2, 3, 4, 5]
    assert put.body["semesters"][1]["slots"][0]["courses"][0]["code"] == "AS101"
    assert (needed.body["min_credit"], needed.body["reach"]) == (64, "NEVER")


@pytest.mark.requirement("S1-30")
def test_a_slot_is_changed_in_the_fields_that_are_sent(
    committee: Caller, programme: Programme
) -> None:
    slot = make_slot(make_plan(programme), 1, "Core 1", make_course())

    reply = committee.send(
        "patch", f"{CATALOG}/slots/{slot.pk}/", {"max_registration_limit": 40, "type": "Design"}
    )

    assert reply.status == 200
    slot.refresh_from_db()
    assert (slot.name, slot.type, slot.max_registration_limit) == ("Core 1", "Design", 40)


def test_a_course_is_taken_out_of_a_slot(committee: Caller, programme: Programme) -> None:
    course = make_course()
    slot = make_slot(make_plan(programme), 1, "Core 1", course)
    path = f"{CATALOG}/slots/{slot.pk}/courses/{course.pk}/"

    first, second = committee.send("delete", path), committee.send("delete", path)

    assert first.status == 200
    assert errors(second) == {"course": "This course is not in this slot."}


def test_a_new_version_is_answered_with_itself(committee: Caller, programme: Programme) -> None:
    old = make_course("AS1")
    plan = make_plan(programme)
    make_slot(plan, 1, "Core 1", old)
    supersede(old)

    made = committee.post(f"{CATALOG}/curricula/{plan.pk}/versions/", {"renew": True})
    again = committee.post(f"{CATALOG}/curricula/{plan.pk}/versions/", {"whole": False})

    assert (made.status, made.body["version"], made.body["flagged"]) == (201, "2.0", 0)
    assert (again.status, again.code) == (409, "PLAN_CLOSED")
    assert again.body["title"] == "Astro v1.0 is superseded."


def test_a_plan_that_is_history_is_a_conflict(committee: Caller, programme: Programme) -> None:
    plan = make_plan(programme)
    new_version(curriculum=plan.pk, whole=True, renew=False, actor=CLERK, now=NOW)

    reply = committee.post(f"{CATALOG}/curricula/{plan.pk}/semesters/")

    assert (reply.status, reply.code) == (409, "PLAN_CLOSED")
    assert reply.body["remedy"] == "Change the latest version instead."


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "A", "type": "Core"}, "type"),
        ({"name": "", "type": "Design"}, "name"),
        ({"name": "A", "type": "Design", "duration": 0}, "duration"),
        ({"name": "A", "type": "Design", "max_registration_limit": -1}, "max_registration_limit"),
        (
            {"name": "A", "type": "Design", "min_registration_limit": 1001},
            "max_registration_limit",
        ),
        ({"name": "A", "type": "Design", "semester": 1}, "semester"),
        ({"name": "Core 1", "type": "Professional Core"}, "name"),
    ],
)
def test_a_slot_that_cannot_be_is_refused_by_its_field(
    committee: Caller, programme: Programme, body: dict[str, Any], field: str
) -> None:
    plan = make_plan(programme)
    make_slot(plan, 1, "Core 1")

    reply = committee.post(f"{CATALOG}/curricula/{plan.pk}/semesters/1/slots/", body)

    assert field in errors(reply)
    assert CourseSlot.objects.count() == 1


def test_a_course_that_is_not_offered_is_refused_by_name(
    committee: Caller, programme: Programme
) -> None:
    course = make_course("AS1")
    close(course)
    slot = make_slot(make_plan(programme))

    reply = committee.send("put", f"{CATALOG}/slots/{slot.pk}/courses/{course.pk}/")

    assert errors(reply) == {"course": "AS1 is not offered: it is INACTIVE."}


def test_a_programme_is_of_disciplines_that_exist_and_there_once(committee: Caller) -> None:
    fields: dict[str, Any] = {"category": "UG", "name": "Astronautics", "disciplines": []}

    twice = committee.post(f"{CATALOG}/programmes/", fields)
    strange = committee.post(f"{CATALOG}/programmes/", fields | {"disciplines": [99]})

    assert errors(twice) == {"name": "There is a programme of this name in UG already."}
    assert errors(strange) == {"disciplines": "There is no discipline 99."}


# Batches ------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-45")
def test_the_registrar_makes_a_batch_moves_it_and_fills_it(programme: Programme) -> None:
    registrar = caller(Role.REGISTRAR)
    plan = make_plan(programme)
    fields = {"name": "Comets", "discipline": Discipline.objects.get().pk, "year": 2026}

    made = registrar.post(f"{CATALOG}/batches/", fields)
    path = f"{CATALOG}/batches/{made.body['id']}/"
    moved = registrar.send("patch", path, {"curriculum": plan.pk, "total_seats": 1})
    filled = registrar.post(f"{path}members/", {"user": make_user().pk})
    full = registrar.post(f"{path}members/", {"user": make_user().pk})
    nobody = registrar.post(f"{path}members/", {"user": 999})
    twice = registrar.post(f"{CATALOG}/batches/", fields)

    assert (made.status, made.headers["Location"]) == (201, path)
    assert (moved.body["curriculum"], moved.body["name"]) == (plan.pk, "Comets")
    assert (filled.status, filled.body["members"]) == (201, 1)
    assert errors(full) == {"user": "All seats of this batch are taken: 1."}
    assert errors(nobody) == {"user": "There is no such person."}
    assert "name" in errors(twice)
    assert registrar.send("patch", f"{CATALOG}/batches/99/", {}).status == 404


# Who may ------------------------------------------------------------------------------------


def attempts(plan: Curriculum, slot: CourseSlot, course: Course, batch: int) -> list[Any]:
    return [
        ("post", "programmes/", {"category": "UG", "name": "X"}),
        (
            "post",
            f"programmes/{plan.programme_id}/curricula/",
            {"name": "X", "no_of_semester": 1, "min_credit": 1},
        ),
        ("patch", f"curricula/{plan.pk}/", {"min_credit": 1}),
        ("post", f"curricula/{plan.pk}/versions/", {}),
        ("post", f"curricula/{plan.pk}/semesters/", None),
        (
            "post",
            f"curricula/{plan.pk}/semesters/1/slots/",
            {"name": "A", "type": SlotType.DESIGN},
        ),
        ("patch", f"slots/{slot.pk}/", {"name": "B"}),
        ("put", f"slots/{slot.pk}/courses/{course.pk}/", None),
        ("delete", f"slots/{slot.pk}/courses/{course.pk}/", None),
        ("post", "batches/", {"name": "A", "discipline": 1, "year": 2026}),
        ("patch", f"batches/{batch}/", {"total_seats": 1}),
        ("post", f"batches/{batch}/members/", {"user": 1}),
    ]


@pytest.mark.requirement("S1-99")
@pytest.mark.parametrize("role", [Role.STUDENT, Role.FACULTY, Role.AUDITOR])
def test_who_does_not_plan_changes_nothing(programme: Programme, role: Role) -> None:
    course = make_course()
    plan = make_plan(programme)
    slot = make_slot(plan, 1, "Core 1", course)
    batch = make_batch(Discipline.objects.get(), plan)
    who = caller(role)

    answers = [
        who.send(method, f"{CATALOG}/{path}", body).status
        for method, path, body in attempts(plan, slot, course, batch)
    ]

    assert set(answers) == {403}
    assert list(slot.courses.all()) == [course]
    assert Batch.objects.get().total_seats == 60


@pytest.mark.parametrize("path", ["programmes/", "batches/", "plan/"])
def test_nobody_reads_who_is_not_signed_in(programme: Programme, path: str) -> None:
    assert Client().get(f"{CATALOG}/{path}").status_code == 401

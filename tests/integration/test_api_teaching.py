"""Teaching over HTTP: named by heads for their department, seen by whom it concerns."""

from typing import Any

import pytest

from courses.models import Course, CourseInstructor, Department, DepartmentMember, SemesterType
from courses.teaching import assign
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from tests.callers import Caller
from tests.factories import make_course
from tests.studyplans import CLERK, NOW, caller

CATALOG = "/api/catalog"


def user_of(who: Caller) -> User:
    assert who.student.user is not None
    return who.student.user


@pytest.fixture
def department(database: None) -> Department:
    return Department.objects.create(name="Astronautics", code="AST")


@pytest.fixture
def mechanics(department: Department) -> Course:
    return make_course("AS101", lecture_hours=3, department=department)


@pytest.fixture
def teacher(department: Department) -> Caller:
    return caller(Role.FACULTY)


@pytest.fixture
def registrar(department: Department) -> Caller:
    return caller(Role.REGISTRAR)


def naming(course: Course, who: Caller, **said: Any) -> dict[str, Any]:
    fields = {"course": course.pk, "instructor": user_of(who).pk, "year": 2026}
    return {**fields, "semester_type": "Odd Semester", **said}


def errors(reply: Any) -> dict[str, str]:
    assert (reply.status, reply.code) == (422, "INVALID"), reply.raw
    return {each["field"]: each["message"] for each in reply.body["errors"]}


@pytest.mark.requirement("S1-23", "S1-95")
def test_somebody_is_named_their_share_changed_and_their_load_read(
    registrar: Caller, teacher: Caller, mechanics: Course
) -> None:
    made = registrar.post(f"{CATALOG}/assignments/", naming(mechanics, teacher))
    path = f"{CATALOG}/assignments/{made.body['id']}/"
    halved = registrar.send("patch", path, {"share": 50})
    load = teacher.get(f"{CATALOG}/instructors/{user_of(teacher).pk}/load/")

    assert (made.status, made.body["share"]) == (201, 100)
    assert (halved.status, halved.body["share"], halved.body["team_share"]) == (200, 50, 50)
    [term] = load.body["results"]
    assert (term["year"], term["semester_type"], term["hours"]) == (2026, "Odd Semester", "1.50")
    [taught] = term["courses"]
    assert taught == {
        "course": mechanics.pk,
        "code": "AS101",
        "name": "Course AS101",
        "version": "1.0",
        "contact_hours": 3,
        "share": 50,
        "sections": [],
        "hours": "1.50",
    }


def test_assignments_are_listed_and_narrowed(
    registrar: Caller, teacher: Caller, mechanics: Course
) -> None:
    for year in (2024, 2025):
        registrar.post(f"{CATALOG}/assignments/", naming(mechanics, teacher, year=year))

    everything = teacher.get(f"{CATALOG}/assignments/")
    one = teacher.get(f"{CATALOG}/assignments/?year=2024&course={mechanics.pk}")

    assert [each["year"] for each in everything.body["results"]] == [2025, 2024]
    assert [each["year"] for each in one.body["results"]] == [2024]
    wrong = teacher.get(f"{CATALOG}/assignments/?year=soon")
    assert set(errors(wrong)) == {"year"}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"semester_type": "Winter Semester"}, "semester_type"),
        ({"share": 101}, "share"),
        ({"course": 99}, "course"),
        ({"instructor": 99}, "instructor"),
        ({"room": "A1"}, "room"),
    ],
)
def test_what_cannot_be_named_is_refused_by_its_field(
    registrar: Caller, teacher: Caller, mechanics: Course, said: dict[str, Any], field: str
) -> None:
    reply = registrar.post(f"{CATALOG}/assignments/", naming(mechanics, teacher) | said)

    assert field in errors(reply)
    assert not CourseInstructor.objects.exists()


@pytest.mark.requirement("S1-99")
def test_a_head_names_who_teaches_in_their_own_department(
    teacher: Caller, mechanics: Course, department: Department
) -> None:
    head = caller(Role.DEPARTMENT_HEAD)
    DepartmentMember.objects.create(department=department, user=user_of(head))
    foreign = make_course("BO1", department=Department.objects.create(name="B", code="BOT"))

    own = head.post(f"{CATALOG}/assignments/", naming(mechanics, teacher))
    other = head.post(f"{CATALOG}/assignments/", naming(foreign, teacher))
    theirs = assign(
        course=foreign.pk,
        instructor=user_of(teacher).pk,
        semester_type=SemesterType.ODD,
        actor=CLERK,
        now=NOW,
    )
    changed = head.send("patch", f"{CATALOG}/assignments/{theirs}/", {"share": 1})

    assert (own.status, other.status, changed.status) == (201, 403, 403)
    assert head.get(f"{CATALOG}/instructors/loads/").status == 200


@pytest.mark.requirement("S1-99")
def test_a_load_is_seen_by_its_bearer_and_by_who_plans(
    registrar: Caller, teacher: Caller, mechanics: Course
) -> None:
    registrar.post(f"{CATALOG}/assignments/", naming(mechanics, teacher))
    student, other = caller(Role.STUDENT), caller(Role.FACULTY)
    path = f"{CATALOG}/instructors/{user_of(teacher).pk}/load/?year=2026"

    assert {who.get(path).status for who in (teacher, registrar)} == {200}
    assert {who.get(path).status for who in (student, other)} == {403}
    everybody = f"{CATALOG}/instructors/loads/?year=2026&semester_type=Odd Semester"
    assert len(registrar.get(everybody).body["results"]) == 1
    assert {who.get(everybody).status for who in (student, other, teacher)} == {403}


@pytest.mark.parametrize("role", [Role.STUDENT, Role.FACULTY, Role.AUDITOR])
def test_who_does_not_plan_names_nobody(mechanics: Course, teacher: Caller, role: Role) -> None:
    who = caller(role)

    made = who.post(f"{CATALOG}/assignments/", naming(mechanics, teacher))
    changed = who.send("patch", f"{CATALOG}/assignments/1/", {"share": 1})

    assert (made.status, changed.status) == (403, 403)


def test_what_is_not_there_is_not_found(registrar: Caller) -> None:
    assert registrar.send("patch", f"{CATALOG}/assignments/99/", {"share": 1}).status == 404
    assert registrar.get(f"{CATALOG}/instructors/99/load/").body == {"results": []}

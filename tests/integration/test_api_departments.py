"""Departments over HTTP: read by everybody signed in, written by the registrar's office."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from courses.models import Course, Department, DepartmentCourseMap
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.accounts.tokens import make_tokens
from tests.callers import Reply
from tests.departments import as_role, make_department, member, semester
from tests.factories import make_course, make_student

PATH = "/api/catalog/departments/"


class Clerk:
    """Sends requests with a user's token."""

    def __init__(self, user: User) -> None:
        [token] = make_tokens([user])
        self._client = Client(headers={"authorization": f"Token {token}"})

    def send(self, method: str, path: str = "", body: Any = None, **headers: str) -> Reply:
        call: Callable[..., Any] = getattr(self._client, method)
        return Reply(call(PATH + path, body, content_type="application/json", headers=headers))

    def get(self, path: str = "", **headers: str) -> Reply:
        return Reply(self._client.get(PATH + path, headers=headers))


@pytest.fixture
def department(database: None) -> Department:
    return make_department()


@pytest.fixture
def course(database: None) -> Course:
    return make_course("CS1", name="Programming", credit=4)


@pytest.fixture
def registrar(department: Department, course: Course) -> Iterator[Clerk]:
    """The web's own role writes, so nothing here is done because the owner may."""
    clerk = Clerk(member(Role.REGISTRAR))
    with as_role("reg_web"):
        yield clerk


def place(department: Department, course: Course, number: int = 1) -> DepartmentCourseMap:
    where = semester(department, number)
    return DepartmentCourseMap.objects.create(
        department=department, year=where.year, semester=where, course=course
    )


# Reading ------------------------------------------------------------------------------------


@pytest.mark.requirement("S2-19", "S2-15", "S2-17")
@pytest.mark.parametrize("role", list(Role))
def test_whoever_is_signed_in_reads_departments_and_their_plans(
    department: Department, course: Course, role: Role
) -> None:
    place(department, course, number=3)
    clerk = Clerk(member(role))

    listed = clerk.get().body["results"]
    whole = clerk.get(f"{department.pk}/").body

    assert listed == [
        {
            "id": department.pk,
            "name": "Computer Science",
            "code": "CS",
            "years": 4,
            "semesters": 8,
            "courses": 1,
        }
    ]
    assert [year["name"] for year in whole["years"]] == [
        "1st Year", "2nd Year", "3rd Year", "4th Year",
    ]  # fmt: skip
    third = whole["years"][1]["semesters"][0]
    assert (third["number"], third["name"], third["absolute_number"]) == (1, "Semester 1", 3)
    [taught] = third["courses"]
    assert (taught["code"], taught["name"], taught["credits"]) == ("CS1", "Programming", 4)
    assert (taught["version"], taught["later"]) == ("1.0", None)


def test_nobody_reads_without_signing_in(department: Department) -> None:
    for path in (PATH, f"{PATH}{department.pk}/"):
        assert Client().get(path).status_code == 401


@pytest.mark.parametrize("id_", ["999", "0", str(10**30)])
def test_an_unknown_department_is_not_found(registrar: Clerk, id_: str) -> None:
    for reply in (
        registrar.get(f"{id_}/"),
        registrar.send("patch", f"{id_}/", {"name": "New"}),
        registrar.send("delete", f"{id_}/"),
        registrar.send("post", f"{id_}/courses/", {"semester": 1, "course": 1}),
        registrar.send("patch", f"{id_}/courses/{id_}/", {"semester": 1}),
        registrar.send("delete", f"{id_}/courses/{id_}/"),
    ):
        assert (reply.status, reply.code) == (404, "NOT_FOUND")


def test_what_has_not_changed_is_not_sent_again(registrar: Clerk, department: Department) -> None:
    for path in ("", f"{department.pk}/"):
        first = registrar.get(path)

        assert registrar.get(path, **{"if-none-match": first.headers["ETag"]}).status == 304


@pytest.mark.requirement("S1-106")
def test_a_plan_costs_as_many_queries_however_much_is_in_it(
    registrar: Clerk, department: Department, course: Course
) -> None:
    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert registrar.get(path).status == 200
        return len(queries)

    registrar.get()
    before = cost(""), cost(f"{department.pk}/")
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    for number in range(30):
        make_department(f"D{number}", "Another")
        place(department, make_course(f"X{number}"), number % 8 + 1)

    assert (cost(""), cost(f"{department.pk}/")) == before
    assert max(before) <= 5


# Departments --------------------------------------------------------------------------------


@pytest.mark.requirement("S2-13")
def test_a_department_is_added_with_its_years_and_semesters(registrar: Clerk) -> None:
    reply = registrar.send("post", "", {"name": "Mechanics", "code": "ME"})

    assert reply.status == 201
    assert [len(year["semesters"]) for year in reply.body["years"]] == [2, 2, 2, 2]
    assert reply.headers["Location"] == f"{PATH}{reply.body['id']}/"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "Again", "code": " cs "}, "code"),
        ({"name": "Mechanics"}, "code"),
        ({"name": "", "code": "ME"}, "name"),
        ({"name": "x" * 101, "code": "ME"}, "name"),
        ({"name": "Mechanics", "code": "M\0E"}, "code"),
        ({"name": "Mechanics", "code": "ME", "years": 3}, "years"),
    ],
)
def test_what_cannot_be_a_department_is_said_of_the_field(
    registrar: Clerk, body: dict[str, Any], field: str
) -> None:
    reply = registrar.send("post", "", body)

    assert (reply.status, reply.code) == (422, "INVALID")
    assert [error["field"] for error in reply.body["errors"]] == [field]
    assert Department.objects.count() == 1


def test_a_department_takes_another_name_or_code(registrar: Clerk, department: Department) -> None:
    made = registrar.send("post", "", {"name": "Mechanics", "code": "ME"}).body

    renamed = registrar.send("patch", f"{department.pk}/", {"name": "Informatics"})
    taken = registrar.send("patch", f"{made['id']}/", {"code": "cs"})

    assert (renamed.body["name"], renamed.body["code"]) == ("Informatics", "CS")
    assert (taken.status, taken.code) == (422, "INVALID")


def test_a_department_goes_unless_something_belongs_to_it(
    registrar: Clerk, department: Department
) -> None:
    made = registrar.send("post", "", {"name": "Mechanics", "code": "ME"}).body
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    make_course("ME1", department_id=made["id"])

    gone = registrar.send("delete", f"{department.pk}/")
    kept = registrar.send("delete", f"{made['id']}/")

    assert gone.status == 204
    assert (kept.status, kept.code) == (409, "IN_USE")
    assert kept.body["title"] == "It still has 1 course."
    assert [each["code"] for each in registrar.get().body["results"]] == ["ME"]


# Plans --------------------------------------------------------------------------------------


@pytest.mark.requirement("S2-4", "S2-6")
def test_a_course_is_placed_moved_and_taken_out(
    registrar: Clerk, department: Department, course: Course
) -> None:
    first, last = semester(department, 1), semester(department, 8)
    path = f"{department.pk}/courses/"

    placed = registrar.send("post", path, {"semester": first.pk, "course": course.pk})
    at = placed.headers["Location"].removeprefix(PATH)
    moved = registrar.send("patch", at, {"semester": last.pk})
    gone = registrar.send("delete", at)

    assert placed.status == 201
    assert [c["code"] for c in placed.body["years"][0]["semesters"][0]["courses"]] == ["CS1"]
    assert moved.body["years"][0]["semesters"][0]["courses"] == []
    assert [c["code"] for c in moved.body["years"][3]["semesters"][1]["courses"]] == ["CS1"]
    assert gone.status == 204
    assert registrar.send("delete", at).status == 404
    assert Course.objects.filter(pk=course.pk).exists()


@pytest.mark.requirement("S2-5")
def test_what_cannot_be_placed_is_said_of_the_field(
    registrar: Clerk, department: Department, course: Course
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    elsewhere = semester(make_department("ME", "Mechanics"), 1)
    path, first = f"{department.pk}/courses/", semester(department, 1)
    registrar.send("post", path, {"semester": first.pk, "course": course.pk})

    replies = {
        "course": registrar.send("post", path, {"semester": first.pk, "course": course.pk}),
        "course ": registrar.send("post", path, {"semester": first.pk, "course": 10**9}),
        "semester": registrar.send("post", path, {"semester": elsewhere.pk, "course": course.pk}),
        "course  ": registrar.send("post", path, {"semester": first.pk}),
        "semester ": registrar.send("post", path, {"semester": 2**63, "course": course.pk}),
    }

    for field, reply in replies.items():
        assert (reply.status, reply.code) == (422, "INVALID")
        assert [error["field"] for error in reply.body["errors"]] == [field.strip()]
    assert DepartmentCourseMap.objects.count() == 1


# Who may ------------------------------------------------------------------------------------


@pytest.mark.requirement("S2-16", "S2-18", "S2-20")
@pytest.mark.parametrize("role", [role for role in Role if role not in ("registrar", "admin")])
def test_others_write_nothing(department: Department, course: Course, role: Role) -> None:
    clerk, placed = Clerk(member(role)), place(department, course)
    body = {"semester": semester(department, 2).pk, "course": course.pk}
    at = f"{department.pk}/"

    replies = [
        clerk.send("post", "", {"name": "Mechanics", "code": "ME"}),
        clerk.send("patch", at, {"name": "Mine"}),
        clerk.send("delete", at),
        clerk.send("post", f"{at}courses/", body),
        clerk.send("patch", f"{at}courses/{placed.pk}/", body),
        clerk.send("delete", f"{at}courses/{placed.pk}/"),
    ]

    assert {(reply.status, reply.code) for reply in replies} == {(403, "FORBIDDEN")}
    assert Department.objects.get().name == "Computer Science"
    assert DepartmentCourseMap.objects.get() == placed


@pytest.mark.requirement("S2-20")
def test_a_student_reads_and_writes_nothing(department: Department) -> None:
    student = make_student().user
    assert student is not None
    clerk = Clerk(student)

    assert clerk.send("patch", f"{department.pk}/", {"name": "Mine"}).status == 403


@pytest.mark.requirement("S2-20")
def test_an_admin_writes_too(department: Department) -> None:
    clerk = Clerk(member(Role.ADMIN))

    with as_role("reg_web"):
        reply = clerk.send("patch", f"{department.pk}/", {"name": "Informatics"})

    assert reply.body["name"] == "Informatics"

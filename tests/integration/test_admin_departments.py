"""A department's page in the admin, as the registrar's office sees and fills it in."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from courses.admin.departments import DepartmentAdmin
from courses.models import Course, Department, DepartmentCourseMap, DepartmentMember, Year
from registrar.accounts.roles import Role
from registrar.audit.models import Entry
from tests.clerks import as_owner, page, signed_in, told
from tests.departments import make_department, semester
from tests.factories import make_course, make_user

LIST = "courses/department/"


@pytest.fixture
def department(database: None) -> Department:
    return make_department()


@pytest.fixture
def course(database: None) -> Course:
    return make_course("CS1", name="Programming")


@pytest.fixture
def registrar(department: Department, course: Course) -> Iterator[Client]:
    """Signed in, as the web's role to the database."""
    with signed_in(Role.REGISTRAR) as client:
        yield client


def rows(prefix: str, *forms: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    sent: dict[str, Any] = {
        f"{prefix}-TOTAL_FORMS": len(forms),
        f"{prefix}-INITIAL_FORMS": initial,
    }
    for number, form in enumerate(forms):
        sent |= {f"{prefix}-{number}-{name}": value for name, value in form.items()}
    return sent


def saved(client: Client, department: Department, **changed: Any) -> Any:
    sent = {
        "code": department.code,
        "name": department.name,
        **rows("placements"),
        **rows("members"),
        **changed,
    }
    return client.post(f"/admin/{LIST}{department.pk}/change/", sent, follow=True)


def events() -> list[str]:
    return list(Entry.objects.order_by("pk").values_list("event", flat=True))


@pytest.mark.requirement("S2-7", "S2-10", "S2-13")
def test_a_department_added_on_its_page_shows_its_years_and_semesters(registrar: Client) -> None:
    sent = {"code": "ME", "name": "Mechanics", "_continue": "1"}
    shown = registrar.post(f"/admin/{LIST}add/", sent, follow=True).content.decode()

    assert Year.objects.filter(department__code="ME").count() == 4
    for words in ("1st Year", "4th Year", "no courses yet", "(8 of the whole)"):
        assert words in shown
    assert shown.count("no courses yet") == 8
    assert events() == ["department_added"]


def test_a_code_that_is_taken_is_said_on_the_page(registrar: Client) -> None:
    response = registrar.post(f"/admin/{LIST}add/", {"code": "cs", "name": "Again"})

    assert "There is a department with this code already." in response.content.decode()
    assert Department.objects.count() == 1


@pytest.mark.requirement("S2-4", "S2-6")
def test_a_course_is_placed_moved_and_taken_out_on_the_page(
    registrar: Client, department: Department, course: Course
) -> None:
    first, last = semester(department, 1), semester(department, 8)
    values = {"semester": first.pk, "course": course.pk}

    assert told(saved(registrar, department, **rows("placements", values)))
    placed = DepartmentCourseMap.objects.get()
    assert (placed.semester, placed.year) == (first, first.year)
    assert "Programming, 3 credits" in page(registrar, f"{LIST}{department.pk}/change/")

    kept = {"id": placed.pk, "department": department.pk, "course": course.pk}
    saved(registrar, department, **rows("placements", kept | {"semester": last.pk}, initial=1))
    placed.refresh_from_db()
    assert (placed.semester, placed.year) == (last, last.year)

    leaving = kept | {"semester": last.pk, "DELETE": "on"}
    saved(registrar, department, **rows("placements", leaving, initial=1))
    assert not DepartmentCourseMap.objects.exists()
    assert events() == ["course_placed", "course_moved", "course_taken_out"]


def test_only_the_departments_own_semesters_are_offered(
    registrar: Client, department: Department
) -> None:
    with as_owner():
        other = semester(make_department("ME", "Mechanics"), 1)

    shown = page(registrar, f"{LIST}{department.pk}/change/")

    options = re.findall(r'<option value="(\d+)">(\d\w\w Year, Semester \d)', shown)
    assert {int(pk) for pk, _ in options}.isdisjoint({other.pk})
    assert len(set(options)) == 8


@pytest.mark.requirement("S2-5")
def test_what_cannot_be_placed_is_said_beside_the_course(
    registrar: Client, department: Department, course: Course
) -> None:
    first = semester(department, 1)
    values = {"semester": first.pk, "course": course.pk}
    saved(registrar, department, **rows("placements", values))

    response = saved(
        registrar,
        department,
        **{
            **rows("placements", {"id": DepartmentCourseMap.objects.get().pk, **values}, values),
            "placements-INITIAL_FORMS": 1,
        },
    )

    odd = saved(registrar, department, **rows("placements", values | {"course": "CS1"}))

    assert "CS1 is in this semester already, as version 1.0." in response.content.decode()
    assert "That choice is not one of the available choices." in odd.content.decode()
    assert DepartmentCourseMap.objects.count() == 1


def test_members_are_kept_on_the_page(registrar: Client, department: Department) -> None:
    with as_owner():
        ada = make_user("ada")

    saved(registrar, department, **rows("members", {"user": ada.pk}))
    joined = DepartmentMember.objects.get()
    assert "ada" in page(registrar, f"{LIST}{department.pk}/change/")
    leaving = {"id": joined.pk, "department": department.pk, "user": ada.pk, "DELETE": "on"}
    saved(registrar, department, **rows("members", leaving, initial=1))

    assert not DepartmentMember.objects.exists()
    assert events() == ["member_added", "member_removed"]


def test_the_list_counts_what_each_department_has(
    registrar: Client, department: Department, course: Course
) -> None:
    with as_owner():
        for number in (1, 2):
            place = semester(department, number)
            DepartmentCourseMap.objects.create(
                department=department, year=place.year, semester=place, course=course
            )
        for name in ("ada", "ben", "cam"):
            DepartmentMember.objects.create(department=department, user=make_user(name))

    shown = page(registrar, LIST)

    cells = re.findall(r"field-(?:course|member)_count[^>]*>\s*(\d+)", shown)
    assert cells == ["2", "3"]


def test_a_department_that_nothing_belongs_to_is_deleted_from_its_page(
    registrar: Client, department: Department
) -> None:
    path = f"/admin/{LIST}{department.pk}/delete/"

    asked = registrar.get(path).content.decode()
    registrar.post(path, {"post": "yes"})

    assert "4th Year" in asked
    assert not Department.objects.exists()
    assert events() == ["department_removed"]


def test_a_department_with_courses_is_not_deleted_and_the_page_names_them(
    registrar: Client, department: Department
) -> None:
    with as_owner():
        make_course("CS2", name="Databases", department=department)
    path = f"/admin/{LIST}{department.pk}/delete/"

    asked = registrar.get(path).content.decode()
    registrar.post(path, {"post": "yes"})

    assert "Databases" in asked
    assert Department.objects.exists()
    assert events() == []


def test_what_changed_since_the_form_was_checked_saves_nothing_of_it(
    registrar: Client, department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody takes the code between the form's check and its saving."""
    original = DepartmentAdmin.save_model

    def overtaken(self: Any, request: Any, obj: Department, *rest: Any) -> None:
        obj.code = "CS"
        original(self, request, obj, *rest)

    monkeypatch.setattr(DepartmentAdmin, "save_model", overtaken)
    sent = {"code": "ME", "name": "Mechanics"}

    response = registrar.post(f"/admin/{LIST}add/", sent, follow=True)

    assert told(response).startswith("There is a department with this code already.")
    assert Department.objects.count() == 1


@pytest.mark.requirement("S2-20", "S2-19")
@pytest.mark.parametrize("role", [Role.FACULTY, Role.DEPARTMENT_HEAD, Role.AUDITOR])
def test_other_staff_look_at_it_and_change_nothing(
    department: Department, course: Course, role: Role
) -> None:
    values = {"semester": semester(department, 1).pk, "course": course.pk}
    with signed_in(role) as client:
        shown = page(client, f"{LIST}{department.pk}/change/")
        response = saved(client, department, name="Mine", **rows("placements", values))
        added = client.post(f"/admin/{LIST}add/", {"code": "ME", "name": "Mechanics"})

    assert "1st Year" in shown
    assert (response.status_code, added.status_code) == (403, 403)
    assert Department.objects.get().name == "Computer Science"
    assert not DepartmentCourseMap.objects.exists()
    connection.close()

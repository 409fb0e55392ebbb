"""Who teaches what, in the admin: named, their share changed, and the loads on a page."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import timezone

from courses.models import Course, CourseInstructor, Department, DepartmentMember
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from tests.clerks import as_owner, member, page, signed_in
from tests.factories import make_course

ADD = "courses/courseinstructor/add/"


@pytest.fixture
def mechanics(database: None) -> Course:
    department = Department.objects.create(name="Astronautics", code="AST")
    return make_course("AS101", lecture_hours=3, department=department)


@pytest.fixture
def teacher(mechanics: Course) -> User:
    return member(Role.FACULTY)


@pytest.fixture
def registrar(teacher: User) -> Iterator[Client]:
    with signed_in(Role.REGISTRAR) as client:
        yield client


def naming(course: Course, teacher: User, share: int = 60) -> dict[str, object]:
    fields = {"course": course.pk, "instructor": teacher.pk, "share": share}
    return {**fields, "year": timezone.now().year, "semester_type": "Odd Semester"}


@pytest.mark.requirement("S1-23", "S1-95")
def test_somebody_is_named_and_their_hours_are_shown(
    registrar: Client, mechanics: Course, teacher: User
) -> None:
    registrar.post(f"/admin/{ADD}", naming(mechanics, teacher))

    listed = page(registrar, "courses/courseinstructor/")
    loads = page(registrar, "courses/courseinstructor/loads/")

    assert "60 %" in listed
    assert "1.80" in listed
    assert "1.80 hours a week" in loads
    assert "Nobody is named" in page(registrar, "courses/courseinstructor/loads/?year=2001")
    assert "1.80" in page(
        registrar,
        f"courses/courseinstructor/loads/?year={timezone.now().year}&semester_type=Odd Semester",
    )


def test_the_share_alone_can_be_changed_and_nothing_is_deleted(
    registrar: Client, mechanics: Course, teacher: User
) -> None:
    registrar.post(f"/admin/{ADD}", naming(mechanics, teacher))
    named = CourseInstructor.objects.get()
    path = f"/admin/courses/courseinstructor/{named.pk}"

    registrar.post(f"{path}/change/", {"share": 0, "year": 1999})
    deleted = registrar.post(f"{path}/delete/", {"post": "yes"})

    named.refresh_from_db()
    assert (named.share, named.year) == (0, timezone.now().year)
    assert deleted.status_code == 403


def test_what_cannot_be_is_said_beside_its_field(
    registrar: Client, mechanics: Course, teacher: User
) -> None:
    registrar.post(f"/admin/{ADD}", naming(mechanics, teacher))

    twice = registrar.post(f"/admin/{ADD}", naming(mechanics, teacher))
    much = registrar.post(f"/admin/{ADD}", naming(mechanics, teacher, 101))
    odd = registrar.post(f"/admin/{ADD}", naming(mechanics, teacher) | {"course": "AS101"})
    when = page(registrar, "courses/courseinstructor/loads/?year=soon")

    [message] = twice.context["form"].errors["instructor"]
    assert message == "They are named for this course and semester already."
    assert "course" in odd.context["form"].errors
    assert "share" in much.context["form"].errors
    assert "Enter a whole number." in when
    assert str(timezone.now().year) in page(registrar, ADD)


@pytest.mark.requirement("S1-99")
def test_a_head_names_in_their_department_and_sees_loads(mechanics: Course, teacher: User) -> None:
    other = make_course("BO1", department=Department.objects.create(name="B", code="BOT"))
    own = Department.objects.get(code="AST")
    with signed_in(Role.DEPARTMENT_HEAD) as head:
        with as_owner():
            user = User.objects.get(username=Role.DEPARTMENT_HEAD)
            DepartmentMember.objects.create(department=own, user=user)
        foreign = head.post(f"/admin/{ADD}", naming(other, teacher))
        head.post(f"/admin/{ADD}", naming(mechanics, teacher))
        loads = head.get("/admin/courses/courseinstructor/loads/")

    [message] = foreign.context["form"].errors["course"]
    assert message == "This course is not of your department."
    assert CourseInstructor.objects.get().course_id == mechanics.pk
    assert loads.status_code == 200


def test_who_does_not_plan_sees_who_teaches_and_no_loads(teacher: User) -> None:
    with signed_in(Role.ACADEMIC_COUNCIL) as client:
        assert page(client, "courses/courseinstructor/")
        assert client.get("/admin/courses/courseinstructor/loads/").status_code == 403
        assert client.get(f"/admin/{ADD}").status_code == 403

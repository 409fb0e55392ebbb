"""A role taken away, or a login switched off, ends at the next request."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from courses.models import Department, DepartmentMember
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.accounts.tokens import make_tokens
from tests.factories import make_course, make_student, make_user

PAGE = "/admin/enrollment/student/"
DEPARTMENTS = "/api/catalog/departments/"


@pytest.fixture
def registrar(database: None) -> User:
    user = make_user("registrar", is_staff=True)
    user.groups.add(Group.objects.get(name=Role.REGISTRAR))
    return user


def by_session(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def by_token(user: User) -> Client:
    [token] = make_tokens([user])
    return Client(headers={"authorization": f"Token {token}"})


def lose_the_role(user: User) -> None:
    user.groups.clear()


def be_switched_off(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def leave_the_staff(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=False)


@pytest.mark.requirement("S1-99")
@pytest.mark.parametrize("lose", [lose_the_role, be_switched_off, leave_the_staff])
def test_the_admin_is_shut_at_the_next_request(
    registrar: User, lose: Callable[[User], None]
) -> None:
    client = by_session(registrar)
    before = client.get(PAGE).status_code

    lose(registrar)

    assert (before, client.get(PAGE).status_code) in [(200, 403), (200, 302)]


@pytest.mark.requirement("S1-99")
@pytest.mark.parametrize(("lose", "answer"), [(lose_the_role, 403), (be_switched_off, 401)])
def test_the_api_is_shut_at_the_next_request(
    registrar: User, lose: Callable[[User], None], answer: int
) -> None:
    clients = [by_token(registrar), by_session(registrar)]
    before = [client.get(DEPARTMENTS).status_code for client in clients]

    lose(registrar)

    assert before == [200, 200]
    assert [client.get(DEPARTMENTS).status_code for client in clients] == [answer, answer]


@pytest.mark.requirement("S1-99")
def test_a_student_switched_off_reads_nothing_more(database: None) -> None:
    user = make_student().user
    assert user is not None
    client = by_token(user)
    before = client.get("/api/student/enrollments/").status_code

    be_switched_off(user)

    assert (before, client.get("/api/student/enrollments/").status_code) == (200, 401)


@pytest.mark.requirement("S1-99")
def test_who_leaves_a_department_writes_its_courses_no_more(database: None) -> None:
    physics = Department.objects.create(name="Physics", code="PHY")
    course = make_course(department=physics)
    ada = make_user("ada", is_staff=True)
    ada.groups.add(Group.objects.get(name=Role.FACULTY))
    DepartmentMember.objects.create(department=physics, user=ada)
    before = ada.has_perm("courses.version_course", course)

    DepartmentMember.objects.filter(user=ada).delete()

    assert before
    assert not User.objects.get(pk=ada.pk).has_perm("courses.version_course", course)

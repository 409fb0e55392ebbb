"""The matrix asked as Django asks: of a person, about a record."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission

from courses.models import Department, DepartmentMember
from registrar.accounts.models import User
from registrar.accounts.roles import Role, may_run_registration
from tests.factories import make_course, make_user


@pytest.fixture
def physics(database: None) -> Department:
    return Department.objects.create(name="Physics", code="PHY")


@pytest.fixture
def history(database: None) -> Department:
    return Department.objects.create(name="History", code="HIS")


def member(role: Role, *departments: Department) -> User:
    user = make_user(is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    for department in departments:
        DepartmentMember.objects.create(department=department, user=user)
    return user


@pytest.mark.requirement("S1-99", "S1-100")
@pytest.mark.parametrize("verb", ["change", "version"])
def test_faculty_write_courses_of_their_own_department_only(
    physics: Department, history: Department, verb: str
) -> None:
    ada = member(Role.FACULTY, physics)
    permission = f"courses.{verb}_course"

    assert ada.has_perm(permission, make_course(department=physics))
    assert not ada.has_perm(permission, make_course(department=history))
    assert not ada.has_perm(permission, make_course())


@pytest.mark.requirement("S1-99", "S1-100")
def test_a_head_approves_what_is_the_departments(physics: Department, history: Department) -> None:
    head = member(Role.DEPARTMENT_HEAD, physics)
    ours, theirs = make_course(department=physics), make_course(department=history)

    assert head.has_perm("courses.approve_course", ours)
    assert not head.has_perm("courses.approve_course", theirs)
    assert member(Role.ACADEMIC_COUNCIL).has_perm("courses.approve_course", theirs)


def test_a_department_itself_can_be_asked_about(physics: Department, history: Department) -> None:
    ada = member(Role.FACULTY, physics)

    assert ada.has_perm("courses.add_proposal", physics)
    assert not ada.has_perm("courses.add_proposal", history)


def test_one_of_several_departments_is_enough(physics: Department, history: Department) -> None:
    ada = member(Role.FACULTY, physics, history)

    assert ada.has_perm("courses.version_course", make_course(department=history))


def test_without_a_record_it_is_asked_whether_there_can_be_one(physics: Department) -> None:
    assert member(Role.FACULTY, physics).has_perm("courses.version_course")
    assert not member(Role.FACULTY).has_perm("courses.version_course")
    assert not member(Role.AUDITOR).has_perm("courses.version_course")


@pytest.mark.requirement("S1-99")
def test_students_see_current_courses_only(physics: Department) -> None:
    student, ada = member(Role.STUDENT), member(Role.FACULTY)
    old = make_course(latest_version=False)
    stopped = make_course(working_course=False)

    assert student.has_perm("courses.view_course", make_course())
    assert not student.has_perm("courses.view_course", old)
    assert not student.has_perm("courses.view_course", stopped)
    assert ada.has_perm("courses.view_course", old)


def test_two_roles_are_both_theirs(physics: Department, history: Department) -> None:
    user = member(Role.FACULTY, physics)
    user.groups.add(Group.objects.get(name=Role.REGISTRAR))

    assert user.has_perm("courses.version_course", make_course(department=history))


@pytest.mark.requirement("S1-99")
def test_what_is_in_no_row_is_refused_and_superusers_may_all(physics: Department) -> None:
    admin = member(Role.ADMIN)
    root = make_user(is_superuser=True)

    assert not admin.has_perm("knox.view_authtoken")
    assert not admin.has_perm("courses.burn_course", make_course())
    assert root.has_perm("courses.burn_course")


def test_a_permission_given_in_django_s_own_tables_is_none(physics: Department) -> None:
    """There is one table; a row slipped into another does not open a door."""
    user = member(Role.AUDITOR)
    permission = Permission.objects.get(codename="add_course")
    user.user_permissions.add(permission)
    user.groups.get().permissions.add(permission)

    assert not user.has_perm("courses.add_course")


@pytest.mark.requirement("S1-99")
def test_who_left_may_nothing(physics: Department) -> None:
    course = make_course(department=physics)
    for role in Role:
        user = member(role, physics)
        User.objects.filter(pk=user.pk).update(is_active=False)
        gone = User.objects.get(pk=user.pk)
        assert not gone.has_perm("courses.view_course", course)
        assert not may_run_registration(gone)
        assert not gone.has_module_perms("courses")


def test_strangers_may_nothing(physics: Department) -> None:
    assert not AnonymousUser().has_perm("courses.view_course", make_course())
    assert not make_user().has_perm("courses.view_course")

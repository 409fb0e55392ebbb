"""Departments for tests, and who writes them: the web's role without a claim, or with one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection

from courses.models import Department, Semester
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from tests.factories import make_user

TABLES = ("departments", "years", "semesters", "department_course_map")


def make_department(code: str = "CS", name: str = "Computer Science") -> Department:
    return Department.objects.create(name=name, code=code)


def semester(department: Department, absolute_number: int) -> Semester:
    """A semester of it, counted from the first year on."""
    return Semester.objects.get(year__department=department, absolute_number=absolute_number)


def member(role: Role, name: str = "") -> User:
    user = make_user(name or role.value)
    user.groups.add(Group.objects.get(name=role))
    return user


@contextmanager
def as_role(role: str) -> Iterator[None]:
    """To the database the session is this role's."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
    try:
        yield
    finally:
        connection.close()


def sql(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run it; its rows, where it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [] if cursor.description is None else list(cursor.fetchall())

"""The roles of people (D7): Django groups by these names, made by the first migration."""

from enum import StrEnum

from django.contrib.auth.models import AnonymousUser

from .models import User


class Role(StrEnum):
    STUDENT = "student"
    FACULTY = "faculty"
    DEPARTMENT_HEAD = "department_head"
    CURRICULUM_COMMITTEE = "curriculum_committee"
    ACADEMIC_COUNCIL = "academic_council"
    REGISTRAR = "registrar"
    ADMIN = "admin"
    AUDITOR = "auditor"


def roles_of(user: User | AnonymousUser) -> frozenset[str]:
    """The user's groups, read once for each request's user object; none for who left."""
    if not isinstance(user, User) or not user.is_active:
        return frozenset()
    roles: frozenset[str] | None = user.__dict__.get("_roles")
    if roles is None:
        roles = user.__dict__["_roles"] = frozenset(user.groups.values_list("name", flat=True))
    return roles


def may_run_registration(user: User) -> bool:
    """Whether this user may change windows and seats."""
    return user.has_perm("enrollment.run_registration")

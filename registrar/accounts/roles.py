"""The roles of people (D7): Django groups by these names, made by the first migration."""

from enum import StrEnum

from django.contrib.auth.models import AnonymousUser

from registrar import prepared

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


# For the meaning of OFFSET 0 see `registrar.prepared`.
_ROLES = """
SELECT role.name
FROM (SELECT group_id FROM users_groups WHERE user_id = %s OFFSET 0) AS given
CROSS JOIN LATERAL (SELECT name FROM auth_group WHERE id = given.group_id OFFSET 0) AS role
"""


def roles_of(user: User | AnonymousUser) -> frozenset[str]:
    """The user's groups, read once for each request's user object; none for who left."""
    if not isinstance(user, User) or not user.is_active:
        return frozenset()
    roles: frozenset[str] | None = user.__dict__.get("_roles")
    if roles is None:
        found = prepared.fetch(_ROLES, values=[user.pk])
        roles = user.__dict__["_roles"] = frozenset(name for (name,) in found)
    return roles


def may_run_registration(user: User) -> bool:
    """Whether this user may change windows and seats."""
    return user.has_perm("enrollment.run_registration")

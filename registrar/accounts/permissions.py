"""What each role may see and write in the admin: one table, and what is not in it is refused.

The pages themselves allow less: most of what registration makes can be written by nobody there.
"""

from collections.abc import Mapping

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from .models import User
from .roles import Role

CATALOGUE = frozenset({"courses"})
RECORDS = CATALOGUE | {"enrollment", "audit"}

MAY_VIEW: Mapping[str, frozenset[str]] = {
    Role.FACULTY: CATALOGUE,
    Role.DEPARTMENT_HEAD: CATALOGUE,
    Role.CURRICULUM_COMMITTEE: CATALOGUE,
    Role.ACADEMIC_COUNCIL: CATALOGUE,
    Role.AUDITOR: RECORDS,
    Role.REGISTRAR: RECORDS | {"django_celery_beat", "accounts"},
    Role.ADMIN: RECORDS | {"django_celery_beat", "accounts", "auth"},
}
MAY_WRITE: Mapping[str, frozenset[str]] = {
    Role.REGISTRAR: frozenset({"courses", "enrollment"}),
    Role.ADMIN: frozenset({"courses", "enrollment", "accounts"}),
}
"""By application: `view`, or any of `add`, `change` and `delete`, of its models."""

_NONE: frozenset[str] = frozenset()


class RoleBackend(ModelBackend):
    """Sign-in by password; Django's permission questions are answered from the tables above."""

    def has_perm(self, user_obj: User | AnonymousUser, perm: str, obj: Model | None = None) -> bool:
        app, _, codename = perm.partition(".")
        table = MAY_VIEW if codename.startswith("view_") else MAY_WRITE
        return app in _apps(user_obj, table) or super().has_perm(user_obj, perm, obj)

    def has_module_perms(self, user_obj: User | AnonymousUser, app_label: str) -> bool:
        """Whether any page of an application is theirs to see."""
        ours = app_label in _apps(user_obj, MAY_VIEW)
        return ours or super().has_module_perms(user_obj, app_label)


def _apps(user: User | AnonymousUser, table: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return _NONE.union(*(table.get(role, _NONE) for role in _roles(user)))


def _roles(user: User | AnonymousUser) -> frozenset[str]:
    """The user's groups, read once for each request's user object."""
    if not isinstance(user, User) or not user.is_active:
        return _NONE
    roles: frozenset[str] | None = user.__dict__.get("_roles")
    if roles is None:
        roles = user.__dict__["_roles"] = frozenset(user.groups.values_list("name", flat=True))
    return roles

"""Answers Django's permission questions from the matrix, through `rules`.

`user.has_perm("courses.version_course", course)` asks about that course. Asked about nothing, it
says whether there can be anything that the person may do it to; then the record itself is still
to be asked about.
"""

from functools import reduce
from operator import attrgetter, or_
from typing import Any

import rules
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.http import HttpRequest

from . import guesses
from .matrix import DEPARTMENT_OF, MADE_BY, ROWS, Row, Scope
from .models import User
from .roles import Role, roles_of

Asker = User | AnonymousUser


class RoleBackend(ModelBackend):
    """Sign-in by password; permissions by the matrix, and by nothing that is kept elsewhere."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Who has this name and password. Raises TooManyGuesses, whether or not anybody has."""
        if username is None or password is None:
            return None
        guesses.refuse(username)
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if not isinstance(user, User):
            guesses.count(username)
            return None
        guesses.refuse(username)
        guesses.forget(username)
        return user

    def has_perm(self, user_obj: Asker, perm: str, obj: Model | None = None) -> bool:
        return bool(rules.has_perm(perm, user_obj, obj))

    def has_module_perms(self, user_obj: Asker, app_label: str) -> bool:
        """Whether any page of an application is theirs to see."""
        seen = (row for row in ROWS if row.permission.startswith(f"{app_label}.view_"))
        return any(rules.has_perm(row.permission, user_obj, None) for row in seen)


def _has_role(role: Role) -> rules.Predicate:
    def has_role(user: Asker) -> bool:
        return role in roles_of(user)

    return rules.predicate(has_role, name=f"is {role}")


def _in_their_department(user: Asker, obj: Model | None) -> bool:
    departments = _departments(user)
    if obj is None:
        return bool(departments)
    return _found(obj, DEPARTMENT_OF.get(obj._meta.label_lower, "department_id")) in departments


def _theirs(user: Asker, obj: Model | None) -> bool:
    if obj is None:
        return True
    named = MADE_BY.get(obj._meta.label_lower, ())
    return user.pk is not None and user.pk in {_found(obj, name) for name in named}


def _current(user: Asker, obj: Model | None) -> bool:
    if obj is None:
        return True
    return bool(_found(obj, "latest_version") and _found(obj, "working_course"))


def _found(obj: Model, path: str) -> object:
    """The value at the end of a dotted path; None where there is none."""
    try:
        value: object = attrgetter(path)(obj)
    except AttributeError:
        return None
    return value


def _departments(user: Asker) -> frozenset[int]:
    """The departments that the user is a member of, read once for each request's user object."""
    if not isinstance(user, User):
        return frozenset()
    found: frozenset[int] | None = user.__dict__.get("_departments")
    if found is None:
        found = frozenset(user.departments.values_list("department_id", flat=True))
        user.__dict__["_departments"] = found
    return found


_WITHIN = {
    Scope.EVERYTHING: rules.always_true,
    Scope.DEPARTMENT: rules.predicate(_in_their_department, name="in their department"),
    Scope.MINE: rules.predicate(_theirs, name="theirs"),
    Scope.CURRENT: rules.predicate(_current, name="current"),
}


def _predicate(row: Row) -> rules.Predicate:
    """Any role that the row names, over any of what it says."""
    given = [
        _has_role(role) & within
        for role in Role
        for scope, within in _WITHIN.items()
        if scope in row.of(role)
    ]
    return reduce(or_, given)


for _row in ROWS:
    rules.add_perm(_row.permission, _predicate(_row))

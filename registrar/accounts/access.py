"""The door of the API's endpoints for staff: each method of a view names the permission it needs.

    class OneCourse(APIView):
        permission_classes = (Allowed,)
        needs = {"GET": "courses.view_course", "POST": "courses.version_course"}

What the person may do in general is asked before the handler; the record itself by
`self.check_object_permissions(request, course)`, or by `demand` for another permission.
"""

from typing import Any, cast

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from .models import User


class Allowed(BasePermission):
    """A method that a view's `needs` does not name is refused; HEAD and OPTIONS ask as GET does."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return self._may(request, view, None)

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        return self._may(request, view, obj)

    def _may(self, request: Request, view: APIView, obj: Model | None) -> bool:
        if not request.user.is_authenticated:
            return False
        needs = cast(dict[str, str], view.needs)  # type: ignore[attr-defined]
        method = str(request.method)
        permission = needs.get(method) or (needs.get("GET") if method in SAFE_METHODS else None)
        if permission is None:
            return method not in view.allowed_methods  # which is 405, and not for us to say
        return request.user.has_perm(permission, obj)


def demand(user: User | AnonymousUser, permission: str, obj: Model | None = None) -> None:
    """Raises PermissionDenied unless the user may do this to this record."""
    if not user.has_perm(permission, obj):
        raise PermissionDenied

"""What the addresses of courses share: the version asked about, and a version as an answer."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request

from courses import queries
from courses.catalogue import lock_many
from courses.models import Course
from courses.versioning import VERSIONED, Bump
from registrar.api import answer, read_body
from registrar.problems import Problem

from .course_shapes import CourseDetail, Decided
from .precondition import as_seen, set_etag
from .staff import TEXT_BYTES, sane

DETAIL = {(200, "application/json"): CourseDetail}
MADE = {(201, "application/json"): CourseDetail}
ABSENT = {404: OpenApiResponse(description="There is no such course, or none that you may see.")}
REFUSED = {
    403: OpenApiResponse(description="Not yours to do."),
    409: OpenApiResponse(description="The course is not as it was when you began, or its state."),
    422: OpenApiResponse(description="A field cannot be used; it is named."),
}


def seen_course(request: Request, course_id: int) -> Course:
    """The version, where the person may see it; to others it is not there."""
    found = Course.objects.select_related("department").filter(pk=sane(course_id)).first()
    if found is None or not request.user.has_perm("courses.view_course", found):
        raise Problem("NOT_FOUND")
    return found


def changes(request: Request) -> tuple[dict[str, Any], Bump | None, str]:
    """The fields that are to change, and another bump than the rules call for, with its reason."""
    given = read_body(request, (*VERSIONED, "override", "reason"), TEXT_BYTES)
    asked = {name: given.pop(name) for name in ("override", "reason") if name in given}
    decided = Decided(data=asked)
    decided.is_valid(raise_exception=True)
    override, reason = decided.validated_data["override"], decided.validated_data["reason"]
    return given, None if override is None else Bump(override), reason


def detail(course: Course) -> queries.CourseDetail:
    """A version with everything that belongs to it."""
    found = queries.course_detail(course.pk)
    assert found is not None
    return found


def shown(course: Course, code: int = 200, headers: Mapping[str, str] = {}) -> HttpResponse:
    """A version as an answer, with the ETag that a change of it may name."""
    return set_etag(answer(detail(course), code=code, headers=headers))


def made(course: Course) -> HttpResponse:
    """201, and where the version is."""
    return shown(course, 201, {"Location": f"/api/catalog/courses/{course.pk}/"})


def course_as_seen(request: Request, course: Course) -> AbstractContextManager[None]:
    """A change of the version that If-Match names, if it names one."""
    return as_seen(request, lambda: lock_many([course.lineage]), lambda: shown(course))

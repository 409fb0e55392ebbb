"""The versions of a course over HTTP: what a change would make, the history, and the way back."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from courses import catalogue, history
from registrar.accounts.access import Allowed
from registrar.api import answer, unless_known
from registrar.problems import invalid

from .asking import (
    ABSENT,
    DETAIL,
    MADE,
    REFUSED,
    changes,
    course_as_seen,
    made,
    seen_course,
)
from .course_shapes import Comparison, CourseCard, CourseChange, PreviewSeen, VersionList, Why
from .precondition import CHANGED, IF_MATCH
from .refusals import told
from .staff import by, read


class CoursePreview(APIView):
    permission_classes = (Allowed,)
    needs = {"POST": "courses.version_course"}

    @extend_schema(
        tags=["catalogue"],
        operation_id="preview_course",
        summary="What a change would make: the bump, why, and what depends on the course",
        description="Send the fields that change. Nothing is written.",
        request=CourseChange,
        responses={(200, "application/json"): PreviewSeen, **ABSENT, **REFUSED},
    )
    def post(self, request: Request, course_id: int) -> HttpResponse:
        course = seen_course(request, course_id)
        self.check_object_permissions(request, course)
        given, override, reason = changes(request)
        with told():
            seen = catalogue.preview(course, given, override=override, reason=reason)
        return answer(seen._replace(version=str(seen.version)))  # type: ignore[arg-type]


class CourseVersions(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_course"}

    @extend_schema(
        tags=["catalogue"],
        operation_id="course_versions",
        summary="Every version of the course, the first first, whatever its code was",
        responses={(200, "application/json"): VersionList, **ABSENT},
    )
    def get(self, request: Request, course_id: int) -> HttpResponse:
        course = seen_course(request, course_id)
        rows = [each._asdict() for each in history.versions(course.lineage)]
        rows = [{**row, "version": str(row["version"])} for row in rows]
        return unless_known(request, answer({"results": rows}))


class CourseComparison(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_course"}

    @extend_schema(
        tags=["catalogue"],
        operation_id="compare_courses",
        summary="Two versions of a course, field by field",
        parameters=[
            OpenApiParameter(
                "to", int, required=True, description="The other version's id; old is this one."
            )
        ],
        responses={(200, "application/json"): Comparison, **ABSENT, 422: REFUSED[422]},
    )
    def get(self, request: Request, course_id: int) -> HttpResponse:
        old = seen_course(request, course_id)
        wanted = str(request.query_params.get("to", ""))
        if not (wanted.isdecimal() and len(wanted) < 19):
            raise invalid({"to": "must be the id of a version of this course"})
        new = seen_course(request, int(wanted))
        if new.lineage != old.lineage:
            raise invalid({"to": "is a version of another course"})
        seen = [each._asdict() for each in history.compare(old, new)]
        for each in seen:
            each["old"], each["new"] = _value(each["old"]), _value(each["new"])
        cards = {"old": CourseCard(old).data, "new": CourseCard(new).data}
        return unless_known(request, answer({**cards, "differences": seen}))


class CourseRollback(APIView):
    permission_classes = (Allowed,)
    needs = {"POST": "courses.version_course"}

    @extend_schema(
        tags=["catalogue"],
        operation_id="roll_back_course",
        summary="Go back to this version: a new one that says the same",
        parameters=[IF_MATCH],
        request=Why,
        responses={**MADE, **DETAIL, **ABSENT, **REFUSED, **CHANGED},
    )
    def post(self, request: Request, course_id: int) -> HttpResponse:
        course = seen_course(request, course_id)
        self.check_object_permissions(request, course)
        reason = read(request, Why)["reason"]
        with told(), course_as_seen(request, course):
            new = catalogue.roll_back(course.lineage, course, reason=reason, **by(request))
        return made(new)


def _value(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value

"""One version of a course over HTTP.

Permissions: `courses.view_course` to read (students: what is current), `courses.version_course`
for a new version, `courses.change_course` for a draft and a state; `courses.lifecycle.verb` says
which states ask for more.
"""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from courses import catalogue
from courses.lifecycle import State, verb
from courses.shelf import kept
from registrar.accounts.access import Allowed, demand
from registrar.api import answer, plain, unless_known

from .asking import (
    ABSENT,
    DETAIL,
    MADE,
    REFUSED,
    changes,
    course_as_seen,
    detail,
    made,
    seen_course,
    shown,
)
from .course_shapes import CourseChange, CourseToState
from .precondition import CHANGED, IF_MATCH
from .refusals import told
from .staff import by, read


class OneCourse(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_course", "PATCH": "courses.view_course"}

    @extend_schema(
        tags=["catalogue"],
        operation_id="course",
        summary="One version of a course, and where study plans place it",
        responses={**DETAIL, **ABSENT},
    )
    def get(self, request: Request, course_id: int) -> HttpResponse:
        course = seen_course(request, course_id)
        seen = kept(f"course {course.pk}", lambda: plain(detail(course)))
        return unless_known(request, answer(seen))

    @extend_schema(
        tags=["catalogue"],
        operation_id="change_course",
        summary="Change a course: a draft where it stands, any other by a new version",
        description=(
            "Send the fields that change, to the latest version: to another it is 409. 201 with "
            "the version that was made, 200 where nothing differs or a draft was changed."
        ),
        parameters=[IF_MATCH],
        request=CourseChange,
        responses={**DETAIL, **MADE, **ABSENT, **REFUSED, **CHANGED},
    )
    def patch(self, request: Request, course_id: int) -> HttpResponse:
        course = seen_course(request, course_id)
        given, override, reason = changes(request)
        if course.state == State.DRAFT:
            demand(request.user, "courses.change_course", course)
            with told(), course_as_seen(request, course):
                draft = catalogue.edit_draft(course, given, comment=reason, **by(request))
            return shown(draft)
        demand(request.user, "courses.version_course", course)
        with told(), course_as_seen(request, course):
            new = catalogue.create_new_version(
                course, given, override=override, reason=reason, **by(request)
            )
        return shown(new) if new.pk == course.pk else made(new)


class CourseState(APIView):
    permission_classes = (Allowed,)
    needs = {"POST": "courses.change_course"}

    @extend_schema(
        tags=["catalogue"],
        operation_id="course_state",
        summary="Activate, deactivate, deprecate or archive a version",
        parameters=[IF_MATCH],
        request=CourseToState,
        responses={**DETAIL, **ABSENT, **REFUSED, **CHANGED},
    )
    def post(self, request: Request, course_id: int) -> HttpResponse:
        course = seen_course(request, course_id)
        self.check_object_permissions(request, course)
        given = read(request, CourseToState)
        to = State(given["state"])
        demand(request.user, f"courses.{verb(State(course.state), to)}_course", course)
        with told(), course_as_seen(request, course):
            changed = catalogue.change_state(course, to, reason=given["reason"], **by(request))
        return shown(changed)

"""Asking for a course.

A POST is a few checks, one query to know who asks, and the intake's commit; nothing of it is
validated or rendered by serializers. What is refused here was never accepted: an accepted request
is decided by a settlement, and a refusal of that is an outcome, not an error.
"""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from enrollment.directory import Listed
from enrollment.requests import Submission
from enrollment.vocabulary import Kind
from registrar.api import invalid, read_body

from . import schemas
from .door import StudentView, find, read_given, read_headers, read_section, said, taken


class CourseAction(StudentView):
    """A POST that asks for one course; what it asks is up to the kind."""

    kind: ClassVar[Kind]
    fields: ClassVar[tuple[str, ...]] = ()

    def ask(self, request: Request, course_id: str) -> HttpResponse:
        student = self.student
        sent = read_headers(request)
        body = read_body(request, self.fields)
        wanted = find(course_id, student, self.kind)
        courses, asked = self.read(body, wanted)
        submission = Submission(
            self.kind,
            student.actor,
            student.pk,
            wanted.term,
            tuple(sorted({each.offering for each in courses})),
            asked,
            sent.key,
        )
        return taken(student, submission, courses, sent.wait)

    def read(self, body: dict[str, Any], wanted: Listed) -> tuple[list[Listed], dict[str, Any]]:
        """The courses it touches, the wanted one first, and what is asked of them."""
        asked: dict[str, Any] = {"offering": wanted.offering}
        section = read_section(body.get("section"), wanted.code)
        if section is not None:
            asked["section"] = section
        return [wanted], asked


class Enroll(CourseAction):
    kind = Kind.ENROLL
    fields = ("section",)

    @extend_schema(
        tags=["registration"],
        operation_id="enroll",
        summary="Ask for a seat in a course",
        parameters=[schemas.COURSE, *schemas.HEADERS],
        request=schemas.WantedSection,
        responses=schemas.accepted(schemas.RegistrationRequest),
    )
    def post(self, request: Request, course_id: str) -> HttpResponse:
        return self.ask(request, course_id)


class Drop(CourseAction):
    kind = Kind.DROP

    @extend_schema(
        tags=["registration"],
        operation_id="drop",
        summary="Give a seat back",
        parameters=[schemas.COURSE, *schemas.HEADERS],
        request=schemas.Nothing,
        responses=schemas.accepted(schemas.RegistrationRequest),
    )
    def post(self, request: Request, course_id: str) -> HttpResponse:
        return self.ask(request, course_id)


class Leave(CourseAction):
    kind = Kind.LEAVE

    @extend_schema(
        tags=["registration"],
        operation_id="leave",
        summary="Leave a course's waitlist",
        parameters=[schemas.COURSE, *schemas.HEADERS],
        request=schemas.Nothing,
        responses=schemas.accepted(schemas.RegistrationRequest),
    )
    def post(self, request: Request, course_id: str) -> HttpResponse:
        return self.ask(request, course_id)


class Swap(CourseAction):
    kind = Kind.SWAP
    fields = ("give", "section")

    @extend_schema(
        tags=["registration"],
        operation_id="swap",
        summary="Give up one course for a seat in this one, or keep it",
        parameters=[schemas.COURSE, *schemas.HEADERS],
        request=schemas.Swap,
        responses=schemas.accepted(schemas.RegistrationRequest),
    )
    def post(self, request: Request, course_id: str) -> HttpResponse:
        return self.ask(request, course_id)

    def read(self, body: dict[str, Any], wanted: Listed) -> tuple[list[Listed], dict[str, Any]]:
        if "give" not in body:
            raise invalid({"give": "is needed"})
        [_], asked = super().read(body, wanted)
        given = read_given(body["give"], wanted)
        if given == wanted and "section" not in asked:
            raise said("SAME_COURSE")
        return [wanted, given], asked | {"give": given.offering}

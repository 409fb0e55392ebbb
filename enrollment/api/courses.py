"""Asking for a course.

A POST is a few checks, one query to know who asks, and the intake's commit; nothing of it is
validated or rendered by serializers. What is refused here was never accepted: an accepted request
is decided by a settlement, and a refusal of that is an outcome, not an error.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from enrollment.directory import Listed
from enrollment.requests import Submission
from enrollment.vocabulary import Kind
from registrar.api import read_body
from registrar.problems import invalid

from . import schemas
from .door import Asker, StudentView, find, read_given, read_headers, read_section, said, taken


class CourseAction(StudentView):
    """A POST that asks for one course; what it asks is up to the kind."""

    kind: ClassVar[Kind]
    fields: ClassVar[tuple[str, ...]] = ()

    def ask(self, request: Request, course_id: str) -> HttpResponse:
        sent = read_headers(request)
        body = read_body(request, self.fields)
        submission, courses = self.submission(self.student, course_id, body, sent.key)
        return taken(self.student, submission, courses, sent.wait)

    @classmethod
    def submission(
        cls, student: Asker, course_id: str, body: dict[str, Any], key: str
    ) -> tuple[Submission, list[Listed]]:
        """What is asked, and the courses it touches, the wanted one first. Raises Problem."""
        wanted = find(course_id, student, cls.kind)
        courses, asked = cls.read(body, wanted)
        touched = tuple(sorted({each.offering for each in courses}))
        submission = Submission(
            cls.kind, student.actor, student.pk, wanted.term, touched, asked, key
        )
        return submission, courses

    @classmethod
    def read(cls, body: dict[str, Any], wanted: Listed) -> tuple[list[Listed], dict[str, Any]]:
        """The courses it touches and what is asked of them."""
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

    @classmethod
    def read(cls, body: dict[str, Any], wanted: Listed) -> tuple[list[Listed], dict[str, Any]]:
        if "give" not in body:
            raise invalid({"give": "is needed"})
        [_], asked = super().read(body, wanted)
        given = read_given(body["give"], wanted)
        if given == wanted and "section" not in asked:
            raise said("SAME_COURSE")
        return [wanted, given], asked | {"give": given.offering}


ACTIONS: Mapping[str, type[CourseAction]] = {
    "enroll": Enroll,
    "drop": Drop,
    "swap": Swap,
    "leave": Leave,
}
"""By the last part of their path."""

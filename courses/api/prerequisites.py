"""Prerequisites over HTTP: what a version needs, how an edge is meant, and the texts to review.

Permissions: `courses.view_course` to read what a version needs; `courses.review_prerequisite` for
the queue, for what a person makes of a text and for how an edge is meant.
"""

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from courses import requirements
from courses.models import Course, CoursePrerequisite
from registrar.accounts.access import Allowed, demand
from registrar.api import answer, unless_known
from registrar.problems import invalid

from .asking import ABSENT, REFUSED, seen_course
from .prerequisite_shapes import (
    Prerequisites,
    Qualification,
    Queue,
    Review,
    as_prerequisites,
    as_queued,
)
from .refusals import told
from .staff import BIGGEST_ID, by, read, who

REVIEWS = "courses.review_prerequisite"
NEEDS = {(200, "application/json"): Prerequisites}


class ReviewQueue(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": REVIEWS}

    @extend_schema(
        tags=["catalogue"],
        operation_id="prerequisites_to_review",
        summary="Prerequisite texts that were not understood to the end, by code",
        description="Of latest versions, and only those that nobody has reviewed.",
        responses={(200, "application/json"): Queue},
    )
    def get(self, request: Request) -> HttpResponse:
        rows = [as_queued(each) for each in requirements.to_review()]
        return unless_known(request, answer({"results": rows}))


class CoursePrerequisites(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_course", "POST": REVIEWS}

    @extend_schema(
        tags=["catalogue"],
        operation_id="course_prerequisites",
        summary="What a version needs: courses, and its text as far as it was understood",
        responses={**NEEDS, **ABSENT},
    )
    def get(self, request: Request, course_id: int) -> HttpResponse:
        return unless_known(request, _needs(seen_course(request, course_id)))

    @extend_schema(
        tags=["catalogue"],
        operation_id="qualify_prerequisite",
        summary="Say how an edge is meant: before or with the course, and from which version on",
        description="The version stays as it is. To add or remove an edge, change the course.",
        request=Qualification,
        responses={**NEEDS, **ABSENT, **REFUSED},
    )
    def post(self, request: Request, course_id: int) -> HttpResponse:
        course = seen_course(request, course_id)
        demand(request.user, REVIEWS, course)
        given = read(request, Qualification)
        with told():
            requirements.qualify(
                course,
                _named(given["needed"]),
                kind=CoursePrerequisite.Kind(given["kind"]),
                minimum_version=given["minimum_version"],
                **by(request),
            )
        return _needs(course)


class PrerequisiteReview(APIView):
    permission_classes = (Allowed,)
    needs = {"POST": REVIEWS}

    @extend_schema(
        tags=["catalogue"],
        operation_id="review_prerequisites",
        summary="Put a text into plainer words, or note why it is checked by hand",
        description="The text itself is the version's, and does not change.",
        request=Review,
        responses={**NEEDS, **ABSENT, **REFUSED},
    )
    def post(self, request: Request, course_id: int) -> HttpResponse:
        course = seen_course(request, course_id)
        demand(request.user, REVIEWS, course)
        given = read(request, Review)
        with told():
            requirements.review(course, user=who(request), now=timezone.now(), **given)
        return _needs(course)


def _needs(course: Course) -> HttpResponse:
    return answer(as_prerequisites(course, requirements.needs_of(course)))


def _named(needed: int) -> Course:
    """The course of an edge. Raises Problem."""
    found = Course.objects.filter(pk=needed).first() if needed <= BIGGEST_ID else None
    if found is None:
        raise invalid({"needed": "is no course"})
    return found

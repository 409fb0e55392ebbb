"""What a student holds, waits for, and may do when."""

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from enrollment import queries
from registrar.api import answer, unless_known

from . import schemas
from .door import StudentView


class Enrollments(StudentView):
    @extend_schema(
        tags=["registration"],
        operation_id="my_enrollments",
        summary="The courses I have a seat in",
        responses={(200, "application/json"): schemas.HeldSeats, **schemas.problems(401, 403)},
    )
    def get(self, request: Request) -> HttpResponse:
        return unless_known(request, answer({"results": queries.seats(self.student.pk)}))


class Waitlist(StudentView):
    @extend_schema(
        tags=["registration"],
        operation_id="my_waitlist_places",
        summary="Where I wait, and at what place",
        responses={(200, "application/json"): schemas.WaitPlaces, **schemas.problems(401, 403)},
    )
    def get(self, request: Request) -> HttpResponse:
        return unless_known(request, answer({"results": queries.places(self.student.pk)}))


class Windows(StudentView):
    @extend_schema(
        tags=["registration"],
        operation_id="my_windows",
        summary="When registration is open for me",
        responses={(200, "application/json"): schemas.Windows, **schemas.problems(401, 403)},
    )
    def get(self, request: Request) -> HttpResponse:
        seen = queries.windows(self.student.cohort)
        return answer({"now": timezone.now(), "results": seen})

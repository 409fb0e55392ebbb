"""What became of what was asked, and taking it back while it is undecided."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from enrollment import directory, queries
from enrollment.requests import Submission
from enrollment.vocabulary import STUDENT_KINDS, Kind
from registrar.api import answer, read_body, unless_known
from registrar.problems import invalid

from . import schemas
from .door import REQUESTS, StudentView, read_headers, retry_after, said, taken

PAGE = 50
MOST = 200


class Requests(StudentView):
    @extend_schema(
        tags=["registration"],
        operation_id="my_requests",
        summary="My requests, newest first",
        parameters=[
            OpenApiParameter(
                "ids", OpenApiTypes.STR, description="Only these, separated by commas."
            ),
            OpenApiParameter("pending", OpenApiTypes.BOOL, description="Only the undecided."),
            OpenApiParameter("before", OpenApiTypes.INT, description="Older than this one."),
            OpenApiParameter("limit", OpenApiTypes.INT, description=f"At most {MOST}."),
        ],
        responses={(200, "application/json"): schemas.RequestPage, **schemas.problems(401, 403)},
    )
    def get(self, request: Request) -> HttpResponse:
        asked = request.GET
        limit = min(read_number(asked.get("limit"), "limit", PAGE), MOST)
        found = queries.requests(
            self.student.pk,
            ids=read_numbers(asked["ids"], "ids") if "ids" in asked else None,
            pending=asked.get("pending") == "true",
            before=read_number(asked.get("before"), "before", queries.BIGGEST_ID),
            limit=limit + 1,
        )
        more = len(found) > limit
        found = found[:limit]
        following = f"{REQUESTS}?before={found[-1].id}&limit={limit}" if more else None
        page_of_them = answer({"results": found, "next": following}, headers=retry_after(found))
        return unless_known(request, page_of_them)


class OneRequest(StudentView):
    @extend_schema(
        tags=["registration"],
        operation_id="my_request",
        summary="One request: its place in line, or its outcome",
        responses={
            (200, "application/json"): schemas.RegistrationRequest,
            **schemas.problems(401, 403, 404),
        },
    )
    def get(self, request: Request, request_id: int) -> HttpResponse:
        asked = queries.request(self.student.pk, request_id)
        if asked is None:
            raise said("REQUEST_UNKNOWN")
        return unless_known(request, answer(asked, headers=retry_after([asked])))


class Cancel(StudentView):
    @extend_schema(
        tags=["registration"],
        operation_id="cancel",
        summary="Take a request back, if it is not decided before",
        parameters=schemas.HEADERS,
        request=schemas.Nothing,
        responses=schemas.accepted(schemas.RegistrationRequest),
    )
    def post(self, request: Request, request_id: int) -> HttpResponse:
        sent = read_headers(request)
        read_body(request, ())
        target = queries.target(self.student.pk, request_id)
        if target is None:
            raise said("REQUEST_UNKNOWN")
        if target.kind is Kind.CANCEL or target.kind not in STUDENT_KINDS:
            raise said("NOT_CANCELLABLE")
        submission = Submission(
            Kind.CANCEL,
            self.student.actor,
            self.student.pk,
            target.term,
            target.offerings,
            {"request": request_id},
            sent.key,
        )
        listed = directory.labels(target.offerings)
        courses = [listed[offering] for offering in target.offerings]
        return taken(self.student, submission, courses, sent.wait)


def read_number(given: str | None, name: str, otherwise: int) -> int:
    """A whole number from 1 in a query string."""
    if given is None:
        return otherwise
    [number] = read_numbers(given, name, most=1)
    return number


def read_numbers(given: str, name: str, most: int = MOST) -> list[int]:
    """Whole numbers separated by commas. Raises Problem."""
    parts = given.split(",")
    if len(parts) > most or not all(p.isascii() and p.isdigit() and len(p) < 19 for p in parts):
        raise invalid({name: "must be a whole number" if most == 1 else "must be whole numbers"})
    return [max(1, int(part)) for part in parts]

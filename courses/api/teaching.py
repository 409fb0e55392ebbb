"""Who teaches what, and how much that is.

Asked of the matrix: `courses.view_courseinstructor`, `add_courseinstructor` and
`change_courseinstructor`, the last two of the record itself (a department's head may in their
department); `courses.view_load` for anybody's load, while everybody may see their own.
"""

from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from courses import teaching
from courses.models import Course, CourseInstructor, SemesterType
from registrar.accounts.access import Allowed, demand
from registrar.api import answer, unless_known
from registrar.problems import Problem, invalid

from .refusals import told
from .staff import BIGGEST_ID, by, read, sane, who

_JSON = "application/json"
_YEARS: dict[str, Any] = {"min_value": 1900, "max_value": 2200}


class Taught(serializers.Serializer[None]):
    course = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    contact_hours = serializers.IntegerField(help_text="Of the course, a week.")
    share = serializers.IntegerField(help_text="In percent.")
    sections = serializers.ListField(child=serializers.CharField())
    hours = serializers.CharField(help_text="Theirs, a week: exact, with two decimals.")


class TermLoad(serializers.Serializer[None]):
    instructor = serializers.IntegerField()
    name = serializers.CharField()
    year = serializers.IntegerField()
    semester_type = serializers.ChoiceField(choices=SemesterType.choices)
    hours = serializers.CharField(help_text="A week, of all courses together.")
    courses = Taught(many=True)


class LoadList(serializers.Serializer[None]):
    results = TermLoad(many=True)


class TeamMember(serializers.Serializer[None]):
    id = serializers.IntegerField()
    course = serializers.IntegerField()
    code = serializers.CharField()
    version = serializers.CharField()
    instructor = serializers.IntegerField()
    name = serializers.CharField()
    year = serializers.IntegerField()
    semester_type = serializers.ChoiceField(choices=SemesterType.choices)
    share = serializers.IntegerField(help_text="In percent.")
    team_share = serializers.IntegerField(help_text="Of all who teach it then; 100 is right.")


class TeamList(serializers.Serializer[None]):
    results = TeamMember(many=True)


class When(serializers.Serializer[None]):
    """What loads can be narrowed by."""

    year = serializers.IntegerField(required=False, **_YEARS)
    semester_type = serializers.ChoiceField(choices=SemesterType.choices, required=False)


class Whose(When):
    """What assignments can be narrowed by."""

    course = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST_ID)
    instructor = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST_ID)


class NewAssignment(serializers.Serializer[None]):
    course = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)
    instructor = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)
    semester_type = serializers.ChoiceField(choices=SemesterType.choices)
    year = serializers.IntegerField(
        required=False, help_text="The current one, where none is given.", **_YEARS
    )
    share = serializers.IntegerField(min_value=0, max_value=teaching.WHOLE, default=teaching.WHOLE)


class Share(serializers.Serializer[None]):
    share = serializers.IntegerField(
        min_value=0, max_value=teaching.WHOLE, help_text="0 for who does not teach it after all."
    )


_REFUSED = {
    403: OpenApiResponse(description="Not yours to do."),
    422: OpenApiResponse(description="A field cannot be used; it is named."),
}
_WHEN = [
    OpenApiParameter("year", OpenApiTypes.INT),
    OpenApiParameter("semester_type", OpenApiTypes.STR, enum=SemesterType.values),
]


class InstructorLoad(APIView):
    permission_classes = (IsAuthenticated,)

    @extend_schema(
        tags=["teaching"],
        operation_id="instructor_load",
        summary="What somebody teaches, and hours a week, semester by semester",
        parameters=_WHEN,
        responses={(200, _JSON): LoadList, **_REFUSED},
    )
    def get(self, request: Request, user_id: int) -> HttpResponse:
        if request.user.pk != user_id:
            demand(request.user, "courses.view_load")
        when = _asked(request, When)
        return _loads(request, teaching.loads(instructor=sane(user_id), **when))


class Loads(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_load"}

    @extend_schema(
        tags=["teaching"],
        operation_id="loads",
        summary="What everybody teaches, and hours a week",
        parameters=_WHEN,
        responses={(200, _JSON): LoadList, **_REFUSED},
    )
    def get(self, request: Request) -> HttpResponse:
        return _loads(request, teaching.loads(**_asked(request, When)))


class Assignments(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_courseinstructor", "POST": "courses.add_courseinstructor"}

    @extend_schema(
        tags=["teaching"],
        operation_id="assignments",
        summary="Who teaches which course, the latest year first; earlier ones are kept",
        parameters=[
            *_WHEN,
            OpenApiParameter("course", OpenApiTypes.INT),
            OpenApiParameter("instructor", OpenApiTypes.INT),
        ],
        responses={(200, _JSON): TeamList, **_REFUSED},
    )
    def get(self, request: Request) -> HttpResponse:
        wanted = Q(**_asked(request, Whose))
        return unless_known(request, answer({"results": teaching.team(wanted)}))

    @extend_schema(
        tags=["teaching"],
        operation_id="assign",
        summary="Name somebody for a course, beside whoever is named already",
        request=NewAssignment,
        responses={(201, _JSON): TeamMember, **_REFUSED},
    )
    def post(self, request: Request) -> HttpResponse:
        fields = read(request, NewAssignment)
        course = Course.objects.filter(pk=fields["course"]).first()
        if course is None:
            raise invalid({"course": "There is no such course."})
        self.check_object_permissions(request, CourseInstructor(course=course))
        with told():
            made = teaching.assign(**fields, **by(request))
        return _one(made, code=201)


class OneAssignment(APIView):
    permission_classes = (Allowed,)
    needs = {"PATCH": "courses.change_courseinstructor"}

    @extend_schema(
        tags=["teaching"],
        operation_id="change_share",
        summary="Change how much of a course somebody carries",
        request=Share,
        responses={
            (200, _JSON): TeamMember,
            404: OpenApiResponse(description="There is no such assignment."),
            **_REFUSED,
        },
    )
    def patch(self, request: Request, assignment_id: int) -> HttpResponse:
        found = CourseInstructor.objects.select_related("course").filter(pk=sane(assignment_id))
        named = found.first()
        if named is None:
            raise Problem("NOT_FOUND")
        self.check_object_permissions(request, named)
        with told():
            teaching.change_share(assignment=assignment_id, **read(request, Share), **by(request))
        return _one(assignment_id)


def _asked(request: Request, kind: type[serializers.Serializer[None]]) -> dict[str, Any]:
    given = kind(data=request.query_params)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _one(assignment: int, code: int = 200) -> HttpResponse:
    [found] = teaching.team(Q(pk=assignment))
    return answer(found, code=code)


def _loads(request: Request, found: list[teaching.TermLoad]) -> HttpResponse:
    teaching.watch(found, who(request), request.get_full_path(), timezone.now())
    return answer({"results": _plain(found)})


def _plain(loads: list[teaching.TermLoad]) -> list[dict[str, Any]]:
    """Exact hours as text: a float would round them."""
    return [
        {
            **load._asdict(),
            "hours": str(load.hours),
            "courses": [{**each._asdict(), "hours": str(each.hours)} for each in load.courses],
        }
        for load in loads
    ]

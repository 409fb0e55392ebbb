"""Departments and their plans: everybody signed in reads them, the registrar's office writes."""

from contextlib import AbstractContextManager

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from courses.departments import hierarchy, writing
from courses.models import Department, DepartmentCourseMap
from registrar.accounts.access import Allowed
from registrar.accounts.claims import claim
from registrar.api import answer, unless_known
from registrar.problems import Problem, invalid

from .precondition import CHANGED, IF_MATCH, as_seen, set_etag
from .refusals import told
from .staff import BIGGEST_ID, read, sane, who


class DepartmentCard(serializers.Serializer[None]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    code = serializers.CharField()
    years = serializers.IntegerField()
    semesters = serializers.IntegerField()
    courses = serializers.IntegerField(help_text="Places in the plan that are filled.")


class DepartmentList(serializers.Serializer[None]):
    results = DepartmentCard(many=True)


class PlacedCourse(serializers.Serializer[None]):
    id = serializers.IntegerField(help_text="Of the place, to change or to empty it by.")
    course = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()
    credits = serializers.IntegerField()
    version = serializers.CharField()
    later = serializers.CharField(allow_null=True, help_text="The version since, if there is one.")


class DepartmentSemester(serializers.Serializer[None]):
    id = serializers.IntegerField()
    number = serializers.IntegerField(help_text="1 or 2, in its year.")
    name = serializers.CharField()
    absolute_number = serializers.IntegerField(help_text="Counted from the first year on.")
    courses = PlacedCourse(many=True)


class DepartmentYear(serializers.Serializer[None]):
    id = serializers.IntegerField()
    number = serializers.IntegerField()
    name = serializers.CharField()
    semesters = DepartmentSemester(many=True)


class DepartmentDetail(serializers.Serializer[None]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    code = serializers.CharField()
    years = DepartmentYear(many=True)


class DepartmentFields(serializers.Serializer[None]):
    name = serializers.CharField(max_length=100)
    code = serializers.CharField(max_length=20)


class PlacementFields(serializers.Serializer[None]):
    semester = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)
    course = serializers.IntegerField(
        min_value=1, max_value=BIGGEST_ID, help_text="The latest version of a course."
    )


_REFUSED = {
    403: OpenApiResponse(description="Not yours to write."),
    422: OpenApiResponse(description="A field cannot be used; it is named."),
}
_DETAIL = {(200, "application/json"): DepartmentDetail}
_ABSENT = {404: OpenApiResponse(description="There is no such department.")}
_DONE = {204: OpenApiResponse(description="Done.")}


class Departments(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_department", "POST": "courses.add_department"}

    @extend_schema(
        tags=["catalogue"],
        operation_id="departments",
        summary="Departments by code",
        responses={(200, "application/json"): DepartmentList},
    )
    def get(self, request: Request) -> HttpResponse:
        return unless_known(request, answer({"results": hierarchy.departments()}))

    @extend_schema(
        tags=["catalogue"],
        operation_id="add_department",
        summary="Add a department, with its four years and eight semesters",
        request=DepartmentFields,
        responses={(201, "application/json"): DepartmentDetail, **_REFUSED},
    )
    def post(self, request: Request) -> HttpResponse:
        values = read(request, DepartmentFields)
        with told():
            made = writing.add_department(who(request), **values, now=timezone.now())
        where = {"Location": f"{request.path}{made.pk}/"}
        return answer(hierarchy.department(made.pk), code=201, headers=where)


class OneDepartment(APIView):
    permission_classes = (Allowed,)
    needs = {
        "GET": "courses.view_department",
        "PATCH": "courses.change_department",
        "DELETE": "courses.delete_department",
    }

    @extend_schema(
        tags=["catalogue"],
        operation_id="department",
        summary="One department down to the courses of its semesters",
        responses={**_DETAIL, **_ABSENT},
    )
    def get(self, request: Request, department_id: int) -> HttpResponse:
        return unless_known(request, answer(_seen(department_id)))

    @extend_schema(
        tags=["catalogue"],
        operation_id="change_department",
        summary="Give a department another name or code",
        request=DepartmentFields(partial=True),
        parameters=[IF_MATCH],
        responses={**_DETAIL, **_ABSENT, **_REFUSED, **CHANGED},
    )
    def patch(self, request: Request, department_id: int) -> HttpResponse:
        found = _seen(department_id)
        values = {"name": found.name, "code": found.code} | read(
            request, DepartmentFields, partial=True
        )
        with told(), _as_seen(request, department_id):
            writing.change_department(who(request), department_id, **values, now=timezone.now())
        return set_etag(answer(_seen(department_id)))

    @extend_schema(
        tags=["catalogue"],
        operation_id="remove_department",
        summary="Remove a department that nothing belongs to",
        parameters=[IF_MATCH],
        responses={
            **CHANGED,
            **_DONE,
            **_ABSENT,
            403: _REFUSED[403],
            409: OpenApiResponse(description="Courses or people still belong to it."),
        },
    )
    def delete(self, request: Request, department_id: int) -> Response:
        _seen(department_id)
        with told(), _as_seen(request, department_id):
            writing.remove_department(who(request), department_id, timezone.now())
        return Response(status=204)


class Placements(APIView):
    permission_classes = (Allowed,)
    needs = {"POST": "courses.add_departmentcoursemap"}

    @extend_schema(
        tags=["catalogue"],
        operation_id="place_course",
        summary="Teach a course in a semester of the department",
        request=PlacementFields,
        responses={(201, "application/json"): DepartmentDetail, **_ABSENT, **_REFUSED},
    )
    def post(self, request: Request, department_id: int) -> HttpResponse:
        found = _seen(department_id)
        values = read(request, PlacementFields)
        if values["semester"] not in {s.id for year in found.years for s in year.semesters}:
            raise invalid({"semester": "This is no semester of the department."})
        with told():
            made = writing.place_course(who(request), **values, now=timezone.now())
        where = {"Location": f"{request.path}{made.pk}/"}
        return answer(_seen(department_id), code=201, headers=where)


class OnePlacement(APIView):
    permission_classes = (Allowed,)
    needs = {
        "PATCH": "courses.change_departmentcoursemap",
        "DELETE": "courses.delete_departmentcoursemap",
    }

    @extend_schema(
        tags=["catalogue"],
        operation_id="move_course",
        summary="Teach it in another semester, or a later version of it",
        request=PlacementFields(partial=True),
        responses={**_DETAIL, **_ABSENT, **_REFUSED},
    )
    def patch(self, request: Request, department_id: int, place_id: int) -> HttpResponse:
        placed = _placed(department_id, place_id)
        values = {"semester": placed.semester_id, "course": placed.course_id} | read(
            request, PlacementFields, partial=True
        )
        with told():
            writing.move_course(who(request), placed, **values, now=timezone.now())
        return answer(_seen(department_id))

    @extend_schema(
        tags=["catalogue"],
        operation_id="take_out_course",
        summary="Teach it there no longer",
        responses={**_DONE, **_ABSENT, 403: _REFUSED[403]},
    )
    def delete(self, request: Request, department_id: int, place_id: int) -> Response:
        placed = _placed(department_id, place_id)
        with told():
            writing.take_out_course(who(request), placed, timezone.now())
        return Response(status=204)


def _seen(department_id: int) -> hierarchy.DepartmentSeen:
    found = hierarchy.department(sane(department_id))
    if found is None:
        raise Problem("NOT_FOUND")
    return found


def _as_seen(request: Request, department_id: int) -> AbstractContextManager[None]:
    """A change of the department that If-Match names, if it names one."""

    def lock() -> None:
        # No more can be locked than may be written.
        with claim(who(request)):
            list(Department.objects.select_for_update().filter(pk=department_id))

    return as_seen(request, lock, lambda: answer(_seen(department_id)))


def _placed(department_id: int, place_id: int) -> DepartmentCourseMap:
    found = DepartmentCourseMap.objects.filter(
        pk=sane(place_id), department=sane(department_id)
    ).first()
    if found is None:
        raise Problem("NOT_FOUND")
    return found

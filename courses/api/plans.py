"""Study plans: everybody signed in reads them, the curriculum committee and the registrar write.

Asked of the matrix: `courses.view_programme`, `add_programme`; `courses.view_curriculum`,
`add_curriculum` (also for a new version), `change_curriculum` (its credits and semesters);
`courses.add_courseslot`, `change_courseslot` (its limits, and the courses in it).

A write answers with the plan as it is then.
"""

from contextlib import AbstractContextManager

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from courses.models import CourseSlot, Curriculum
from courses.plans import hierarchy, versions, writing
from registrar.accounts.access import Allowed
from registrar.api import answer, read_body, unless_known
from registrar.problems import Problem

from . import plan_schemas as schemas
from .precondition import CHANGED, IF_MATCH, as_seen, set_etag
from .refusals import told
from .staff import by, read, sane

_JSON = "application/json"
_PLAN = {(200, _JSON): schemas.Curriculum}
_MADE = {(201, _JSON): schemas.Curriculum}
_ABSENT = {404: OpenApiResponse(description="There is no such thing.")}
_REFUSED = {
    403: OpenApiResponse(description="Not yours to write."),
    409: OpenApiResponse(description="This version of the plan is history."),
    422: OpenApiResponse(description="A field cannot be used; it is named."),
}


class Programmes(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_programme", "POST": "courses.add_programme"}

    @extend_schema(
        tags=["study plans"],
        operation_id="programmes",
        summary="Programmes, with the versions of their plans",
        responses={(200, _JSON): schemas.ProgrammeList},
    )
    def get(self, request: Request) -> HttpResponse:
        return unless_known(request, answer({"results": hierarchy.programmes()}))

    @extend_schema(
        tags=["study plans"],
        operation_id="add_programme",
        summary="Add a programme",
        request=schemas.ProgrammeFields,
        responses={(201, _JSON): schemas.ProgrammeDetail, **_REFUSED},
    )
    def post(self, request: Request) -> HttpResponse:
        fields = read(request, schemas.ProgrammeFields)
        with told():
            made = writing.save_programme(**fields, **by(request))
        return answer(hierarchy.programme(made), code=201, headers=_at(f"{request.path}{made}/"))


class OneProgramme(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_programme"}

    @extend_schema(
        tags=["study plans"],
        operation_id="programme",
        summary="One programme down to the course versions in its plans",
        responses={(200, _JSON): schemas.ProgrammeDetail, **_ABSENT},
    )
    def get(self, request: Request, programme_id: int) -> HttpResponse:
        found = hierarchy.programme(sane(programme_id))
        if found is None:
            raise Problem("NOT_FOUND")
        return unless_known(request, answer(found))


class Curricula(APIView):
    permission_classes = (Allowed,)
    needs = {"POST": "courses.add_curriculum"}

    @extend_schema(
        tags=["study plans"],
        operation_id="add_curriculum",
        summary="Make a plan, version 1.0, with its semesters",
        request=schemas.CurriculumFields,
        responses={**_MADE, **_ABSENT, **_REFUSED},
    )
    def post(self, request: Request, programme_id: int) -> HttpResponse:
        fields = read(request, schemas.CurriculumFields)
        with told():
            made = writing.create_curriculum(programme=sane(programme_id), **fields, **by(request))
        return _plan(made, code=201)


class OneCurriculum(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_curriculum", "PATCH": "courses.change_curriculum"}

    @extend_schema(
        tags=["study plans"],
        operation_id="curriculum",
        summary="One version of a plan: semesters, slots, course versions, credits",
        responses={**_PLAN, **_ABSENT},
    )
    def get(self, request: Request, curriculum_id: int) -> HttpResponse:
        return unless_known(request, _plan(sane(curriculum_id)))

    @extend_schema(
        tags=["study plans"],
        operation_id="change_curriculum",
        summary="Correct the credits that a plan asks for",
        request=schemas.CreditsNeeded,
        parameters=[IF_MATCH],
        responses={**_PLAN, **_ABSENT, **_REFUSED, **CHANGED},
    )
    def patch(self, request: Request, curriculum_id: int) -> HttpResponse:
        fields = read(request, schemas.CreditsNeeded)
        with told(), _as_seen(request, sane(curriculum_id)):
            plan = writing.change_needed(curriculum=sane(curriculum_id), **fields, **by(request))
        return _plan(plan)


class CurriculumVersions(APIView):
    permission_classes = (Allowed,)
    needs = {"POST": "courses.add_curriculum"}

    @extend_schema(
        tags=["study plans"],
        operation_id="version_curriculum",
        summary="Copy the latest version of a plan into a new one; the old one stays",
        request=schemas.NewVersion,
        responses={**_MADE, **_ABSENT, **_REFUSED},
    )
    def post(self, request: Request, curriculum_id: int) -> HttpResponse:
        fields = read(request, schemas.NewVersion)
        with told():
            made = versions.new_version(curriculum=sane(curriculum_id), **fields, **by(request))
        return _plan(made, code=201)


class CurriculumSemesters(APIView):
    permission_classes = (Allowed,)
    needs = {"POST": "courses.change_curriculum"}

    @extend_schema(
        tags=["study plans"],
        operation_id="add_curriculum_semester",
        summary="Add the next semester to a plan",
        request=None,
        responses={**_MADE, **_ABSENT, **_REFUSED},
    )
    def post(self, request: Request, curriculum_id: int) -> HttpResponse:
        read_body(request, ())
        with told():
            writing.add_semester(curriculum=sane(curriculum_id), **by(request))
        return _plan(curriculum_id, code=201)


class Slots(APIView):
    permission_classes = (Allowed,)
    needs = {"POST": "courses.add_courseslot"}

    @extend_schema(
        tags=["study plans"],
        operation_id="add_slot",
        summary="Add a slot to a semester of a plan",
        request=schemas.SlotFields,
        responses={**_MADE, **_ABSENT, **_REFUSED},
    )
    def post(self, request: Request, curriculum_id: int, semester_no: int) -> HttpResponse:
        fields = writing.SlotFields(**read(request, schemas.SlotFields))
        plan, number = sane(curriculum_id), min(semester_no, schemas.BIGGEST)
        with told():
            writing.add_slot(curriculum=plan, semester_no=number, slot=fields, **by(request))
        return _plan(plan, code=201)


class OneSlot(APIView):
    permission_classes = (Allowed,)
    needs = {"PATCH": "courses.change_courseslot"}

    @extend_schema(
        tags=["study plans"],
        operation_id="change_slot",
        summary="Change a slot's name, type or limits",
        request=schemas.SlotFields(partial=True),
        parameters=[IF_MATCH],
        responses={**_PLAN, **_ABSENT, **_REFUSED, **CHANGED},
    )
    def patch(self, request: Request, slot_id: int) -> HttpResponse:
        plan, found = _slot(slot_id)
        now = {name: getattr(found, name) for name in writing.SlotFields._fields}
        to = writing.SlotFields(**now | read(request, schemas.SlotFields, partial=True))
        with told(), _as_seen(request, plan):
            writing.change_slot(slot=slot_id, to=to, **by(request))
        return _plan(plan)


class SlotCourse(APIView):
    permission_classes = (Allowed,)
    needs = {"PUT": "courses.change_courseslot", "DELETE": "courses.change_courseslot"}

    @extend_schema(
        tags=["study plans"],
        operation_id="put_course",
        summary="Let a course be taken in a slot; an older version of it there makes place",
        request=None,
        parameters=[IF_MATCH],
        responses={**_PLAN, **_ABSENT, **_REFUSED, **CHANGED},
    )
    def put(self, request: Request, slot_id: int, course_id: int) -> HttpResponse:
        read_body(request, ())
        plan, _ = _slot(slot_id)
        with told(), _as_seen(request, plan):
            writing.put_course(slot=slot_id, course=sane(course_id), **by(request))
        return _plan(plan)

    @extend_schema(
        tags=["study plans"],
        operation_id="take_course",
        summary="Let a course be taken in a slot no longer",
        parameters=[IF_MATCH],
        responses={**_PLAN, **_ABSENT, **_REFUSED, **CHANGED},
    )
    def delete(self, request: Request, slot_id: int, course_id: int) -> HttpResponse:
        plan, _ = _slot(slot_id)
        with told(), _as_seen(request, plan):
            writing.take_course(slot=slot_id, course=sane(course_id), **by(request))
        return _plan(plan)


def _slot(slot_id: int) -> tuple[int, CourseSlot]:
    """A slot and the id of its plan."""
    found = CourseSlot.objects.select_related("semester").filter(pk=sane(slot_id)).first()
    if found is None:
        raise Problem("NOT_FOUND")
    return found.semester.curriculum_id, found


def _plan(curriculum_id: int, code: int = 200) -> HttpResponse:
    found = hierarchy.curriculum(curriculum_id)
    if found is None:
        raise Problem("NOT_FOUND")
    where = _at(f"/api/catalog/curricula/{found.id}/") if code == 201 else {}
    return set_etag(answer(found, code=code, headers=where))


def _as_seen(request: Request, plan: int) -> AbstractContextManager[None]:
    """A change of the plan that If-Match names, if it names one."""
    rows = Curriculum.objects.select_for_update(no_key=True).filter(pk=plan)
    return as_seen(request, lambda: list(rows), lambda: _plan(plan))


def _at(path: str) -> dict[str, str]:
    return {"Location": path}

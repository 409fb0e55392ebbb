"""Batches: who studies by which plan.

Asked of the matrix: `courses.view_batch`, `add_batch`, `change_batch`; `courses.add_batchmember`.
Whoever is in a batch reads their own plan without any.
"""

from django.db.models import Q
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from courses.models import Batch
from courses.plans import batches, hierarchy
from registrar.accounts.access import Allowed
from registrar.accounts.models import User
from registrar.api import answer, unless_known
from registrar.problems import Problem, invalid

from . import plan_schemas as schemas
from .refusals import told
from .staff import by, read, sane, who

_JSON = "application/json"
_ABSENT = {404: OpenApiResponse(description="There is no such thing.")}
_REFUSED = {
    403: OpenApiResponse(description="Not yours to write."),
    422: OpenApiResponse(description="A field cannot be used; it is named."),
}


class Batches(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_batch", "POST": "courses.add_batch"}

    @extend_schema(
        tags=["study plans"],
        operation_id="batches",
        summary="Batches, the youngest first",
        responses={(200, _JSON): schemas.BatchList},
    )
    def get(self, request: Request) -> HttpResponse:
        return unless_known(request, answer({"results": hierarchy.batches(Q())}))

    @extend_schema(
        tags=["study plans"],
        operation_id="add_batch",
        summary="Add a batch, with the plan that it studies by",
        request=schemas.BatchFields,
        responses={(201, _JSON): schemas.Batch, **_ABSENT, **_REFUSED},
    )
    def post(self, request: Request) -> HttpResponse:
        fields = batches.BatchFields(**read(request, schemas.BatchFields))
        with told():
            made = batches.create_batch(batch=fields, **by(request))
        return _batch(made, code=201)


class OneBatch(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_batch", "PATCH": "courses.change_batch"}

    @extend_schema(
        tags=["study plans"],
        operation_id="batch",
        summary="One batch",
        responses={(200, _JSON): schemas.Batch, **_ABSENT},
    )
    def get(self, request: Request, batch_id: int) -> HttpResponse:
        return unless_known(request, _batch(sane(batch_id)))

    @extend_schema(
        tags=["study plans"],
        operation_id="change_batch",
        summary="Change a batch: its plan, its seats, whether it runs",
        request=schemas.BatchFields(partial=True),
        responses={(200, _JSON): schemas.Batch, **_ABSENT, **_REFUSED},
    )
    def patch(self, request: Request, batch_id: int) -> HttpResponse:
        found = Batch.objects.filter(pk=sane(batch_id)).first()
        if found is None:
            raise Problem("NOT_FOUND")
        to = batches.fields_of(found)._replace(**read(request, schemas.BatchFields, partial=True))
        with told():
            batches.change_batch(batch=batch_id, to=to, **by(request))
        return _batch(batch_id)


class BatchMembers(APIView):
    permission_classes = (Allowed,)
    needs = {"POST": "courses.add_batchmember"}

    @extend_schema(
        tags=["study plans"],
        operation_id="join_batch",
        summary="Put somebody into a batch",
        request=schemas.NewMember,
        responses={(201, _JSON): schemas.Batch, **_ABSENT, **_REFUSED},
    )
    def post(self, request: Request, batch_id: int) -> HttpResponse:
        user = read(request, schemas.NewMember)["user"]
        if not User.objects.filter(pk=user).exists():
            raise invalid({"user": "There is no such person."})
        with told():
            batches.join(batch=sane(batch_id), user=user, **by(request))
        return _batch(batch_id, code=201)


class MyPlan(APIView):
    @extend_schema(
        tags=["study plans"],
        operation_id="my_plan",
        summary="The plan of the batch of who asks; shown, not enforced by registration",
        responses={
            (200, _JSON): schemas.OwnPlan,
            404: OpenApiResponse(description="You are in no batch."),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        found = hierarchy.own_plan(who(request).pk)
        if found is None:
            raise Problem("NOT_FOUND", detail="You are in no batch.")
        return unless_known(request, answer(found))


def _batch(batch_id: int, code: int = 200) -> HttpResponse:
    for found in hierarchy.batches(Q(pk=batch_id)):
        where = {"Location": f"/api/catalog/batches/{found.id}/"} if code == 201 else {}
        return answer(found, code=code, headers=where)
    raise Problem("NOT_FOUND")

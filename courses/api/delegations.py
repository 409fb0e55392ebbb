"""Delegations: letting a colleague act in a reviewing role of one's own for a time.

Who may delegate is asked of the matrix by `courses.delegate_proposal`, and of the roles that the
holder has.
"""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from courses.models import Delegation
from courses.proposals import delegations
from registrar.accounts.access import Allowed
from registrar.accounts.models import User
from registrar.api import answer
from registrar.problems import Problem, invalid

from . import proposal_schemas as schemas
from .refusals import told
from .staff import read, who

_NOT_OK = {
    403: OpenApiResponse(description="Not yours to do; the code says why."),
    422: OpenApiResponse(description="A field cannot be used; it is named."),
}


class Delegations(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_proposal", "POST": "courses.delegate_proposal"}

    @extend_schema(
        tags=["proposals"],
        operation_id="delegations",
        summary="The delegations you gave or hold",
        responses={(200, "application/json"): schemas.DelegationList},
    )
    def get(self, request: Request) -> HttpResponse:
        found = delegations.current(who(request), timezone.now())
        return answer({"results": [_seen(each) for each in found]})

    @extend_schema(
        tags=["proposals"],
        operation_id="delegate",
        summary="Let a colleague act in a role of yours for a time",
        request=schemas.NewDelegation,
        responses={(201, "application/json"): schemas.DelegationSeen, **_NOT_OK},
    )
    def post(self, request: Request) -> HttpResponse:
        values = read(request, schemas.NewDelegation)
        name = values.pop("delegate")
        colleague = User.objects.filter(username=name, is_active=True).first()
        if colleague is None:
            raise invalid({"delegate": "There is nobody of this user name."})
        with told():
            made = delegations.delegate(who(request), colleague, now=timezone.now(), **values)
        return answer(_seen(made), code=201)


class OneDelegation(APIView):
    permission_classes = (Allowed,)
    needs = {"DELETE": "courses.view_proposal"}

    @extend_schema(
        tags=["proposals"],
        operation_id="revoke_delegation",
        summary="End a delegation now",
        responses={
            204: OpenApiResponse(description="It has ended."),
            404: OpenApiResponse(description="There is none such of yours."),
        },
    )
    def delete(self, request: Request, delegation_id: int) -> Response:
        now, user = timezone.now(), who(request)
        if delegation_id not in {each.pk for each in delegations.current(user, now)}:
            raise Problem("NOT_FOUND")
        delegations.revoke(delegation_id, user=user, now=now)
        return Response(status=204)


def _seen(held: Delegation) -> dict[str, Any]:
    return {
        "id": held.pk,
        "holder": held.holder.called,
        "delegate": held.delegate.called,
        "role": held.role,
        "starts_at": held.starts_at,
        "ends_at": held.ends_at,
        "reason": held.reason,
    }

"""Proposals: inbox, drafting, and each step of their way.

Who sees and writes them is asked of the matrix by `courses.view_proposal`, `courses.add_proposal`
and `courses.delegate_proposal`; who may take a step is the table in `courses.workflow`, with the
roles the server knows of. Whoever changes something sends the ETag they have seen as If-Match;
when somebody was first, the answer is 409 and says who.
"""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from courses.models import Course, Proposal
from courses.proposals import authority, boxes, drafts, steps
from courses.proposals.boxes import Box
from courses.proposals.held import watch
from courses.proposals.impact import impact
from courses.versioning import CONTENT, LINKS
from courses.workflow import Action
from registrar.accounts.access import Allowed
from registrar.api import answer, plain
from registrar.problems import Problem, invalid

from . import proposal_schemas as schemas
from .refusals import told
from .staff import if_match, read, sane, who

STEPS = {each.value.lower(): each for each in Action}
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag of what you decide about.",
)
_NOT_OK = {
    403: OpenApiResponse(description="Not yours to do; the code says why."),
    404: OpenApiResponse(description="There is no such proposal for you."),
    409: OpenApiResponse(description="It has moved on, or cannot be done at this stage."),
    422: OpenApiResponse(description="A field cannot be used; it is named."),
    428: OpenApiResponse(description="If-Match is missing."),
}
_SEEN = {(200, "application/json"): OpenApiResponse(schemas.ProposalDetail)}


class LongestWaiting(CursorPagination):
    """Pages by cursor: the inbox with the longest waiting first, the rest by the latest."""

    page_size_query_param = "page_size"
    max_page_size = 200

    def get_ordering(self, request: Any, queryset: Any, view: Any) -> tuple[str, ...]:
        waiting = request.query_params.get("box", Box.INBOX.value) == Box.INBOX.value
        return ("since", "pk") if waiting else ("-since", "-pk")


class Proposals(ListAPIView[Proposal]):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_proposal", "POST": "courses.add_proposal"}
    pagination_class = LongestWaiting
    serializer_class = schemas.ProposalCard
    queryset = Proposal.objects.none()

    @extend_schema(
        tags=["proposals"],
        operation_id="proposals",
        summary="What waits for you, or another of your lists",
        parameters=[schemas.ProposalQuery],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        now = timezone.now()
        page = self.paginate_queryset(boxes.with_names(self._found(request, now))) or []
        return self.get_paginated_response(plain([boxes.card(each, now) for each in page]))

    @extend_schema(
        tags=["proposals"],
        operation_id="add_proposal",
        summary="Draft a new course, or a change of one",
        request=schemas.NewProposal,
        responses={(201, "application/json"): schemas.ProposalDetail, **_NOT_OK},
    )
    def post(self, request: Request) -> HttpResponse:
        values = read(request, schemas.NewProposal)
        course, department = values.pop("course", None), values.pop("department", None)
        found = Course.objects.filter(pk=course).first() if course else None
        if course and found is None:
            raise invalid({"course": "There is no such course."})
        with told():
            made = drafts.create(
                who(request), values, course=found, department=department, now=timezone.now()
            )
        return _seen(request, made.pk, code=201)

    def _found(self, request: Request, now: datetime) -> QuerySet[Proposal]:
        asked = schemas.ProposalQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        found = boxes.in_box(who(request), Box(wanted["box"]), now)
        if "stage" in wanted:
            found = found.filter(stage=wanted["stage"])
        if text := wanted.get("search"):
            found = found.filter(Q(code__icontains=text) | Q(name__icontains=text))
        return found


class OneProposal(APIView):
    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_proposal", "PATCH": "courses.add_proposal"}

    @extend_schema(
        tags=["proposals"],
        operation_id="proposal",
        summary="What it says, what it would do, and everything decided about it",
        responses={**_SEEN, 404: _NOT_OK[404]},
    )
    def get(self, request: Request, proposal_id: int) -> HttpResponse:
        return _seen(request, proposal_id)

    @extend_schema(
        tags=["proposals"],
        operation_id="change_proposal",
        summary="Change what it says, as a draft or when it was returned",
        parameters=[IF_MATCH],
        request=schemas.ProposalFields,
        responses={**_SEEN, **_NOT_OK},
    )
    def patch(self, request: Request, proposal_id: int) -> HttpResponse:
        _visible(request, proposal_id)
        values = read(request, schemas.ProposalFields)
        with told():
            drafts.edit(
                proposal_id,
                values,
                user=who(request),
                expected=if_match(request),
                now=timezone.now(),
            )
        return _seen(request, proposal_id)


class OneStep(APIView):
    permission_classes = (Allowed,)
    needs = {"POST": "courses.view_proposal"}

    @extend_schema(
        tags=["proposals"],
        operation_id="decide_proposal",
        summary="Take one step with it",
        parameters=[
            IF_MATCH,
            OpenApiParameter("step", str, OpenApiParameter.PATH, enum=sorted(STEPS)),
        ],
        request=schemas.ProposalDecision,
        responses={**_SEEN, **_NOT_OK},
    )
    def post(self, request: Request, proposal_id: int, step: str) -> HttpResponse:
        _visible(request, proposal_id)
        if step not in STEPS:
            raise Problem("NOT_FOUND")
        said = steps.Said(**read(request, schemas.ProposalDecision))
        with told():
            steps.take(
                proposal_id,
                STEPS[step],
                user=who(request),
                expected=if_match(request),
                said=said,
                now=timezone.now(),
            )
        return _seen(request, proposal_id)


class Rebase(APIView):
    permission_classes = (Allowed,)
    needs = {"POST": "courses.add_proposal"}

    @extend_schema(
        tags=["proposals"],
        operation_id="rebase_proposal",
        summary="Move a change to the newest version of its course",
        parameters=[IF_MATCH],
        request=None,
        responses={(200, "application/json"): schemas.RebasedProposal, **_NOT_OK},
    )
    def post(self, request: Request, proposal_id: int) -> HttpResponse:
        _visible(request, proposal_id)
        expected = if_match(request)
        with told():
            both = drafts.rebase(
                proposal_id, user=who(request), expected=expected, now=timezone.now()
            )
        return answer({"revision": expected + 1, "both_changed": both})


class Archived(APIView):
    """Whether a proposal is put away from your own lists."""

    permission_classes = (Allowed,)
    needs = {"PUT": "courses.view_proposal", "DELETE": "courses.view_proposal"}

    @extend_schema(
        tags=["proposals"],
        operation_id="archive_proposal",
        summary="Put it away",
        request=None,
        responses={204: OpenApiResponse(description="It is away."), 404: _NOT_OK[404]},
    )
    def put(self, request: Request, proposal_id: int) -> Response:
        return self._set(request, proposal_id, True)

    @extend_schema(
        tags=["proposals"],
        operation_id="unarchive_proposal",
        summary="Take it out again",
        responses={204: OpenApiResponse(description="It is out."), 404: _NOT_OK[404]},
    )
    def delete(self, request: Request, proposal_id: int) -> Response:
        return self._set(request, proposal_id, False)

    def _set(self, request: Request, proposal_id: int, archived: bool) -> Response:
        _visible(request, proposal_id)
        steps.archive(proposal_id, user=who(request), archived=archived)
        return Response(status=204)


def _visible(request: Request, proposal_id: int) -> Proposal:
    """The proposal, if this person may see it; else it is not there."""
    seen = authority.visible_to(who(request), timezone.now())
    found = boxes.with_names(seen.filter(pk=sane(proposal_id))).first()
    if found is None:
        raise Problem("NOT_FOUND")
    return found


def _seen(request: Request, proposal_id: int, code: int = 200) -> HttpResponse:
    """All of it, with the ETag that the next step asks for."""
    user, now = who(request), timezone.now()
    proposal = _visible(request, proposal_id)
    watch(proposal, user, request.get_full_path(), now)
    links = {name: [each.pk for each in getattr(proposal, name).all()] for name in LINKS}
    said = {name: getattr(proposal, name) for name in (*CONTENT, *drafts.EXTRAS)}
    headers = {"ETag": f'"{proposal.revision}"'}
    if code == 201:
        headers["Location"] = f"{request.path}{proposal.pk}/"
    return answer(
        {
            **boxes.card(proposal, now)._asdict(),
            "revision": proposal.revision,
            "course": proposal.course_id,
            "became": proposal.became_id,
            "upload_date": proposal.upload_date,
            "content": {**said, **links},
            "waits_for": [each.called for each in authority.deciders(proposal, now)],
            "actions": boxes.actions(user, proposal, now),
            "impact": impact(proposal),
            "history": boxes.history(proposal),
        },
        code=code,
        headers=headers,
    )

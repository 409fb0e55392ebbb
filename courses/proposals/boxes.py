"""What waits for whom, what became of the rest, and one proposal's history."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from django.db.models import Count, F, Q, QuerySet

from courses.models import Proposal, ProposalDecision
from courses.workflow import OPEN, Action, Stage, possible, reminders_due
from registrar.accounts.models import User

from .authority import actor_of, case_of, visible_to, waiting_for
from .content import Difference, differences


class Box(StrEnum):
    """The lists that a person has of proposals."""

    INBOX = "inbox"
    MINE = "mine"
    HANDLED = "handled"
    ALL = "all"
    ARCHIVE = "archive"


class Card(NamedTuple):
    """A proposal as a line of a list."""

    id: int
    code: str
    name: str
    subject: str
    is_update: bool
    department: str
    author: str
    stage: Stage
    round: int
    since: datetime
    is_read: bool
    overdue: bool
    reminders: int


class Step(NamedTuple):
    """A decision in the history of a proposal; `changed` is since it was last submitted."""

    number: int
    round: int
    action: Action
    stage: Stage
    to_stage: Stage
    by: str
    role: str
    acting_for: str
    remarks: str
    rationale: str
    at: datetime
    changed: tuple[Difference, ...]


def in_box(user: User, box: Box, now: datetime) -> QuerySet[Proposal]:
    """The proposals of one of this person's lists, the longest waiting or the latest first."""
    seen = visible_to(user, now)
    mine = Q(uploader=user)
    handled = Q(
        pk__in=ProposalDecision.objects.filter(actor=user)
        .exclude(proposal__uploader=user)
        .values("proposal")
    )
    away = (mine & Q(is_archive=True)) | Q(hops__receive=user, hops__receiver_archive=True)
    match box:
        case Box.INBOX:
            return seen.filter(waiting_for(actor_of(user, now))).order_by("since", "pk")
        case Box.MINE:
            found = seen.filter(mine, is_archive=False)
        case Box.HANDLED:
            found = seen.filter(handled).exclude(pk__in=_ids(seen.filter(away)))
        case Box.ARCHIVE:
            found = seen.filter(pk__in=_ids(seen.filter(away)))
        case Box.ALL:
            found = seen
    return found.order_by("-since", "-pk")


def _ids(proposals: QuerySet[Proposal]) -> QuerySet[Proposal, dict[str, int]]:
    return proposals.values("pk")  # type: ignore[return-value]


def waiting(user: User, now: datetime) -> int:
    """How many proposals wait for this person."""
    return in_box(user, Box.INBOX, now).count()


def with_names(proposals: QuerySet[Proposal]) -> QuerySet[Proposal]:
    """With all that a card shows, in one query."""
    reminded = Q(reminders__round=F("round"), reminders__stage=F("stage"))
    return proposals.select_related("uploader", "department").annotate(
        reminded=Count("reminders", filter=reminded, distinct=True)
    )


def card(proposal: Proposal, now: datetime) -> Card:
    stage = Stage(proposal.stage)
    return Card(
        proposal.pk,
        proposal.code,
        proposal.name,
        proposal.subject,
        proposal.is_update,
        proposal.department.code,
        proposal.uploader.called,
        stage,
        proposal.round,
        proposal.since,
        proposal.is_read,
        reminders_due(stage, proposal.since, now) > 0,
        getattr(proposal, "reminded", 0),
    )


def history(proposal: Proposal) -> list[Step]:
    """Every decision, the first one first."""
    steps: list[Step] = []
    submitted = None
    rows = proposal.decisions.select_related("actor", "acting_for").order_by("number")
    for row in rows:
        changed: tuple[Difference, ...] = ()
        if row.content is not None:
            changed = differences(submitted, row.content) if submitted else ()
            submitted = row.content
        steps.append(_step(row, changed))
    return steps


def _step(row: ProposalDecision, changed: tuple[Difference, ...]) -> Step:
    return Step(
        row.number,
        row.round,
        Action(row.action),
        Stage(row.stage),
        Stage(row.to_stage),
        row.actor.called,
        row.role,
        row.acting_for.called if row.acting_for else "",
        row.remarks,
        row.rationale,
        row.at,
        changed,
    )


def actions(user: User, proposal: Proposal, now: datetime) -> tuple[Action, ...]:
    """What this person may do to it now."""
    return possible(case_of(proposal), actor_of(user, now))


def is_open(proposal: Proposal) -> bool:
    return Stage(proposal.stage) in OPEN

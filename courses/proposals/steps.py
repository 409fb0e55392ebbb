"""Taking a proposal from stage to stage: lock it, ask the table, write what follows.

1. Hold the row, and refuse who has seen another revision of it.
2. Ask `workflow.decide`, with the authority the server knows of.
3. Make sure that what is proposed still makes sense; make a course of it, or undo that.
4. Write the decision, the desk it lies on next, and the audit entry.

All of it commits or none. Of two reviewers who decide at once one waits for the other and is then
told who it was.
"""

from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q

from courses import requirements
from courses.models import Course, Proposal, ProposalDecision, ProposalTracking
from courses.refusal import Refused
from courses.workflow import FACULTY, REGISTRAR, REVIEWERS, Action, Moved, Refusal, Stage, decide
from registrar.accounts.models import User

from . import activation
from .authority import actor_of, case_of, deciders
from .content import Content, content_of
from .drafts import code_in_use, newer_version, next_round
from .held import locked, record
from .refusals import refused

RATIONALE_LETTERS = 4000


class Said(NamedTuple):
    """What whoever decides has to say: to the author (250 letters), and for the record."""

    remarks: str = ""
    rationale: str = ""


NOTHING = Said()


def take(
    proposal_id: int,
    action: Action,
    *,
    user: User,
    expected: int,
    said: Said = NOTHING,
    now: datetime,
) -> Proposal:
    """Take one step with the proposal as it is at revision `expected`.

    Raises Refused (its subclass Overtaken when somebody was first) or Proposal.DoesNotExist; then
    nothing was written.
    """
    with requirements.committing_edges(), transaction.atomic():
        proposal = locked(proposal_id, expected)
        moved = decide(case_of(proposal), action, actor_of(user, now), said.remarks)
        if isinstance(moved, Refusal):
            remarks = {"remarks": moved.sentence} if moved.code == "REMARKS_NEEDED" else {}
            raise Refused(*moved, fields=remarks)
        content = _ready(proposal) if action in _SUBMISSIONS else None
        became = _course(proposal, moved, user, said, now)
        decision = _decision(proposal, action, moved, user, said, content, now)
        _move(proposal, action, moved, became, now)
        _carry(proposal, decision, now)
        event = f"proposal.{action.value.lower()}"
        record(proposal, event, user.actor, now, **_facts(decision, became))
    return proposal


_SUBMISSIONS = (Action.SUBMIT, Action.RESUBMIT)


def _ready(proposal: Proposal) -> Content:
    """What is put before the reviewers; refused when they could only send it back."""
    content = content_of(proposal)
    if newer_version(proposal) is not None:
        raise refused("STALE_COURSE")
    if code_in_use(proposal):
        raise refused("CODE_IN_USE")
    if proposal.course is not None and content == content_of(proposal.course):
        raise refused("NOTHING_PROPOSED")
    return content


def _course(
    proposal: Proposal, moved: Moved, user: User, said: Said, now: datetime
) -> Course | None:
    """The version that it has become by now, if any."""
    if moved.to is Stage.ACTIVATED:
        return activation.activate(proposal, user.actor, now)
    if moved.to is Stage.REVERSED:
        activation.reverse(proposal, user.actor, said.remarks.strip(), now)
    return proposal.became


def _decision(
    proposal: Proposal,
    action: Action,
    moved: Moved,
    user: User,
    said: Said,
    content: Content | None,
    now: datetime,
) -> ProposalDecision:
    return ProposalDecision.objects.create(
        proposal=proposal,
        number=proposal.decisions.count() + 1,
        round=proposal.round,
        stage=proposal.stage,
        to_stage=moved.to.value,
        action=action.value,
        actor=user,
        role=moved.role,
        acting_for_id=moved.acting_for,
        remarks=said.remarks.strip(),
        rationale=said.rationale.strip(),
        content=content,
        at=now,
    )


def _move(
    proposal: Proposal, action: Action, moved: Moved, became: Course | None, now: datetime
) -> None:
    proposal.stage = moved.to.value
    proposal.since = now
    proposal.revision += 1
    proposal.is_read = False
    proposal.became = became
    if moved.new_round:
        proposal.round = next_round(proposal)
    proposal.save(update_fields=["stage", "since", "revision", "is_read", "became", "round"])


def _carry(proposal: Proposal, decision: ProposalDecision, now: datetime) -> None:
    """Off the desk it lay on, and onto that of whoever it waits for now."""
    lay = proposal.hops.filter(forward_date=None)
    if decision.action in (Action.WITHDRAW.value, Action.REVERSE.value):
        lay.update(forward_date=now)
    else:
        lay.update(
            receive=decision.actor_id,
            forward_date=now,
            is_submitted=decision.action in ("SUBMIT", "RESUBMIT", "APPROVE"),
            is_rejected=decision.action == "REJECT",
            is_added=decision.action == "ACTIVATE",
        )
    role = _DESKS.get(Stage(proposal.stage))
    if role is None:
        return
    known = deciders(proposal, now)
    ProposalTracking.objects.create(
        proposal=proposal,
        round=proposal.round,
        current_id=decision.actor_id,
        current_design=decision.role,
        receive=known[0] if len(known) == 1 else None,
        receive_design=Group.objects.get(name=role),
        disciplines=proposal.disciplines.order_by("pk").first(),
        receive_date=now,
        remarks=decision.remarks,
    )


_DESKS = {**REVIEWERS, Stage.APPROVED: REGISTRAR, Stage.RETURNED: FACULTY}
"""The designation it lies with at each stage in which it waits for somebody."""


def _facts(decision: ProposalDecision, became: Course | None) -> dict[str, object]:
    """What the audit keeps of a step: ids and words, no names."""
    return {
        "decision": decision.number,
        "round": decision.round,
        "from": decision.stage,
        "to": decision.to_stage,
        "role": decision.role,
        "acting_for": decision.acting_for_id,
        "remarks": decision.remarks,
        "rationale": decision.rationale,
        "content": decision.content,
        "became": became.pk if became else None,
    }


# What changes nothing of a decision -------------------------------------------------------------


def mark_read(proposal_id: int, *, user: User, now: datetime) -> bool:
    """It was opened by somebody whose step is next; True the first time since it came."""
    proposal = Proposal.objects.get(pk=proposal_id)
    if user.pk not in {each.pk for each in deciders(proposal, now)}:
        return False
    unread = Proposal.objects.filter(pk=proposal_id, revision=proposal.revision, is_read=False)
    return bool(unread.update(is_read=True))


def archive(proposal_id: int, *, user: User, archived: bool) -> None:
    """Put it away from this person's own lists, or back; it stays where it is for all others."""
    with transaction.atomic():
        Proposal.objects.filter(pk=proposal_id, uploader=user).update(is_archive=archived)
        hops = ProposalTracking.objects.filter(proposal=proposal_id)
        hops.filter(current=user).update(sender_archive=archived)
        hops.filter(receive=user).update(receiver_archive=archived)


def is_archived(proposal_id: int, *, user: User) -> bool:
    """Whether this person has put it away."""
    mine = Q(uploader=user, is_archive=True)
    received = Q(hops__receive=user, hops__receiver_archive=True)
    return Proposal.objects.filter(mine | received, pk=proposal_id).exists()

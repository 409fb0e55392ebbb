"""Reminding whoever a step of a proposal waits for, when it takes too long.

A reminder is a row, shown in the inbox of everybody who may take the step: unique for a proposal,
round, stage and period, so however often beat fires it is given once.
"""

from datetime import datetime
from typing import NamedTuple

import structlog
from django.db import transaction

from courses.models import Proposal, ProposalReminder
from courses.proposals.held import record
from courses.workflow import PATIENCE, Stage, reminders_due

log = structlog.get_logger()

BEAT = "beat"
"""The actor of what nobody asked for at that moment."""


class Reminded(NamedTuple):
    """A reminder that this call, and no other, has given."""

    proposal: int
    number: int


def remind(now: datetime) -> list[Reminded]:
    """Record the reminders that are due and not yet given; each proposal in its own transaction."""
    waiting = Proposal.objects.filter(stage__in=[stage.value for stage in PATIENCE])
    late = [
        each.pk
        for each in waiting.order_by("since", "pk")
        if reminders_due(Stage(each.stage), each.since, now)
    ]
    given = [_remind(each, now) for each in late]
    return [each for each in given if each is not None]


def _remind(proposal_id: int, now: datetime) -> Reminded | None:
    with transaction.atomic():
        # Whoever holds it decides it at this moment: then there is nothing to remind of.
        free = Proposal.objects.select_for_update(skip_locked=True, of=("self",))
        proposal = free.filter(pk=proposal_id).first()
        if proposal is None:
            return None
        stage = Stage(proposal.stage)
        number = reminders_due(stage, proposal.since, now)
        if not number:
            return None
        _, new = ProposalReminder.objects.get_or_create(
            proposal=proposal,
            round=proposal.round,
            stage=stage.value,
            number=number,
            defaults={"at": now},
        )
        if not new:
            return None
        Proposal.objects.filter(pk=proposal_id).update(is_read=False)
        said = {"stage": stage.value, "round": proposal.round, "number": number}
        record(proposal, "proposal.reminded", BEAT, now, **said)
    log.info("proposal.reminded", proposal=proposal_id, stage=stage.value, number=number)
    return Reminded(proposal_id, number)

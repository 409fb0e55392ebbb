"""A proposal's row, held while something is done to it, and its stream of the audit."""

from datetime import datetime
from typing import Any

from courses.models import Proposal
from courses.refusal import Refused
from courses.workflow import Stage
from registrar.accounts.models import User
from registrar.audit.access import record_reading
from registrar.audit.log import note


class Overtaken(Refused):
    """Somebody else was first: who, and what they did."""


def locked(proposal_id: int, expected: int) -> Proposal:
    """The proposal, its row held to the end of the transaction, as whoever acts has seen it.

    Raises Overtaken when it is not, and Proposal.DoesNotExist.
    """
    proposal = hold(proposal_id)
    if proposal.revision != expected:
        raise overtaken(proposal)
    return proposal


def hold(proposal_id: int) -> Proposal:
    """Lock the row, then read it: what is decided is decided about what it says now."""
    return Proposal.objects.select_for_update(of=("self",)).get(pk=proposal_id)


def overtaken(proposal: Proposal) -> Overtaken:
    """What happened since, in words and in values."""
    last = proposal.decisions.select_related("actor").order_by("number").last()
    where = Stage(proposal.stage).value.replace("_", " ").lower()
    facts: dict[str, Any] = {
        "revision": proposal.revision,
        "stage": proposal.stage,
        "round": proposal.round,
    }
    if last is None:
        sentence = "It was changed since you opened it."
        return Overtaken("PROPOSAL_MOVED", sentence, _LOOK_AGAIN, **facts)
    name = last.actor.called
    done = f"{name}: {last.action.lower()}, at {last.at:%Y-%m-%d %H:%M} UTC."
    facts |= {"action": last.action, "decided_by": name, "at": last.at.isoformat()}
    sentence = f"Somebody was first. {done} It is now: {where}, round {proposal.round}."
    return Overtaken("PROPOSAL_MOVED", sentence, _LOOK_AGAIN, **facts)


_LOOK_AGAIN = "Nothing of yours was done: load it again and decide about what it is now."


def watch(proposal: Proposal, reader: User, route: str, now: datetime) -> None:
    """What its reviewers say is confidential: who else than its author reads it is kept (S1-104).

    To be called before it is shown.
    """
    if reader.pk != proposal.uploader_id:
        record_reading(
            actor=reader.actor,
            what="courses.proposal",
            whose=[f"user:{proposal.uploader_id}"],
            route=route,
            at=now,
        )


def record(proposal: Proposal, event: str, actor: str, now: datetime, /, **facts: Any) -> None:
    """An entry of the proposal's own stream; the caller holds its row, so it is the only writer."""
    note(f"proposal:{proposal.pk}", event, actor, now, **facts)

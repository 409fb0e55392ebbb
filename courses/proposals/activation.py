"""From an approved proposal to a course version, and back when the decision is reversed.

Both run in the transaction of the step that asks for them: the version, its audit trail and the
decision commit together or not at all (S1-85).
"""

from datetime import datetime
from typing import Any

from courses import catalogue
from courses.lifecycle import State
from courses.models import Course, Proposal
from courses.refusal import Refused
from courses.versioning import CONTENT, LINKS

from .content import content_of
from .refusals import refused


def activate(proposal: Proposal, actor: str, now: datetime) -> Course:
    """The version that the catalogue has of it from now on.

    Raises Refused: STALE_COURSE when the course has moved on since, and what the catalogue raises.
    """
    comment = f"Proposal {proposal.pk}, round {proposal.round}"
    if proposal.course is None:
        return catalogue.create_course(
            _fields(proposal),
            actor=actor,
            now=now,
            department=proposal.department,
            comment=comment,
        )
    try:
        made = catalogue.create_new_version(
            proposal.course, changes(proposal), actor=actor, now=now, reason=comment
        )
    except Refused as refusal:
        if refusal.code == "STALE_VERSION":
            raise refused("STALE_COURSE") from refusal
        raise
    if made.pk == proposal.course_id:
        raise refused("NOTHING_PROPOSED")
    return made


def reverse(proposal: Proposal, actor: str, why: str, now: datetime) -> None:
    """Undo it: a new version that says what the old one said; a new course is offered no longer.

    Raises Refused: CHANGED_SINCE when the course is not what the proposal made of it any more.
    """
    made = proposal.became
    assert made is not None, "only what was activated is reversed"
    # Looked at under the lock: else what somebody saves meanwhile would be reversed with it.
    catalogue.lock_many([made.lineage])
    made.refresh_from_db()
    if not made.latest_version:
        raise refused("CHANGED_SINCE")
    reason = f"Proposal {proposal.pk} reversed: {why}"
    if proposal.course is not None:
        catalogue.roll_back(made.lineage, proposal.course, actor=actor, now=now, reason=reason)
    elif made.state == State.ACTIVE:
        catalogue.change_state(made, State.INACTIVE, actor=actor, now=now, reason=reason)


def changes(proposal: Proposal) -> dict[str, Any]:
    """What a change proposes, in the catalogue's terms: only the fields that differ (T10)."""
    said = _fields(proposal)
    if proposal.course is None:
        return said
    before, after = content_of(proposal.course), content_of(proposal)
    return {name: value for name, value in said.items() if before[name] != after[name]}


def _fields(proposal: Proposal) -> dict[str, Any]:
    links = {name: {each.pk for each in getattr(proposal, name).all()} for name in LINKS}
    return {**{name: getattr(proposal, name) for name in CONTENT}, **links}

"""How proposals are said and colored on their pages."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from courses.models import Proposal
from courses.proposals.boxes import Box, Card, Step
from courses.workflow import Action, Stage

BOXES: Mapping[Box, str] = {
    Box.INBOX: "Waiting for me",
    Box.MINE: "Mine",
    Box.HANDLED: "Decided by me",
    Box.ALL: "All",
    Box.ARCHIVE: "Archive",
}
WORDS: Mapping[Stage, tuple[str, str]] = {
    Stage.DRAFT: ("Draft", "default"),
    Stage.DEPARTMENT_REVIEW: ("Department review", "info"),
    Stage.CURRICULUM_COMMITTEE: ("Curriculum committee", "info"),
    Stage.ACADEMIC_COUNCIL: ("Academic council", "info"),
    Stage.APPROVED: ("Approved", "primary"),
    Stage.ACTIVATED: ("Activated", "success"),
    Stage.RETURNED: ("Returned", "warning"),
    Stage.REJECTED: ("Rejected", "danger"),
    Stage.WITHDRAWN: ("Withdrawn", "default"),
    Stage.REVERSED: ("Reversed", "danger"),
}
DONE: Mapping[Action, str] = {
    Action.SUBMIT: "submitted it",
    Action.RESUBMIT: "submitted it again",
    Action.APPROVE: "approved it",
    Action.RETURN: "returned it for changes",
    Action.REJECT: "rejected it",
    Action.WITHDRAW: "withdrew it",
    Action.ACTIVATE: "activated it",
    Action.REVERSE: "reversed the decision",
}
_BUTTONS: Mapping[Action, tuple[str, str, str]] = {
    Action.SUBMIT: ("Submit for review", "primary", "send"),
    Action.RESUBMIT: ("Submit again", "primary", "send"),
    Action.APPROVE: ("Approve", "primary", "check"),
    Action.ACTIVATE: ("Activate", "primary", "bolt"),
    Action.RETURN: ("Return for changes", "default", "undo"),
    Action.REJECT: ("Reject", "danger", "close"),
    Action.REVERSE: ("Reverse", "danger", "history"),
    Action.WITHDRAW: ("Withdraw", "default", "remove"),
}


class Button(NamedTuple):
    """One of the things that can be done with it now."""

    step: str
    text: str
    variant: str
    icon: str


def buttons(actions: Iterable[Action]) -> list[Button]:
    """In the order of how often they are wanted."""
    allowed = set(actions)
    return [Button(each.value, *words) for each, words in _BUTTONS.items() if each in allowed]


def told(action: Action, proposal: Proposal) -> str:
    """What the person who did it reads."""
    if proposal.became is not None and action is Action.ACTIVATE:
        return f"{proposal.became} is in the catalogue."
    where = WORDS[Stage(proposal.stage)][0].lower()
    return f"You {DONE[action]}. It is now: {where}."


def said(history: Iterable[Step]) -> list[dict[str, object]]:
    """A history with each step in words; a resubmission stands between two rounds."""
    return [
        {
            **each._asdict(),
            "done": DONE[each.action],
            "role": each.role.replace("_", " "),
            "round": 0 if each.action is Action.RESUBMIT else each.round,
        }
        for each in history
    ]


class Row(NamedTuple):
    """A proposal as a line of a list."""

    card: Card
    url: str
    about: str
    labels: SafeString


def row(card: Card) -> Row:
    """With its link, what it is about in a line, and its stage in colors."""
    kind = "change" if card.is_update else "new course"
    about = f"{kind}, {card.department}" + (f": {card.subject}" if card.subject else "")
    url = reverse("admin:courses_proposal_change", args=[card.id])
    return Row(card, url, about, labels(card))


def labels(card: Card) -> SafeString:
    """Its stage, its round where there was one before, and whether it takes too long."""
    said = [WORDS[card.stage]]
    if card.round > 1:
        said.append((f"round {card.round}", "default"))
    if card.overdue:
        times = f", {card.reminders} reminders" if card.reminders > 1 else ""
        said.append((f"overdue{times}", "danger"))
    return format_html_join(" ", "{}", ((_label(*each),) for each in said))


def _label(text: str, variant: str) -> str:
    return render_to_string("unfold/helpers/label.html", {"text": text, "variant": variant})

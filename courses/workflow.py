"""Proposals as one table: what may be done to one at each stage, by whom, and where it leads.

Faculty proposal, department review, curriculum committee, academic council, activation (S1-81).
Pure: whoever calls says who acts and with which authority, as the server knows it (T44).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class Stage(StrEnum):
    """Where a proposal is."""

    DRAFT = "DRAFT"
    DEPARTMENT_REVIEW = "DEPARTMENT_REVIEW"
    CURRICULUM_COMMITTEE = "CURRICULUM_COMMITTEE"
    ACADEMIC_COUNCIL = "ACADEMIC_COUNCIL"
    APPROVED = "APPROVED"
    ACTIVATED = "ACTIVATED"
    RETURNED = "RETURNED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    REVERSED = "REVERSED"


class Action(StrEnum):
    """What can be done to a proposal as a whole."""

    SUBMIT = "SUBMIT"
    RESUBMIT = "RESUBMIT"
    APPROVE = "APPROVE"
    RETURN = "RETURN"
    REJECT = "REJECT"
    WITHDRAW = "WITHDRAW"
    ACTIVATE = "ACTIVATE"
    REVERSE = "REVERSE"


FACULTY = "faculty"
HEAD = "department_head"
COMMITTEE = "curriculum_committee"
COUNCIL = "academic_council"
REGISTRAR = "registrar"
ADMIN = "admin"

REVIEWERS: Mapping[Stage, str] = {
    Stage.DEPARTMENT_REVIEW: HEAD,
    Stage.CURRICULUM_COMMITTEE: COMMITTEE,
    Stage.ACADEMIC_COUNCIL: COUNCIL,
}
"""Whose approval each stage of the review waits for."""
WAITS_FOR: Mapping[Stage, Action] = {
    Stage.RETURNED: Action.RESUBMIT,
    Stage.DEPARTMENT_REVIEW: Action.APPROVE,
    Stage.CURRICULUM_COMMITTEE: Action.APPROVE,
    Stage.ACADEMIC_COUNCIL: Action.APPROVE,
    Stage.APPROVED: Action.ACTIVATE,
}
"""The step that takes a proposal onward from each stage in which it waits for somebody."""
DELEGABLE = frozenset(REVIEWERS.values())
"""The authority that can be handed to somebody else for a time."""
OPEN = frozenset({Stage.DRAFT, Stage.RETURNED, Stage.APPROVED, *REVIEWERS})
"""Stages in which a proposal is still to become something."""
EDITABLE = frozenset({Stage.DRAFT, Stage.RETURNED})
"""Stages in which its author may change what it says."""


class Rule(NamedTuple):
    """Where an action leads, and who may take it: the author, where no role is named."""

    to: Stage
    roles: frozenset[str] = frozenset()
    own_department: bool = False
    remarks: bool = False
    """Whether it must be explained."""


_OFFICE = frozenset({REGISTRAR, ADMIN})


def _review(stage: Stage, onward: Stage) -> Iterator[tuple[tuple[Stage, Action], Rule]]:
    role = frozenset({REVIEWERS[stage]})
    own = stage is Stage.DEPARTMENT_REVIEW
    yield (stage, Action.APPROVE), Rule(onward, role, own)
    yield (stage, Action.RETURN), Rule(Stage.RETURNED, role, own, remarks=True)
    yield (stage, Action.REJECT), Rule(Stage.REJECTED, role, own, remarks=True)
    yield (stage, Action.WITHDRAW), Rule(Stage.WITHDRAWN)


TRANSITIONS: Mapping[tuple[Stage, Action], Rule] = {
    (Stage.DRAFT, Action.SUBMIT): Rule(Stage.DEPARTMENT_REVIEW),
    (Stage.DRAFT, Action.WITHDRAW): Rule(Stage.WITHDRAWN),
    (Stage.RETURNED, Action.RESUBMIT): Rule(Stage.DEPARTMENT_REVIEW),
    (Stage.RETURNED, Action.WITHDRAW): Rule(Stage.WITHDRAWN),
    **dict(_review(Stage.DEPARTMENT_REVIEW, Stage.CURRICULUM_COMMITTEE)),
    **dict(_review(Stage.CURRICULUM_COMMITTEE, Stage.ACADEMIC_COUNCIL)),
    **dict(_review(Stage.ACADEMIC_COUNCIL, Stage.APPROVED)),
    (Stage.APPROVED, Action.ACTIVATE): Rule(Stage.ACTIVATED, _OFFICE),
    (Stage.APPROVED, Action.RETURN): Rule(Stage.RETURNED, _OFFICE, remarks=True),
    (Stage.APPROVED, Action.WITHDRAW): Rule(Stage.WITHDRAWN),
    # What was decided wrongly: a rejection goes back to its author, a course to what it was.
    (Stage.REJECTED, Action.REVERSE): Rule(Stage.RETURNED, _OFFICE | {COUNCIL}, remarks=True),
    (Stage.ACTIVATED, Action.REVERSE): Rule(Stage.REVERSED, _OFFICE | {COUNCIL}, remarks=True),
}


class Authority(NamedTuple):
    """A role somebody may act in, for themselves or (`holder`) for whom they stand in.

    `departments` are the holder's own: what a department head's role holds for.
    """

    role: str
    holder: int
    departments: frozenset[int] = frozenset()


class Actor(NamedTuple):
    """Who acts, and every authority the server knows of them at this moment."""

    user: int
    authorities: tuple[Authority, ...] = ()


class Case(NamedTuple):
    """What the table needs to know of a proposal."""

    stage: Stage
    author: int
    department: int


class Moved(NamedTuple):
    """It goes to this stage, by this role; `acting_for` is whose, where it was delegated."""

    to: Stage
    role: str
    acting_for: int | None
    new_round: bool


class Refusal(NamedTuple):
    """It stays where it is: why, and the way forward."""

    code: str
    sentence: str
    remedy: str


REFUSALS: Mapping[str, tuple[str, str]] = {
    "WRONG_STAGE": (
        "This cannot be done to a proposal at this stage.",
        "Look at where it is now and what can be done there.",
    ),
    "NOT_THE_AUTHOR": (
        "Only its author may do this to a proposal.",
        "Ask its author, or return it for changes if it is yours to review.",
    ),
    "OWN_PROPOSAL": (
        "Nobody decides about a proposal of their own, or for its author.",
        "Let another holder of the role decide; the registrar's office can name one.",
    ),
    "NOT_YOUR_ROLE": (
        "Your roles do not include deciding this step.",
        "Ask for the role at the registrar's office, or for a delegation from who has it.",
    ),
    "OTHER_DEPARTMENT": (
        "This proposal belongs to a department that is not yours to decide for.",
        "Its own department's head decides this step.",
    ),
    "REMARKS_NEEDED": (
        "This decision needs remarks.",
        "Say in a sentence what its author should know.",
    ),
}
"""Why a step is refused, and what to do about it."""


def decide(case: Case, action: Action, actor: Actor, remarks: str = "") -> Moved | Refusal:
    """Look the step up in the table; the first thing that speaks against it is the answer.

    Authority of one's own comes before a delegated one. A proposal's author decides nothing about
    it: not in a role of their own, not for another, not through another (T44). A resubmission
    begins a new round.
    """
    rule = TRANSITIONS.get((case.stage, action))
    if rule is None:
        return _refused("WRONG_STAGE")
    if not _may(case, rule, actor):
        return _why_not(case, rule, actor)
    if rule.remarks and not remarks.strip():
        return _refused("REMARKS_NEEDED")
    by = _authority(case, rule, actor)
    if by is None:
        return Moved(rule.to, FACULTY, None, action is Action.RESUBMIT)
    return Moved(rule.to, by.role, None if by.holder == actor.user else by.holder, False)


def possible(case: Case, actor: Actor) -> tuple[Action, ...]:
    """What this person may do to this proposal now, in the table's order."""
    return tuple(
        action
        for (stage, action), rule in TRANSITIONS.items()
        if stage is case.stage and _may(case, rule, actor)
    )


def _may(case: Case, rule: Rule, actor: Actor) -> bool:
    if not rule.roles:
        return actor.user == case.author
    return _authority(case, rule, actor) is not None


def _authority(case: Case, rule: Rule, actor: Actor) -> Authority | None:
    """The authority that decides this step, one's own first."""
    fitting = [each for each in actor.authorities if _fits(case, rule, actor, each)]
    return min(fitting, key=lambda by: (by.holder != actor.user, by.role, by.holder), default=None)


def _fits(case: Case, rule: Rule, actor: Actor, by: Authority) -> bool:
    if case.author in (actor.user, by.holder) or by.role not in rule.roles:
        return False
    return case.department in by.departments if rule.own_department else True


def _why_not(case: Case, rule: Rule, actor: Actor) -> Refusal:
    held = [each for each in actor.authorities if each.role in rule.roles]
    if not rule.roles:
        return _refused("NOT_THE_AUTHOR")
    if not held:
        return _refused("NOT_YOUR_ROLE")
    if actor.user == case.author or all(each.holder == case.author for each in held):
        return _refused("OWN_PROPOSAL")
    return _refused("OTHER_DEPARTMENT")


def _refused(code: str) -> Refusal:
    return Refusal(code, *REFUSALS[code])


# Reminders ------------------------------------------------------------------------------------

PATIENCE: Mapping[Stage, timedelta] = {
    Stage.DEPARTMENT_REVIEW: timedelta(days=7),
    Stage.CURRICULUM_COMMITTEE: timedelta(days=14),
    Stage.ACADEMIC_COUNCIL: timedelta(days=21),
    Stage.APPROVED: timedelta(days=7),
    Stage.RETURNED: timedelta(days=30),
}
"""How long a step may take before whoever it waits for is reminded."""
REMIND_EVERY = timedelta(days=7)


def reminders_due(stage: Stage, since: datetime, now: datetime) -> int:
    """How many reminders a step that began at `since` should have had by now; 0 while in time.

    >>> from datetime import UTC
    >>> began = datetime(2026, 3, 2, tzinfo=UTC)
    >>> days = [began + timedelta(days=n) for n in (7, 8, 15)]
    >>> [reminders_due(Stage.DEPARTMENT_REVIEW, began, day) for day in days]
    [0, 1, 2]
    """
    patience = PATIENCE.get(stage)
    if patience is None or now <= since + patience:
        return 0
    return 1 + (now - since - patience) // REMIND_EVERY


# Rebasing -------------------------------------------------------------------------------------


class Rebased(NamedTuple):
    """A draft moved to a newer version: its values, and the fields that both sides changed."""

    values: Mapping[str, object]
    both_changed: tuple[str, ...]


def rebase(
    fields: Sequence[str],
    base: Mapping[str, object],
    mine: Mapping[str, object],
    theirs: Mapping[str, object],
    *,
    together: Collection[str] = (),
) -> Rebased:
    """Keep what the draft changed from its base, take what the newer version did elsewhere.

    The fields `together` mean something only with each other: the draft keeps all of them or none.
    """
    kept = {name for name in fields if mine[name] != base[name]}
    if not kept.isdisjoint(together):
        kept |= set(together)
    values = {name: mine[name] if name in kept else theirs[name] for name in fields}
    both = (n for n in fields if n in kept and theirs[n] not in (base[n], mine[n]))
    return Rebased(values, tuple(both))

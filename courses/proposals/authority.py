"""Who may act, by what the server knows at this moment; nothing a client sends is asked (T44)."""

from datetime import datetime

from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from courses.models import Delegation, DepartmentMember, Proposal
from courses.workflow import (
    ADMIN,
    TRANSITIONS,
    WAITS_FOR,
    Actor,
    Authority,
    Case,
    Rule,
    Stage,
)
from registrar.accounts.models import User


def case_of(proposal: Proposal) -> Case:
    """What the table needs to know of it."""
    return Case(Stage(proposal.stage), proposal.uploader_id, proposal.department_id)


def actor_of(user: User, now: datetime) -> Actor:
    """The person with their own authority and what is delegated to them, read afresh.

    A delegation is worth what its holder's own role is worth now: it does not outlive the role,
    and it does not pass on what the holder was delegated.
    """
    if not user.is_active:
        return Actor(user.pk)
    own = _own(user)
    given = _delegations(now).filter(delegate=user).select_related("holder")
    delegated = (
        authority
        for each in given.order_by("pk")
        for authority in _own(each.holder)
        if authority.role == each.role
    )
    return Actor(user.pk, (*own, *delegated))


def _own(user: User) -> tuple[Authority, ...]:
    if not user.is_active:
        return ()
    roles = set(user.groups.values_list("name", flat=True))
    if user.is_superuser:
        roles.add(ADMIN)
    departments = frozenset(
        DepartmentMember.objects.filter(user=user).values_list("department_id", flat=True)
    )
    return tuple(Authority(role, user.pk, departments) for role in sorted(roles))


def _delegations(now: datetime) -> QuerySet[Delegation]:
    return Delegation.objects.filter(starts_at__lte=now, ends_at__gt=now, revoked_at=None)


def waiting_for(actor: Actor) -> Q:
    """The proposals whose next step this person may take, as a condition."""
    found = Q(pk__in=())
    for stage, action in WAITS_FOR.items():
        rule = TRANSITIONS[stage, action]
        if not rule.roles:
            found |= Q(stage=stage.value, uploader_id=actor.user)
        for by in actor.authorities:
            if by.role not in rule.roles:
                continue
            mine = Q(stage=stage.value) & ~Q(uploader_id__in={actor.user, by.holder})
            if rule.own_department:
                mine &= Q(department_id__in=by.departments)
            found |= mine
    return found


def deciders(proposal: Proposal, now: datetime) -> list[User]:
    """Who may take its next step, those with the role before those who stand in for them."""
    stage = Stage(proposal.stage)
    if stage not in WAITS_FOR:
        return []
    rule = TRANSITIONS[stage, WAITS_FOR[stage]]
    if not rule.roles:
        return [proposal.uploader]
    holders = _holders(proposal, rule)
    given = _delegations(now).filter(holder__in=holders, role__in=rule.roles)
    standing_in = User.objects.filter(
        pk__in=given.exclude(delegate=proposal.uploader_id).values("delegate"), is_active=True
    ).exclude(pk__in=[each.pk for each in holders])
    return [*holders, *standing_in.order_by("pk")]


def _holders(proposal: Proposal, rule: Rule) -> list[User]:
    """As `_own` has it, of everybody at once."""
    holding = Q(Exists(Group.objects.filter(name__in=rule.roles, user=OuterRef("pk"))))
    if ADMIN in rule.roles:
        holding |= Q(is_superuser=True)
    people = User.objects.filter(holding, is_active=True).exclude(pk=proposal.uploader_id)
    if rule.own_department:
        people = people.filter(departments__department=proposal.department_id)
    return list(people.order_by("pk"))


def visible_to(user: User, now: datetime) -> QuerySet[Proposal]:
    """The proposals this person may see: a draft is its author's alone, and the rest is for whom
    the permission covers it, who decides it next and who has decided it before."""
    mine = Q(uploader=user) | Q(decisions__actor=user) | waiting_for(actor_of(user, now))
    if user.has_perm("courses.view_proposal", Proposal()):
        others = ~Q(stage=Stage.DRAFT.value)
    else:
        belongs = DepartmentMember.objects.filter(user=user)
        allowed = [
            each
            for each in belongs.values_list("department_id", flat=True)
            if user.has_perm("courses.view_proposal", Proposal(department_id=each))
        ]
        others = Q(department_id__in=allowed) & ~Q(stage=Stage.DRAFT.value)
    return Proposal.objects.filter(pk__in=Proposal.objects.filter(mine | others).values("pk"))

"""Handing one's own authority to a colleague for a time, and taking it back."""

from datetime import datetime

from django.db import transaction

from courses.models import Delegation
from courses.workflow import DELEGABLE
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.audit.log import note

from .refusals import refused

_STAFF = frozenset(Role) - {Role.STUDENT}


def delegate(
    holder: User,
    to: User,
    role: str,
    *,
    starts_at: datetime,
    ends_at: datetime,
    reason: str = "",
    now: datetime,
) -> Delegation:
    """Let `to` act in a role that `holder` has, from one moment until another. Raises Refused."""
    if role not in DELEGABLE or not _has(holder, {role}):
        raise refused("NOT_DELEGABLE", role="You do not have this role yourself.")
    if to.pk == holder.pk or not to.is_active or not to.is_staff or not _has(to, _STAFF):
        raise refused("NOT_STAFF", delegate="Choose another member of staff.")
    if not starts_at < ends_at or ends_at <= now:
        message = "It ends after it begins, and in the future."
        raise refused("DELEGATION_TIMES", ends_at=message)
    with transaction.atomic():
        made = Delegation.objects.create(
            holder=holder,
            delegate=to,
            role=role,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason.strip(),
        )
        _record(made, "delegation.given", holder, now)
    return made


def revoke(delegation_id: int, *, user: User, now: datetime) -> Delegation:
    """End it now; what was decided by it stands. Raises Refused or Delegation.DoesNotExist."""
    with transaction.atomic():
        held = Delegation.objects.select_for_update().get(pk=delegation_id)
        if user.pk not in (held.holder_id, held.delegate_id):
            raise refused("NOT_DELEGABLE")
        if held.revoked_at is None:
            held.revoked_at = now
            held.save(update_fields=["revoked_at"])
            _record(held, "delegation.revoked", user, now)
    return held


def current(user: User, now: datetime) -> list[Delegation]:
    """Those this person gave or holds that have not ended."""
    alive = Delegation.objects.filter(ends_at__gt=now, revoked_at=None)
    both = alive.filter(holder=user) | alive.filter(delegate=user)
    return list(both.select_related("holder", "delegate").order_by("starts_at", "pk"))


def _has(user: User, roles: set[str] | frozenset[Role]) -> bool:
    return user.is_active and user.groups.filter(name__in=[str(each) for each in roles]).exists()


def _record(held: Delegation, event: str, user: User, now: datetime) -> None:
    note(
        f"delegation:{held.pk}",
        event,
        user.actor,
        now,
        holder=held.holder_id,
        delegate=held.delegate_id,
        role=held.role,
        starts_at=held.starts_at.isoformat(),
        ends_at=held.ends_at.isoformat(),
        reason=held.reason,
    )

"""What nothing asks for any more: tokens, sessions and wrong passwords whose time is over.

It holds for nobody from that moment; here the rows go, a bounded number in each statement.
"""

from datetime import datetime
from typing import NamedTuple

from django.contrib.sessions.models import Session
from django.db.models import Model, QuerySet
from knox.models import AuthToken

from .models import FailedSignIns

AT_ONCE = 10_000
"""Rows in one statement: a fraction of a second."""
STATEMENTS = 20
"""For each table in one go; what is left is for the next."""


class Forgotten(NamedTuple):
    """How many rows went."""

    tokens: int
    sessions: int
    failed_sign_ins: int


def forget(now: datetime) -> Forgotten:
    """Delete what expired before `now`; what never expires stays."""
    return Forgotten(
        tokens=_delete(AuthToken.objects.filter(expiry__lt=now)),
        sessions=_delete(Session.objects.filter(expire_date__lt=now)),
        failed_sign_ins=_delete(FailedSignIns.objects.filter(ends_at__lt=now)),
    )


def _delete(rows: QuerySet[Model]) -> int:
    deleted = 0
    for _ in range(STATEMENTS):
        some, _ = rows.model._base_manager.filter(pk__in=rows.values("pk")[:AT_ONCE]).delete()
        deleted += some
        if some < AT_ONCE:
            break
    return deleted

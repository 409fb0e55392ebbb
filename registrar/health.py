"""Is the site up, and does it do its work.

`/healthz` asks nothing of anybody: the process answers. `/readyz` says whether requests should be
sent here. A database that does not answer, or that lacks a migration, makes it unready (503): no
request could be accepted. Everything else only degrades it (200, and it says so): without Redis
requests are still accepted and the sweeper settles them, a late beat moves no window, and sending
students away from one process does not make the line that all of them share any shorter.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import structlog
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_celery_beat.models import PeriodicTask

from enrollment import mailbox
from registrar.api import answer
from workers.schedule import TICK

log = structlog.get_logger()

BACKLOG_SECONDS = 10
"""The oldest undecided request may be this old; the sweeper alone settles it sooner."""
BEAT_SECONDS = 120
"""Beat sends its tick every 30 s; after four of them it is late."""


class Check(NamedTuple):
    """One thing looked at: whether it is well, whether that is needed, and what was seen."""

    ok: bool
    needed: bool
    seen: dict[str, Any]


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    return answer({"status": "live"})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    checks = look(timezone.now())
    unready = any(check.needed and not check.ok for check in checks.values())
    degraded = not all(check.ok for check in checks.values())
    body = {
        "status": "unready" if unready else "degraded" if degraded else "ready",
        "checks": {name: {"ok": c.ok, **c.seen} for name, c in checks.items()},
    }
    return answer(body, code=503 if unready else 200, headers={"Cache-Control": "no-store"})


def look(now: datetime) -> dict[str, Check]:
    """Every check; those that need the database are left out when it does not answer."""
    checks = {"redis": Check(bool(mailbox.alive()), needed=False, seen={})}
    checks["database"] = _guarded(_database)
    if checks["database"].ok:
        checks["migrations"] = _guarded(_migrations)
        checks["backlog"] = _guarded(_backlog, needed=False)
        checks["beat"] = _guarded(lambda: _beat(now), needed=False)
    return checks


def _guarded(check: Callable[[], Check], needed: bool = True) -> Check:
    try:
        return check()
    except Error as error:
        log.warning("health.failed", check=check.__name__, error=type(error).__name__)
        return Check(ok=False, needed=needed, seen={"error": type(error).__name__})


def _database() -> Check:
    with connection.cursor() as cursor:
        cursor.execute("SELECT NOT pg_is_in_recovery()")
        writable = cursor.fetchone()[0]
    return Check(writable, needed=True, seen={} if writable else {"error": "read-only"})


@lru_cache(maxsize=1)
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Every migration of every app, as this code has them."""
    return frozenset(MigrationLoader(None).graph.nodes)


def _migrations() -> Check:
    missing = _known_migrations() - MigrationRecorder(connection).applied_migrations().keys()
    names = sorted(f"{app}.{name}" for app, name in missing)
    return Check(not names, needed=True, seen={"unapplied": names})


_OLDEST = """
SELECT count(DISTINCT request_id),
       extract(epoch FROM clock_timestamp() - (
           SELECT accepted_at FROM requests WHERE id = min(request_id)))::float
FROM pending
"""


def _backlog() -> Check:
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        waiting, oldest = cursor.fetchone()
    age = round(oldest or 0.0, 1)
    return Check(
        age <= BACKLOG_SECONDS, needed=False, seen={"pending": waiting, "oldest_seconds": age}
    )


def _beat(now: datetime) -> Check:
    ticks = PeriodicTask.objects.filter(task=TICK, last_run_at__isnull=False)
    last = ticks.order_by("-last_run_at").values_list("last_run_at", flat=True).first()
    if last is None:
        return Check(ok=False, needed=False, seen={"last_tick_seconds": None})
    age = round((now - last).total_seconds(), 1)
    return Check(age <= BEAT_SECONDS, needed=False, seen={"last_tick_seconds": age})

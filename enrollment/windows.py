"""Windows: what their opening, their closing and their end set off (D10, T35).

Admission never asks this module: the window test is a predicate inside intake's INSERT. What is
here only announces, by the database's time that the caller passes in. Each effect is claimed by a
conditional UPDATE in one transaction with its audit entry, so it happens once however often, late
or concurrently it fires. A clocked task of beat fires it on time; `reconcile` finds what was
missed.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from django.db import Error, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Q
from django_celery_beat.models import ClockedSchedule, PeriodicTask

from registrar.audit.log import Draft, append, canonical, moment

from . import mailbox
from .models import Window

log = structlog.get_logger()

OPEN_WINDOW = "workers.tasks.open_window"
CLOSE_WINDOW = "workers.tasks.close_window"
QUEUE = "default"
BEAT = "beat"
"""The actor of what nobody asked for at that moment."""
EDITABLE = ("term", "name", "opens_at", "closes_at", "actions", "cohorts")


class Done(NamedTuple):
    """An effect that this call, and no other, has brought about."""

    window: int
    event: str


# Saving -------------------------------------------------------------------------------------


def save(window: Window, *, actor: str, now: datetime) -> None:
    """Write a window, its clocked tasks and an audit entry, in one transaction.

    A time that lies in the future has not come: its effect is armed again, also when it had
    already happened (registration was extended, or opened too early). The effects' own columns
    are never taken from `window`, which may have been read before beat wrote them.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        window.save(update_fields=None if window._state.adding else EDITABLE)
        cursor.execute(_REARM, {"window": window.pk, "now": now})
        window.refresh_from_db()
        schedule(window)
        append(cursor, [_entry(window.pk, "window_saved", actor, _described(window))], at=now)


def remove(window: Window, *, actor: str, now: datetime) -> bool:
    """Delete a window that has not opened, with its tasks; False when it is too late for that."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REMOVE, {"window": window.pk, "now": now})
        tasks = cursor.fetchone()
        if tasks is None:
            return False
        for task in PeriodicTask.objects.filter(pk__in=tasks).select_related("clocked"):
            _unschedule(task)
        append(cursor, [_entry(window.pk, "window_removed", actor, _described(window))], at=now)
    return True


def schedule(window: Window) -> None:
    """Write or rewrite the two one-off tasks of a window; those whose effect is due are enabled."""
    opened, closed = window.opened_at is not None, window.closed_at is not None
    window.open_task = _write_task("opens", OPEN_WINDOW, window, window.opens_at, not opened)
    window.close_task = _write_task("closes", CLOSE_WINDOW, window, window.closes_at, not closed)
    window.save(update_fields=("open_task", "close_task"))


def _write_task(verb: str, task: str, window: Window, at: datetime, enabled: bool) -> PeriodicTask:
    """A task is found by its name, whatever became of the window's link to it."""
    name = f"window {window.pk} {verb}"
    known = PeriodicTask.objects.filter(name=name).select_related("clocked").first()
    clocked = (known and known.clocked) or ClockedSchedule()
    clocked.clocked_time = at
    clocked.save()
    written, _ = PeriodicTask.objects.update_or_create(
        name=name,
        defaults={
            "task": task,
            "kwargs": json.dumps({"window": window.pk}),
            "queue": QUEUE,
            "description": window.name,
            "clocked": clocked,
            "interval": None,
            "crontab": None,
            "solar": None,
            "one_off": True,
            "enabled": enabled,
            # Beat takes a one-off task that has run before for done.
            "total_run_count": 0,
            "last_run_at": None,
        },
    )
    return written


def _unschedule(task: PeriodicTask) -> None:
    clocked = task.clocked
    task.delete()
    if clocked is not None and not clocked.periodictask_set.exists():
        clocked.delete()


_REARM = """
UPDATE windows SET
    opened_at = CASE WHEN opens_at > %(now)s THEN NULL ELSE opened_at END,
    closed_at = CASE WHEN closes_at > %(now)s THEN NULL ELSE closed_at END,
    reported_at = CASE WHEN closes_at > %(now)s THEN NULL ELSE reported_at END
WHERE id = %(window)s
"""
_REMOVE = """
DELETE FROM windows WHERE id = %(window)s AND opens_at > %(now)s AND opened_at IS NULL
RETURNING open_task_id, close_task_id
"""


# Effects ------------------------------------------------------------------------------------


def reconcile(now: datetime, *, actor: str = BEAT) -> list[Done]:
    """Do what is due and was not done, and write clocked tasks that are not as they should be.

    One window in trouble is logged and left for the next time; the others go on.
    """
    done: list[Done] = []
    for window in _ids(_unfinished(now)):
        with _logged(window):
            done += advance(window, now, actor=actor)
    for window in _ids(_unscheduled(now)):
        with _logged(window), transaction.atomic():
            schedule(Window.objects.select_for_update(no_key=True).get(pk=window))
            log.info("window.rescheduled", window=window)
    return done


def _ids(condition: Q) -> list[int]:
    return list(
        Window.objects.filter(condition).order_by("opens_at", "id").values_list("pk", flat=True)
    )


@contextmanager
def _logged(window: int) -> Iterator[None]:
    try:
        yield
    except (Error, Window.DoesNotExist):
        log.exception("window.effect_failed", window=window)


def advance(window: int, now: datetime, *, actor: str = BEAT) -> list[Done]:
    """Announce the opening, the closing and the end of a window, each if due and not yet done."""
    effects = (
        ("window_opened", _open),
        ("window_closed", _close),
        ("window_reported", _report),
    )
    done = [Done(window, event) for event, effect in effects if effect(window, now, actor)]
    for each in done:
        log.info("window.effect", window=window, effect=each.event, actor=actor)
    return done


def _unfinished(now: datetime) -> Q:
    return (
        Q(opened_at__isnull=True, opens_at__lte=now)
        | Q(closed_at__isnull=True, closes_at__lte=now)
        | Q(reported_at__isnull=True, closes_at__lte=now)
    )


def _unscheduled(now: datetime) -> Q:
    """Windows with a task ahead that is missing, disabled, spent, or set to another time."""
    opening = _without_task("open_task", "opens_at", now)
    return opening | _without_task("close_task", "closes_at", now)


def _without_task(task: str, at: str, now: datetime) -> Q:
    as_written = {
        f"{task}__enabled": True,
        f"{task}__total_run_count": 0,
        f"{task}__clocked__clocked_time": F(at),
    }
    ahead = Q(**{f"{at}__gt": now})
    return ahead & (Q(**{f"{task}__isnull": True}) | ~Q(**as_written))


_OPEN = """
UPDATE windows SET opened_at = %(now)s
WHERE id = %(window)s AND opened_at IS NULL AND opens_at <= %(now)s
"""
_CLOSE = """
UPDATE windows SET closed_at = %(now)s
WHERE id = %(window)s AND closed_at IS NULL AND opened_at IS NOT NULL AND closes_at <= %(now)s
"""
_REPORT = """
UPDATE windows SET reported_at = %(now)s
WHERE id = %(window)s AND reported_at IS NULL AND closed_at IS NOT NULL AND closes_at <= %(now)s
"""


def _open(window: int, now: datetime, actor: str) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        if not _claimed(cursor, _OPEN, window, now):
            return False
        facts = _described(Window.objects.get(pk=window))
        append(cursor, [_entry(window, "window_opened", actor, facts)], at=now)
    # The first requests find settlers that are awake, with a connection in hand.
    mailbox.wake()
    return True


def _close(window: int, now: datetime, actor: str) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        if not _claimed(cursor, _CLOSE, window, now):
            return False
        facts = _described(Window.objects.get(pk=window))
        append(cursor, [_entry(window, "window_closed", actor, facts)], at=now)
    mailbox.wake()
    return True


def _report(window: int, now: datetime, actor: str) -> bool:
    """The final report, once all that the window accepted is committed and decided.

    Whether an accepting transaction is still running is asked before the queue is, in an earlier
    statement: what it inserts would otherwise be seen by neither.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ACCEPTING, [window])
        if cursor.fetchone() != (False,):
            return False
        cursor.execute(_UNDECIDED, [window])
        if cursor.fetchone()[0] or not _claimed(cursor, _REPORT, window, now):
            return False
        append(cursor, [_entry(window, "window_reported", actor, _final(cursor, window))], at=now)
    return True


def _claimed(cursor: CursorWrapper, claim: str, window: int, now: datetime) -> bool:
    """Whether this call is the one; whoever comes second waits for the first and finds it done."""
    cursor.execute(claim, {"window": window, "now": now})
    return bool(cursor.rowcount == 1)


_ACCEPTING = "SELECT intake_older_than(closes_at) FROM windows WHERE id = %s"
_UNDECIDED = """
SELECT EXISTS (
    SELECT FROM pending CROSS JOIN LATERAL (
        SELECT window_id FROM requests WHERE id = pending.request_id OFFSET 0
    ) AS asked
    WHERE asked.window_id = %s
)
"""
_DECIDED = """
SELECT o.result, o.code, count(*)
FROM requests r JOIN outcomes o ON o.request_id = r.id
WHERE r.window_id = %s GROUP BY 1, 2 ORDER BY 1, 2
"""
_SECTIONS = """
SELECT count(*) FROM requests r JOIN audit_entries a ON a.request = r.id
WHERE r.window_id = %s AND a.event = 'section_opened'
"""
_STILL_WAITING = """
SELECT count(*) FROM requests r JOIN waitlist_entries w ON w.request_id = r.id
WHERE r.window_id = %s AND w.state = 'WAITING'
"""


def _final(cursor: CursorWrapper, window: int) -> dict[str, Any]:
    """What became of all that was accepted: counts only, nobody's name."""
    cursor.execute("SELECT count(*) FROM requests WHERE window_id = %s", [window])
    accepted = cursor.fetchone()[0]
    cursor.execute(_DECIDED, [window])
    decided: dict[str, dict[str, int]] = {}
    for result, code, count in cursor.fetchall():
        decided.setdefault(result, {})[code] = count
    cursor.execute(_SECTIONS, [window])
    sections = cursor.fetchone()[0]
    cursor.execute(_STILL_WAITING, [window])
    return {
        "accepted": accepted,
        "decided": decided,
        "sections_opened": sections,
        "waiting": cursor.fetchone()[0],
    }


def _described(window: Window) -> dict[str, Any]:
    return {
        "name": window.name,
        "term": window.term_id,
        "opens_at": moment(window.opens_at),
        "closes_at": moment(window.closes_at),
        "actions": window.actions,
        "cohorts": window.cohorts,
    }


def _entry(window: int, event: str, actor: str, facts: Mapping[str, Any]) -> Draft:
    return Draft(f"window:{window}", event, actor, canonical(facts))

"""The tasks: each reads the clock where one is needed and calls one operation.

What a task returns is what an administrator sees in Flower, so it names courses, counts and
milliseconds, and nobody. The result itself is stored nowhere (`task_ignore_result`): Flower reads
it from the event that the worker sends.
"""

import sys
from datetime import datetime
from typing import Any

from celery import shared_task
from celery.signals import (
    beat_init,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_shutdown,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from courses import overdue
from enrollment import windows
from enrollment.facts import database_now
from enrollment.mailbox import SETTLE, SETTLE_QUEUE, refuse_eviction
from enrollment.settlement import settle_ready
from registrar import interpreter
from registrar.accounts import expired

from . import settler
from .schedule import FORGET, REMIND, TICK


@shared_task(name=SETTLE, queue=SETTLE_QUEUE)
def settle(**_: Any) -> dict[str, Any]:
    """Settle what is ready, for a bounded time."""
    report = settle_ready(seconds=settings.REGISTRAR["SETTLE_SECONDS"])._asdict()
    # The courses come last: a long list is cut short where it is shown.
    return report | {"courses": report.pop("courses")}


@shared_task(name=windows.OPEN_WINDOW, queue=windows.QUEUE)
def open_window(*, window: int, **_: Any) -> list[str]:
    """Announce that a window has opened, if its time has come."""
    return [done.event for done in windows.advance(window, _now())]


@shared_task(name=windows.CLOSE_WINDOW, queue=windows.QUEUE)
def close_window(*, window: int, **_: Any) -> list[str]:
    """Announce that a window has closed, and report if all of it is decided already."""
    return [done.event for done in windows.advance(window, _now())]


@shared_task(name=TICK, queue=windows.QUEUE)
def tick(**_: Any) -> list[windows.Done]:
    """Find what the clocked tasks missed."""
    return windows.reconcile(_now())


@shared_task(name=REMIND, queue=windows.QUEUE)
def remind(**_: Any) -> list[overdue.Reminded]:
    """Remind whoever has a proposal on their desk for too long."""
    return overdue.remind(_now())


@shared_task(name=FORGET, queue=windows.QUEUE)
def forget(**_: Any) -> expired.Forgotten:
    """Delete the tokens, sessions and wrong passwords whose time is over."""
    return expired.forget(_now())


def _now() -> datetime:
    with connection.cursor() as cursor:
        return database_now(cursor)


# Celery swallows what a signal's receiver raises, unless it is the wish to end.


@worker_init.connect
@beat_init.connect
def _refuse(**_: Any) -> None:
    try:
        refuse_eviction()
    except ImproperlyConfigured as error:
        sys.exit(str(error))


@worker_init.connect
def _end_rather_than_hang(**_: Any) -> None:
    # The processes forked from this one inherit it.
    settler.end_without_memory()


# Each process that settles sweeps too, from after the fork to its end; a pool that does not fork
# sends the first signal all the same.


@worker_process_init.connect
def _begin(**_: Any) -> None:
    interpreter.prepare()
    settler.leave_soon()
    settler.start()


@worker_process_shutdown.connect
@worker_shutdown.connect
def _end(**_: Any) -> None:
    settler.stop()

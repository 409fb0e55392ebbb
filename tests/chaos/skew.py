"""A host whose clock is wrong: what a program under test takes for the time.

The settings put it in before anything else is imported, so that `from time import time` means the
wrong clock too. Only wall clocks are wrong: the monotonic one has no notion of the hour.
"""

import os
import time
from datetime import UTC, datetime, timedelta

CLOCK = "CHAOS_CLOCK"
"""Seconds by which the clock is ahead, in the environment of a program."""


def put_in() -> None:
    """Set this process's clock ahead (or behind) by what its environment says."""
    seconds = float(os.environ.get(CLOCK) or 0)
    if not seconds:
        return
    # Imported only here: the settings come before Celery and Django's timezone.
    from celery import Celery
    from django.utils import timezone

    right = time.time

    def wrong() -> float:
        return right() + seconds

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=seconds)

    time.time = wrong
    timezone.now = now
    Celery.now = lambda _: now()  # type: ignore[assignment,method-assign]

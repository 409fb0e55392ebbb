"""One window, one university, and the acts one after the other, each under a load of its own."""

import time
from collections.abc import Callable
from datetime import timedelta

from django.db import connection

from enrollment import windows
from enrollment.facts import database_now
from enrollment.models import Window
from enrollment.rehearsal.gather import Day, announcements
from enrollment.rehearsal.scenery import Stage, build
from enrollment.rehearsal.university import University
from enrollment.rehearsal.witness import Evidence
from registrar.services.errors import ServiceError
from registrar.services.proc import wait_until

from . import acts, load, looks
from .options import ACTS, FAILED, OK, Options
from .reckoning import Told, reckon
from .site import Site

_SEED = 3
_ANNOUNCED_SECONDS = 40.0
_DRAINED_SECONDS = 20.0
_OPEN_HOURS = 4


def play(site: Site, options: Options, say: Callable[[str], None]) -> int:
    """Every act asked for; 1 when anything did not hold."""
    university = load.a_university(_SEED)
    with connection.cursor() as cursor:
        stage = build(load.scene(university), database_now(cursor))
    window = _open_window(stage)
    ill = site.ill()
    say(f"{len(site.serving)} hosts; health checks: {', '.join(ill) or 'all well'}")
    faults = [f"{name} is not healthy" for name in ill]
    for name in options.acts:
        if name != "scale":
            site.complete()
        say(f"\n{ACTS[name]}")
        faults += _act(name, site, options, Day(name, "http", stage, window, 0, Evidence, None),
                       university, say)  # fmt: skip
    say("\n" + ("".join(f"FAILED: {fault}\n" for fault in faults) or "All of it held."))
    return FAILED if faults else OK


def _act(
    name: str, site: Site, options: Options, day: Day, university: University,
    say: Callable[[str], None],
) -> list[str]:  # fmt: skip
    """Play it, let everything be decided, and reckon; what did not hold."""
    told = Told(say)
    script = load.write(university, day.stage, name, options.rate, seed=sum(map(ord, name)))
    begun = time.time_ns()
    with load.sending(site, name, script) as crowd:
        acts.ACTS[name](site, crowd, told, options.cut)
    drained = wait_until(lambda: not looks.pending(), _DRAINED_SECONDS)
    told.must(drained, f"{looks.pending()} requests are still pending")
    reckon(told, crowd, day._replace(opened=begun))
    return [f"{name}: {fault}" for fault in told.faults]


def _open_window(stage: Stage) -> int:
    """Beat opens it, as on any registration day. Raises ServiceError when it does not."""
    with connection.cursor() as cursor:
        now = database_now(cursor)
    window = Window(
        term_id=stage.term,
        name="Hosts",
        opens_at=now + timedelta(seconds=1),
        closes_at=now + timedelta(hours=_OPEN_HOURS),
        cohorts=stage.cohorts,
    )
    windows.save(window, actor="system", now=now)
    if not wait_until(lambda: "window_opened" in announcements(window.pk), _ANNOUNCED_SECONDS):
        raise ServiceError("beat did not open the window")
    return int(window.pk)

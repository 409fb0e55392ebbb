"""Plays a day: sets the scene, lets beat open the window, sends, lets beat close it, looks at all.

Whatever happens, what this started it also ends: the senders, the window, and the processes of
the site that did not run before.
"""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from django.db import connection
from rich.console import Console

from enrollment import windows
from enrollment.facts import database_now
from enrollment.models import Window
from registrar.services import default_state_dir

from . import witness
from .gather import Day, announcements, gather
from .plans import Plan
from .progress import Watcher
from .report import Report
from .scenery import Stage, build
from .senders import Senders
from .site import Site, running

ACTOR = "system"
ANNOUNCED_SECONDS = 40.0
"""How long beat may take to announce; its own reconciliation comes every 30 s."""
STUCK_SECONDS = 60.0
"""How long the backlog may stand still."""
OPEN_END = timedelta(days=2)
ONE_AT_A_TIME = 0x4EEA
_LOOK_SECONDS = 0.25


class Played(NamedTuple):
    """A day that was played to its end, and why it was not as promised, if it was not."""

    report: Report
    faults: tuple[str, ...]
    stage: Stage
    site: Site


class NotPlayed(Exception):
    """The day could not be played to its end; the text is one line."""


def play(plan: Plan, console: Console, *, keep: bool = False) -> Played:
    """Play a day to its end. With `keep` the site's processes stay afterwards.

    Raises Occupied, ServiceError, SenderFailed or NotPlayed, and KeyboardInterrupt when told to
    stop; by then everything it started has ended.
    """
    with _stopped_by_signals(), _one_at_a_time(), Watcher(console, plan.total) as watcher:
        watcher.say(f"{plan.title}: setting the scene")
        stage = build(plan.scene, _now())
        with (
            _folder(stage.code, watcher) as folder,
            running(plan.programs, keep=keep, say=watcher.say) as site,
        ):
            played = _play(plan, stage, folder, site, watcher)
            folder.keep = bool(played.faults)
            return played


def _play(plan: Plan, stage: Stage, folder: "_Folder", site: Site, watcher: Watcher) -> Played:
    launch = plan.write(stage, folder.path)
    window = _save_window(plan, stage)
    with _closed_in_the_end(window), Senders(launch(site.url, window.opens_at)) as senders:
        watcher.say(f"Term {stage.code}: the window opens at {window.opens_at:%H:%M:%S} UTC")
        _await_opening(window, senders, watcher)
        opened = senders.go()
        _watch(stage, senders, watcher)
        if plan.lasts is None:
            _close_now(window)
        _await_closing(window, watcher)
    _drain(stage, watcher)
    watcher.say("Everything is decided; verifying")
    logs = sorted(folder.path.glob("*.log"))
    day = Day(
        title=plan.title,
        via=plan.via,
        stage=stage,
        window=window.pk,
        opened=opened,
        evidence=lambda: witness.read(logs),
        flower=site.flower(opened / 1e9),
        looks=senders.counts().looks,
        notes=plan.notes,
    )
    report = gather(day)
    faults = tuple(report.faults(processes=plan.processes))
    return Played(report, faults, stage, site)


# The window -------------------------------------------------------------------------------


def _save_window(plan: Plan, stage: Stage) -> Window:
    now = _now()
    opens_at = now + plan.opens_in
    window = Window(
        term_id=stage.term,
        name=plan.title[:100],
        opens_at=opens_at,
        closes_at=opens_at + (plan.lasts or OPEN_END),
        cohorts=stage.cohorts,
    )
    windows.save(window, actor=ACTOR, now=now)
    return window


def _close_now(window: Window) -> None:
    now = _now()
    window.closes_at = now
    windows.save(window, actor=ACTOR, now=now)


@contextmanager
def _closed_in_the_end(window: Window) -> Iterator[None]:
    """A day that breaks off leaves no window open or to come."""
    try:
        yield
    except BaseException:
        if not windows.remove(window, actor=ACTOR, now=_now()) and window.closes_at > _now():
            _close_now(window)
        raise


def _await_opening(window: Window, senders: Senders, watcher: Watcher) -> None:
    """Wait for beat's announcement; students are told by it that they may come."""

    def announced() -> bool:
        senders.finished()
        return "window_opened" in announcements(window.pk)

    seconds = (window.opens_at - _now()).total_seconds() + ANNOUNCED_SECONDS
    if not _await(announced, seconds, every=0.02):
        raise NotPlayed("beat did not announce the opening; see the logs of beat and the workers")
    watcher.say("Beat has opened the window")


def _await_closing(window: Window, watcher: Watcher) -> None:
    """Wait for beat's announcement; where it never comes, the report says so."""
    seconds = (window.closes_at - _now()).total_seconds() + ANNOUNCED_SECONDS
    if _await(lambda: "window_closed" in announcements(window.pk), seconds):
        watcher.say("Beat has closed the window")


def _await(condition: Callable[[], bool], seconds: float, every: float = _LOOK_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


# What goes on -----------------------------------------------------------------------------


def _watch(stage: Stage, senders: Senders, watcher: Watcher) -> None:
    """Show how far it is until everything is sent and every decision was seen."""
    progress = _Progress(stage)
    while not senders.finished():
        watcher.show(senders.counts(), *progress.look())
        time.sleep(_LOOK_SECONDS)
    watcher.show(senders.counts(), *progress.look())


def _drain(stage: Stage, watcher: Watcher) -> None:
    """Wait until nothing is pending. Raises NotPlayed when that comes no nearer."""
    progress = _Progress(stage)
    best, moved = None, time.monotonic()
    while waiting := progress.waiting():
        if best is None or waiting < best:
            best, moved = waiting, time.monotonic()
        if time.monotonic() - moved > STUCK_SECONDS:
            raise NotPlayed(f"{waiting} requests are not settled; see the logs of the workers")
        time.sleep(_LOOK_SECONDS)


class _Progress:
    """Counts of the stage's requests, from the database."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._before = _number("SELECT coalesce(max(id), 0) FROM requests")

    def look(self) -> tuple[int, int]:
        """Requests accepted so far, and how many of them are decided."""
        accepted = _number(_ACCEPTED, self._before, self._stage.term)
        return accepted, max(0, accepted - self.waiting())

    def waiting(self) -> int:
        return _number(_WAITING, self._stage.offerings)


_ACCEPTED = "SELECT count(*) FROM requests WHERE id > %s AND term_id = %s"
_WAITING = "SELECT count(DISTINCT request_id) FROM pending WHERE offering_id = ANY(%s)"


def _number(statement: str, *parameters: int | list[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.fetchone()[0])


def _now() -> datetime:
    with connection.cursor() as cursor:
        return database_now(cursor)


# Around it --------------------------------------------------------------------------------


@dataclass
class _Folder:
    """Where the senders' scripts and logs are; `keep` leaves the logs for whoever looks into it."""

    path: Path
    keep: bool = True


@contextmanager
def _folder(name: str, watcher: Watcher) -> Iterator[_Folder]:
    folder = _Folder(default_state_dir() / "rehearsals" / name)
    folder.path.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        # They hold the students' tokens.
        for path in folder.path.glob("*.script"):
            path.unlink()
        if folder.keep:
            watcher.say(f"The senders' logs are in {folder.path}")
        else:
            shutil.rmtree(folder.path)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two at once would end each other's processes."""
    if not _number("SELECT pg_try_advisory_lock(%s)::int", ONE_AT_A_TIME):
        raise NotPlayed("another rehearsal is being played; wait for its end")
    try:
        yield
    finally:
        _number("SELECT pg_advisory_unlock(%s)::int", ONE_AT_A_TIME)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Whatever asks us to stop is taken as Ctrl-C is: everything started gets its end."""
    asked = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in asked]
    try:
        yield
    finally:
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)

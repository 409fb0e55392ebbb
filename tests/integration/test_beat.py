"""Real beats: one leads, the others stand by, and admission needs none of them."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from enrollment import mailbox, requests, windows
from enrollment.facts import database_now
from enrollment.models import Window
from enrollment.requests import Accepted, Declined
from enrollment.vocabulary import Kind
from registrar.audit.models import Entry
from tests.daemons import Daemon, beat, worker
from tests.factories import ask, make_offering, make_student, make_term
from tests.races import until
from workers.beat import IDLE_SECONDS, STANDBY_SECONDS

LEADS, STANDS_BY, LOST = "beat.leads", "beat.stands_by", "beat.lead_lost"
PLAIN = "django_celery_beat.schedulers:DatabaseScheduler"
TAKEOVER_SECONDS = 10.0
_END_SESSION = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'registrar-beat' AND datname = current_database()
  AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)
"""


@pytest.fixture
def beats(database: None, tmp_path: Path) -> Iterator["Beats"]:
    with ExitStack() as running:
        yield Beats(tmp_path, running)


class Beats:
    """Beats of a test, all ended with it."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self._folder = folder
        self._running = running
        self.all: list[Daemon] = []

    def start(self, count: int, *scheduler: str) -> list[Daemon]:
        started = [
            self._running.enter_context(beat(self._folder, f"beat{n}", *scheduler))
            for n in range(len(self.all), len(self.all) + count)
        ]
        self.all += started
        return started

    def leader_of(self, count: int) -> Daemon:
        """Start so many; the one that leads, once every other stands by."""
        started = self.start(count)
        until(lambda: all(LEADS in b.said() or STANDS_BY in b.said() for b in started), 60)
        [leader] = [each for each in started if LEADS in each.said()]
        return leader

    def others(self, leader: Daemon) -> list[Daemon]:
        return [each for each in self.all if each is not leader]


def opening_in(seconds: float) -> Window:
    now = timezone.now()
    opens = now + timedelta(seconds=seconds)
    window = Window(
        term=make_term(), name="Soon", opens_at=opens, closes_at=opens + timedelta(hours=1)
    )
    windows.save(window, actor="user:1", now=now)
    return window


def sent(task: str) -> int:
    """How many messages of a task wait for a worker: none is running."""
    messages = mailbox.client().lrange("default", 0, -1)
    return sum(json.loads(message)["headers"]["task"] == task for message in messages)


def opened(window: Window) -> int:
    return Entry.objects.filter(stream=f"window:{window.pk}", event="window_opened").count()


def test_of_five_beats_one_sends(beats: Beats) -> None:
    leader = beats.leader_of(5)
    assert [STANDS_BY in each.said() for each in beats.others(leader)] == [True] * 4

    opening_in(1)

    until(lambda: sent(windows.OPEN_WINDOW), 20)
    time.sleep(STANDBY_SECONDS * 2)
    assert sent(windows.OPEN_WINDOW) == 1


def test_two_plain_beats_send_twice_and_the_window_still_opens_once(
    beats: Beats, tmp_path: Path
) -> None:
    """The negative control of the standby, and what holds without it."""
    for plain in beats.start(2, PLAIN):
        plain.says("beat: Starting...")

    window = opening_in(1)
    until(lambda: sent(windows.OPEN_WINDOW) == 2, 30)
    with worker(tmp_path) as settler:
        until(lambda: settler.said().count("Task workers.tasks.open_window") >= 4, 30)

    assert opened(window) == 1


def test_a_standby_takes_over_from_a_beat_that_was_killed(beats: Beats) -> None:
    leader = beats.leader_of(2)
    [standby] = beats.others(leader)

    leader.kill()

    standby.says(LEADS, TAKEOVER_SECONDS)
    opening_in(0.5)
    until(lambda: sent(windows.OPEN_WINDOW) == 1, 20)


def test_a_beat_whose_lock_is_gone_ends_and_the_other_leads(beats: Beats) -> None:
    leader = beats.leader_of(2)
    [standby] = beats.others(leader)

    with connection.cursor() as cursor:
        cursor.execute(_END_SESSION)
        assert cursor.fetchall() == [(True,)]

    assert leader.ends(TAKEOVER_SECONDS) != 0
    assert LOST in leader.said()
    standby.says(LEADS, TAKEOVER_SECONDS)


def test_a_beat_that_is_told_to_stop_makes_room_at_once(beats: Beats) -> None:
    leader = beats.leader_of(2)
    [standby] = beats.others(leader)

    assert leader.stop() == 0

    standby.says(LEADS, TAKEOVER_SECONDS)


def test_a_frozen_beat_loses_the_lead_and_ends_when_it_wakes(beats: Beats) -> None:
    leader = beats.leader_of(2)
    [standby] = beats.others(leader)

    leader.freeze()
    standby.says(LEADS, IDLE_SECONDS + TAKEOVER_SECONDS)

    leader.thaw()
    assert leader.ends(TAKEOVER_SECONDS) != 0


def test_without_any_beat_admission_follows_the_clock(database: None) -> None:
    window = opening_in(2)
    student, offering = make_student(window.term), make_offering(window.term)

    [early] = requests.submit_now([ask(Kind.ENROLL, student, offering)])
    assert window.opens_at - database_clock() > timedelta(seconds=1)
    until(lambda: database_clock() >= window.opens_at, 5)
    [in_time] = requests.submit_now([ask(Kind.ENROLL, student, offering)])

    assert isinstance(early, Declined)
    assert early.code == "WINDOW_CLOSED"
    assert isinstance(in_time, Accepted)
    assert timedelta(0) <= in_time.accepted_at - window.opens_at < timedelta(seconds=1)
    assert opened(window) == 0


def database_clock() -> datetime:
    with connection.cursor() as cursor:
        return database_now(cursor)

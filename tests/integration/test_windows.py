"""Windows: what they set off happens once, on time, and admission does not depend on it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, PeriodicTask, PeriodicTasks

from enrollment import windows
from enrollment.models import Window
from enrollment.windows import Done
from registrar.audit.chain import breaks
from registrar.audit.models import Entry
from tests.factories import enroll, make_offering, make_student, make_term
from tests.races import race, settle_all

OPENS = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
CLOSES = datetime(2026, 9, 8, 8, 0, tzinfo=UTC)
BEFORE = OPENS - timedelta(days=1)
SECOND = timedelta(seconds=1)
REGISTRAR = "user:1"


@pytest.fixture
def window(database: None) -> Window:
    """One to come, saved by the registrar the day before."""
    made = Window(term=make_term(), name="First-years", opens_at=OPENS, closes_at=CLOSES)
    windows.save(made, actor=REGISTRAR, now=BEFORE)
    return made


def events(window: Window) -> list[str]:
    entries = Entry.objects.filter(stream=f"window:{window.pk}").order_by("seq")
    return list(entries.values_list("event", flat=True))


def advanced(window: Window, now: datetime) -> list[str]:
    return [done.event for done in windows.advance(window.pk, now)]


# What saving writes ---------------------------------------------------------------------------


def test_saving_a_window_writes_a_clocked_task_for_each_end(window: Window) -> None:
    tasks = {task.name: task for task in PeriodicTask.objects.select_related("clocked")}

    assert tasks.keys() == {f"window {window.pk} opens", f"window {window.pk} closes"}
    for task, at, name in (
        (window.open_task, OPENS, "workers.tasks.open_window"),
        (window.close_task, CLOSES, "workers.tasks.close_window"),
    ):
        assert task is not None
        task.refresh_from_db()
        assert (task.task, task.clocked.clocked_time) == (name, at)
        assert (task.kwargs, task.queue) == (f'{{"window": {window.pk}}}', "default")
        assert task.one_off
        assert task.enabled
        assert task.description == "First-years"
    assert events(window) == ["window_saved"]


def test_saving_it_again_moves_its_tasks_and_enables_them(window: Window) -> None:
    PeriodicTask.objects.update(enabled=False, total_run_count=1)
    told = PeriodicTasks.last_change()

    window.opens_at += timedelta(days=1)
    windows.save(window, actor=REGISTRAR, now=BEFORE)

    task = PeriodicTask.objects.select_related("clocked").get(pk=window.open_task_id)
    assert task.clocked.clocked_time == OPENS + timedelta(days=1)
    assert (task.enabled, task.total_run_count) == (True, 0)
    assert ClockedSchedule.objects.count() == PeriodicTask.objects.count() == 2
    assert PeriodicTasks.last_change() > told


def test_a_stale_save_does_not_undo_what_beat_announced(window: Window) -> None:
    stale = Window.objects.get(pk=window.pk)
    windows.advance(window.pk, OPENS)

    stale.name = "First-years and transfers"
    windows.save(stale, actor=REGISTRAR, now=OPENS + SECOND)

    stale.refresh_from_db()
    assert stale.opened_at == OPENS
    assert advanced(window, OPENS + SECOND) == []


def test_a_window_that_has_not_opened_can_be_removed_with_its_tasks(window: Window) -> None:
    assert windows.remove(window, actor=REGISTRAR, now=BEFORE)

    assert not Window.objects.exists()
    assert not PeriodicTask.objects.exists()
    assert not ClockedSchedule.objects.exists()
    assert events(window) == ["window_saved", "window_removed"]


def test_a_window_that_has_opened_cannot_be_removed(window: Window) -> None:
    assert not windows.remove(window, actor=REGISTRAR, now=OPENS)

    assert Window.objects.exists()
    assert PeriodicTask.objects.count() == 2


# Effects, once each ---------------------------------------------------------------------------


@pytest.mark.requirement("S1-93")
def test_an_opening_is_announced_at_its_time_and_not_before(window: Window) -> None:
    assert advanced(window, OPENS - timedelta(microseconds=1)) == []
    assert advanced(window, OPENS) == ["window_opened"]


def test_an_opening_is_announced_once_however_often_it_fires(window: Window) -> None:
    fired = [advanced(window, OPENS + n * SECOND) for n in range(5)]

    assert fired == [["window_opened"], [], [], [], []]
    assert events(window) == ["window_saved", "window_opened"]


def test_an_opening_fired_by_five_at_once_is_announced_once(window: Window) -> None:
    fired = race(*[lambda: windows.advance(window.pk, OPENS)] * 5)

    assert sorted(fired, key=str).count([Done(window.pk, "window_opened")]) == 1
    assert fired.count([]) == 4
    assert events(window) == ["window_saved", "window_opened"]


def test_a_close_whose_opening_was_missed_announces_both_in_order(window: Window) -> None:
    assert advanced(window, CLOSES) == ["window_opened", "window_closed", "window_reported"]


def test_the_actor_of_what_fired_by_itself_is_beat(window: Window) -> None:
    windows.reconcile(OPENS)

    entry = Entry.objects.get(event="window_opened")
    assert (entry.actor, entry.at) == ("beat", OPENS)


def test_the_chain_of_a_window_is_whole(window: Window) -> None:
    windows.advance(window.pk, CLOSES)

    assert Entry.objects.count() == 4
    with transaction.atomic():
        assert list(breaks(connection)) == []


def test_an_opening_moved_ahead_before_it_came_is_armed_for_the_new_time(window: Window) -> None:
    later = OPENS + timedelta(hours=1)

    window.opens_at = later
    windows.save(window, actor=REGISTRAR, now=OPENS - SECOND)

    assert advanced(window, OPENS) == []
    assert advanced(window, later) == ["window_opened"]


def test_a_window_extended_after_its_end_closes_and_reports_again(window: Window) -> None:
    windows.advance(window.pk, CLOSES)
    window.refresh_from_db()

    window.closes_at = CLOSES + timedelta(days=1)
    windows.save(window, actor=REGISTRAR, now=CLOSES + SECOND)

    task = PeriodicTask.objects.get(pk=window.close_task_id)
    assert (task.enabled, window.closed_at, window.opened_at) == (True, None, CLOSES)
    assert advanced(window, CLOSES + SECOND) == []
    assert advanced(window, window.closes_at) == ["window_closed", "window_reported"]


# Reconciling ------------------------------------------------------------------------------------


def test_a_tick_announces_what_no_task_announced(window: Window) -> None:
    PeriodicTask.objects.all().delete()

    assert windows.reconcile(OPENS) == [Done(window.pk, "window_opened")]
    assert windows.reconcile(CLOSES) == [
        Done(window.pk, "window_closed"),
        Done(window.pk, "window_reported"),
    ]
    assert windows.reconcile(CLOSES + SECOND) == []


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda task: task.delete(),
        lambda task: PeriodicTask.objects.filter(pk=task.pk).update(enabled=False),
        lambda task: PeriodicTask.objects.filter(pk=task.pk).update(total_run_count=1),
        lambda task: ClockedSchedule.objects.update(clocked_time=CLOSES + SECOND),
    ],
    ids=["deleted", "disabled", "spent", "moved"],
)
def test_a_tick_writes_a_task_that_was(window: Window, spoiled: Any) -> None:
    spoiled(window.open_task)

    windows.reconcile(BEFORE)

    window.refresh_from_db()
    assert window.open_task is not None
    assert window.open_task.enabled
    assert window.open_task.total_run_count == 0
    assert window.open_task.clocked.clocked_time == OPENS
    assert PeriodicTask.objects.count() == 2


def test_a_tick_leaves_tasks_alone_that_are_as_written(window: Window) -> None:
    told = PeriodicTasks.last_change()

    windows.reconcile(BEFORE)

    assert PeriodicTasks.last_change() == told


def test_one_window_in_trouble_does_not_keep_the_others_shut(window: Window) -> None:
    other = Window(term=window.term, name="Others", opens_at=OPENS + SECOND, closes_at=CLOSES)
    windows.save(other, actor=REGISTRAR, now=BEFORE)

    with refusing_to_open(window):
        assert windows.reconcile(OPENS + SECOND) == [Done(other.pk, "window_opened")]

    assert windows.reconcile(OPENS + SECOND) == [Done(window.pk, "window_opened")]


@contextmanager
def refusing_to_open(window: Window) -> Iterator[None]:
    """The database fails whoever announces this window."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_window() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;"
            "CREATE TRIGGER refuse_window BEFORE UPDATE ON windows FOR EACH ROW"
            f" WHEN (old.id = {window.pk}) EXECUTE FUNCTION refuse_window()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse_window() CASCADE")


# The final report -------------------------------------------------------------------------------


@pytest.fixture
def running(database: None) -> Window:
    """One that is open now, by the real clock, and ends in an hour."""
    now = timezone.now()
    made = Window(
        term=make_term(),
        name="Now",
        opens_at=now - timedelta(hours=1),
        closes_at=now + timedelta(hours=1),
    )
    windows.save(made, actor=REGISTRAR, now=now - timedelta(hours=2))
    windows.advance(made.pk, now)
    return made


@contextmanager
def web_transaction() -> Iterator[None]:
    """A transaction of the web's role that has begun and not ended."""
    session = psycopg2.connect(os.environ["DATABASE_URL"])
    with session.cursor() as cursor:
        cursor.execute("SELECT 1")
    try:
        yield
    finally:
        session.close()


def end(window: Window, at: datetime) -> None:
    """The window ends at that moment, which is past."""
    Window.objects.filter(pk=window.pk).update(closes_at=at)


def test_the_report_waits_for_an_intake_that_began_before_the_close(running: Window) -> None:
    with web_transaction():
        at = timezone.now()
        end(running, at)
        assert advanced(running, at) == ["window_closed"]

    assert advanced(running, at + SECOND) == ["window_reported"]


def test_the_report_does_not_wait_for_an_intake_that_began_after_the_close(
    running: Window,
) -> None:
    at = timezone.now()
    end(running, at)

    with web_transaction():
        assert advanced(running, at) == ["window_closed", "window_reported"]


def test_a_worker_sees_the_transactions_of_the_web(running: Window) -> None:
    """A role sees nothing of another's sessions by itself; the migration's function does."""
    with web_transaction(), connection.cursor() as cursor:
        cursor.execute("SET ROLE reg_worker")
        try:
            cursor.execute("SELECT intake_older_than(clock_timestamp())")
            assert cursor.fetchone() == (True,)
            cursor.execute("SELECT intake_older_than(clock_timestamp() - interval '1 hour')")
            assert cursor.fetchone() == (False,)
        finally:
            cursor.execute("RESET ROLE")


def test_the_report_waits_until_all_that_was_accepted_is_decided(running: Window) -> None:
    offering = make_offering(running.term, base_limit=2, auto_create=True, max_sections=1)
    enroll(offering, [make_student(running.term) for _ in range(5)])
    at = timezone.now()
    end(running, at)

    assert advanced(running, at) == ["window_closed"]
    assert advanced(running, at) == []
    settle_all()
    assert advanced(running, at + SECOND) == ["window_reported"]

    body = Entry.objects.get(event="window_reported").body
    assert body == (
        '{"accepted":5,"decided":{"ENROLLED":{"ENROLLED":4},"WAITLISTED":{"WAITLISTED":1}},'
        '"sections_opened":1,"waiting":1}'
    )

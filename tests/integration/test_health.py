"""Whether the site is up, and whether it does its work."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from enrollment import mailbox
from enrollment.models import Pending
from registrar import health
from tests import factories
from tests.callers import Reply
from workers.schedule import TICK


@pytest.fixture
def beat(database: None) -> PeriodicTask:
    """Beat, which sent its tick a moment ago."""
    every = IntervalSchedule.objects.create(every=30, period="seconds")
    return PeriodicTask.objects.create(
        name="tick", task=TICK, interval=every, last_run_at=timezone.now()
    )


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Redis that is not there."""
    monkeypatch.setattr("django.conf.settings.REDIS_URL", "unix:///nowhere/redis.sock")
    mailbox.client.cache_clear()
    yield
    mailbox.client.cache_clear()


def ready() -> Reply:
    return Reply(Client().get("/readyz"))


def make_pending(seconds: float) -> None:
    """A request accepted so long ago and not decided since."""
    term = factories.make_term()
    offering = factories.make_offering(term)
    factories.open_window(term)
    student = factories.make_student(term)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO requests (kind, actor, key, body_hash, student_id, term_id, offerings,
                                  body, accepted_at)
            VALUES ('ENROLL', 'system', 'old', '', %s, %s, %s, '{}',
                    clock_timestamp() - %s * interval '1 s')
            RETURNING id
            """,
            [student.pk, term.pk, [offering.pk], seconds],
        )
        request = cursor.fetchone()[0]
    Pending.objects.create(offering=offering, request_id=request, student_id=student.pk)


def test_the_process_answers_whatever_else_does_not(no_redis: None) -> None:
    reply = Reply(Client().get("/healthz"))

    assert reply.status == 200
    assert reply.body == {"status": "live"}


def test_a_site_that_does_its_work_is_ready(beat: PeriodicTask) -> None:
    reply = ready()

    assert reply.status == 200
    assert reply.body["status"] == "ready"
    assert set(reply.body["checks"]) == {"database", "redis", "migrations", "backlog", "beat"}
    assert reply.body["checks"]["backlog"] == {"ok": True, "pending": 0, "oldest_seconds": 0.0}
    assert reply.headers["Cache-Control"] == "no-store"


def test_the_webs_own_role_may_look_at_all_of_it(beat: PeriodicTask) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE reg_web")
        try:
            reply = ready()
        finally:
            cursor.execute("RESET ROLE")

    assert reply.body["status"] == "ready"


def test_without_redis_requests_are_still_taken(beat: PeriodicTask, no_redis: None) -> None:
    reply = ready()

    assert reply.status == 200
    assert reply.body["status"] == "degraded"
    assert reply.body["checks"]["redis"] == {"ok": False}


def test_without_a_database_nothing_should_be_sent_here(
    beat: PeriodicTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def cursor(self) -> Any:
            raise OperationalError("connection refused")

    monkeypatch.setattr(health, "connection", Away())

    reply = ready()

    assert reply.status == 503
    assert reply.body["status"] == "unready"
    assert reply.body["checks"]["database"] == {"ok": False, "error": "OperationalError"}


def test_a_missing_migration_is_named(beat: PeriodicTask) -> None:
    statement = "WHERE app = 'enrollment' AND name LIKE '0003%'"
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM django_migrations {statement} RETURNING app, name")
        app, name = cursor.fetchone()
        try:
            reply = ready()
        finally:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())",
                [app, name],
            )

    assert reply.status == 503
    assert reply.body["checks"]["migrations"]["unapplied"] == [f"{app}.{name}"]


def test_an_old_request_is_a_backlog(beat: PeriodicTask) -> None:
    make_pending(seconds=30)

    reply = ready()

    assert reply.status == 200
    assert reply.body["status"] == "degraded"
    backlog = reply.body["checks"]["backlog"]
    assert not backlog["ok"]
    assert backlog["pending"] == 1
    assert 30 <= backlog["oldest_seconds"] < 60


def test_a_request_of_a_moment_ago_is_none(beat: PeriodicTask) -> None:
    make_pending(seconds=1)

    assert ready().body["checks"]["backlog"]["ok"]


def test_a_beat_that_missed_four_ticks_is_late(beat: PeriodicTask) -> None:
    beat.last_run_at = timezone.now() - timedelta(seconds=121)
    beat.save()

    reply = ready()

    assert reply.status == 200
    assert reply.body["status"] == "degraded"
    assert not reply.body["checks"]["beat"]["ok"]
    assert reply.body["checks"]["beat"]["last_tick_seconds"] > 120


def test_a_beat_that_never_ran_is_late(database: None) -> None:
    assert ready().body["checks"]["beat"] == {"ok": False, "last_tick_seconds": None}


def test_health_is_only_read(beat: PeriodicTask) -> None:
    assert Client().post("/readyz").status_code == 405

"""`verify` finds nothing on a day as it should be, and names whatever is planted."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from enrollment import invariants, windows
from enrollment.invariants import Finding, database
from enrollment.models import Outcome, Request, Window
from enrollment.vocabulary import Kind
from registrar.audit.models import Entry
from tests.factories import ask, make_offering, make_student, make_term, submit
from tests.integration.planted import PLANTS, REQUESTS, Plant
from tests.integration.planted.day import Day, a_day_with_everything
from tests.source import ROOT

IDLE = "no-transaction-idles"


@pytest.fixture(scope="module")
def day(empty: Callable[[], None], django_db_blocker: DjangoDbBlocker) -> Iterator[Day]:
    """One day for the whole module: what a test plants in it is rolled back."""
    with django_db_blocker.unblock():
        empty()
        yield a_day_with_everything()
        empty()
        connections.close_all()


@pytest.fixture
def rolled_back(day: Day) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def verify(*arguments: str) -> tuple[int, str]:
    """The exit code and what was printed."""
    out = StringIO()
    try:
        call_command("verify", *arguments, stdout=out)
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue()
    return 0, out.getvalue()


def verify_in_a_process(role: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "verify"],
        cwd=ROOT,
        env={**os.environ, "REGISTRAR_ROLE": role, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# As it should be ----------------------------------------------------------------------------


def test_a_day_with_everything_in_it_is_clean(day: Day) -> None:
    code, printed = verify()

    assert code == 0, printed
    assert "BROKEN" not in printed
    assert "checks hold" in printed


def test_the_day_has_everything_in_it(day: Day) -> None:
    """Or the checks that hold would say little."""
    kinds = set(Request.objects.values_list("kind", flat=True))
    codes = set(Outcome.objects.values_list("code", flat=True))
    events = set(Entry.objects.values_list("event", flat=True))

    assert kinds == {
        *("ENROLL", "DROP", "SWAP", "BUNDLE", "LEAVE", "CANCEL"),
        *("LIMIT", "PERMIT", "TIMETABLE", "PAUSE", "RECHECK"),
    }
    assert codes >= {"ENROLLED", "WAITLISTED", "DROPPED", "SWAPPED", "LEFT", "CANCELLED", "DONE"}
    assert codes >= {"PAUSED", "BUNDLE_BLOCKED", "CLASH_FOR_STUDENTS"}
    assert events == {"decided", "promoted", "passed_over", "section_opened", "genesis"}


def test_a_worker_may_run_it(day: Day) -> None:
    ran = verify_in_a_process("worker")

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_it_says_how_far_it_is(day: Day) -> None:
    told: list[tuple[str, int, int]] = []

    invariants.run(connection, lambda what, done, total: told.append((what, done, total)))

    last = {what: (done, total) for what, done, total in told}
    assert set(last) == {"checks", "audit chain", "replay"}
    assert all(done == total > 0 for done, total in last.values())


# Planted ------------------------------------------------------------------------------------


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.check}: {plant.what}")
@pytest.mark.usefixtures("rolled_back")
def test_what_is_planted_is_named(plant: Plant) -> None:
    plant()

    code, printed = verify()

    assert f"BROKEN  {plant.check}: " in printed, printed
    assert code == (3 if plant.check in invariants.TAMPERED else code)
    assert code in (1, 3)


def test_a_transaction_left_open_is_named(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "IDLE_SECONDS", 0)
    other = connections["witness"]
    with transaction.atomic("witness"), other.cursor() as cursor:
        cursor.execute("SELECT 1")

        code, printed = verify()

    assert code == 1
    assert f"BROKEN  {IDLE}: 1" in printed


def test_every_check_has_a_plant(day: Day) -> None:
    named = {finding.name for finding in invariants.run(connection)}

    assert named == {plant.check for plant in PLANTS} | {IDLE}


# How it says so -----------------------------------------------------------------------------


@pytest.mark.usefixtures("rolled_back")
def test_what_is_broken_is_counted_and_the_first_are_shown() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE student_terms SET max_credits = max_credits + 1, credits = credits + 1"
        )

    found = {finding.name: finding for finding in invariants.run(connection)}
    _, printed = verify()

    credits = found["credits-are-the-sum-of-seats"]
    assert credits.count == 18
    assert len(credits.examples) == 5
    assert "credits-are-the-sum-of-seats: 18" in printed
    assert credits.examples[0] in printed
    assert "and 13 more" in printed
    assert found["nothing-is-oversold"] == Finding(
        "nothing-is-oversold", found["nothing-is-oversold"].sentence, 0, (), "seats"
    )


@pytest.mark.requirement("S1-101")
@pytest.mark.usefixtures("rolled_back")
def test_broken_is_1_tampered_is_3_and_the_worse_wins() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE offerings SET waiting = waiting + 1")
    broken, _ = verify()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entries DISABLE TRIGGER append_only_rows")
        cursor.execute("UPDATE audit_entries SET actor = 'nobody'")
    tampered, printed = verify()

    assert (broken, tampered) == (1, 3)
    assert "changed afterwards" in printed


def test_a_database_that_is_not_there_is_2(day: Day) -> None:
    nowhere = "postgres://nobody@/nothing?host=/nowhere"

    ran = verify_in_a_process("owner", DATABASE_OWNER_URL=nowhere, DATABASE_URL=nowhere)

    assert ran.returncode == 2
    assert "could not check" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.usefixtures("rolled_back")
def test_json_says_the_same() -> None:
    code, clean = verify("--json")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE offerings SET waiting = waiting + 1")
    broken_code, broken = verify("--json")

    told = json.loads(clean)
    assert code == told["exit_code"] == 0
    assert all(check["holds"] and check["sentence"] for check in told["checks"])
    told = json.loads(broken)
    failed = {check["name"]: check for check in told["checks"] if not check["holds"]}
    assert broken_code == told["exit_code"] == 1
    assert failed["waiting-is-counted"]["count"] == 8
    assert failed["waiting-is-counted"]["examples"]


@pytest.mark.usefixtures("rolled_back")
def test_patience_leaves_alone_what_is_under_way() -> None:
    stuck = next(plant for plant in REQUESTS if plant.check == "nothing-is-stuck")
    stuck()

    impatient, _ = verify()
    patient, printed = verify("--patience", "60")

    assert impatient == 1
    assert patient == 0, printed


@pytest.mark.usefixtures("rolled_back")
def test_a_window_is_asked_as_it_stood_when_the_request_came() -> None:
    """Closing one early makes nothing invalid that it took before, and no edit passes the log."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE requests DISABLE TRIGGER append_only_rows")
    term, now = make_term(), timezone.now()
    offering, student = make_offering(term), make_student(term)
    hour = timedelta(hours=1)
    window = Window(term=term, name="Closed early", opens_at=now - hour, closes_at=now + hour)
    windows.save(window, actor="user:1", now=now - 2 * hour)
    (request,) = submit(ask(Kind.ENROLL, student, offering))

    window.closes_at = now - hour / 2
    windows.save(window, actor="user:1", now=timezone.now())
    _, closed_early = verify("--patience", "60")
    Window.objects.filter(pk=window.pk).update(opens_at=now - 3 * hour)
    Request.objects.filter(pk=request).update(accepted_at=now - 1.5 * hour)
    _, edited = verify("--patience", "6000")

    assert "accepted-inside-a-window: " not in closed_early
    assert f"request {request} (ENROLL" in edited
    assert f"lies outside window {window.pk}" in edited

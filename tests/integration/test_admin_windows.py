"""Windows in the admin: local times become instants, and every mistake is named."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from courses.models import Term
from enrollment.models import Window
from enrollment.vocabulary import Kind
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.audit.models import Entry
from tests.clerks import as_owner, signed_in
from tests.factories import (
    make_term,
    open_window,
)


@pytest.fixture
def term(database: None) -> Term:
    return make_term("2026-ODD")


@pytest.fixture
def registrar(term: Term) -> Iterator[Client]:
    with signed_in(Role.REGISTRAR) as client:
        yield client


def window_values(term: Term, **values: Any) -> dict[str, Any]:
    return {
        "term": term.pk,
        "name": "First-years",
        "opens_at_0": "2026-10-24",
        "opens_at_1": "08:00",
        "closes_at_0": "2026-10-25",
        "closes_at_1": "08:00",
        "cohorts": "2026, 2027",
        "actions": [Kind.ENROLL, Kind.DROP],
        **values,
    }


def test_a_window_saved_in_berlin_is_kept_as_instants_with_its_tasks(
    registrar: Client, term: Term
) -> None:
    """Its two ends lie on the two sides of the change of the clock: 25 hours apart."""
    with timezone.override(ZoneInfo("Europe/Berlin")):
        response = registrar.post("/admin/enrollment/window/add/", window_values(term))

    assert response.status_code == 302
    window = Window.objects.get()
    assert window.opens_at == datetime(2026, 10, 24, 6, tzinfo=UTC)
    assert window.closes_at == datetime(2026, 10, 25, 7, tzinfo=UTC)
    assert (window.cohorts, window.actions) == (["2026", "2027"], ["ENROLL", "DROP"])
    assert {task.name for task in PeriodicTask.objects.all()} == {
        f"window {window.pk} opens",
        f"window {window.pk} closes",
    }
    entry = Entry.objects.get(stream=f"window:{window.pk}")
    assert (entry.event, entry.actor) == ("window_saved", f"user:{User.objects.get().pk}")


def test_moving_a_window_moves_its_tasks(registrar: Client, term: Term) -> None:
    registrar.post("/admin/enrollment/window/add/", window_values(term))
    window = Window.objects.get()

    values = window_values(term, opens_at_0="2026-10-20")
    registrar.post(f"/admin/enrollment/window/{window.pk}/change/", values)

    task = PeriodicTask.objects.select_related("clocked").get(name__endswith="opens")
    assert task.clocked.clocked_time == datetime(2026, 10, 20, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"closes_at_0": "2026-10-23"}, "closes_at", "A window closes after it opens."),
        ({"opens_at_1": "yesterday"}, "opens_at", "Enter a valid time."),
        ({"opens_at_0": ""}, "opens_at", "This field is required."),
        ({"name": ""}, "name", "This field is required."),
        ({"actions": ["FLY"]}, "actions", "Select a valid choice."),
        ({"term": 999}, "term", "Select a valid choice."),
    ],
)
def test_a_window_filled_in_wrongly_says_where(
    registrar: Client, term: Term, values: dict[str, Any], field: str, message: str
) -> None:
    response = registrar.post("/admin/enrollment/window/add/", window_values(term) | values)

    errors = response.context["adminform"].form.errors
    assert message in " ".join(errors[field])
    assert not Window.objects.exists()


def test_a_window_that_has_opened_cannot_be_deleted(registrar: Client, term: Term) -> None:
    with as_owner():
        window = open_window(term)

    assert registrar.get(f"/admin/enrollment/window/{window.pk}/delete/").status_code == 403


def test_a_window_to_come_can_be_deleted_with_its_tasks(registrar: Client, term: Term) -> None:
    day = (timezone.now() + timedelta(days=9)).strftime("%Y-%m-%d")
    values = window_values(term, opens_at_0=day, closes_at_0=day, closes_at_1="09:00")
    registrar.post("/admin/enrollment/window/add/", values)
    window = Window.objects.get()

    registrar.post(f"/admin/enrollment/window/{window.pk}/delete/", {"post": "yes"})

    assert not Window.objects.exists()
    assert not PeriodicTask.objects.exists()

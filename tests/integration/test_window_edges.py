"""Admission turns at the window's very edge, by the database's clock and in local time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule

from enrollment import requests, windows
from enrollment.directory import Span
from enrollment.forms import WindowForm
from enrollment.models import Request, Window
from enrollment.requests import Accepted, Declined
from enrollment.vocabulary import Kind
from tests.factories import ask, make_offering, make_student, make_term

SECOND = timedelta(seconds=1)
REGISTRAR = "user:1"


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


def advanced(window: Window, now: datetime) -> list[str]:
    return [done.event for done in windows.advance(window.pk, now)]


# The edge, to the microsecond ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("edges", "accepted"),
    [
        ("opens_at = statement_timestamp() + interval '1 second'", False),
        ("opens_at = statement_timestamp() + interval '1 microsecond'", False),
        ("opens_at = statement_timestamp()", True),
        ("closes_at = statement_timestamp() + interval '1 microsecond'", True),
        ("closes_at = statement_timestamp()", False),
    ],
)
def test_admission_turns_at_the_very_microsecond(
    running: Window, edges: str, accepted: bool
) -> None:
    """Statements sent as one message share their `statement_timestamp()`, so the window can be
    given exactly the instant at which intake's INSERT is made to test it."""
    student, offering = make_student(running.term), make_offering(running.term)
    row = requests._row(ask(Kind.ENROLL, student, offering))
    values: dict[str, Any] = {**requests._columns([row]), "max_open": 10, "per_minute": 10}
    insert = requests._INSERT.replace("clock_timestamp()", "statement_timestamp()")
    assert insert != requests._INSERT

    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE windows SET {edges}; {insert}", values)

    made = Request.objects.filter(student=student)
    assert [request.window_id for request in made] == ([running.pk] if accepted else [])
    if edges == "opens_at = statement_timestamp()":
        assert made.get().accepted_at == Window.objects.get(pk=running.pk).opens_at


def test_admission_needs_no_announcement(database: None) -> None:
    now = timezone.now()
    term = make_term()
    student, offering = make_student(term), make_offering(term)
    span = {"opens_at": now - SECOND, "closes_at": now + timedelta(hours=1)}
    window = Window.objects.create(term=term, name="Unannounced", **span)

    [answer] = requests.submit_now([ask(Kind.ENROLL, student, offering)])

    window.refresh_from_db()
    assert isinstance(answer, Accepted)
    assert (window.opened_at, window.open_task) == (None, None)


def test_a_moved_task_does_not_move_admission(running: Window) -> None:
    later = timezone.now() + timedelta(minutes=5)
    running.opens_at = later
    windows.save(running, actor=REGISTRAR, now=timezone.now())
    ClockedSchedule.objects.update(clocked_time=timezone.now() - SECOND)

    [answer] = requests.submit_now(
        [ask(Kind.ENROLL, make_student(running.term), make_offering(running.term))]
    )

    assert isinstance(answer, Declined)
    assert answer.code == "WINDOW_CLOSED"


# Local times, over both changes of the clock of a year --------------------------------------------

EIGHT_IN_THE_MORNING = [
    # the day before, and the day on which the clock changes: the instants are 23 and 25 hours apart
    ("America/New_York", "2026-03-07", "2026-03-07T13:00"),
    ("America/New_York", "2026-03-08", "2026-03-08T12:00"),
    ("America/New_York", "2026-10-31", "2026-10-31T12:00"),
    ("America/New_York", "2026-11-01", "2026-11-01T13:00"),
    ("Europe/Berlin", "2026-03-28", "2026-03-28T07:00"),
    ("Europe/Berlin", "2026-03-29", "2026-03-29T06:00"),
    ("Europe/Berlin", "2026-10-24", "2026-10-24T06:00"),
    ("Europe/Berlin", "2026-10-25", "2026-10-25T07:00"),
]


def filled_in(zone: str, day: str, time: str, term: int) -> WindowForm:
    """The form as the registrar of a university in that zone fills it in."""
    with timezone.override(ZoneInfo(zone)):
        form = WindowForm(
            {
                "term": term,
                "name": "Registration",
                "opens_at": f"{day} {time}",
                "closes_at": "2026-12-31 18:00",
            }
        )
        form.is_valid()
        return form


@pytest.mark.parametrize(("zone", "day", "instant"), EIGHT_IN_THE_MORNING)
def test_a_local_time_is_one_instant_and_opens_at_it(
    database: None, zone: str, day: str, instant: str
) -> None:
    opens = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    form = filled_in(zone, day, "08:00", make_term().pk)

    window = form.save(commit=False)
    windows.save(window, actor=REGISTRAR, now=opens - timedelta(days=30))

    window = Window.objects.select_related("open_task__clocked").get()
    assert window.opens_at == opens
    assert window.open_task is not None
    assert window.open_task.clocked.clocked_time == opens
    span = Span(1, window.opens_at, window.closes_at, frozenset(), frozenset())
    assert not span.is_open(opens - SECOND)
    assert span.is_open(opens)
    assert advanced(window, opens - SECOND) == []
    assert advanced(window, opens) == ["window_opened"]


@pytest.mark.parametrize(
    ("zone", "day", "time"),
    [
        ("America/New_York", "2026-03-08", "02:30"),
        ("America/New_York", "2026-11-01", "01:30"),
        ("Europe/Berlin", "2026-03-29", "02:30"),
        ("Europe/Berlin", "2026-10-25", "02:30"),
    ],
)
def test_a_local_time_that_is_none_or_two_instants_is_refused(
    database: None, zone: str, day: str, time: str
) -> None:
    form = filled_in(zone, day, time, make_term().pk)

    [message] = form.errors["opens_at"]
    assert "it may be ambiguous or it may not exist" in message

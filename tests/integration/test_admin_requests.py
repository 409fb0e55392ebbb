"""What staff ask in the admin stands in line, once, and tells what became of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.test import Client

from courses.models import Meeting, Offering, Term
from enrollment.models import Enrollment, Outcome, Request, StudentTerm
from enrollment.vocabulary import Kind
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.audit.models import Entry
from tests.callers import settling
from tests.clerks import as_owner, form_of, page, send, signed_in, told
from tests.factories import (
    enroll,
    make_offering,
    make_section,
    make_student,
    make_term,
    open_window,
)
from tests.races import settle_all


@pytest.fixture
def term(database: None) -> Term:
    return make_term("2026-ODD")


@pytest.fixture
def registrar(term: Term) -> Iterator[Client]:
    with signed_in(Role.REGISTRAR) as client:
        yield client


@pytest.fixture
def full(registrar: Client, term: Term) -> Offering:
    """A course with two seats, both taken, and one student waiting."""
    with as_owner():
        open_window(term)
        offering = make_offering(term, code="CS101", base_limit=2)
        enroll(offering, [make_student(term) for _ in range(3)])
        settle_all()
    return offering


@pytest.fixture
def unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody settles in this test: no use in waiting for it."""
    monkeypatch.setattr("enrollment.admin.asking.WAIT_SECONDS", 0.05)


@contextmanager
def a_worker() -> Iterator[None]:
    """Its own connections are the owner's: they are not the ones that act as the web."""
    with settling():
        yield


def test_raising_a_limit_seats_who_waits_and_tells_the_outcome(
    registrar: Client, full: Offering
) -> None:
    with a_worker():
        response = send(
            registrar, f"courses/offering/{full.pk}/limits/", **{"0": 3, "reason": "Larger room"}
        )

    asked = Request.objects.get(kind=Kind.LIMIT)
    assert f"Request {asked.pk}</a> is done." in told(response)
    assert asked.body == {"offering": full.pk, "set": {"0": 3}, "reason": "Larger room"}
    assert asked.actor == f"user:{User.objects.get(username='registrar').pk}"
    full.refresh_from_db()
    assert (full.base_limit, full.taken, full.waiting) == (3, 3, 0)


@pytest.mark.usefixtures("unsettled")
def test_only_what_was_changed_on_the_page_is_asked_for(registrar: Client, full: Offering) -> None:
    """Another limit was raised since the page was shown: sending the page must not undo it."""
    path = f"courses/offering/{full.pk}/limits/"
    sent = form_of(registrar, path)
    with as_owner():
        Offering.objects.filter(pk=full.pk).update(base_limit=50)

    sent |= {"waitlist_cap": "", "total_cap": "70", "reason": "As agreed"}
    registrar.post(f"/admin/{path}", sent)

    asked = Request.objects.get(kind=Kind.LIMIT)
    assert asked.body["set"] == {"total_cap": 70}


@pytest.mark.usefixtures("unsettled")
def test_an_empty_limit_means_none(registrar: Client, full: Offering) -> None:
    with as_owner():
        Offering.objects.filter(pk=full.pk).update(total_cap=9)

    send(registrar, f"courses/offering/{full.pk}/limits/", total_cap="", reason="No cap")

    assert Request.objects.get(kind=Kind.LIMIT).body["set"] == {"total_cap": -1}


@pytest.mark.usefixtures("unsettled")
def test_a_second_click_repeats_the_request_and_makes_no_other(
    registrar: Client, full: Offering
) -> None:
    path = f"courses/offering/{full.pk}/pause/"
    sent = form_of(registrar, path) | {"status": "PAUSED", "reason": "Room flooded"}

    first = registrar.post(f"/admin/{path}", sent, follow=True)
    second = registrar.post(f"/admin/{path}", sent, follow=True)

    assert Request.objects.filter(kind=Kind.PAUSE).count() == 1
    assert told(first) == told(second)


@pytest.mark.usefixtures("unsettled")
def test_a_form_sent_again_with_other_values_is_a_request_of_its_own(
    registrar: Client, full: Offering
) -> None:
    path = f"courses/offering/{full.pk}/pause/"
    sent = form_of(registrar, path) | {"status": "PAUSED", "reason": "Room flooded"}
    registrar.post(f"/admin/{path}", sent)

    again = registrar.post(f"/admin/{path}", sent | {"reason": "Room burnt down"})

    assert "sent before with other values" in again.content.decode()
    sent = {field.html_name: field.value() for field in again.context["form"]}
    assert sent["reason"] == "Room burnt down"
    registrar.post(f"/admin/{path}", sent)
    assert Request.objects.filter(kind=Kind.PAUSE).count() == 2


@pytest.mark.usefixtures("unsettled")
def test_a_request_not_decided_yet_is_told_as_in_line(registrar: Client, full: Offering) -> None:
    response = send(
        registrar, f"courses/offering/{full.pk}/pause/", status="PAUSED", reason="Room flooded"
    )

    assert "is accepted and in line" in told(response)


def test_a_permit_seats_a_student_over_the_limit(registrar: Client, full: Offering) -> None:
    with as_owner():
        student = make_student(full.term)

    with a_worker():
        path = f"courses/offering/{full.pk}/permit/"
        send(registrar, path, number=student.number, reason="Wheelchair")

    full.refresh_from_db()
    assert Enrollment.objects.filter(student=student, offering=full, active=True).exists()
    assert (full.base_taken, full.base_permits, full.waiting) == (3, 1, 1)


def test_a_refused_permit_says_why(registrar: Client, full: Offering) -> None:
    seated = Enrollment.objects.filter(offering=full, active=True).first()
    assert seated is not None

    with a_worker():
        path = f"courses/offering/{full.pk}/permit/"
        response = send(registrar, path, number=seated.student.number, reason="By mistake")

    assert "was refused (ALREADY_ENROLLED)" in told(response)


def test_confirming_times_confirms_the_meetings_planned(registrar: Client, full: Offering) -> None:
    with as_owner():
        section = make_section(full, 10)
        for day in (0, 2):
            Meeting.objects.create(offering=full, section=section, day=day, start=540, end=590)

    with a_worker():
        path = f"courses/offering/{full.pk}/timetable/"
        shown = page(registrar, path)
        response = send(registrar, path, section=1, reason="Room booked")

    assert "CS101-SEC001: Mon 09:00-09:50, Wed 09:00-09:50" in shown
    assert "is done" in told(response)
    section.refresh_from_db()
    assert section.meets == ((540, 590), (3420, 3470))


def test_a_pause_refuses_what_comes_after_it(registrar: Client, full: Offering) -> None:
    with a_worker():
        path = f"courses/offering/{full.pk}/pause/"
        send(registrar, path, status="PAUSED", reason="Room flooded")
    with as_owner():
        [late] = enroll(full, [make_student(full.term)])
        settle_all()

    full.refresh_from_db()
    assert full.status == "PAUSED"
    assert Outcome.objects.get(pk=late).code == "PAUSED"


@pytest.mark.parametrize(
    ("ask", "values", "field", "message"),
    [
        ("limits", {"0": "7"}, "reason", "This field is required."),
        ("limits", {"0": "-1"}, "0", "greater than or equal to 0"),
        ("limits", {"0": ""}, "0", "This field is required."),
        ("limits", {"open_threshold": "0"}, "open_threshold", "greater than or equal to 1"),
        ("limits", {"total_cap": "many"}, "total_cap", "Enter a whole number."),
        ("limits", {"0": "9" * 30}, "0", "less than or equal to"),
        ("limits", {"reason": "None"}, "__all__", "Nothing is changed"),
        ("permit", {"number": "S9"}, "number", "There is no student of this number."),
        ("permit", {"section": "7"}, "section", "Select a valid choice."),
        ("timetable", {"section": "x"}, "section", "Select a valid choice."),
        ("pause", {"status": "OPEN"}, "status", "That is what it is already."),
        ("pause", {"status": "BURNT"}, "status", "Select a valid choice."),
        ("pause", {"status": "PAUSED"}, "reason", "This field is required."),
        ("pause", {"reason": "x" * 501}, "reason", "at most 500 characters"),
        ("pause", {"reason": "a\0b"}, "reason", "Null characters are not allowed."),
    ],
)
def test_a_mistake_is_named_at_its_field_and_nothing_is_asked(
    registrar: Client,
    full: Offering,
    ask: str,
    values: dict[str, str],
    field: str,
    message: str,
) -> None:
    response = send(registrar, f"courses/offering/{full.pk}/{ask}/", **values)

    assert response.status_code == 200
    assert message in " ".join(response.context["form"].errors[field])
    assert not Request.objects.exclude(kind=Kind.ENROLL).exists()


def test_raising_a_maximum_tells_what_it_was(registrar: Client, full: Offering) -> None:
    waiting = StudentTerm.objects.latest("pk").student
    path = f"enrollment/student/{waiting.pk}/maximum/"

    response = send(registrar, path, term=full.term_id, maximum=30, reason="Honours")
    again = send(registrar, path, term=full.term_id, maximum=20, reason="Honours")

    assert "is 30 now; it was 24. Waitlists looked at again: 1." in told(response)
    assert Request.objects.filter(kind=Kind.RECHECK, student=waiting).count() == 1
    assert "It is 30 already." in again.context["form"].errors["maximum"][0]


def test_the_audit_shows_what_was_written(registrar: Client, full: Offering) -> None:
    entry = Entry.objects.filter(event="decided").first()
    assert entry is not None

    shown = page(registrar, f"audit/entry/{entry.pk}/change/")

    assert bytes(entry.hash).hex() in shown
    assert json.loads(entry.body)["result"] in shown

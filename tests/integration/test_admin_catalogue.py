"""The catalogue in the admin: described by staff, and no seat is written there."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from courses.catalogue import create_new_version
from courses.models import Meeting, Offering, Section, Term
from registrar.accounts.roles import Role
from tests.clerks import as_owner, signed_in
from tests.factories import (
    make_course,
    make_offering,
    make_section,
    make_term,
    make_user,
)


@pytest.fixture
def term(database: None) -> Term:
    return make_term("2026-ODD")


@pytest.fixture
def registrar(term: Term) -> Iterator[Client]:
    with signed_in(Role.REGISTRAR) as client:
        yield client


def test_an_offering_takes_its_seats_from_the_course_and_later_from_requests_only(
    registrar: Client, term: Term
) -> None:
    with as_owner():
        course = make_course("MA201", max_seats=40)
    values = {"course": course.pk, "term": term.pk, "auto_create": "on", "open_threshold": 1}

    registrar.post("/admin/courses/offering/add/", values)
    offering = Offering.objects.get()
    registrar.post(
        f"/admin/courses/offering/{offering.pk}/change/",
        {**values, "base_limit": 400, "total_cap": 1, **no_meetings()},
    )

    offering.refresh_from_db()
    assert (offering.base_limit, offering.section_limit, offering.total_cap) == (40, 40, None)


def no_meetings() -> dict[str, int]:
    return {"meetings-TOTAL_FORMS": 0, "meetings-INITIAL_FORMS": 0}


def meeting(day: int, start: str, end: str) -> dict[str, Any]:
    return {
        "meetings-TOTAL_FORMS": 1,
        "meetings-INITIAL_FORMS": 0,
        "meetings-0-day": day,
        "meetings-0-start": start,
        "meetings-0-end": end,
        "meetings-0-room": "A1",
    }


def test_a_course_offered_twice_in_a_term_is_refused_by_name(registrar: Client, term: Term) -> None:
    with as_owner():
        offering = make_offering(term)
    values = {"course": offering.course_id, "term": term.pk, "open_threshold": 1}

    response = registrar.post("/admin/courses/offering/add/", values)

    [told] = response.context["adminform"].form.errors["course"]
    assert told == f"{offering.course.code} v1.0 is offered in 2026-ODD already."


def test_another_version_or_another_course_of_the_code_is_refused_too(
    registrar: Client, term: Term
) -> None:
    """In two versions a student could sit in both; of two of one code sections would share one."""
    with as_owner():
        old = make_offering(term, code="CS101").course
        renamed = create_new_version(old, {"code": "CS111"}, actor="user:1", now=timezone.now())
        heir = make_course("CS101", version="2.0")

    for course in (renamed, heir):
        values = {"course": course.pk, "term": term.pk, "open_threshold": 1}
        response = registrar.post("/admin/courses/offering/add/", values)
        [told] = response.context["adminform"].form.errors["course"]
        assert told == "CS101 v1.0 is offered in 2026-ODD already."


def test_a_section_keeps_its_counters_while_staff_describe_it(
    registrar: Client, term: Term
) -> None:
    """A seat was taken since the page was opened: saving the page must not put it back."""
    with as_owner():
        section = make_section(make_offering(term), 10)
        teacher = make_user("noether")
        Section.objects.filter(pk=section.pk).update(taken=7)
    values = {
        "instructor": teacher.pk,
        "schedule": '{"room": "A1"}',
        "taken": 1,
        "enrollment_limit": 1,
        **meeting(0, "09:00", "24:00"),
    }

    response = registrar.post(f"/admin/courses/section/{section.pk}/change/", values)

    assert response.status_code == 302
    section.refresh_from_db()
    assert (section.instructor, section.schedule) == (teacher, {"room": "A1"})
    assert (section.taken, section.enrollment_limit, section.needs_assignment) == (7, 10, False)
    planned = Meeting.objects.get()
    assert (planned.offering_id, planned.section_id) == (section.offering_id, section.pk)
    assert (planned.day, planned.start, planned.end) == (0, 540, 1440)


@pytest.mark.parametrize(
    ("start", "end", "field", "message"),
    [
        ("10:00", "09:00", "end", "A meeting ends after it begins"),
        ("noon", "13:00", "start", "Enter a valid time."),
        ("", "13:00", "start", "This field is required."),
        ("09:00", "25:00", "end", "Enter a valid time."),
    ],
)
def test_a_meeting_that_cannot_be_is_named(
    registrar: Client, term: Term, start: str, end: str, field: str, message: str
) -> None:
    with as_owner():
        section = make_section(make_offering(term), 10)

    values = {"schedule": "{}", **meeting(0, start, end)}
    response = registrar.post(f"/admin/courses/section/{section.pk}/change/", values)

    [formset] = response.context["inline_admin_formsets"]
    assert message in " ".join(formset.formset.forms[0].errors[field])

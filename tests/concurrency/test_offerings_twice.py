"""Two of the staff add one offering at the same moment: one of them is told so beside the field."""

from typing import Any

import pytest
from django.test import Client

from courses.models import Offering
from enrollment.admin.offerings import OfferingForm
from registrar.accounts.roles import Role
from tests.clerks import member
from tests.factories import make_course, make_term
from tests.races import Meeting, after, together

pytestmark = pytest.mark.concurrency


def test_the_second_of_two_who_add_an_offering_is_told(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    course, term = make_course("CS101"), make_term("2026-ODD")
    client = Client()
    client.force_login(member(Role.REGISTRAR))
    both_were_allowed = Meeting()
    after(monkeypatch, OfferingForm, "clean", both_were_allowed)

    def add() -> Any:
        values = {"course": course.pk, "term": term.pk, "open_threshold": 1}
        mine = Client()
        mine.cookies = client.cookies
        return mine.post("/admin/courses/offering/add/", values)

    late, done = sorted(together(add, add), key=lambda answer: answer.status_code)

    assert both_were_allowed.met
    assert (late.status_code, done.status_code) == (200, 302)
    [said] = late.context["adminform"].form.errors["course"]
    assert said == "CS101 v1.0 is offered in 2026-ODD already."
    assert Offering.objects.count() == 1

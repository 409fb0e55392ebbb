"""A student's whole day, with no more rights than the web's own database role has (D7)."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client

from courses.models import Term
from enrollment.models import Student
from tests import factories
from tests.callers import Caller, Reply, settle_all


@contextmanager
def web_role() -> Iterator[None]:
    """This connection asks as `reg_web`, which owns nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE reg_web")
        try:
            yield
        finally:
            cursor.execute("RESET ROLE")


@pytest.fixture
def term(database: None) -> Term:
    term = factories.make_term("2026-ODD")
    factories.open_window(term)
    for code in ("CS1", "CS2", "CS3"):
        factories.make_offering(term, code=code, base_limit=1)
    return term


@pytest.fixture
def student(term: Term) -> Student:
    student = factories.make_student(term)
    assert student.user is not None
    student.user.set_password("correct horse")
    student.user.save()
    return student


def test_every_address_of_a_student_works_with_the_webs_rights(student: Student) -> None:
    caller = Caller(student)
    with web_role():
        statuses = [
            caller.send("put", "cart/CS1/").status,
            caller.send("put", "cart/CS2/").status,
            caller.send("delete", "cart/CS2/").status,
            caller.post("enrollment/cart/enroll/").status,
            caller.post("courses/CS3/enroll/").status,
            caller.post("courses/CS3/drop/").status,
            caller.post("courses/CS2/swap/", {"give": "CS1"}).status,
            caller.post("courses/CS2/leave/").status,
            caller.post("requests/1/cancel/", prefer="wait=1").status,
        ]
    settle_all()
    with web_role():
        looked = [
            caller.get(path).status
            for path in (
                "cart/",
                "requests/",
                "requests/1/",
                "enrollments/",
                "waitlist/",
                "windows/",
                "/api/catalog/terms/",
                "/api/catalog/offerings/?free=true",
                "/api/catalog/offerings/1/",
            )
        ]

    assert statuses == [201, 201, 204, *[202] * 6]
    assert looked == [200] * 9


def test_signing_in_and_out_works_with_the_webs_rights(student: Student) -> None:
    assert student.user is not None
    credentials = {"username": student.user.username, "password": "correct horse"}
    with web_role():
        told = Reply(Client().post("/api/login/", credentials, content_type="application/json"))
        client = Client(headers={"authorization": f"Token {told.body['token']}"})
        session = Client()
        session.force_login(student.user)
        statuses = [
            client.get("/api/student/cart/").status_code,
            Client().post("/api/session/", told.body, content_type="application/json").status_code,
            client.post("/api/logout/").status_code,
            client.get("/api/student/cart/").status_code,
            session.get("/api/student/cart/").status_code,
            session.post("/api/logout/").status_code,
        ]

    assert statuses == [200, 200, 204, 401, 200, 204]

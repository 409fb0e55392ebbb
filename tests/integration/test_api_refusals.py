"""What is refused before it is accepted, and how: problem+json, never a 500."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from courses.models import Offering, Term
from enrollment import requests as door
from enrollment import wording
from enrollment.models import Request, Window
from registrar import problems
from registrar.accounts.tokens import make_tokens
from tests import factories, pages
from tests.callers import Caller, Reply, settle_all

ENROLL = "courses/CS101/enroll/"


@pytest.fixture
def term(database: None) -> Term:
    return factories.make_term("2026-ODD")


@pytest.fixture
def window(term: Term) -> Window:
    return factories.open_window(term)


@pytest.fixture
def offering(term: Term) -> Offering:
    return factories.make_offering(term, code="CS101", base_limit=2)


@pytest.fixture
def ada(offering: Offering) -> Caller:
    return Caller(factories.make_student(offering.term))


def window_in(term: Term, hours: float, lasting: float = 1, **fields: object) -> Window:
    opens_at = timezone.now() + timedelta(hours=hours)
    return factories.open_window(
        term, opens_at=opens_at, closes_at=opens_at + timedelta(hours=lasting), **fields
    )


# The window ---------------------------------------------------------------------------------


def test_before_opening_the_answer_says_when(ada: Caller, term: Term) -> None:
    later, sooner = window_in(term, 48), window_in(term, 2)

    reply = ada.post(ENROLL)

    assert reply.status == 403
    assert reply.code == "WINDOW_CLOSED"
    assert datetime.fromisoformat(reply.body["opens_at"]) == sooner.opens_at
    assert datetime.fromisoformat(reply.body["closes_at"]) == sooner.closes_at
    assert later.opens_at > sooner.opens_at
    assert Request.objects.count() == 0


def test_after_closing_the_answer_says_since_when(ada: Caller, term: Term) -> None:
    window = window_in(term, -5)

    reply = ada.post(ENROLL)

    assert reply.code == "WINDOW_CLOSED"
    assert datetime.fromisoformat(reply.body["closes_at"]) == window.closes_at


def test_a_student_whom_no_window_admits_is_told_so(ada: Caller, term: Term) -> None:
    window_in(term, -0.5, cohorts=["another"])

    for reply in (ada.post(ENROLL), ada.post("enrollment/cart/enroll/")):
        assert reply.status == 403
        assert reply.code == "WINDOW_CLOSED"
        assert reply.body["opens_at"] is None


def test_a_window_for_dropping_alone_takes_no_enrollment(ada: Caller, term: Term) -> None:
    window_in(term, -0.5, actions=["DROP"])
    coming = window_in(term, 3, actions=["ENROLL"])

    reply = ada.post(ENROLL)

    assert reply.code == "WINDOW_CLOSED"
    assert datetime.fromisoformat(reply.body["opens_at"]) == coming.opens_at
    assert ada.post("courses/CS101/drop/").status == 202


# Limits -------------------------------------------------------------------------------------


def test_a_student_may_have_so_many_undecided(
    ada: Caller, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_OPEN", 1)
    ada.post(ENROLL)

    reply = ada.post("courses/CS101/drop/")

    assert reply.status == 429
    assert reply.code == "TOO_MANY_OPEN"
    assert reply.body["limit"] == 1
    assert int(reply.headers["Retry-After"]) >= 1
    settle_all()
    assert ada.post("courses/CS101/drop/").status == 202


def test_a_student_may_send_so_many_in_a_minute(
    ada: Caller, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_PER_MINUTE", 1)
    ada.post(ENROLL)
    settle_all()

    reply = ada.post("courses/CS101/drop/")

    assert reply.status == 429
    assert reply.code == "TOO_MANY_PER_MINUTE"
    assert reply.headers["Retry-After"] == "60"


def test_a_backlog_sheds_before_anything_is_written(
    ada: Caller, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "BACKLOG_SECONDS", -1.0)

    reply = ada.post(ENROLL)

    assert reply.status == 503
    assert reply.code == "BACKLOG"
    assert 2 <= int(reply.headers["Retry-After"]) <= 10
    assert reply.body["retry_after"] == int(reply.headers["Retry-After"])
    assert Request.objects.count() == 0


def test_a_database_that_takes_no_rows_is_said_to_be_away(
    ada: Caller, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> Any:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(door, "insert", lost)

    reply = ada.post(ENROLL)

    assert reply.status == 503
    assert reply.code == "UNAVAILABLE"
    assert int(reply.headers["Retry-After"]) >= 1


def test_a_database_that_cannot_be_read_is_said_to_be_away(
    ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> Any:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("enrollment.queries.seats", lost)

    reply = ada.get("enrollments/")

    assert reply.status == 503
    assert reply.code == "UNAVAILABLE"


# The same again -----------------------------------------------------------------------------


def test_the_same_key_and_body_answer_the_same_request(ada: Caller, window: Window) -> None:
    first = ada.post(ENROLL, {}, idempotency_key="one")
    again = ada.post(ENROLL, None, idempotency_key="one")

    assert again.status == 202
    assert again.body["id"] == first.body["id"]
    assert again.headers["Location"] == first.headers["Location"]
    assert Request.objects.count() == 1


def test_a_replay_shows_the_state_of_today(ada: Caller, window: Window) -> None:
    first = ada.post(ENROLL, idempotency_key="one")
    settle_all()

    again = ada.post(ENROLL, idempotency_key="one")

    assert again.status == 200
    assert again.body["id"] == first.body["id"]
    assert again.body["state"] == "ENROLLED"
    assert again.headers["Location"] == first.headers["Location"]


def test_a_replay_is_answered_after_the_window_has_closed(ada: Caller, window: Window) -> None:
    first = ada.post(ENROLL, idempotency_key="one")
    Window.objects.update(closes_at=timezone.now())

    assert ada.post(ENROLL, idempotency_key="one").body["id"] == first.body["id"]
    assert ada.post(ENROLL, idempotency_key="two").code == "WINDOW_CLOSED"


@pytest.mark.parametrize(
    ("path", "body"), [(ENROLL, {"section": 1}), ("courses/CS101/drop/", None)]
)
def test_a_key_cannot_be_used_for_something_else(
    ada: Caller, window: Window, path: str, body: Any
) -> None:
    first = ada.post(ENROLL, idempotency_key="one")

    reply = ada.post(path, body, idempotency_key="one")

    assert reply.status == 422
    assert reply.code == "KEY_REUSED"
    assert reply.body["request"] == first.body["id"]
    assert Request.objects.count() == 1


def test_another_student_may_use_the_same_key(ada: Caller, window: Window, term: Term) -> None:
    ben = Caller(factories.make_student(term))

    ids = {caller.post(ENROLL, idempotency_key="one").body["id"] for caller in (ada, ben)}

    assert len(ids) == 2


def test_a_double_click_without_a_key_is_one_request(ada: Caller, window: Window) -> None:
    first, again = ada.post(ENROLL), ada.post(ENROLL)

    assert again.status == 202
    assert again.body["id"] == first.body["id"]


def test_enroll_drop_enroll_are_three_requests(ada: Caller, window: Window) -> None:
    paths = [ENROLL, "courses/CS101/drop/", ENROLL]

    assert len({ada.post(path).body["id"] for path in paths}) == 3


@pytest.mark.parametrize("key", ["x" * 101, "", "a\x1fb", "schlüssel", "\x7f"])
def test_a_key_of_no_use_is_refused(ada: Caller, window: Window, key: str) -> None:
    reply = ada.post(ENROLL, idempotency_key=key)

    assert reply.status == 422
    assert reply.code == "INVALID"
    assert reply.body["errors"][0]["field"] == "Idempotency-Key"


def test_a_key_of_a_hundred_characters_is_taken(ada: Caller, window: Window) -> None:
    assert ada.post(ENROLL, idempotency_key="k y" + "~" * 97).status == 202


# Bodies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "BODY_NOT_JSON"),
        ("NaN", 400, "BODY_NOT_JSON"),
        ('{"section": Infinity}', 400, "BODY_NOT_JSON"),
        (b"\xff\xfe", 400, "BODY_NOT_JSON"),
        ("[" * 5000, 400, "BODY_NOT_JSON"),
        ('{"section": ' + "9" * 5000 + "}", 400, "BODY_NOT_JSON"),
        ("[]", 422, "INVALID"),
        ('"enroll"', 422, "INVALID"),
        ("null", 422, "INVALID"),
        ('{"sektion": 1}', 422, "INVALID"),
        ('{"\\ud800": 1}', 422, "INVALID"),
        ('{"student_id": 1, "section": 1}', 422, "INVALID"),
        (" " * (16 * 1024 + 1), 413, "BODY_TOO_LARGE"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused(
    ada: Caller, window: Window, body: str | bytes, status: int, code: str
) -> None:
    reply = ada.post(ENROLL, body)

    assert reply.status == status
    assert reply.code == code
    assert Request.objects.count() == 0


def test_a_body_of_unknown_length_is_refused_not_forgotten(ada: Caller, window: Window) -> None:
    reply = ada.post(ENROLL, transfer_encoding="chunked")

    assert reply.status == 411
    assert reply.code == "LENGTH_REQUIRED"


def test_a_refusal_is_an_answer_and_not_an_event(
    ada: Caller, window: Window, caplog: pytest.LogCaptureFixture
) -> None:
    ada.post("courses/NONE1/enroll/")

    assert caplog.records == []


def test_a_form_is_not_read(ada: Caller, window: Window) -> None:
    reply = ada.post(ENROLL, "section=1", content_type="application/x-www-form-urlencoded")

    assert reply.status == 415
    assert reply.code == "MEDIA_TYPE"


@pytest.mark.parametrize("body", [None, "", "{}", " \n"])
def test_no_body_is_as_good_as_an_empty_one(ada: Caller, window: Window, body: Any) -> None:
    assert ada.post(ENROLL, body).status == 202


def test_a_misspelt_field_is_named(ada: Caller, window: Window) -> None:
    reply = ada.post(ENROLL, {"sektion": 1})

    assert reply.body["errors"] == [
        {"field": "sektion", "message": "is not a field of this request"}
    ]


# Everything else the framework says -----------------------------------------------------------


def test_an_address_takes_only_its_methods(ada: Caller, window: Window) -> None:
    reply = ada.get(ENROLL)

    assert reply.status == 405
    assert reply.code == "METHOD"
    assert "POST" in reply.headers["Allow"]


@pytest.mark.parametrize("accept", ["text/html", "application/json; version=7"])
def test_only_json_of_a_known_version_is_answered(ada: Caller, window: Window, accept: str) -> None:
    reply = ada.post(ENROLL, accept=accept)

    assert reply.status == 406
    assert reply.code == "NOT_ACCEPTABLE"
    assert Request.objects.count() == 0


@pytest.mark.parametrize("path", ["/api/nothing/", "/api/student/requests/one/"])
def test_an_unknown_address_of_the_api_is_a_problem(ada: Caller, path: str) -> None:
    reply = ada.get(path)

    assert reply.status == 404
    assert reply.code == "NOT_FOUND"


@pytest.fixture
def unforgiving() -> Client:
    """A client that gets the answer to a fault of ours, as in life."""
    return Client(raise_request_exception=False)


def test_a_fault_of_ours_is_a_problem_too(
    ada: Caller, unforgiving: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr("enrollment.queries.seats", broken)
    headers = {"authorization": f"Token {ada.token}"}

    reply = Reply(unforgiving.get("/api/student/enrollments/", headers=headers))

    assert reply.status == 500
    assert reply.code == "INTERNAL"
    assert b"a bug" not in reply.raw


# Who asks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    ["", "Token", "Token nonsense", "Token a b", "Bearer x", "Token schlüssel", "Token \ud800"],
)
def test_without_a_valid_token_nobody_registers(
    offering: Offering, window: Window, authorization: str
) -> None:
    client = Client(headers={"authorization": authorization} if authorization else {})

    reply = Reply(client.post("/api/student/courses/CS101/enroll/"))

    assert reply.status == 401
    assert reply.code == "SIGN_IN"
    assert reply.headers["WWW-Authenticate"] == "Token"


def test_a_user_who_is_no_student_does_not_register(offering: Offering, window: Window) -> None:
    [token] = make_tokens([factories.make_user("clerk", is_staff=True)])
    client = Client(headers={"authorization": f"Token {token}"})

    for method, path in (("POST", "courses/CS101/enroll/"), ("GET", "requests/1/")):
        reply = Reply(client.generic(method, f"/api/student/{path}"))
        assert reply.status == 403
        assert reply.code == "NOT_A_STUDENT"


# The words ----------------------------------------------------------------------------------


def test_every_code_that_may_be_refused_with_has_words_and_a_status() -> None:
    assert set(wording.SAID_AT_THE_DOOR) <= set(problems.STATUS)
    assert set(pages.refused()) - {"INVALID"} <= set(problems.STATUS)
    for code in problems.STATUS:
        for said in pages.said(code):
            assert said.endswith((".", "…")), (code, said)


def test_a_problem_is_json_that_others_can_read() -> None:
    response = problems.render(problems.Problem("BUSY", retry_after=1.2))

    assert json.loads(response.content) == {
        "type": "urn:registrar:problem:busy",
        "title": "Too many people are here at once.",
        "status": 503,
        "code": "BUSY",
        "remedy": "Wait as long as Retry-After says.",
        "retry_after": 2,
    }
    assert response["Retry-After"] == "2"
    assert response["Cache-Control"] == "no-store"

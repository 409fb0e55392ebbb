"""The short way of a POST: the same answers as the long way, and only where it may be taken."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError

from enrollment import directory, intake, requests
from enrollment.models import Request, Student, Window
from registrar import gate
from registrar.accounts import tokens
from registrar.desk import Promises
from tests.doors import CART, ENROLL, VARY, Door
from tests.factories import make_offering


@pytest.fixture
def door(database: None, monkeypatch: pytest.MonkeyPatch) -> Door:
    return Door(monkeypatch)


def code(reply: gate.Reply) -> str:
    return str(json.loads(reply.body)["code"])


# The same answer --------------------------------------------------------------------------------


def told(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], dict[str, Any]]:
    """All that two answers to the same question have in common, and what they differ in by name."""
    said = {name: value for name, value in headers.items() if name != "Content-Length"}
    return (
        {name: name if name in VARY else value for name, value in said.items()},
        {name: name if name in VARY else value for name, value in json.loads(body).items()},
    )


@pytest.mark.parametrize(
    ("action", "body"),
    [("enroll", b""), ("enroll", b'{"section": null}'), ("drop", b"{}"), ("leave", b"")],
)
def test_it_is_answered_as_the_views_answer(door: Door, action: str, body: bytes) -> None:
    short, long = door.both_ways(f"/api/student/courses/CS101/{action}/", body)

    assert short.status == long.status_code == 202
    assert told(dict(short.headers), short.body) == told(dict(long.headers), long.content)
    first, second = Request.objects.order_by("pk")
    assert first.body_hash == second.body_hash
    assert dict(short.headers)["Location"] == f"/api/student/requests/{first.pk}/"


def test_a_swap_goes_the_short_way_too(door: Door) -> None:
    other = make_offering(door.course.term, code="MA101")
    reply = door.post("/api/student/courses/MA101/swap/", b'{"give": "cs101"}')

    assert (reply.status, door.long) == (202, 0)
    assert Request.objects.get().offerings == sorted([door.course.pk, other.pk])


def test_those_of_one_moment_share_a_commit(door: Door) -> None:
    paths = [f"/api/student/courses/C{nth}/enroll/" for nth in range(9)]
    for nth in range(9):
        make_offering(door.course.term, code=f"C{nth}")
    directory.forget()
    replies = door.posts(paths)

    assert {reply.status for reply in replies} == {202}
    assert sum(door.sizes) == 9
    assert len(door.sizes) < 5
    assert door.long == 0
    # In the order in which they came.
    ids = [json.loads(reply.body)["id"] for reply in replies]
    assert ids == sorted(ids)


# The long way -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        (ENROLL, b"", {"authorization": "Token " + "0" * 64}, 401),
        (ENROLL, b"", {"authorization": "Token \u00e9"}, 401),
        (ENROLL, b"", {"authorization": "Basic eDp5"}, 401),
        (ENROLL, b"", {"authorization": ""}, 401),
        (ENROLL, b"", {"accept": "text/html"}, 406),
        (ENROLL, b"", {"prefer": "wait=0, respond-async"}, 202),
        (ENROLL, b"", {"host": "elsewhere.example"}, 400),
        (ENROLL, b"", {"idempotency_key": "k" * 101}, 422),
        (ENROLL, b"[]", {}, 422),
        (ENROLL, b"{", {}, 400),
        (ENROLL, b'{"sektion": 1}', {}, 422),
        (ENROLL, b'{"section": "MA101-SEC001"}', {}, 422),
        (ENROLL, b"{}", {"content_type": "text/plain"}, 415),
        (ENROLL, b"", {"transfer_encoding": "chunked"}, 411),
        ("/api/student/courses/NONE/enroll/", b"", {}, 404),
        ("/api/student/courses/CS101/swap/", b"", {}, 422),
        ("/api/student/courses/CS101/enroll", b"", {}, 301),
        ("/api/student/courses/CS101/steal/", b"", {}, 404),
    ],
)
def test_whatever_is_not_plainly_so_is_answered_by_the_views(
    door: Door, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    reply = door.post(path, body, **headers)

    assert reply.status == status, reply.body
    assert door.long == (0 if status == 202 else 1)
    assert Request.objects.count() == (status == 202)


def test_who_wants_to_wait_goes_the_long_way(door: Door) -> None:
    reply = door.post(prefer="wait=1")

    assert (reply.status, door.long) == (202, 1)


def test_a_clerk_is_told_that_only_students_register(door: Door) -> None:
    Student.objects.filter(pk=door.student.pk).update(user=None)

    assert code(door.post()) == "NOT_A_STUDENT"
    assert not Request.objects.exists()


def test_a_token_is_good_no_more_from_one_moment_to_the_next(door: Door) -> None:
    assert door.post(idempotency_key="one").status == 202
    tokens.forget_token(tokens._digest(door.token))

    assert door.post(idempotency_key="two").status == 401
    assert Request.objects.count() == 1


def test_who_comes_before_the_window_is_refused_without_a_second_look_at_the_rows(
    door: Door,
) -> None:
    later = Window.objects.get().opens_at + timedelta(days=3)
    Window.objects.update(opens_at=later, closes_at=later + timedelta(days=1))
    directory.forget()

    reply = door.post()

    assert (reply.status, code(reply)) == (403, "WINDOW_CLOSED")
    assert door.sizes == [1]


def test_a_window_that_closes_meanwhile_is_found_by_the_insert(door: Door) -> None:
    """What is kept in memory says that it is open; the database knows better."""
    assert door.post(idempotency_key="one").status == 202
    Window.objects.update(closed_at=Window.objects.get().opens_at)

    reply = door.post(idempotency_key="two")

    assert (reply.status, code(reply), door.long) == (403, "WINDOW_CLOSED", 1)
    assert Request.objects.count() == 1


def test_what_was_asked_before_is_answered_as_a_repetition(door: Door) -> None:
    first, again = (door.post(idempotency_key="one") for _ in range(2))
    clicked, twice = (door.post() for _ in range(2))

    assert json.loads(first.body)["id"] == json.loads(again.body)["id"]
    assert clicked.status == twice.status == 202
    assert Request.objects.count() == 1  # the keyless one repeats what is in line already
    assert door.long == 3


def test_another_request_with_the_same_key_is_refused(door: Door) -> None:
    assert door.post(idempotency_key="one").status == 202
    reply = door.post("/api/student/courses/CS101/drop/", idempotency_key="one")

    assert code(reply) == "KEY_REUSED"


def test_a_student_has_no_more_open_than_one_may(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_OPEN", 2)
    replies = [door.post(idempotency_key=f"{nth}") for nth in range(4)]

    assert [reply.status for reply in replies] == [202, 202, 429, 429]
    assert Request.objects.count() == 2


# What does not go well --------------------------------------------------------------------------


def test_a_database_that_fails_is_told_with_when_to_come_back(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(requests, "insert", fail)
    reply = door.post()

    assert (reply.status, code(reply), door.long) == (503, "UNAVAILABLE", 0)
    assert 1 <= int(dict(reply.headers)["Retry-After"]) <= 4


@pytest.mark.parametrize("path", [ENROLL, CART])
def test_a_database_that_cannot_say_who_asks_is_not_asked_again_by_the_long_way(
    door: Door, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def fail(_: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(intake, "bearers", fail)
    reply = door.post(path)

    assert (reply.status, code(reply), door.long) == (503, "UNAVAILABLE", 0)


def stuck(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Everything that the intake asks of the database takes that long."""
    bearers = tokens.bearers

    def slowly(digests: Any) -> Any:
        time.sleep(seconds)
        return bearers(digests)

    monkeypatch.setattr(intake, "bearers", slowly)


def test_who_has_waited_too_long_is_told_and_not_begun_with(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "ANSWER_SECONDS", 0.2)
    stuck(monkeypatch, 1.0)
    first = door.post(idempotency_key="under way")
    second = door.post(idempotency_key="not begun")
    # Behind both of them in the line.
    assert intake.submit([], timeout=10) == []

    assert code(first) == code(second) == "UNAVAILABLE"
    assert not Request.objects.filter(key="not begun").exists()


def test_a_line_before_the_intake_that_stands_still_is_joined_by_nobody(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Promises, "expected", lambda _: gate.LINE_SECONDS + 1)
    reply = door.post()

    assert (reply.status, code(reply)) == (503, "BACKLOG")
    assert not Request.objects.exists()

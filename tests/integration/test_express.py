"""The short way of a POST: the same answers as the long way, and only where it may be taken."""

import asyncio
import json
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client

from courses.models import Offering
from enrollment import cart, directory, intake, requests
from enrollment.models import Pending, Request, Student, Window
from registrar import gate
from registrar.accounts import tokens
from registrar.accounts.models import User
from registrar.desk import Promises
from tests.factories import make_offering, make_student, make_term, open_window

ENROLL = "/api/student/courses/CS101/enroll/"
VARY = {"id", "accepted_at", "Location"}
"""What two answers to the same question differ in."""


@pytest.fixture
def course(database: None) -> Offering:
    term = make_term()
    open_window(term)
    return make_offering(term, code="CS101")


class Door:
    """A student before the gate of this process, without a server."""

    def __init__(self, course: Offering, monkeypatch: pytest.MonkeyPatch) -> None:
        self.student = make_student(course.term)
        assert isinstance(self.student.user, User)
        [self.token] = tokens.make_tokens([self.student.user])
        self.long = 0
        """How many have gone the long way."""
        serve = gate.serve

        def counted(request: dict[str, Any]) -> gate.Reply:
            self.long += 1
            return serve(request)

        monkeypatch.setattr(gate, "serve", counted)

    def post(self, path: str = ENROLL, body: bytes = b"", **headers: str) -> gate.Reply:
        [reply] = self.posts([path], body, **headers)
        return reply

    def posts(self, paths: list[str], body: bytes = b"", **headers: str) -> list[gate.Reply]:
        """All at once."""
        return asyncio.run(self._posts([self._scope(path, body, headers) for path in paths], body))

    async def _posts(self, scopes: list[SimpleNamespace], body: bytes) -> list[gate.Reply]:
        door = gate.Gate()
        door.__rsgi_init__(asyncio.get_running_loop())

        async def sent() -> bytes:
            return body

        return list(await asyncio.gather(*(door._answer(scope, sent) for scope in scopes)))

    def _scope(self, path: str, body: bytes, headers: dict[str, str]) -> SimpleNamespace:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if body:
            given = {"content-type": "application/json"} | given
        return SimpleNamespace(
            method="POST",
            path=path,
            headers={
                "host": "localhost",
                "authorization": f"Token {self.token}",
                "content-length": str(len(body)),
                **given,
            },
            server="127.0.0.1:80",
            client="127.0.0.1:1",
            http_version="1.1",
            query_string="",
            scheme="http",
        )


@pytest.fixture
def door(course: Offering, monkeypatch: pytest.MonkeyPatch) -> Door:
    return Door(course, monkeypatch)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many submissions came to each commit."""
    sizes: list[int] = []
    insert = requests.insert

    def counted(submissions: Any) -> Any:
        sizes.append(len(submissions))
        return insert(submissions)

    monkeypatch.setattr(requests, "insert", counted)
    return sizes


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
    path = f"/api/student/courses/CS101/{action}/"
    short = door.post(path, body, idempotency_key="one")
    assert door.long == 0
    client = Client(headers={"authorization": f"Token {door.token}", "idempotency-key": "two"})
    long = client.post(path, body, content_type="application/json" if body else "")
    Pending.objects.all().delete()

    assert short.status == long.status_code == 202
    assert told(dict(short.headers), short.body) == told(dict(long.headers), long.content)
    first, second = Request.objects.order_by("pk")
    assert first.body_hash == second.body_hash
    assert dict(short.headers)["Location"] == f"/api/student/requests/{first.pk}/"


def test_a_swap_goes_the_short_way_too(door: Door, course: Offering) -> None:
    other = make_offering(course.term, code="MA101")
    reply = door.post("/api/student/courses/MA101/swap/", b'{"give": "cs101"}')

    assert (reply.status, door.long) == (202, 0)
    assert Request.objects.get().offerings == sorted([course.pk, other.pk])


def test_those_of_one_moment_share_a_commit(door: Door, course: Offering, sizes: list[int]) -> None:
    paths = [f"/api/student/courses/C{nth}/enroll/" for nth in range(9)]
    for nth in range(9):
        make_offering(course.term, code=f"C{nth}")
    directory.forget()
    replies = door.posts(paths)

    assert {reply.status for reply in replies} == {202}
    assert sum(sizes) == 9
    assert len(sizes) < 5
    assert door.long == 0
    # In the order in which they came.
    ids = [json.loads(reply.body)["id"] for reply in replies]
    assert ids == sorted(ids)


# A cart -----------------------------------------------------------------------------------------


CART = "/api/student/enrollment/cart/enroll/"


def fill(door: Door, *courses: Offering) -> None:
    for course in courses:
        cart.put(door.student.pk, course.pk, None)


@pytest.mark.parametrize("body", [b"", b'{"all_or_nothing": false}', b'{"all_or_nothing": true}'])
def test_a_cart_is_answered_as_the_view_answers(door: Door, course: Offering, body: bytes) -> None:
    fill(door, course, make_offering(course.term, code="MA101"))
    short = door.post(CART, body, idempotency_key="one")
    assert door.long == 0
    client = Client(headers={"authorization": f"Token {door.token}", "idempotency-key": "two"})
    Pending.objects.all().delete()
    long = client.post(CART, body, content_type="application/json" if body else "")

    def plain(text: bytes) -> Any:
        told = json.loads(text)
        return told["declined"], [
            {name: value for name, value in each.items() if name not in VARY}
            for each in told["requests"]
        ]

    assert short.status == long.status_code == 202
    assert plain(short.body) == plain(long.content)
    assert set(dict(short.headers)) | {"Content-Length"} == set(long.headers)
    hashes = Request.objects.order_by("pk").values_list("body_hash", flat=True)
    half = len(hashes) // 2
    assert list(hashes[:half]) == list(hashes[half:])


def test_a_cart_sent_again_is_not_sent_for_what_came_into_it_since(
    door: Door, course: Offering
) -> None:
    fill(door, course)
    first = door.post(CART, idempotency_key="one")
    fill(door, make_offering(course.term, code="MA101"))
    again = door.post(CART, idempotency_key="one")

    assert door.long == 1
    assert Request.objects.count() == 1
    told = [json.loads(reply.body)["requests"] for reply in (first, again)]
    assert [[each["id"] for each in requests] for requests in told] == [
        [Request.objects.get().pk]
    ] * 2


def test_a_declined_part_of_a_fresh_cart_is_told_on_the_short_way(
    door: Door, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(door, course, make_offering(course.term, code="MA101"))
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_OPEN", 1)
    reply = door.post(CART, idempotency_key="one")

    told = json.loads(reply.body)
    assert (reply.status, door.long) == (202, 0)
    assert [each["course"] for each in told["requests"]] == ["CS101"]
    assert [each["code"] for each in told["declined"]] == ["TOO_MANY_OPEN"]
    assert "Retry-After" in dict(reply.headers)


@pytest.mark.parametrize("body", [b'{"all_or_nothing": 1}', b'{"all": true}', b""])
def test_a_cart_that_cannot_be_sent_is_refused_by_the_view(door: Door, body: bytes) -> None:
    reply = door.post(CART, body)

    assert (reply.status, door.long) == (422, 1)
    assert not Request.objects.exists()


def test_carts_of_one_moment_are_read_together(
    door: Door, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(door, course)
    read: list[int] = []
    items_of = cart.items_of

    def counted(students: Any) -> Any:
        read.append(len(students))
        return items_of(students)

    monkeypatch.setattr(cart, "items_of", counted)
    replies = door.posts([CART, ENROLL, CART, CART])

    assert {reply.status for reply in replies} == {202}
    assert Request.objects.count() == 1  # whoever clicks four times asks once


def test_a_commit_holds_no_more_than_it_may(
    door: Door, course: Offering, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MOST_AT_ONCE", 3)
    fill(door, course, make_offering(course.term, code="MA101"))
    with_keys = [door.post(CART, idempotency_key=f"{nth}") for nth in range(3)]
    door.posts([CART] * 4)

    assert {reply.status for reply in with_keys} == {202}
    assert max(sizes) <= 3


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


def test_a_clerk_is_told_that_only_students_register(door: Door, course: Offering) -> None:
    Student.objects.filter(pk=door.student.pk).update(user=None)

    assert code(door.post()) == "NOT_A_STUDENT"
    assert not Request.objects.exists()


def test_a_token_is_good_no_more_from_one_moment_to_the_next(door: Door) -> None:
    assert door.post(idempotency_key="one").status == 202
    tokens.forget_token(tokens._digest(door.token))

    assert door.post(idempotency_key="two").status == 401
    assert Request.objects.count() == 1


def test_who_comes_before_the_window_is_refused_without_a_second_look_at_the_rows(
    door: Door, sizes: list[int]
) -> None:
    later = Window.objects.get().opens_at + timedelta(days=3)
    Window.objects.update(opens_at=later, closes_at=later + timedelta(days=1))
    directory.forget()

    reply = door.post()

    assert (reply.status, code(reply)) == (403, "WINDOW_CLOSED")
    assert sizes == [1]


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
    door: Door, course: Offering, monkeypatch: pytest.MonkeyPatch
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

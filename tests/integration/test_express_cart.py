"""A cart on the short way: read with all others of one commit, and answered as the view answers."""

import json
from typing import Any

import pytest
from django.conf import settings

from courses.models import Offering
from enrollment import cart, intake
from enrollment.api import express
from enrollment.models import Request
from tests.doors import CART, ENROLL, VARY, Door
from tests.factories import make_offering


@pytest.fixture
def door(database: None, monkeypatch: pytest.MonkeyPatch) -> Door:
    return Door(monkeypatch)


def fill(door: Door, *courses: Offering) -> None:
    for course in courses:
        cart.put(door.student.pk, course.pk, None)


@pytest.mark.parametrize("body", [b"", b'{"all_or_nothing": false}', b'{"all_or_nothing": true}'])
def test_a_cart_is_answered_as_the_view_answers(door: Door, body: bytes) -> None:
    fill(door, door.course, make_offering(door.course.term, code="MA101"))
    short, long = door.both_ways(CART, body)

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


def test_a_cart_sent_again_is_not_sent_for_what_came_into_it_since(door: Door) -> None:
    fill(door, door.course)
    first = door.post(CART, idempotency_key="one")
    fill(door, make_offering(door.course.term, code="MA101"))
    again = door.post(CART, idempotency_key="one")

    assert door.long == 1
    assert Request.objects.count() == 1
    told = [json.loads(reply.body)["requests"] for reply in (first, again)]
    assert [[each["id"] for each in requests] for requests in told] == [
        [Request.objects.get().pk]
    ] * 2


def test_a_declined_part_of_a_fresh_cart_is_told_on_the_short_way(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(door, door.course, make_offering(door.course.term, code="MA101"))
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


def test_carts_of_one_moment_are_read_together(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(door, door.course)
    read: list[int] = []
    items_of = cart.items_of

    def counted(students: Any) -> Any:
        read.append(len(students))
        return items_of(students)

    monkeypatch.setattr(cart, "items_of", counted)
    replies = door.posts([CART, ENROLL, CART, CART])

    assert {reply.status for reply in replies} == {202}
    assert Request.objects.count() == 1  # whoever clicks four times asks once


def test_a_commit_holds_no_more_than_it_may(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MOST_AT_ONCE", 3)
    fill(door, door.course, make_offering(door.course.term, code="MA101"))
    with_keys = [door.post(CART, idempotency_key=f"{nth}") for nth in range(3)]
    door.posts([CART] * 4)

    assert {reply.status for reply in with_keys} == {202}
    assert max(door.sizes) <= 3


def test_a_mistake_in_reading_one_kind_sends_only_that_kind_the_long_way(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> Any:
        raise LookupError("ours")

    monkeypatch.setattr(express.Cart, "read_all", fail)
    fill(door, make_offering(door.course.term, code="MA101"))
    replies = door.posts([ENROLL, CART])

    assert [reply.status for reply in replies] == [202, 202]
    assert door.long == 1
    assert Request.objects.count() == 2

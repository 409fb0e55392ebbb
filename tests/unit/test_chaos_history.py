"""The checker of a chaos round names every promise that a history breaks."""

from typing import Any

import pytest

from tests.chaos.history import History, Row, Seen, Send, violations

SECOND = 1_000_000_000
OPENS = 5_000.0
"""When the knockers' window opens, by the wall clock."""


def send(deed: int, **told: Any) -> Send:
    """A keyed POST by a student of its own, sent at `deed` seconds and accepted at once."""
    begun = deed * SECOND
    plain: dict[str, Any] = {
        "kind": "enroll",
        "actor": f"user:{deed}",
        "student": deed,
        "key": f"key-{deed}",
        "says": "/enroll {}",
        "sent": begun,
        "answered": begun + SECOND // 10,
        "status": 202,
        "requests": (deed,),
        "sent_at": OPENS + deed,
        "answered_at": OPENS + deed + 0.1,
    }
    return Send(deed, **{**plain, **told})


def row(id_: int, **stored: Any) -> Row:
    """The row of the send of that number, settled in the order of ids."""
    plain: dict[str, Any] = {
        "actor": f"user:{id_}",
        "key": f"key-{id_}",
        "kind": "ENROLL",
        "student": id_,
        "offerings": (7,),
        "outcomes": ((id_, "ENROLLED"),),
    }
    return Row(id_, **{**plain, **stored})


UNKNOWN: dict[str, Any] = {"answered": 0, "status": 0, "requests": (), "answered_at": 0.0}


def refused(status: int, code: str) -> dict[str, Any]:
    return {"status": status, "code": code, "requests": ()}


def found(*sends: Send, rows: list[Row], seen: tuple[Seen, ...] = ()) -> list[str]:
    return list(violations(History(sends, seen), rows, OPENS))


def test_a_history_as_it_should_be_breaks_nothing() -> None:
    lost_then_taken = (send(3, **UNKNOWN), send(3, sent=4 * SECOND))
    lost_then_refused = (send(5, **UNKNOWN), send(5, **refused(429, "TOO_MANY_OPEN")))
    shed = send(6, **refused(503, "BACKLOG"))
    told_later = send(6, requests=(6,))

    assert not found(
        send(1),
        send(2),
        *lost_then_taken,
        *lost_then_refused,
        shed,
        told_later,
        rows=[row(1), row(2), row(3), row(5), row(6)],
        seen=(Seen(1, 200, "PENDING"), Seen(1, 200, "ENROLLED"), Seen(2, 503, "")),
    )


PLANTED = {
    "accepted and absent": (
        [send(1)],
        [],
        "accepted as request 1, which is not there",
    ),
    "accepted and nameless": ([send(1, requests=())], [row(1)], "names no request"),
    "another's request": (
        [send(1, requests=(2,)), send(2)],
        [row(2)],
        "answered with request 2 of user:2",
    ),
    "an error that came through": (
        [send(1, **refused(500, "INTERNAL")), send(1)],
        [row(1)],
        "was answered 500 INTERNAL",
    ),
    "never decided": ([send(1)], [row(1, outcomes=())], "has 0 outcomes"),
    "decided twice": (
        [send(1)],
        [row(1, outcomes=((1, "ENROLLED"), (2, "REFUSED")))],
        "has 2 outcomes",
    ),
    "one key, two requests": (
        [send(1), send(1, requests=(2,))],
        [row(1), row(2, actor="user:1", key="key-1")],
        "was accepted as more than one",
    ),
    "one key, two bodies": (
        [send(1), send(1, says="/drop {}")],
        [row(1)],
        "was accepted as more than one",
    ),
    "one key, two rows": (
        [send(1)],
        [row(1), row(2, actor="user:1", key="key-1")],
        "key key-1 of user:1 has 2 requests",
    ),
    "refused and taken": (
        [send(1, **refused(403, "WINDOW_CLOSED"))],
        [row(1)],
        "was refused and is there as request 1",
    ),
    "shed and taken": (
        [send(1, **refused(503, "BACKLOG")), send(1, **refused(429, "TOO_MANY_OPEN"))],
        [row(1)],
        "was refused and is there as request 1",
    ),
    "one send without a key, and two requests": (
        [send(1, key="", says="/enroll {}")],
        [row(1, key="made-1"), row(2, actor="user:1", key="made-2")],
        "request 2 (ENROLL of user:1) was asked by nobody",
    ),
    "asked by nobody": ([send(1)], [row(1), row(2)], "request 2 (ENROLL of user:2)"),
    "never answered": (
        [send(1, **UNKNOWN), send(1, **refused(503, "UNAVAILABLE"))],
        [],
        "never got an answer that stands",
    ),
    "overtaken": (
        [send(1), send(2)],
        [row(1, outcomes=((9, "ENROLLED"),)), row(2)],
        "1 pairs of requests were settled in the wrong order",
    ),
    "let in too early": (
        [send(1, knocks=True, sent_at=OPENS - 1, answered_at=OPENS - 0.9)],
        [row(1)],
        "was accepted 0.900 s before the opening",
    ),
    "turned away too late": (
        [send(1, knocks=True, **refused(403, "WINDOW_CLOSED"))],
        [],
        "was refused 1.000 s after the opening",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_promise_broken_in_the_history_is_named(name: str) -> None:
    sends, rows, words = PLANTED[name]

    named = found(*sends, rows=rows)

    assert any(words in each for each in named), named


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Seen(1, 404, ""), "request 1 was accepted and could not be found"),
        (Seen(1, 500, ""), "looking at request 1 was answered 500"),
        (Seen(1, 200, "REFUSED"), "request 1 was shown as REFUSED and is ENROLLED"),
    ],
)
def test_what_a_student_was_shown_is_held_against_the_tables(seen: Seen, words: str) -> None:
    assert [words in each for each in found(send(1), rows=[row(1)], seen=(seen,))] == [True]


def test_an_answer_that_may_go_either_way_proves_nothing() -> None:
    """UNAVAILABLE says itself that the request may have been taken; an unknown one says less."""
    maybe = send(1, **refused(503, "UNAVAILABLE"))
    then = send(1, **refused(429, "TOO_MANY_OPEN"))

    assert not found(maybe, then, rows=[row(1)])
    assert not found(maybe, then, rows=[])


def test_a_place_in_line_counts_from_the_send_that_was_never_answered() -> None:
    """It was sent before the other was answered, so either may come first."""
    lost = send(1, **{**UNKNOWN, "sent": SECOND // 2})
    again = send(1, sent=5 * SECOND, answered=6 * SECOND)
    other = send(2, sent=SECOND // 4, answered=SECOND)

    assert not found(lost, again, other, rows=[row(1), row(2, outcomes=((9, "ENROLLED"),))])

"""The clients' logs, read back: what each request looked like from outside."""

import json
from pathlib import Path
from typing import Any

import pytest

from enrollment.rehearsal.witness import NEVER, Evidence, Seen, read

SECOND = 1_000_000_000


def log(path: Path, *lines: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def answer(requests: list[int], at: int = 100, **more: Any) -> dict[str, Any]:
    return {
        "n": 1, "kind": "enroll", "status": 202, "clicked": at, "sent": at + 1,
        "answered": at + 9, "requests": requests, **more,
    }  # fmt: skip


@pytest.fixture
def heard(tmp_path: Path) -> Evidence:
    one = log(
        tmp_path / "client-1.log",
        answer([7]),
        answer([8, 9], kind="cart"),
        {"seen": 7, "result": "ENROLLED", "at": 500},
        {"shed": 3, "status": 503, "at": 2 * SECOND},
        {"n": 4, "kind": "drop", "status": 0},
    )
    two = log(
        tmp_path / "client-2.log",
        answer([], status=403, code="WINDOW_CLOSED", opens_at="2026-09-01T08:00:00Z"),
        answer([], status=404, code="REQUEST_UNKNOWN"),
    )
    return read([one, two])


def test_a_request_is_followed_from_the_click_to_the_sight_of_its_decision(
    heard: Evidence,
) -> None:
    assert heard.requests[7] == Seen(100, 101, 109, 500, "ENROLLED")
    assert heard.requests[9] == Seen(100, 101, 109, NEVER)
    assert heard.waits() == [400 / 1_000_000]


def test_posts_are_counted_by_what_came_of_them(heard: Evidence) -> None:
    assert heard.kinds == {"enroll": 3, "cart": 1}
    assert heard.statuses == {202: 2, 403: 1, 404: 1}
    assert heard.codes == {"WINDOW_CLOSED": 1, "REQUEST_UNKNOWN": 1}
    assert (heard.told_when, heard.shed, heard.given_up) == (1, 1, 1)


def test_posts_that_were_sent_away_were_sent_all_the_same(heard: Evidence) -> None:
    assert heard.posts == 5
    assert heard.between(0, SECOND) == 4
    assert heard.seconds == {0: 4, 2: 1}


def test_of_a_double_click_the_first_of_each_counts(tmp_path: Path) -> None:
    path = log(
        tmp_path / "client.log",
        answer([7], at=300),
        answer([7], at=100),
        {"seen": 7, "result": "ENROLLED", "at": 900},
    )

    assert read([path]).requests == {7: Seen(100, 101, 109, 900, "ENROLLED")}


def test_a_decision_that_is_logged_before_its_answer_counts_too(tmp_path: Path) -> None:
    path = log(tmp_path / "c.log", {"seen": 7, "result": "DROPPED", "at": 900}, answer([7]))

    assert read([path]).requests == {7: Seen(100, 101, 109, 900, "DROPPED")}

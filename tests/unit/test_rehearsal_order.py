"""Inversions of order: told from the clients' own log, in n log n, and a planted one is found."""

import json
import time
from itertools import permutations
from pathlib import Path
from random import Random

from enrollment.rehearsal import witness
from enrollment.rehearsal.order import Decided, Passage, inversions, passages
from enrollment.rehearsal.witness import Seen


def counted_one_by_one(passages: list[Passage]) -> int:
    """The definition, pair by pair."""
    return sum(
        a.offering == b.offering and a.answered < b.sent and b.settled < a.settled
        for a, b in permutations(passages, 2)
    )


def write_log(path: Path, *lines: tuple[int, int, int]) -> Path:
    """A client's log of (request, sent, answered)."""
    said = [
        {"n": n, "kind": "enroll", "status": 202, "clicked": sent, "sent": sent,
         "answered": answered, "requests": [request]}
        for n, (request, sent, answered) in enumerate(lines)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in said))
    return path


def settled(*requests: int, settlement: int = 1) -> list[Decided]:
    """These requests of one offering, decided in this settlement."""
    return [Decided(r, "ENROLL", [5], settlement, "ENROLLED", "ENROLLED", 0) for r in requests]


def told_by(log: Path, rows: list[Decided]) -> int:
    seen = witness.read([log]).requests
    return inversions(passage for row in rows for passage in passages(row, seen[row.id]))


def test_a_planted_inversion_in_the_log_prints_1(tmp_path: Path) -> None:
    log = write_log(tmp_path / "client.log", (2, 10, 20), (1, 30, 40), (3, 50, 60))

    assert told_by(log, settled(1, 2, 3)) == 1


def test_the_same_log_in_the_order_of_the_requests_prints_0(tmp_path: Path) -> None:
    log = write_log(tmp_path / "client.log", (1, 10, 20), (2, 30, 40), (3, 50, 60))

    assert told_by(log, settled(1, 2, 3)) == 0


def test_requests_under_way_together_may_settle_either_way(tmp_path: Path) -> None:
    log = write_log(tmp_path / "client.log", (2, 10, 40), (1, 30, 60))

    assert told_by(log, settled(1, 2)) == 0


def test_a_later_settlement_counts_for_more_than_a_lower_id(tmp_path: Path) -> None:
    log = write_log(tmp_path / "client.log", (1, 10, 20), (2, 30, 40))

    assert told_by(log, settled(1, settlement=2) + settled(2, settlement=1)) == 1


def test_courses_have_lines_of_their_own() -> None:
    first = Passage(5, sent=10, answered=20, settled=(2, 1))
    second = Passage(6, sent=30, answered=40, settled=(1, 2))

    assert inversions([first, second]) == 0
    assert inversions([first, second._replace(offering=5)]) == 1


def test_a_cancel_stands_in_no_line() -> None:
    row = settled(7)[0]._replace(kind="CANCEL")

    assert list(passages(row, Seen(1, 1, 2, 3))) == []


def test_an_answer_that_never_came_proves_nothing() -> None:
    assert list(passages(settled(7)[0], Seen(1, 1, witness.NEVER, 3))) == []


def test_a_swap_stands_in_both_of_its_lines() -> None:
    row = settled(7)[0]._replace(kind="SWAP", offerings=[5, 6])

    assert [passage.offering for passage in passages(row, Seen(1, 1, 2, 3))] == [5, 6]


def test_it_counts_what_the_definition_counts() -> None:
    random = Random(4)
    for _ in range(60):
        sent = [random.randrange(60) for _ in range(25)]
        crowd = [
            Passage(random.randrange(3), at, at + random.randrange(20), (random.randrange(4), id_))
            for id_, at in enumerate(sent)
        ]
        assert inversions(crowd) == counted_one_by_one(crowd)


def test_a_hundred_thousand_requests_take_a_moment() -> None:
    line = [Passage(1, at, at + 50, (at // 500, at)) for at in range(100_000)]
    begun = time.monotonic()

    assert inversions(line) == 0
    assert time.monotonic() - begun < 10

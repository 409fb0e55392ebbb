"""What a chain shows of an attack on its entries, and the two things that it cannot show."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from registrar.audit.chain import Row, check
from registrar.audit.log import GENESIS, Draft, digest, moment

AT = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)


def stream(name: str, length: int) -> list[Row]:
    rows: list[Row] = []
    prev = GENESIS
    for seq in range(1, length + 1):
        draft = Draft(name, "decided", f"user:{seq}", f'{{"student":{seq}}}', 7, seq)
        prev = digest(prev, seq, moment(AT), draft)
        rows.append((name, seq, AT, draft.actor, draft.event, 7, seq, draft.body, prev))
    return rows


def breaks(rows: list[Row]) -> list[str]:
    return [str(found) for found in check(iter(rows))]


def test_streams_that_are_as_written_have_no_breaks() -> None:
    assert breaks(stream("offering:1", 9) + stream("offering:2", 3)) == []


def _edited(rows: list[Row]) -> None:
    rows[4] = (*rows[4][:7], '{"student":6}', rows[4][8])


def _of_another_time(rows: list[Row]) -> None:
    rows[4] = (*rows[4][:2], AT.replace(microsecond=1), *rows[4][3:])


def _by_another(rows: list[Row]) -> None:
    rows[4] = (*rows[4][:3], "user:9", *rows[4][4:])


def _of_another_settlement(rows: list[Row]) -> None:
    rows[4] = (*rows[4][:5], None, *rows[4][6:])


def _with_another_hash(rows: list[Row]) -> None:
    rows[4] = (*rows[4][:8], b"\1" * 32)


def _taken_out(rows: list[Row]) -> None:
    del rows[4]


def _taken_out_and_renumbered(rows: list[Row]) -> None:
    del rows[4]
    rows[4:] = [(row[0], row[1] - 1, *row[2:]) for row in rows[4:]]


def _swapped(rows: list[Row]) -> None:
    rows[4], rows[5] = (*rows[5][:1], 5, *rows[5][2:]), (*rows[4][:1], 6, *rows[4][2:])


def _doubled(rows: list[Row]) -> None:
    rows.insert(4, rows[4])


def _cut_at_its_beginning(rows: list[Row]) -> None:
    del rows[0]


@pytest.mark.parametrize(
    "attack",
    [
        _edited,
        _of_another_time,
        _by_another,
        _of_another_settlement,
        _with_another_hash,
        _taken_out,
        _taken_out_and_renumbered,
        _swapped,
        _doubled,
        _cut_at_its_beginning,
    ],
    ids=lambda attack: attack.__name__.strip("_"),
)
def test_an_entry_that_is_not_as_written_is_a_break(attack: Callable[[list[Row]], None]) -> None:
    rows = stream("offering:1", 9)
    attack(rows)

    assert breaks(rows)


def test_one_edit_is_reported_once_and_where_it_is() -> None:
    rows = stream("offering:1", 9)
    _edited(rows)

    assert breaks(rows) == ["offering:1 #5: is not what its hash was made of"]


def test_an_entry_does_not_pass_for_one_of_another_stream() -> None:
    moved = [("offering:2", *row[1:]) for row in stream("offering:1", 2)]

    assert len(breaks(moved)) == 2


def test_a_chain_alone_shows_neither_a_cut_tail_nor_a_rewritten_whole() -> None:
    """Which is why replay holds it against outcomes and seats."""
    assert breaks(stream("offering:1", 9)[:5]) == []
    assert breaks(stream("offering:1", 4)) == []

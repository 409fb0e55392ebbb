"""What students' browsers send: addresses, bodies and times, one script a client process."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from enrollment.rehearsal.day import Act, Deed, Kind
from enrollment.rehearsal.demand import Ask
from enrollment.rehearsal.scenery import Stage
from enrollment.rehearsal.script import write_asks, write_day, write_feed

STAGE = Stage(
    term=3, code="R-1", courses=[70, 71], offerings=[700, 701], students=[900, 901, 902],
    tokens=["token-0", "token-1", "token-2"], cohorts=["R-1"],
)  # fmt: skip


def day(folder: Path, *deeds: Deed, processes: int = 1) -> list[list[dict[str, Any]]]:
    paths = [folder / f"{number}.script" for number in range(processes)]
    write_day(deeds, STAGE, paths)
    return [[json.loads(line) for line in path.read_text().splitlines()] for path in paths]


@pytest.mark.parametrize(
    ("act", "path", "body"),
    [
        (Act(Kind.ENROLL, 1), "/api/student/courses/71/enroll/", {}),
        (Act(Kind.ENROLL, 1, section=2), "/api/student/courses/71/enroll/", {"section": 2}),
        (Act(Kind.DROP, 0), "/api/student/courses/70/drop/", {}),
        (Act(Kind.LEAVE, 0), "/api/student/courses/70/leave/", {}),
        (Act(Kind.SWAP, 1, give=0), "/api/student/courses/71/swap/", {"give": 70}),
        (Act(Kind.FILL, 0), "/api/student/cart/70/", {}),
        (
            Act(Kind.CART, 0, together=True),
            "/api/student/enrollment/cart/enroll/",
            {"all_or_nothing": True},
        ),
    ],
)
def test_an_act_is_sent_where_the_api_takes_it(
    tmp_path: Path, act: Act, path: str, body: dict[str, Any]
) -> None:
    [[line]] = day(tmp_path, Deed(0, 1, 2.5, act))

    assert (line["path"], line["body"], line["kind"]) == (path, body, act.kind)
    assert (line["token"], line["at"]) == ("token-1", 2.5)


def test_what_others_come_after_is_remembered(tmp_path: Path) -> None:
    drop = Act(Kind.DROP, 0)
    [lines] = day(
        tmp_path,
        Deed(0, 1, 0, Act(Kind.ENROLL, 0)),
        Deed(1, 1, 3, Act(Kind.ENROLL, 1), after=0, instead={"ENROLLED": drop}),
        Deed(2, 1, 4, Act(Kind.CANCEL, 0), after=0),
    )

    assert [line.get("remembered", False) for line in lines] == [True, False, False]
    assert lines[1]["instead"]["ENROLLED"]["path"] == "/api/student/courses/70/drop/"
    assert lines[2]["cancels"]
    assert lines[2]["path"].format(request=5) == "/api/student/requests/5/cancel/"


def test_keys_are_sent_where_the_day_says_so_and_never_twice(tmp_path: Path) -> None:
    enroll = Act(Kind.ENROLL, 0)
    [lines] = day(tmp_path, *(Deed(n, 1, n, enroll, keyed=n > 0) for n in range(4)))

    keys = [line.get("key") for line in lines]
    assert keys[0] is None
    assert len(set(keys)) == 4


def test_all_deeds_of_a_student_are_in_one_script(tmp_path: Path) -> None:
    deeds = [Deed(n, n % 3, n, Act(Kind.ENROLL, 0)) for n in range(9)]

    scripts = day(tmp_path, *deeds, processes=2)

    students = [{line["student"] for line in script} for script in scripts]
    assert students == [{0, 2}, {1}]


def test_scripts_hold_tokens_so_nobody_else_may_read_them(tmp_path: Path) -> None:
    day(tmp_path, Deed(0, 1, 0, Act(Kind.ENROLL, 0)))

    assert stat.S_IMODE((tmp_path / "0.script").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("rate", "times"), [(None, [None, 0.5]), (4.0, [0, 0.25])], ids=["as the file", "at a rate"]
)
def test_a_rate_goes_before_the_times_of_the_file(
    tmp_path: Path, rate: float | None, times: list[float | None]
) -> None:
    asks = [Ask(0, 1, None), Ask(2, 0, 0.5)]

    write_asks(asks, STAGE, [tmp_path / "0.script"], rate)
    write_feed(asks, STAGE, tmp_path / "feed", rate)

    lines = [json.loads(line) for line in (tmp_path / "0.script").read_text().splitlines()]
    assert [line["at"] for line in lines] == times
    assert [line["path"] for line in lines] == [
        "/api/student/courses/71/enroll/",
        "/api/student/courses/70/enroll/",
    ]
    fed = [line.split() for line in (tmp_path / "feed").read_text().splitlines()]
    assert [line[:3] for line in fed] == [["0", "900", "701"], ["1", "902", "700"]]
    assert [float(line[3]) for line in fed] == [-1 if at is None else at for at in times]

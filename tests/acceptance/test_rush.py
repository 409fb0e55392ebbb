"""The two benchmarks that meet the site from outside, at a size that says nothing about speed."""

import json
from pathlib import Path

import pytest

from tests.acceptance.benches import MET, MISSED, USAGE, bench


def judged(figures: Path) -> dict[str, float]:
    return {each["name"]: each["value"] for each in json.loads(figures.read_text())["targets"]}


@pytest.mark.long
@pytest.mark.acceptance
@pytest.mark.timeout(300)
def test_a_storm_loses_and_doubles_nobody_though_a_worker_is_killed(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"

    done = bench(
        *("storm", "--students", "60", "--registrations", "90", "--seconds", "3"),
        *("--json", str(figures)),
    )

    assert done.returncode in (MET, MISSED), done.stdout + done.stderr
    assert judged(figures)["storm: lost or doubled"] == 0
    assert judged(figures)["storm, a worker killed: lost or doubled"] == 0


@pytest.mark.long
@pytest.mark.acceptance
@pytest.mark.timeout(300)
def test_nobody_who_was_accepted_under_overload_is_lost(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"

    done = bench(
        *("overload", "--seconds", "4", "--peak-seconds", "3", "--students", "500"),
        *("--json", str(figures)),
    )

    assert done.returncode in (MET, MISSED), done.stdout + done.stderr
    found = judged(figures)
    assert found["accepted and lost"] == 0
    assert found["answers of another kind"] == 0
    assert found["goodput / peak"] > 0


@pytest.mark.long
@pytest.mark.acceptance
@pytest.mark.parametrize("arguments", [("overload", "--times", "0"), ("storm", "--students", "0")])
def test_what_makes_no_sense_is_refused_in_one_line(arguments: tuple[str, ...]) -> None:
    done = bench(*arguments)

    assert done.returncode == USAGE
    assert "more than 0" in done.stderr.splitlines()[-1]

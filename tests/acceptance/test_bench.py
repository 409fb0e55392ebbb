"""The benchmark from end to end, at a size that says nothing about speed."""

import json
from pathlib import Path

import pytest

from benchmarks import prices
from benchmarks.groups import GROWTH, LATENCY, SETTLE
from benchmarks.workloads import WORKLOADS
from tests.acceptance.benches import MET, MISSED, USAGE, bench


@pytest.mark.long
@pytest.mark.acceptance
@pytest.mark.timeout(600)
def test_the_benchmark_measures_proves_and_writes_its_figures(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"

    done = bench(
        *("settle", "growth", "latency", "profile", "--quick", "--rounds", "1"),
        *("--json", str(figures)),
    )

    assert done.returncode in (MET, MISSED), done.stdout + done.stderr
    report = json.loads(figures.read_text())
    promised = [target.name for group in (SETTLE, GROWTH, LATENCY) for target in group.targets]
    judged = {target["name"]: target for target in report["targets"]}
    assert [name for name in promised if name in judged] == list(judged)
    assert done.returncode == (MET if all(each["met"] for each in judged.values()) else MISSED)
    settled = {run["contender"]: run for run in report["runs"] if "settle" in run["contender"]}
    assert len(settled) == 6
    assert all(sum(run["facts"]["outcomes"].values()) == run["done"] for run in settled.values())
    for workload in WORKLOADS:
        profile = report["profile"][workload]
        assert "allocation.allocate" in {name for name, *_ in profile["phases"]}
        assert {"COMMIT", "log._APPEND"} <= {name for name, *_ in profile["statements"]}


def test_what_the_prices_leave_in_place_is_there(database: None) -> None:
    keys, triggers, indexes, _ = prices.guards([*prices.SETTLED, *prices.ACCEPTED])
    found = {index.name.partition(" where ")[0] for index in indexes if prices.found_by(index)}

    assert found == prices.FOUND_BY, "an index was renamed or dropped"
    assert [each.name for each in triggers] == ["enrollments: seats_have_their_rows"]
    for names in ([key.name for key in keys], [index.name for index in indexes]):
        assert len(set(names)) == len(names), "two prices under one name"


@pytest.mark.long
@pytest.mark.acceptance
def test_the_benchmark_refuses_what_it_cannot_do_before_it_measures(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "missing" / "figures.json")
    for arguments in (["--rounds", "0"], ["--json", nowhere], ["everything"]):
        done = bench(*arguments)

        assert done.returncode == USAGE
        assert arguments[0] in done.stderr

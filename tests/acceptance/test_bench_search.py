"""The search's benchmark from end to end, at a size that says nothing about speed."""

import json
from pathlib import Path

import pytest

from benchmarks.search import BARE, GROUP, ILIKE, KEPT, OURS
from tests.acceptance.benches import MET, MISSED, bench


@pytest.mark.long
@pytest.mark.acceptance
@pytest.mark.timeout(300)
@pytest.mark.requirement("S1-111")
def test_the_search_is_measured_beside_what_it_replaces(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"

    done = bench("search", "--quick", "--rounds", "1", "--json", str(figures))

    assert done.returncode in (MET, MISSED), done.stdout + done.stderr
    report = json.loads(figures.read_text())
    judged = [target["name"] for target in report["targets"]]
    assert judged == [
        each.name for each in GROUP.targets if getattr(each, "goal", None) is not None
    ]
    runs = {run["contender"]: run for run in report["runs"]}
    assert {OURS, BARE, ILIKE, KEPT} <= runs.keys()
    assert all(0 < run["facts"]["p50_ms"] <= run["facts"]["p95_ms"] for run in runs.values())

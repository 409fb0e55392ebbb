"""What looking at one's requests costs, measured from end to end at a size that says nothing."""

import json
from pathlib import Path

import pytest

from benchmarks.intake import NOTHING
from benchmarks.reading import GROUP, Reading
from tests.acceptance.benches import MET, MISSED, bench


@pytest.mark.long
@pytest.mark.acceptance
@pytest.mark.timeout(300)
def test_looking_at_ones_requests_is_measured_beside_a_view_that_does_nothing(
    tmp_path: Path,
) -> None:
    figures = tmp_path / "figures.json"

    done = bench("reading", "--quick", "--rounds", "1", "--json", str(figures))

    assert done.returncode in (MET, MISSED), done.stdout + done.stderr
    report = json.loads(figures.read_text())
    assert [target["name"] for target in report["targets"]] == [each.name for each in GROUP.targets]
    runs = {run["contender"]: run for run in report["runs"]}
    assert set(runs) == {NOTHING.name, Reading.name}
    assert all(run["facts"]["web_us"] > 0 for run in runs.values())

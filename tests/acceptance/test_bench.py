"""The benchmark from end to end, at a size that says nothing about speed."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.workers import ROOT

OF_THIS_STAGE = ["settle H / Celery no-op", "settle Z / Celery no-op"]
MET, MISSED, USAGE = 0, 1, 2


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In the bare environment of a fresh login: it starts services of its own."""
    return subprocess.run(
        [str(ROOT / "bin" / "bench"), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.long
@pytest.mark.acceptance
def test_the_benchmark_measures_proves_and_writes_its_figures(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"

    done = bench("--rounds", "1", "--requests", "300", "--messages", "50", "--json", str(figures))

    assert done.returncode in (MET, MISSED), done.stdout + done.stderr
    report = json.loads(figures.read_text())
    assert [target["name"] for target in report["targets"]] == OF_THIS_STAGE
    assert done.returncode == (MET if all(each["met"] for each in report["targets"]) else MISSED)
    settled = {run["contender"]: run for run in report["runs"] if "settle" in run["contender"]}
    assert len(settled) == 4
    assert all(sum(run["facts"]["outcomes"].values()) == 300 for run in settled.values())
    for profile in report["profiles"].values():
        assert {"allocation.allocate", "ledger.write"} <= {p["name"] for p in profile["phases"]}


@pytest.mark.long
@pytest.mark.acceptance
def test_the_benchmark_refuses_what_it_cannot_do_before_it_measures(tmp_path: Path) -> None:
    for arguments in (["--rounds", "0"], ["--json", str(tmp_path / "missing" / "figures.json")]):
        done = bench(*arguments)

        assert done.returncode == USAGE
        assert arguments[0] in done.stderr

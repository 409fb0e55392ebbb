"""The demo, as a stranger runs it: web, workers, beat, Flower, clients, and the proof."""

from pathlib import Path

import pytest

from courses.models import Term
from enrollment.models import Request
from registrar.accounts.models import User
from registrar.services import processes
from tests.acceptance.days import Ended, play

pytestmark = pytest.mark.acceptance


def check_promises(day: Ended) -> None:
    assert day.code == 0, day.said
    assert day.said.endswith("All promises were kept.\n")
    report = day.report
    assert report["faults"] == []
    assert report["violations"] == {}
    assert report["accepted"] == report["settled"] > 0
    assert report["lost"] == report["inversions"] == report["contradicted"] == 0
    assert report["window_opened_by_beat"]
    assert report["window_closed_by_beat"]
    assert len(report["processes"]) >= 2
    assert report["flower"]["workers"] == 2
    assert report["flower"]["settle_tasks"] > 0
    assert report["send_to_decision"]["count"] == report["accepted"]


def test_a_small_day_runs_from_the_opening_to_the_proof(state: Path, tmp_path: Path) -> None:
    day = play(tmp_path, "demo", "--students", "400", "--seconds", "8", "--seed", "3")

    check_promises(day)
    report = day.report
    assert report["sections"]["opened"] > 0
    assert {"ENROLLED", "WAITLISTED", "DROPPED", "SWAPPED", "REFUSED"} <= set(report["results"])
    assert report["too_early_told_when"] >= 100
    assert not processes.running(state), "what it started has ended"
    assert not list((state / "rehearsals").iterdir()), "and left nothing behind"


def test_with_keep_everything_goes_on_and_two_can_sign_in(state: Path, tmp_path: Path) -> None:
    day = play(tmp_path, "demo", "--students", "200", "--seconds", "5", "--keep")

    assert day.code == 0, day.said
    assert processes.running(state) == {"web", "worker-1", "worker-2", "beat", "flower"}
    assert processes.web_url(state) in day.said
    assert processes.flower_url(state) in day.said
    for title in ("Admin", "Student"):
        [line] = [line for line in day.said.splitlines() if line.strip().startswith(f"{title} ")]
        name, _, rest = line.partition(" / ")
        user = User.objects.get(username=name.split()[-1])
        assert user.check_password(rest.split()[0])
        assert user.is_superuser == (title == "Admin")


@pytest.mark.long
def test_the_whole_demo_keeps_its_promises_in_its_time(state: Path, tmp_path: Path) -> None:
    day = play(tmp_path, "demo")

    check_promises(day)
    report = day.report
    assert sum(report["posts_by_kind"].values()) >= 15_000
    assert report["posts_in_first_5_s"] >= 2_000
    assert report["seconds"] < 90
    assert Request.objects.count() >= 15_000
    assert Term.objects.get().code == report["term"]

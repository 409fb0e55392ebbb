"""Demand files through the real processes, and what may go wrong in the middle of one."""

import os
import random
import resource
import signal
import time
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from courses.models import Course, Offering
from enrollment import mailbox
from enrollment.models import Enrollment, Request, Student, Window
from registrar.accounts.models import User
from registrar.services import processes
from tests.acceptance.days import ROOT, Ended, play, playing
from tests.factories import make_offering, make_student, make_term, open_window

pytestmark = pytest.mark.acceptance
SET_2 = ROOT.parent / "shared" / "data" / "itc2007-exam-set2.exam.gz"
real_data = pytest.mark.skipif(
    not SET_2.is_file(), reason="needs the ITC-2007 exam files in ../shared/data"
)


def write_demand(path: Path, students: int, courses: int, each: int) -> Path:
    """A file of our own: `each` different courses for every student, the first ones dearest."""
    choose = random.Random(7)
    weights = [1 / rank for rank in range(1, courses + 1)]
    lines = ["student,course"]
    for student in range(students):
        wanted: set[int] = set()
        while len(wanted) < each:
            wanted.update(choose.choices(range(courses), weights))
        lines += [f"s{student},{course}" for course in sorted(wanted)]
    path.write_text("\n".join(lines) + "\n")
    return path


def check(day: Ended, requests: int) -> None:
    assert day.code == 0, day.said
    assert day.report["faults"] == []
    assert day.report["accepted"] == day.report["settled"] == requests
    assert day.report["inversions"] == 0


@pytest.mark.parametrize("via", ["http", "queue"])
def test_a_file_is_played_and_its_sections_open_on_demand(
    state: Path, tmp_path: Path, via: str
) -> None:
    path = write_demand(tmp_path / "d.csv", students=300, courses=20, each=3)

    day = play(
        tmp_path, "rehearse", str(path), "--via", via, "--section-limit", "15",
        "--max-sections", "2",
    )  # fmt: skip

    check(day, 900)
    assert set(day.report["results"]) == {"ENROLLED", "WAITLISTED"}
    assert max(Offering.objects.values_list("taken", flat=True)) == 45
    assert set(Course.objects.values_list("code", flat=True)) == {f"X{n}" for n in range(20)}
    assert day.report["sections"]["opened"] == sum(day.report["sections"]["by_course"].values()) > 0
    assert User.objects.exists() == (via == "http")
    assert not processes.running(state)


def test_the_times_in_a_file_are_kept_and_so_is_what_ran_before(
    state: Path, tmp_path: Path
) -> None:
    before = processes.start(state, ["worker-1", "beat"])
    lines = [f"s{n},CS{n % 5},{n * 0.02:.2f}" for n in range(150)]
    path = tmp_path / "d.csv"
    path.write_text("student,course,at_seconds\n" + "\n".join(lines) + "\n")

    day = play(tmp_path, "rehearse", str(path), "--via", "queue")

    check(day, 150)
    assert 2.9 <= day.report["seconds"] < 6
    assert processes.running(state) == before == {"worker-1", "beat"}


def test_a_day_that_is_broken_off_leaves_nothing_running_and_no_window_open(
    state: Path, tmp_path: Path
) -> None:
    path = write_demand(tmp_path / "d.csv", students=300, courses=20, each=3)

    with playing(tmp_path, "rehearse", str(path), "--rate", "20") as day:
        day.says("Beat has opened the window")
        time.sleep(2)
        day.signal(signal.SIGTERM)
        ended = day.end(90)

    assert ended.code == 130
    assert ended.said.strip().splitlines()[-1].endswith("stopped")
    assert "Traceback" not in ended.said
    assert not processes.running(state)
    assert Window.objects.get().closes_at <= timezone.now()
    assert Request.objects.exists()
    assert not list((state / "rehearsals").glob("*/*.script")), "nobody's token is left"


def test_other_terms_are_left_alone(state: Path, tmp_path: Path) -> None:
    term = make_term("AUTUMN")
    open_window(term, cohorts=["first year"])
    theirs, student = make_offering(term, code="X1", base_limit=5), make_student(term)
    before = Window.objects.get().closes_at
    path = write_demand(tmp_path / "d.csv", students=50, courses=3, each=2)

    check(play(tmp_path, "rehearse", str(path), "--via", "queue"), 100)

    theirs.refresh_from_db()
    assert (theirs.taken, theirs.base_limit) == (0, 5)
    assert Window.objects.get(term=term).closes_at == before
    assert not Enrollment.objects.filter(student=student).exists()
    assert not Request.objects.filter(term_id=term.pk).exists()


@pytest.mark.long
def test_a_large_university_fits_into_a_gigabyte(state: Path, tmp_path: Path) -> None:
    path = write_demand(tmp_path / "d.csv", students=30_000, courses=2_000, each=4)

    day = play(tmp_path, "rehearse", str(path), "--via", "queue")

    check(day, 120_000)
    # The largest process there was, in KiB: the rehearsal and its senders are three at the most.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1024 * 1024 / 3


# Faults in the middle ---------------------------------------------------------------------


def undecided_since(moment: float) -> int:
    """Requests accepted by then that have no outcome yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM requests r LEFT JOIN outcomes o ON o.request_id = r.id "
            "WHERE r.accepted_at <= to_timestamp(%s) AND o.request_id IS NULL",
            [moment],
        )
        return int(cursor.fetchone()[0])


def kill_9(pid: int) -> None:
    """A worker's main process and its child, both at once and without a word."""
    # Supervisor starts each of its processes as the leader of a group.
    os.killpg(pid, signal.SIGKILL)


def settled_after(moment: float, patience: float = 30) -> float:
    """Seconds until everything accepted by then was decided."""
    while undecided_since(moment):
        assert time.time() - moment < patience
        time.sleep(0.05)
    return time.time() - moment


def test_a_killed_worker_and_an_emptied_redis_cost_nobody_their_request(
    state: Path, tmp_path: Path
) -> None:
    path = write_demand(tmp_path / "d.csv", students=600, courses=40, each=4)
    options = ("--rate", "250", "--section-limit", "30", "--max-sections", "3")

    with playing(tmp_path, "rehearse", str(path), *options) as day:
        day.says("Beat has opened the window")
        time.sleep(3)
        mailbox.client().flushall()
        kill_9(processes.pids(state)["worker-1"])
        seconds = settled_after(time.time())
        ended = day.end()

    check(ended, 2400)
    assert seconds < 5


# Real demand ------------------------------------------------------------------------------


@real_data
def test_a_real_term_goes_through_the_queue(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRAR_SETTLE_SECONDS", "0.5")  # it is over within one turn of five
    day = play(tmp_path, "rehearse", str(SET_2), "--via", "queue")

    check(day, 37_379)
    assert (day.report["students"], day.report["courses"]) == (12_484, 870)
    assert Student.objects.count() == 12_484
    assert len(day.report["processes"]) >= 2


@real_data
@pytest.mark.long
def test_a_real_term_goes_over_http(state: Path, tmp_path: Path) -> None:
    day = play(tmp_path, "rehearse", str(SET_2), "--via", "http")

    check(day, 37_379)
    assert day.report["send_to_sight"]["count"] == 37_379

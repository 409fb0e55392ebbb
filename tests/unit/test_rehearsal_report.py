"""The report: what a registrar reads, what a machine reads, and when a day was not as promised."""

import json
from dataclasses import replace

import pytest

from enrollment.rehearsal.report import (
    Flower,
    Percentiles,
    Process,
    Report,
    Sections,
    percentiles,
    render,
)

GOOD = Report(
    title="A rehearsal of set2.exam",
    term="R-20260901-080000",
    via="http",
    students=12_484,
    courses=870,
    seconds=41.2,
    posts=37_400,
    posts_by_kind={"enroll": 37_379},
    posts_in_first_5_s=4_210,
    looks=31_000,
    busiest_second=950,
    accepted=37_379,
    settled=37_379,
    vanished=0,
    contradicted=0,
    rechecks=12,
    answered_no={"WINDOW_CLOSED": 150, "KEY_REUSED": 1},
    too_early_told_when=150,
    shed=21,
    given_up=0,
    results={"ENROLLED": 30_000, "WAITLISTED": 5_000, "REFUSED": 2_379},
    refused={"TIME_CLASH": 2_000, "FULL": 379},
    sections=Sections(311, 2, {"X120": 7, "X1": 3}, {1: 300, 8: 10}, 1),
    promoted=400,
    still_waiting=4_600,
    accepted_per_second=907.3,
    settled_per_second=907.3,
    send_to_decision=Percentiles(37_379, 12.4, 80.0, 1_234.0, 2_000.0),
    send_to_sight=Percentiles(37_379, 1_000.0, 1_200.0, 1_300.0, 2_900.0),
    inversions=0,
    processes=[Process("Worker a:1", 98, 19_052), Process("Worker a:2", 95, 18_327)],
    flower=Flower(2, 79, 0),
    window_opened_by_beat=True,
    window_closed_by_beat=True,
    announced_late_ms=(11, 728),
    violations={},
    checks=44,
)


def faults(report: Report, processes: int = 2) -> list[str]:
    return list(report.faults(processes=processes))


def test_a_good_day_has_no_faults_and_says_so() -> None:
    assert faults(GOOD) == []
    assert render(GOOD, []).endswith("All promises were kept.\n")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"violations": {"seats-add-up": 3}}, "verify found 3 seats-add-up"),
        ({"settled": 37_378}, "1 accepted requests were lost"),
        ({"vanished": 2}, "2 accepted requests were lost"),
        ({"contradicted": 1}, "1 students saw a decision that is not the one stored"),
        ({"inversions": 1}, "1 pairs were settled out of order"),
        ({"window_opened_by_beat": False}, "beat did not announce the opening"),
        ({"window_closed_by_beat": False}, "beat did not announce the closing"),
        ({"processes": GOOD.processes[:1]}, "1 worker processes settled something, not 2"),
    ],
)
def test_whatever_was_promised_and_not_kept_is_a_fault(
    change: dict[str, object], fault: str
) -> None:
    bad = replace(GOOD, **change)  # type: ignore[arg-type]

    assert faults(bad) == [fault]
    assert f"FAILED: {fault}" in render(bad, faults(bad))


def test_one_worker_process_is_enough_where_no_more_were_promised() -> None:
    assert faults(replace(GOOD, processes=GOOD.processes[:1]), processes=1) == []


def test_a_planted_inversion_is_printed_as_1() -> None:
    text = render(replace(GOOD, inversions=1), [])

    assert "Inversions of order       1, from the clients' own log" in text


def test_a_registrar_reads_sentences_and_not_only_codes() -> None:
    text = render(GOOD, [])

    assert "37,379 (0 lost)" in text
    assert "TIME_CLASH: Every section of this course meets at the same time" in text
    assert "WINDOW_CLOSED: Registration is not open" in text
    assert "(150 were told when it opens)" in text
    assert "KEY_REUSED: This Idempotency-Key was already sent" in text
    assert "311 in 2 courses" in text
    assert "the policy opens one for the student who asked" in text
    assert "the policy opens one for 8 students waiting" in text
    assert "opened by staff" in text
    assert "2; nobody lost a request" in text
    assert "p50 12 ms, p95 80 ms, p99 1.23 s" in text
    assert "Worker a:2" in text
    assert "2 workers, 79 settle tasks (0 failed)" in text
    assert "opened by beat, closed by beat" in text
    assert "44 checks, 0 violations" in text


def test_what_was_not_there_is_left_out() -> None:
    bare = replace(
        GOOD, via="queue", flower=None, send_to_sight=None, refused={}, answered_no={}, shed=0,
        announced_late_ms=None, notes=("the file disagrees with itself",),
    )  # fmt: skip

    text = render(bare, [])

    assert "Flower" not in text
    assert "Refused, by reason" not in text
    assert "at the door" not in text
    assert "seeing it" not in text
    assert "straight into the queue" in text
    assert "the file disagrees with itself" in text


def test_a_machine_reads_the_same_as_plain_values() -> None:
    read = json.loads(json.dumps(GOOD.as_json(["late"])))

    assert read["inversions"] == 0
    assert read["lost"] == 0
    assert read["faults"] == ["late"]
    assert read["send_to_decision"]["p99"] == 1234.0
    assert read["sections"]["by_threshold"] == {"1": 300, "8": 10}
    assert read["processes"][1] == {"name": "Worker a:2", "settlements": 95, "requests": 18_327}


def test_percentiles_are_taken_by_rank() -> None:
    assert percentiles([]) is None
    assert percentiles([5]) == Percentiles(1, 5, 5, 5, 5)
    assert percentiles(list(range(1, 101))) == Percentiles(100, 51, 96, 100, 100)

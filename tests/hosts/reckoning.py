"""What an act showed: figures for the reader, faults for the exit code, and the whole account."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from enrollment.rehearsal.gather import Day, gather
from enrollment.rehearsal.report import Report
from enrollment.rehearsal.witness import read

from .load import Answered, Load

_EXPECTED = frozenset({200, 202, 304, 409, 422, 429, 503})

Judge = Callable[[Sequence[Answered]], None]


@dataclass
class Told:
    """Figures in the order they were found, and what did not hold."""

    say: Callable[[str], None]
    faults: list[str] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    judges: list[Judge] = field(default_factory=list)
    """What can be judged only from the crowd's answers, once it has ended."""

    def figure(self, label: str, text: str) -> None:
        self.figures[label] = text
        self.say(f"  {label:<22}  {text}")

    def must(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.faults.append(otherwise)
            self.say(f"  FAILED: {otherwise}")

    def within(self, seconds: float, limit: float, what: str) -> None:
        self.figure(f"After {seconds:.2f} s", what)
        self.must(seconds <= limit, f"{what} only after {seconds:.1f} s, not {limit:.0f}")


def reckon(told: Told, load: Load, day: Day) -> None:
    """The account of an act: what students were answered, and what the database holds."""
    answers = load.answers()
    for judge in told.judges:
        judge(answers)
    statuses = Counter(each.status for each in answers if each.status)
    told.figure("Answers", ", ".join(f"{n:,} x {s}" for s, n in sorted(statuses.items())))
    lost = Counter(each.method for each in answers if not each.status)
    refused, broken = lost.pop("connect", 0), lost.total()
    told.figure("Connections", f"{refused:,} refused, {broken:,} lost with a request under way")
    wrong = sorted(set(statuses) - _EXPECTED)
    told.must(not wrong, f"answers of {wrong}")
    _account(told, gather(day._replace(evidence=lambda: read([load.log]))))


def _account(told: Told, report: Report) -> None:
    told.figure("Accepted", f"{report.accepted:,} so far, {report.lost:,} lost")
    if report.send_to_decision:
        times = report.send_to_decision
        told.figure(
            "Send to decision",
            f"p50 {times.p50:.0f} ms, p99 {times.p99:.0f} ms, longest {times.longest:.0f} ms",
        )
    violations = sum(report.violations.values())
    told.figure("verify", f"{report.checks} checks, {violations:,} violations")
    told.must(not violations, f"verify: {report.violations}")
    told.must(not report.lost, f"{report.lost} accepted requests were lost")
    told.must(not report.given_up, f"{report.given_up} students were never answered")
    told.must(not report.contradicted, f"{report.contradicted} decisions shown are not those kept")
    told.must(not report.inversions, f"{report.inversions} pairs were settled out of order")

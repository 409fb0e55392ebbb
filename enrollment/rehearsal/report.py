"""The report a registrar reads after a day, and the same as plain values for a machine. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from enrollment.rules import REASONS
from enrollment.wording import SAID_AT_THE_DOOR


@dataclass(frozen=True)
class Percentiles:
    """Milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float
    longest: float


def percentiles(milliseconds: Sequence[float]) -> Percentiles | None:
    """By nearest rank; None where there is nothing to rank."""
    if not milliseconds:
        return None
    ordered = sorted(milliseconds)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1)

    return Percentiles(len(ordered), at(0.50), at(0.95), at(0.99), round(ordered[-1], 1))


@dataclass(frozen=True)
class Sections:
    """Sections opened on demand."""

    opened: int
    failed: int
    by_course: Mapping[str, int]
    by_threshold: Mapping[int, int]
    """How many were opened because that many students were waiting, as the policy asks."""
    by_staff: int


@dataclass(frozen=True)
class Flower:
    """What Flower's API told of the workers."""

    workers: int
    settle_tasks: int
    failed_tasks: int


@dataclass(frozen=True)
class Process:
    """A worker process and what it settled."""

    name: str
    settlements: int
    requests: int


@dataclass(frozen=True)
class Report:
    """A day in numbers. What is None was not there to be looked at."""

    title: str
    term: str
    via: str
    students: int
    courses: int
    seconds: float
    posts: int
    posts_by_kind: Mapping[str, int]
    posts_in_first_5_s: int
    looks: int
    """GETs of pages that waited for a decision."""
    busiest_second: int
    accepted: int
    settled: int
    vanished: int
    """Promised to a client and not in the database."""
    contradicted: int
    """Shown to a client as decided otherwise than the database has it."""
    rechecks: int
    answered_no: Mapping[str, int]
    too_early_told_when: int
    shed: int
    given_up: int
    results: Mapping[str, int]
    refused: Mapping[str, int]
    sections: Sections
    promoted: int
    still_waiting: int
    accepted_per_second: float
    settled_per_second: float
    send_to_decision: Percentiles | None
    send_to_sight: Percentiles | None
    inversions: int
    processes: Sequence[Process]
    flower: Flower | None
    window_opened_by_beat: bool
    window_closed_by_beat: bool
    announced_late_ms: tuple[int, int] | None
    """Milliseconds after its time: the opening, the closing."""
    violations: Mapping[str, int]
    checks: int
    notes: Sequence[str] = ()

    @property
    def lost(self) -> int:
        return self.accepted - self.settled + self.vanished

    def faults(self, *, processes: int) -> Iterator[str]:
        """Why this day was not as promised: nothing, where it was."""
        if self.violations:
            yield "verify found " + ", ".join(f"{v} {k}" for k, v in self.violations.items())
        if self.lost:
            yield f"{self.lost} accepted requests were lost"
        if self.contradicted:
            yield f"{self.contradicted} students saw a decision that is not the one stored"
        if self.inversions:
            yield f"{self.inversions} pairs were settled out of order"
        if not self.window_opened_by_beat:
            yield "beat did not announce the opening"
        if not self.window_closed_by_beat:
            yield "beat did not announce the closing"
        if len(self.processes) < processes:
            yield f"{len(self.processes)} worker processes settled something, not {processes}"

    def as_json(self, faults: Sequence[str]) -> dict[str, Any]:
        return asdict(self) | {"lost": self.lost, "faults": list(faults)}


# As text ----------------------------------------------------------------------------------


def render(report: Report, faults: Sequence[str]) -> str:
    parts = [
        _part(report.title, _what_came(report)),
        _part("What became of it", _what_became(report)),
        _part("Refused, by reason", _refused(report.refused)),
        _part("Answered no at the door", _at_the_door(report)),
        _part("Sections", _sections(report.sections)),
        _part("Speed", _speed(report)),
        _part("Who did it", _who(report)),
        _part("Proof", _proof(report)),
    ]
    verdict = "".join(f"FAILED: {fault}\n" for fault in faults) or "All promises were kept.\n"
    return "\n".join(part for part in parts if part) + "\n" + verdict


Line = tuple[str, str]


def _part(title: str, lines: Iterator[Line]) -> str:
    told = list(lines)
    if not told:
        return ""
    width = max(24, *(len(label) for label, _ in told))
    return f"{title}\n" + "".join(f"  {label:<{width}}  {text}\n" for label, text in told)


def _what_came(report: Report) -> Iterator[Line]:
    yield "Term", report.term
    yield "Students, courses", f"{report.students:,} and {report.courses:,}"
    way = "over HTTP" if report.via == "http" else "straight into the queue"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in report.posts_by_kind.items())
    yield "Asked", f"{sum(report.posts_by_kind.values()):,} times {way}: {kinds}"
    if report.via == "http":
        yield "POSTs", f"{report.posts:,}, of them {report.posts_in_first_5_s:,} in the first 5 s"
        yield "Pages looked", f"{report.looks:,} times"
    yield "The day", f"{report.seconds:.1f} s from the opening to the last decision"
    for note in report.notes:
        yield "Note", note


def _what_became(report: Report) -> Iterator[Line]:
    yield "Accepted", f"{report.accepted:,}"
    yield "Settled", f"{report.settled:,} ({report.lost:,} lost)"
    for result, count in report.results.items():
        yield f"  {result.lower()}", f"{count:,}"
    yield "Promoted from a waitlist", f"{report.promoted:,}"
    yield "Waiting at the end", f"{report.still_waiting:,}"
    if report.rechecks:
        yield "Looked at again", f"{report.rechecks:,} times, because a seat or credits came free"


def _refused(codes: Mapping[str, int]) -> Iterator[Line]:
    for code, count in codes.items():
        reason = REASONS.get(code)
        yield f"{count:,}", f"{code}: {reason.sentence}" if reason else code


def _at_the_door(report: Report) -> Iterator[Line]:
    for code, count in report.answered_no.items():
        reason = REASONS.get(code) or SAID_AT_THE_DOOR.get(code)
        told = f" ({report.too_early_told_when:,} were told when it opens)"
        sentence = f"{code}: {reason.sentence}" if reason else code
        yield f"{count:,}", sentence + (told if code == "WINDOW_CLOSED" else "")
    if report.shed:
        yield f"{report.shed:,}", "asked to come back a little later, and did"
    if report.given_up:
        yield f"{report.given_up:,}", "never answered"


def _sections(sections: Sections) -> Iterator[Line]:
    courses = len(sections.by_course)
    yield "Opened on demand", f"{sections.opened:,} in {courses:,} courses"
    for waiting, count in sorted(sections.by_threshold.items()):
        who = "the student who asked" if waiting == 1 else f"{waiting} students waiting"
        yield f"  {count:,}", f"every seat was taken, and the policy opens one for {who}"
    if sections.by_staff:
        yield f"  {sections.by_staff:,}", "opened by staff"
    most = sorted(sections.by_course.items(), key=lambda item: (-item[1], item[0]))[:5]
    if most:
        yield "Most of them", ", ".join(f"{code} {count}" for code, count in most)
    if sections.failed:
        yield "Could not be opened", f"{sections.failed:,}; nobody lost a request"


def _speed(report: Report) -> Iterator[Line]:
    yield "Accepted a second", f"{report.accepted_per_second:,.0f} (busiest second of sending " \
        f"{report.busiest_second:,})"  # fmt: skip
    yield "Settled a second", f"{report.settled_per_second:,.0f}"
    for label, times in (
        ("Send to decision", report.send_to_decision),
        ("Send to seeing it", report.send_to_sight),
    ):
        if times:
            text = f"p50 {_time(times.p50)}, p95 {_time(times.p95)}, p99 {_time(times.p99)}"
            yield label, f"{text}, longest {_time(times.longest)}"


def _time(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"


def _who(report: Report) -> Iterator[Line]:
    for process in report.processes:
        yield process.name, f"{process.settlements:,} settlements, {process.requests:,} requests"
    if report.flower:
        flower = report.flower
        yield "Flower saw", f"{flower.workers} workers, {flower.settle_tasks:,} settle tasks " \
            f"({flower.failed_tasks:,} failed)"  # fmt: skip
    opened = "by beat" if report.window_opened_by_beat else "NOT BY BEAT"
    closed = "by beat" if report.window_closed_by_beat else "NOT BY BEAT"
    yield "Window", f"opened {opened}, closed {closed}"
    if report.announced_late_ms:
        opening, closing = map(_time, report.announced_late_ms)
        yield "Announced", f"{opening} after the opening, {closing} after the closing"


def _proof(report: Report) -> Iterator[Line]:
    yield "Inversions of order", f"{report.inversions:,}, from the clients' own log"
    found = sum(report.violations.values())
    yield "verify", f"{report.checks} checks, {found:,} violations"
    for name, count in report.violations.items():
        yield f"  {name}", f"{count:,}"

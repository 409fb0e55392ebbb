"""bin/bench overload: ten times what it can do, for a minute.

The site has all processors but one; the crowd, a process of its own that sends at a rate whatever
comes back, has that one. Before the overload and after it, as many clients as keep the site busy
each wait for their answers: the faster of the two is the peak. At a quarter of the first, 500
clients who send a byte a second come and go, and everybody else's answers are timed with and
without them. At last, a site that has no time for anybody tells what a refusal costs by itself.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from rich.console import Console

from benchmarks import rush, slow, truths
from benchmarks.rush import Shares, Site
from benchmarks.truths import Broken
from benchmarks.web import ran
from registrar.services import processes

GOODPUT, SHED_MS, HARM = 0.8, 50.0, 1.2
_STUDENTS = 20_000
_WAITING, _OFFERING = 1000, 3600
"""Connections of those who wait for their answers, and of those who do not."""
_DRAIN_SECONDS = 120
_WARM_SECONDS = 3.0
_SLOW, _PAIRS = 500, 5
"""Slow clients, and how often everybody else is timed with and without them."""


class Phase(NamedTuple):
    """A crowd of a kind, what it was told, and what the site got done meanwhile."""

    told: dict[str, Any]
    accepted: list[int]
    rate: float
    """Requests decided a second."""
    longest: float
    """Seconds from acceptance to decision, of the one that waited longest."""

    @property
    def offered(self) -> float:
        statuses: dict[str, int] = self.told["statuses"]
        return sum(statuses.values()) / float(self.told["seconds"])


def main(argv: Sequence[str]) -> int:
    """0: the targets are met. 1: one is missed. 3: something that must hold did not."""
    arguments = _parser().parse_args(argv)
    console = Console(highlight=False)
    try:
        shares = rush.share()
        with rush.site(arguments.students, {}) as site:
            if os.sched_getaffinity(processes.pids(site.state)["web"]) != shares.site:
                raise Broken("the site has the crowd's processor too")
            report = _measure(site, shares, arguments, console)
            rush.prove(site.database)
        with rush.site(1, {"REGISTRAR_BACKLOG_SECONDS": "-1"}) as site:
            report["refusals"] = _refusals(site, shares, arguments.peak_seconds, console)
    except Broken as broken:
        console.print(f"[bold]Broken:[/] {broken}")
        return 3
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    for target in report["targets"]:
        met = "met" if target["met"] else "MISSED"
        console.print(f"{target['name']}: {target['value']} (target {target['target']}, {met})")
    return 0 if all(target["met"] for target in report["targets"]) else 1


def _measure(
    site: Site, shares: Shares, arguments: argparse.Namespace, console: Console
) -> dict[str, Any]:
    _phase(site, shares, 0, _WARM_SECONDS)
    before = _phase(site, shares, 0, arguments.peak_seconds)
    console.print(f"Before: {before.rate:,.0f} decided a second")
    harm = _harm(site, shares, before.rate / 4, arguments.peak_seconds)
    for name, pair in zip(("without", "with"), zip(*harm, strict=True), strict=True):
        console.print(f"p99 {name} {_SLOW} slow clients, ms: {', '.join(f'{p:.1f}' for p in pair)}")
    offered = arguments.times * before.rate
    console.print(f"Offering {offered:,.0f} a second for {arguments.seconds:g} s")
    over = _phase(site, shares, offered, arguments.seconds)
    console.print(f"Overload: {over.rate:,.0f} decided a second; {over.told}")
    after = _phase(site, shares, 0, arguments.peak_seconds)
    console.print(f"After: {after.rate:,.0f} decided a second")
    peak = max(before.rate, after.rate)
    shed = over.told["waits"].get("503", {}).get("p99_ms", 0.0)
    ratio = median(with_them / without for without, with_them in harm)
    errors = sum(
        count
        for status, count in over.told["statuses"].items()
        if status not in ("202", "200", "503", "429", "unanswered")
    )
    return {
        "targets": [
            _verdict("goodput / peak", over.rate / peak, GOODPUT, at_most=False),
            _verdict("shed answers, p99 ms", shed, SHED_MS, at_most=True),
            _verdict(f"p99 with {_SLOW} slow clients / without", ratio, HARM, at_most=True),
            _verdict("accepted and lost", rush.lost(over.accepted), 0, at_most=True),
            _verdict("answers of another kind", errors, 0, at_most=True),
            _verdict("offered / peak", over.offered / peak, 0.9 * arguments.times, at_most=False),
            _verdict("longest wait for a decision, s", over.longest, 2 * 20, at_most=True),
        ],
        "phases": {
            name: {"decided_a_second": phase.rate, "longest_wait": phase.longest, **phase.told}
            for name, phase in (("before", before), ("overload", over), ("after", after))
        },
    }


def _harm(site: Site, shares: Shares, rate: float, seconds: float) -> list[tuple[float, float]]:
    """The p99 of answers, in ms, without slow clients about and with them; several times, each
    first in turn: what is in the tables grows meanwhile."""

    def p99(some: int) -> float:
        with slow.clients(site.port, some, shares.crowd):
            return float(_phase(site, shares, rate, seconds).told["waits"]["202"]["p99_ms"])

    pairs = []
    for nth in range(_PAIRS):
        took = {some: p99(some) for some in ((0, _SLOW) if nth % 2 else (_SLOW, 0))}
        pairs.append((took[0], took[_SLOW]))
    return pairs


def _refusals(site: Site, shares: Shares, seconds: float, console: Console) -> dict[str, Any]:
    """Of a site that decides nothing: how many a second, and the web's processor for one."""
    web = [processes.pids(site.state)["web"]]
    _phase(site, shares, 0, _WARM_SECONDS)
    before = ran(web)
    phase = _phase(site, shares, 0, seconds)
    refused: int = phase.told["statuses"]["503"]
    told = {
        "refused_a_second": refused / float(phase.told["seconds"]),
        "web_us": (ran(web) - before) * 1_000_000 / refused,
        **phase.told["waits"]["503"],
    }
    console.print(
        f"Nothing but refusals: {told['refused_a_second']:,.0f} a second, {told['web_us']:.1f} µs "
        f"of the web's processor each, p99 {told['p99_ms']:.1f} ms"
    )
    return told


def _verdict(name: str, value: float, target: float, *, at_most: bool) -> dict[str, Any]:
    met = value <= target if at_most else value >= target
    return {"name": name, "value": round(value, 3), "target": target, "met": met}


def _phase(site: Site, shares: Shares, rate: float, seconds: float) -> Phase:
    """One crowd from its first request until nothing is left to decide."""
    with tempfile.TemporaryDirectory() as folder:
        accepted = Path(folder) / "accepted"
        crowd = _start(site, shares, Path(folder) / "requests", accepted, rate, seconds)
        assert crowd.stdin is not None
        assert crowd.stdout is not None
        if crowd.stdout.readline() != "ready\n":
            raise Broken("the crowd does not come")
        begun = rush.now()
        crowd.stdin.write("go\n")
        crowd.stdin.flush()
        said = crowd.stdout.readline()
        ended = rush.now()
        if crowd.wait():
            raise Broken("the crowd ended badly")
        told = json.loads(said)
        truths.until_decided(_DRAIN_SECONDS)
        span = (ended - begun).total_seconds()
        return Phase(
            told,
            [int(line) for line in accepted.read_text().split()],
            rush.decided(begun, ended) / span,
            rush.longest_wait(begun),
        )


def _start(
    site: Site, shares: Shares, requests: Path, accepted: Path, rate: float, seconds: float
) -> "subprocess.Popen[str]":
    requests.write_text("\n".join(site.paths) + "\n\n" + "\n".join(site.tokens))
    program = Path(__file__).with_name("open_loop.py")
    command = [sys.executable, *map(str, (program, site.port, requests, accepted))]
    command += ["--rate", str(rate), "--seconds", str(seconds)]
    command += ["--connections", str(_OFFERING if rate else _WAITING)]
    command += ["--processors", ",".join(map(str, shares.crowd))]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/bench overload", description=__doc__)
    parser.add_argument("--seconds", type=rush.number, default=60.0, help="of overload")
    parser.add_argument("--times", type=rush.number, default=10.0, help="the peak is offered")
    parser.add_argument("--peak-seconds", type=rush.number, default=15.0)
    parser.add_argument("--students", type=rush.count, default=_STUDENTS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser

"""The runner: every contender in every round, side by side, then medians, ratios and targets."""

import argparse
import json
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import celery
import django
from rich.console import Console

from benchmarks import campus, databases, phases
from benchmarks.contender import Contender, Run
from benchmarks.figures import Ratio, verdicts
from benchmarks.noop import Noop
from benchmarks.settling import Settling
from benchmarks.table import print_tables
from benchmarks.truths import Broken
from benchmarks.workloads import STANDARD, WORKLOADS
from enrollment import mailbox

MET, MISSED, BROKEN = 0, 1, 3
_PROFILES = 3
"""A settler's profile is the fastest of so many."""
FLOOR, FLOOR_OF_TWO = "no-op 1x2", "no-op 2x1"
RATIOS = (
    Ratio("settle H / Celery no-op", "settle H", FLOOR, 6),
    Ratio("settle Z / Celery no-op", "settle Z", FLOOR, 6),
    Ratio("settle H / no-op of two workers", "settle H", FLOOR_OF_TWO),
    Ratio("settle Z / no-op of two workers", "settle Z", FLOOR_OF_TWO),
    Ratio("settle H, events on / off", "settle H, events on", "settle H"),
    Ratio("settle Z, events on / off", "settle Z, events on", "settle Z"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """0: every target met. 1: one missed. 3: something that must hold did not."""
    arguments = _parser().parse_args(argv)
    if arguments.phases:
        phases.print_phases()
        return MET
    console = Console()
    if mailbox.client().dbsize():
        console.print("The Redis database in REDIS_URL is not empty; give the benchmark its own.")
        return BROKEN
    try:
        return _measure(arguments, console)
    except Broken as broken:
        console.print(f"[bold]Broken:[/] {broken}", highlight=False)
        return BROKEN


def _measure(arguments: argparse.Namespace, console: Console) -> int:
    with _templates(arguments.requests, console) as templates:
        runs = _rounds(_contenders(arguments, templates), arguments.rounds, console)
        profiles = {
            name: phases.measure(template, _PROFILES) for name, template in templates.items()
        }
        machine = _machine()
    print_tables(console, runs, RATIOS, profiles)
    targets = verdicts(runs, RATIOS)
    if arguments.json:
        report = {
            "targets": targets,
            "runs": [run.as_json() for run in runs],
            "profiles": {name: profile.as_json() for name, profile in profiles.items()},
            "machine": machine,
        }
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    return MET if all(target["met"] for target in targets) else MISSED


def _rounds(contenders: Sequence[Contender], rounds: int, console: Console) -> list[Run]:
    """Each round starts with another contender, so that no one always comes first."""
    runs: list[Run] = []
    for nth in range(rounds):
        first = nth % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            run = contender.run(nth)
            console.print(f"round {nth + 1}: {run.contender}: {run.rate:,.0f}/s", highlight=False)
            runs.append(run)
    return sorted(runs, key=lambda run: [each.name for each in contenders].index(run.contender))


def _contenders(arguments: argparse.Namespace, templates: dict[str, str]) -> list[Contender]:
    return [
        Noop(arguments.messages, workers=1, processes=2),
        Noop(arguments.messages, workers=2, processes=1),
        *(
            Settling(name, template, events=events)
            for events in (False, True)
            for name, template in templates.items()
        ),
    ]


@contextmanager
def _templates(requests: int, console: Console) -> Iterator[dict[str, str]]:
    """A frozen database for each workload: all requests accepted, none decided."""
    with ExitStack() as stack, databases.made("empty") as empty:
        templates: dict[str, str] = {}
        for name, workload in WORKLOADS.items():
            console.print(f"Writing workload {name}: {requests:,} requests.", highlight=False)
            template = stack.enter_context(databases.made(name.lower(), empty))
            campus.build(workload(requests))
            databases.freeze(template)
            stack.callback(databases.thaw, template)
            templates[name] = template
        yield templates


def _machine() -> dict[str, Any]:
    return {
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "django": django.get_version(),
        "celery": celery.__version__,
        "postgresql": databases.server_version(),
        "redis": _redis_version(),
    }


def _redis_version() -> str:
    server = mailbox.client().info("server")
    valkey = server.get("valkey_version")
    return f"Valkey {valkey}" if valkey else f"Redis {server['redis_version']}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("--rounds", type=_positive, default=5, help="rounds of each contender")
    parser.add_argument(
        "--requests", type=_positive, default=STANDARD, help="requests in each workload"
    )
    parser.add_argument(
        "--messages", type=_positive, default=5000, help="messages of the no-op floor"
    )
    parser.add_argument("--json", type=_file, metavar="FILE", help="write the figures there too")
    parser.add_argument("--phases", action="store_true", help=argparse.SUPPRESS)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _file(text: str) -> Path:
    """Found out now, not after ten minutes of measuring."""
    path = Path(text)
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text} cannot be written")
    return path

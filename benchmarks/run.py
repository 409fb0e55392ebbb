"""The runner: every contender in every round, side by side, then medians, ratios and targets."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import celery
import django
from rich.console import Console

from benchmarks import databases, phases, prices, profile, statements, synchronous
from benchmarks.contender import Contender, Run
from benchmarks.figures import Verdict
from benchmarks.groups import ALL, DEFAULT
from benchmarks.stage import QUICK, Group, Sizes, Stage
from benchmarks.table import print_tables
from benchmarks.truths import Broken
from enrollment import mailbox

MET, MISSED, BROKEN = 0, 1, 3
GROUPS = {group.name: group for group in ALL}
EXTRAS: dict[str, Callable[[Stage, int, Console], dict[str, Any]]] = {
    "profile": profile.measure,
    "prices": prices.measure,
}
"""What is measured besides rates: each prints its own tables and answers what goes into JSON."""
_WIDE = 120
_USUAL = (*(group.name for group in DEFAULT), "profile")
_INSIDE: dict[str, Callable[[str], None]] = {
    "phases": phases.main,
    "statements": statements.main,
    "intake": statements.intake,
    "price": prices.main,
    "synchronous": synchronous.work,
}
"""What this program does in processes that it starts itself."""


def main(argv: Sequence[str] | None = None) -> int:
    """0: every target met. 1: one missed. 3: something that must hold did not."""
    arguments = _parser().parse_args(argv)
    if arguments.inside:
        _INSIDE[arguments.inside](arguments.args)
        return MET
    # A file is as wide as a table needs.
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    if mailbox.client().dbsize():
        console.print("The Redis database in REDIS_URL is not empty; give the benchmark its own.")
        return BROKEN
    try:
        return _measure(arguments, console)
    except Broken as broken:
        console.print(f"[bold]Broken:[/] {broken}", highlight=False)
        return BROKEN


def _measure(arguments: argparse.Namespace, console: Console) -> int:
    words = arguments.what or _USUAL
    groups = [GROUPS[word] for word in dict.fromkeys(words) if word in GROUPS]
    sizes = QUICK if arguments.quick else Sizes()
    sizes = sizes._replace(requests=arguments.requests or sizes.requests)
    with ExitStack() as stack:
        stage = Stage(sizes, stack, console)
        runs = _rounds(_contenders(groups, stage), arguments.rounds, console)
        verdicts = [target.judge(runs) for group in groups for target in group.targets]
        if runs:
            print_tables(console, runs, verdicts)
        extras = {
            word: EXTRAS[word](stage, arguments.rounds, console)
            for word in dict.fromkeys(words)
            if word in EXTRAS
        }
        report = {**_report(runs, verdicts), **extras, "sizes": sizes._asdict()}
        report["machine"] = _machine()
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    return MET if all(verdict.met for verdict in verdicts) else MISSED


def _contenders(groups: Sequence[Group], stage: Stage) -> list[Contender]:
    """Each once, whoever asks for it: what is in two groups is measured in the same rounds."""
    every = [contender for group in groups for contender in group.contenders(stage)]
    return list({contender.name: contender for contender in every}.values())


def _rounds(contenders: Sequence[Contender], rounds: int, console: Console) -> list[Run]:
    """Each round starts with another contender, so that no one always comes first."""
    runs: list[Run] = []
    begun = time.monotonic()
    for nth in range(rounds):
        first = nth % max(1, len(contenders))
        for contender in (*contenders[first:], *contenders[:first]):
            run = contender.run(nth)
            at = time.strftime("%M:%S", time.gmtime(time.monotonic() - begun))
            console.print(
                f"{at} round {nth + 1}: {run.contender}: {run.rate:,.0f}/s", highlight=False
            )
            runs.append(run)
    return sorted(runs, key=lambda run: [each.name for each in contenders].index(run.contender))


def _report(runs: Sequence[Run], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    return {
        "targets": [each.as_json() for each in verdicts if each.goal is not None],
        "ratios": [
            {**each.as_json(), "min": each.value.low, "max": each.value.high} for each in verdicts
        ],
        "runs": [run.as_json() for run in runs],
    }


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
    words = {**{group.name: group.about for group in ALL}, **_ABOUT}
    parser = argparse.ArgumentParser(
        prog="bin/bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="what can be measured:\n"
        + "\n".join(f"  {word:10} {about}" for word, about in words.items())
        + "\nand on their own: bin/bench overload, bin/bench storm",
    )
    parser.add_argument(
        "what",
        nargs="*",
        type=_word,
        metavar="WHAT",
        help=f"of the list below; usually {', '.join(_USUAL)}",
    )
    parser.add_argument("--rounds", type=_positive, default=5, help="rounds of each contender")
    parser.add_argument("--quick", action="store_true", help="so small that it says nothing")
    parser.add_argument("--requests", type=_positive, help="requests in each workload")
    parser.add_argument("--json", type=_file, metavar="FILE", help="write the figures there too")
    parser.add_argument("--inside", choices=list(_INSIDE), help=argparse.SUPPRESS)
    parser.add_argument("--args", default="", help=argparse.SUPPRESS)
    return parser


_ABOUT = {
    "profile": "where a request's time goes, by function and by statement, with WAL bytes",
    "prices": "what each foreign key, index, constraint, trigger and the hash cost",
}


def _word(text: str) -> str:
    if text not in GROUPS and text not in EXTRAS:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join((*GROUPS, *EXTRAS))}")
    return text


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

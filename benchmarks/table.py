"""What a person reads of a run."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.contender import Run
from benchmarks.figures import Spread, Verdict, spread

_MILLISECONDS = ("p50_ms", "p95_ms", "p99_ms")


def print_tables(console: Console, runs: Sequence[Run], verdicts: Sequence[Verdict]) -> None:
    console.print(_rates(runs))
    if any(run.facts.get("sample") for run in runs):
        console.print("* on the first so many requests of the workload, as it is slow.\n")
    console.print(_verdicts(verdicts))


def _rates(runs: Sequence[Run]) -> Table:
    table = Table("contender", title="A second")
    for heading in (
        "median",
        "min",
        "max",
        "requests",
        "WAL bytes each",
        "p50 ms",
        "p95 ms",
        "p99 ms",
    ):
        table.add_column(heading, justify="right")
    for contender in dict.fromkeys(run.contender for run in runs):
        own = [run for run in runs if run.contender == contender]
        size = f"{own[0].done:,}" + ("*" if own[0].facts.get("sample") else "")
        table.add_row(
            contender,
            *_cells(spread(own, contender), 0),
            size,
            _wal(own),
            *(_fact(own, figure) for figure in _MILLISECONDS),
        )
    return table


def _wal(runs: Sequence[Run]) -> str:
    each = [run.facts["wal_bytes"] / run.done for run in runs if "wal_bytes" in run.facts]
    return f"{Spread.of(each).middle:,.0f}" if each else ""


def _fact(runs: Sequence[Run], figure: str) -> str:
    each = [run.facts[figure] for run in runs if figure in run.facts]
    return f"{Spread.of(each).middle:,.1f}" if each else ""


def _verdicts(verdicts: Sequence[Verdict]) -> Table:
    table = Table("ratio, within a round", title="Side by side")
    for heading in ("median", "min", "max", "target", ""):
        table.add_column(heading, justify="right")
    for each in verdicts:
        target = verdict = ""
        if each.goal is not None:
            target = f"{'<=' if each.at_most else '>='} {each.goal:,.4g}"
            verdict = "met" if each.met else "MISSED"
        digits = 2 if abs(each.value.middle) < 10 else 1
        table.add_row(each.name, *_cells(each.value, digits), target, verdict)
    return table


def _cells(spread: Spread, digits: int) -> list[str]:
    return [f"{value:,.{digits}f}" for value in (spread.middle, spread.low, spread.high)]

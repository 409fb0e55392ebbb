"""What a person reads of a run."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.contender import Run
from benchmarks.figures import Ratio, Spread, rates, ratio
from benchmarks.phases import Phase, Profile

_WORTH_A_LINE = 0.5
"""Microseconds a request."""


def print_tables(
    console: Console,
    runs: Sequence[Run],
    ratios: Sequence[Ratio],
    profiles: Mapping[str, Profile],
) -> None:
    console.print(_rates(runs))
    console.print(_ratios(runs, ratios))
    for workload, profile in profiles.items():
        console.print(_phases(workload, profile.phases))
        server = "?" if profile.server is None else f"{profile.server:.0f}"
        console.print(
            f"Processor time a request: {profile.settler:.0f} us in the settler, "
            f"{server} us in PostgreSQL.\n",
            highlight=False,
        )


def _rates(runs: Sequence[Run]) -> Table:
    table = Table("contender", title="A second")
    for heading in ("median", "min", "max", "rounds", "WAL bytes each"):
        table.add_column(heading, justify="right")
    for contender in dict.fromkeys(run.contender for run in runs):
        spread = rates(runs, contender)
        own = [run for run in runs if run.contender == contender]
        table.add_row(contender, *_cells(spread, 0), str(len(own)), _wal(own))
    return table


def _wal(runs: Sequence[Run]) -> str:
    each = [run.facts["wal_bytes"] / run.done for run in runs if "wal_bytes" in run.facts]
    return f"{Spread.of(each).middle:,.0f}" if each else ""


def _ratios(runs: Sequence[Run], wanted: Sequence[Ratio]) -> Table:
    table = Table("ratio, within a round", title="Against the floor")
    for heading in ("median", "min", "max", "target", ""):
        table.add_column(heading, justify="right")
    for each in wanted:
        spread = ratio(runs, each)
        target = verdict = ""
        if each.target is not None:
            target = f">= {each.target:g}"
            verdict = "met" if spread.middle >= each.target else "MISSED"
        table.add_row(each.name, *_cells(spread, 1), target, verdict)
    return table


def _cells(spread: Spread, digits: int) -> list[str]:
    return [f"{value:,.{digits}f}" for value in (spread.middle, spread.low, spread.high)]


def _phases(workload: str, phases: Sequence[Phase]) -> Table:
    table = Table("phase", title=f"Where the time goes, {workload}: microseconds a request")
    for heading in ("all", "in statements", "in Python"):
        table.add_column(heading, justify="right")
    small = [phase for phase in phases if phase.total < _WORTH_A_LINE]
    for phase in (each for each in phases if each not in small):
        table.add_row(*_line(phase.name, [phase]))
    table.add_row(*_line(f"{len(small)} smaller ones", small))
    table.add_section()
    table.add_row(*_line("together", phases))
    return table


def _line(name: str, phases: Sequence[Phase]) -> list[str]:
    total = sum(phase.total for phase in phases)
    statements = sum(phase.statements for phase in phases)
    return [name, *(f"{value:.1f}" for value in (total, statements, total - statements))]

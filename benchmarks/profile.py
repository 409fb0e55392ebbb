"""Where a request's time goes: settling by function and by statement, intake by statement.

Figures are microseconds a request, of the fastest of several tries.
"""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import alone, groups
from benchmarks.alone import Cost
from benchmarks.phases import Phase
from benchmarks.stage import Stage
from benchmarks.statements import Statement
from benchmarks.workloads import WORKLOADS

_TRIES = 3
_FLUSHES = (1, 16)
"""Requests in one commit of intake: one alone, and about what a rush brings together."""
_WORTH_A_LINE = 0.5
"""Microseconds a request."""


def measure(stage: Stage, _rounds: int, console: Console) -> dict[str, Any]:
    """Print the tables; the same as values."""
    profiles: dict[str, Any] = {}
    for workload in WORKLOADS:
        template = groups.whole(stage, workload)
        tries = range(min(_TRIES, _rounds))
        by_function = alone.cheapest([alone.settle(template, "phases") for _ in tries])
        by_statement = alone.cheapest([alone.settle(template, "statements") for _ in tries])
        profiles[workload] = by_function | {"statements": by_statement["statements"]}
        _print_phases(console, workload, by_function)
        _print_cost(console, by_function)
        _print_statements(console, f"Settling {workload}", by_statement)
    for at_once in _FLUSHES:
        name = f"intake, {at_once} at a time"
        profiles[name] = _intake(stage, at_once)
        _print_statements(console, name.capitalize(), profiles[name])
        _print_cost(console, profiles[name])
    return profiles


def _intake(stage: Stage, at_once: int) -> Any:
    args = f"{stage.sizes.requests} {stage.sizes.small} {at_once}"
    return alone.accept(groups.nobody_yet(stage), "intake", args=args)


def _print_phases(console: Console, workload: str, answer: Any) -> None:
    table = Table("function", title=f"Where the time goes, {workload}: microseconds a request")
    for heading in ("all", "in statements", "in Python"):
        table.add_column(heading, justify="right")
    phases = [Phase(*each) for each in answer["phases"]]
    small = [phase for phase in phases if phase.total < _WORTH_A_LINE]
    for phase in (each for each in phases if each not in small):
        table.add_row(*_line(phase.name, [phase]))
    if small:
        table.add_row(*_line(f"{len(small)} smaller ones", small))
    table.add_section()
    table.add_row(*_line("together", phases))
    if answer["beside"]:
        table.add_row("beside it, in another thread", "", f"{answer['beside']:.1f}", "")
    console.print(table)


def _line(name: str, phases: Sequence[Phase]) -> list[str]:
    total = sum(phase.total for phase in phases)
    statements = sum(phase.statements for phase in phases)
    return [name, *(f"{value:.1f}" for value in (total, statements, total - statements))]


def _print_statements(console: Console, title: str, answer: Any) -> None:
    table = Table("statement (by its name in the code)", title=f"{title}, by statement, a request")
    for heading in ("calls", "us", "PostgreSQL's processor", "WAL bytes"):
        table.add_column(heading, justify="right")
    statements = [Statement(*each) for each in answer["statements"]]
    small = [each for each in statements if each.elapsed < _WORTH_A_LINE / 2 and each.wal < 1]
    for each in (each for each in statements if each not in small):
        table.add_row(*_row(each.name, [each]))
    if small:
        table.add_row(*_row(f"{len(small)} smaller ones", small))
    table.add_section()
    table.add_row(*_row("together", statements))
    console.print(table)


def _row(name: str, statements: Sequence[Statement]) -> list[str]:
    return [
        name,
        f"{sum(each.calls for each in statements):,}",
        f"{sum(each.elapsed for each in statements):.1f}",
        f"{sum(each.server for each in statements):.1f}",
        f"{sum(each.wal for each in statements):,.0f}",
    ]


def _print_cost(console: Console, answer: Any) -> None:
    cost = Cost(*answer["cost"])
    server = "?" if cost.server is None else f"{cost.server:.0f}"
    console.print(
        f"Processor time a request: {cost.here:.0f} us here, {server} us in PostgreSQL; "
        f"{cost.wal:,.0f} bytes of WAL.\n",
        highlight=False,
    )

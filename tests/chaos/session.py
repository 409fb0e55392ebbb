"""A run of many rounds on one site."""

import argparse
import os
import secrets
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from registrar.services.layout import PROJECT
from tests.chaos import evidence
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.plan import Plan, plan
from tests.chaos.plants import PLANTS
from tests.chaos.plants.run import run as run_planted
from tests.chaos.report import INCONCLUSIVE, Report
from tests.chaos.runner import Round, play
from tests.chaos.site import Site
from tests.chaos.startup import PLANT

RENEW_EVERY = 25
"""Rounds on one database: `verify` reads all of it each time."""
AGAIN = 3
"""Rounds more for a fault that never bit: one that came too late, or while all was down already."""
ALL = "all"
_WITHOUT_END = 10**6
_KEPT = PROJECT / ".registrar" / "chaos"


class Unknown(Exception):
    """Something was asked for that there is not; the message is one line."""


def check(arguments: argparse.Namespace) -> None:
    """Raise Unknown when something is asked for that there is not."""
    for name in arguments.fault:
        if name not in FAULTS:
            raise Unknown(f"there is no fault {name!r}; bin/chaos --list names them")
    if arguments.plant and arguments.plant not in (ALL, *PLANTS):
        raise Unknown(f"there is no plant {arguments.plant!r}; bin/chaos --list names them")


def run(arguments: argparse.Namespace, say: Callable[[str], None]) -> int:
    """The exit code."""
    if arguments.plant:
        return run_planted(arguments.plant, say)
    wanted = [FAULTS[name] for name in arguments.fault] or list(FAULTS.values())
    seed = secrets.randbelow(10**8) if arguments.seed is None else arguments.seed
    deadline = time.monotonic() + 60 * arguments.minutes if arguments.minutes else None
    rounds = arguments.rounds or (_WITHOUT_END if deadline else 10)
    return _run(seed, rounds, wanted, deadline, arguments.keep or _KEPT, say)


def tell_what_there_is(say: Callable[[str], None]) -> None:
    for fault in FAULTS.values():
        say(f"fault {fault.name:34} row {fault.row}")
    for name, plant in PLANTS.items():
        say(f"plant {name:34} {plant.bug}")


def _run(
    seed: int,
    rounds: int,
    wanted: Sequence[Fault],
    deadline: float | None,
    kept: Path,
    say: Callable[[str], None],
) -> int:
    begun = time.monotonic()
    many = f"{rounds} rounds" if rounds < _WITHOUT_END else "Rounds"
    say(f"{many} from seed {seed}: web, 2 workers, beat, PostgreSQL and Valkey")
    able = [fault for fault in wanted if _is_able(fault, say)]
    if not able:
        return INCONCLUSIVE
    report = Report(say, rounds, begun)
    site = Site(os.environ.get(PLANT, ""))
    try:
        site.start()
        for number, planned in enumerate(_plans(seed, rounds, deadline, able, report)):
            played = _play(site, planned)
            report.add(played)
            if played.violations:
                _tell(evidence.keep(site, played, kept), played, say)
            _tidy(site, played, number)
    finally:
        site.stop()
    report.close()
    return report.code()


def _plans(
    seed: int, rounds: int, deadline: float | None, able: Sequence[Fault], report: Report
) -> Iterator[Plan]:
    """The rounds asked for, and then by itself, a few times over, whatever has never bitten."""
    for at in range(rounds):
        if deadline is not None and time.monotonic() > deadline:
            break
        yield plan(seed + at, able)
    for at in range(rounds, rounds + AGAIN):
        for name in report.never_bit():
            yield plan(seed + at, [FAULTS[name]])


def _is_able(fault: Fault, say: Callable[[str], None]) -> bool:
    why = fault.needs()
    if why:
        say(f"skipped {fault.name}: {why}")
    return not why


def _play(site: Site, planned: Plan) -> Round:
    """The round; one that broke off counts as failed, and the next begins on a site made anew."""
    try:
        return play(site, planned)
    except Exception as error:
        why = f"the round broke off: {type(error).__name__}: {error}"
        return Round(planned, violations=(why, traceback.format_exc()), broke_off=True)


def _tell(kept: Path, played: Round, say: Callable[[str], None]) -> None:
    """The faults are named although the seed names them: a later version has others to draw."""
    named = "".join(f" --fault {planned.fault.name}" for planned in played.plan.faults)
    say(f"    evidence: {kept}")
    say(f"    again:    bin/chaos --seed {played.plan.seed} --rounds 1{named}")


def _tidy(site: Site, played: Round, number: int) -> None:
    """A broken database would fail every later round, and a long history slows `verify`."""
    ruined = played.broke_off or any(each.fault.ruins for each in played.plan.faults)
    if ruined or played.violations or (number + 1) % RENEW_EVERY == 0:
        site.renew(cluster=ruined)

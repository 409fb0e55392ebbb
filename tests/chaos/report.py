"""What a run says: a line for each round, one now and then of how far it is, and a summary."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from statistics import median

from tests.chaos.faults.fault import Fault
from tests.chaos.runner import Injected, Round

OK, BROKEN, INCONCLUSIVE = 0, 1, 3
PROGRESS_EVERY = 10
_SHOWN = 6


class Report:
    """The rounds so far."""

    def __init__(self, say: Callable[[str], None], planned: int, begun: float) -> None:
        self._say, self._planned, self._begun = say, planned, begun
        self.rounds = self.failed = self.asked = self.sent = self.unknown = 0
        self._drawn: Counter[str] = Counter()
        self._bites: Counter[str] = Counter()
        self._bitten: Counter[str] = Counter()
        self._met = 0
        self._branches: dict[str, Counter[str]] = defaultdict(Counter)
        self._settled: dict[str, list[float]] = defaultdict(list)
        self._faults: dict[str, Fault] = {}

    def add(self, played: Round) -> None:
        self.rounds += 1
        self.failed += bool(played.violations)
        self.sent += played.sent
        self.asked += played.asked
        self.unknown += played.unknown
        self._met += played.plan.meet
        for each in played.injected:
            self._count(each)
        self._say(_line(self.rounds, played))
        for violation in played.violations[:_SHOWN]:
            self._say(f"    {violation}")
        if len(played.violations) > _SHOWN:
            self._say(f"    … and {len(played.violations) - _SHOWN} more")
        if self.rounds % PROGRESS_EVERY == 0 and self.rounds < self._planned:
            self._say(self._progress())

    def _count(self, injected: Injected) -> None:
        fault, bite = injected.fault, injected.bite
        self._faults[fault.name] = fault
        self._drawn[fault.name] += 1
        self._bites[fault.name] += bite.happened
        self._bitten[fault.name] += bool(bite.happened)
        self._branches[fault.name].update(bite.branches)
        if injected.settled is not None:
            self._settled[fault.name].append(injected.settled)

    def never_bit(self) -> list[str]:
        return sorted(name for name in self._drawn if not self._bites[name])

    def code(self) -> int:
        if self.failed:
            return BROKEN
        return INCONCLUSIVE if self.never_bit() else OK

    def close(self) -> None:
        """The summary."""
        self._say("")
        self._say(f"{'fault':34}{'row':>4}{'drawn':>7}{'bit in':>8}{'bites':>7}   settled after")
        for name, fault in sorted(self._faults.items(), key=lambda item: (item[1].row, item[0])):
            self._say(self._of_fault(name, fault))
        hours = (time.monotonic() - self._begun) / 3600
        self._say("")
        self._say(
            f"{self.rounds} rounds, {self.failed} failed; {self.asked:,} requests in "
            f"{self.sent:,} sends, of which {self.unknown:,} without an answer; "
            f"{sum(self._bites.values()):,} bites, {self._met} rounds with faults at once; "
            f"{hours:.2f} hours"
        )
        if self.never_bit():
            self._say(f"Inconclusive: never bit: {', '.join(self.never_bit())}")

    def _of_fault(self, name: str, fault: Fault) -> str:
        settled = self._settled[name]
        times = f"{median(settled):5.2f} s, at most {max(settled):.2f} s" if settled else "-"
        met = ", ".join(f"{what} {n}" for what, n in sorted(self._branches[name].items()))
        line = (
            f"{name:34}{fault.row:>4}{self._drawn[name]:>7}{self._bitten[name]:>8}"
            f"{self._bites[name]:>7}   {times}"
        )
        return f"{line}   {met}" if met else line

    def _progress(self) -> str:
        spent = time.monotonic() - self._begun
        left = spent / self.rounds * (self._planned - self.rounds)
        return (
            f"-- {self.rounds} of {self._planned} rounds, {self.failed} failed, "
            f"{self.asked:,} requests, {spent / 60:.0f} min; about {left / 60:.0f} min to go"
        )


def _line(number: int, played: Round) -> str:
    sign = " + " if played.plan.meet else ", then "
    faults = sign.join(map(_fault, played.injected))
    verdict = "FAILED" if played.violations else "ok"
    if not played.violations and not any(each.bite.happened for each in played.injected):
        verdict = "inconclusive"
    stalled = f", machine stalled {played.stalled:.1f} s" if played.stalled > 1 else ""
    return (
        f"{number:4}  seed {played.plan.seed}  {faults}  |  {played.asked} asked, "
        f"{played.sent} sent, {played.accepted} accepted, {played.unknown} unknown, "
        f"drained {played.drained:.1f} s, {played.seconds:.1f} s{stalled}  {verdict}"
    )


def _fault(injected: Injected) -> str:
    bite = injected.bite
    if injected.error:
        return f"{injected.fault.name} x0 ({injected.error[:120]})"
    if not bite.happened:
        return f"{injected.fault.name} x0" + (f" ({bite.detail})" if bite.detail else "")
    return f"{injected.fault.name} x{bite.happened}"

"""What the clients saw, read back from their logs: outside the system and by one clock. Pure."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

NEVER = 0


class Seen(NamedTuple):
    """One request as its client saw it; nanoseconds, NEVER where something did not come."""

    clicked: int
    """When the student asked: what they wait from."""
    sent: int
    """When the bytes left that became the request: what its place in line may count from."""
    answered: int
    decided: int
    """When the decision was seen."""
    result: str = ""
    """What it was seen to be."""


@dataclass
class Evidence:
    """Everything the clients logged."""

    requests: dict[int, Seen] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    """POSTs by what they asked for."""
    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    """What was answered no, by code."""
    told_when: int = 0
    """Of those who came too early, how many were told when to come back."""
    shed: int = 0
    given_up: int = 0
    seconds: Counter[int] = field(default_factory=Counter)
    """POSTs by the second in which they left."""
    sends: list[int] = field(default_factory=list)

    @property
    def posts(self) -> int:
        return len(self.sends)

    def waits(self) -> list[float]:
        """From each send to when its decision was seen, in milliseconds."""
        return [
            (seen.decided - seen.clicked) / 1_000_000
            for seen in self.requests.values()
            if seen.decided != NEVER and seen.clicked != NEVER
        ]

    def between(self, begin: int, end: int) -> int:
        """POSTs that left in that time."""
        return sum(begin <= moment < end for moment in self.sends)


def read(paths: Iterable[Path]) -> Evidence:
    evidence = Evidence()
    for path in paths:
        with path.open(encoding="utf-8") as file:
            for line in file:
                _hear(evidence, json.loads(line))
    return evidence


def _hear(evidence: Evidence, told: dict[str, Any]) -> None:
    if "seen" in told:
        seen = Seen(NEVER, NEVER, NEVER, told["at"], told["result"])
        _merge(evidence.requests, told["seen"], seen)
    elif "shed" in told:
        evidence.shed += 1
        _count_send(evidence, told["at"])
    elif told["status"] == 0:
        evidence.given_up += 1
    else:
        _answered(evidence, told)


def _answered(evidence: Evidence, told: dict[str, Any]) -> None:
    evidence.kinds[told["kind"]] += 1
    evidence.statuses[told["status"]] += 1
    _count_send(evidence, told["sent"])
    if told["status"] >= 400:
        evidence.codes[told.get("code", str(told["status"]))] += 1
        evidence.told_when += "opens_at" in told
    for request in told["requests"]:
        seen = Seen(told["clicked"], told["sent"], told["answered"], NEVER)
        _merge(evidence.requests, request, seen)


def _count_send(evidence: Evidence, moment: int) -> None:
    evidence.sends.append(moment)
    evidence.seconds[moment // 1_000_000_000] += 1


def _merge(requests: dict[int, Seen], request: int, seen: Seen) -> None:
    """Several lines may name a request (a double click, a retry): the first of each counts."""
    known = requests.get(request)
    if known is None:
        requests[request] = seen
    else:
        requests[request] = Seen(
            _earlier(known.clicked, seen.clicked),
            _earlier(known.sent, seen.sent),
            _earlier(known.answered, seen.answered),
            _earlier(known.decided, seen.decided),
            known.result or seen.result,
        )


def _earlier(one: int, other: int) -> int:
    return min(one, other) if one and other else one or other

"""One round: set the stage, storm it under faults, heal, drain, and look whether all holds."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.db import connection, connections

from enrollment import invariants
from tests.chaos import demand, history
from tests.chaos.clients import Clients
from tests.chaos.faults.fault import Bite, Fault
from tests.chaos.history import Row
from tests.chaos.plan import Plan
from tests.chaos.processes import NotReady
from tests.chaos.site import Site, wait_until
from tests.chaos.stage import Stage, build_stage, close_stage

_AHEAD_SECONDS = 1.8
"""From the writing of the stage to its storm: web processes may go by what they knew of windows
for a second."""
DRAIN_SECONDS = 30.0
"""The longest a round waits for the backlog to be gone."""


class Injected(NamedTuple):
    """A fault that was put in, and what came of it."""

    fault: Fault
    bite: Bite
    begun: float
    ended: float
    """By the wall clock, from before it was put in until it was healed."""
    error: str = ""
    settled: float | None = None
    """Seconds from its bite, or its end, until all that waited then was decided; None when
    another fault came in between, or it did not bite."""


class Round(NamedTuple):
    """What a round was and what is wrong with it."""

    plan: Plan
    injected: tuple[Injected, ...] = ()
    asked: int = 0
    """Requests, each sent until its answer stood."""
    sent: int = 0
    accepted: int = 0
    unknown: int = 0
    drained: float = 0.0
    """Seconds from the healing until everybody had an answer and every request its outcome."""
    seconds: float = 0.0
    stalled: float = 0.0
    """The longest the harness itself was kept from running: this machine's fault."""
    violations: tuple[str, ...] = ()
    broke_off: bool = False
    """The harness could not go on."""


def play(site: Site, plan: Plan) -> Round:
    """Play one round on a site that is whole. Whatever happens, it is healed afterwards."""
    begun = time.monotonic()
    path = site.folder / f"history-{plan.seed}.jsonl"
    wrong: list[str] = []
    with _Pulse() as pulse:
        edge_in = _AHEAD_SECONDS + plan.storm * demand.EDGE
        stage = build_stage(random.Random(f"stage {plan.seed}"), edge_in)
        site.stage, site.clients = stage, Clients(stage, site.url, path)
        try:
            injected = _storm(site, plan)
            drained = _heal_and_drain(site, plan, wrong)
            site.clients.look()
        finally:
            site.clients.close()
        told = history.read(path)
        wrong += _look(stage, told, plan)
        injected = _measured(stage, injected)
        wrong += _late(injected, pulse.longest)
        wrong += [f"{i.fault.name}: {each}" for i in injected for each in i.bite.violations]
        close_stage(stage)
    statuses = [send.status for send in told.sends]
    return Round(
        plan,
        tuple(injected),
        site.clients.asked,
        len(statuses),
        sum(status in (200, 202) for status in statuses),
        statuses.count(history.UNKNOWN),
        drained,
        time.monotonic() - begun,
        pulse.longest,
        tuple(wrong),
    )


# Safety under faults --------------------------------------------------------------------------


def _storm(site: Site, plan: Plan) -> list[Injected]:
    begins = site.stage.edge_opens_at.timestamp() - plan.storm * demand.EDGE
    time.sleep(max(0.0, begins - time.time()))
    deeds = demand.deeds(random.Random(f"demand {plan.seed}"), plan.storm)
    nemesis = _Nemesis(site, plan)
    nemesis.start()
    site.clients.storm(deeds)
    return nemesis.finish()


class _Nemesis:
    """Puts the faults in, one after the other or all at once."""

    def __init__(self, site: Site, plan: Plan) -> None:
        self._site, self._plan = site, plan
        self._injected: dict[int, Injected] = {}
        groups = [[n] for n in range(len(plan.faults))] if plan.meet else [range(len(plan.faults))]
        self._threads = [
            threading.Thread(target=self._run, args=[group], daemon=True) for group in groups
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self) -> list[Injected]:
        for thread in self._threads:
            thread.join()
        return [self._injected[number] for number in sorted(self._injected)]

    def _run(self, numbers: "range | list[int]") -> None:
        for number in numbers:
            planned = self._plan.faults[number]
            time.sleep(planned.at)
            chance = random.Random(f"fault {self._plan.seed} {number}")
            error, begun = "", time.time()
            try:
                bite = planned.fault.inject(self._site, chance)
            except Exception as raised:
                # Another fault may have taken away what this one needs.
                bite, error = Bite(0), _in_a_line(raised)
            finally:
                connections.close_all()
            self._injected[number] = Injected(planned.fault, bite, begun, time.time(), error)


def _in_a_line(error: Exception) -> str:
    words = str(error).strip().splitlines()
    return f"{type(error).__name__}: {words[0] if words else ''}"


# Liveness after healing -----------------------------------------------------------------------


def _heal_and_drain(site: Site, plan: Plan, wrong: list[str]) -> float:
    """Seconds from the healing until everybody has an answer and every request its outcome."""
    try:
        site.heal()
    except NotReady as error:
        wrong.append(f"not live: {error}")
    healed = time.monotonic()
    connections.close_all()
    site.clients.finish(DRAIN_SECONDS)
    if not wait_until(lambda: not _pending(site), DRAIN_SECONDS):
        wrong.append(f"not live: {_pending(site)} requests undecided {DRAIN_SECONDS:.0f} s after")
    return time.monotonic() - healed


def _pending(site: Site) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pending")
        count: int = cursor.fetchone()[0]
        return count


_WAITED = """
SELECT extract(epoch FROM max(s.decided_at))
FROM requests r JOIN outcomes o ON o.request_id = r.id JOIN settlements s ON s.id = o.settlement_id
WHERE r.term_id = %(term)s AND r.accepted_at <= to_timestamp(%(moment)s)
  AND s.decided_at > to_timestamp(%(moment)s)
"""


def _measured(stage: Stage, injected: Sequence[Injected]) -> list[Injected]:
    return [
        each._replace(settled=_settled(stage, each, [o for o in injected if o is not each]))
        for each in injected
    ]


def _settled(stage: Stage, injected: Injected, others: Sequence[Injected]) -> float | None:
    """How long it took, where no other fault can have been the reason."""
    moment = injected.bite.at or injected.ended
    with connection.cursor() as cursor:
        cursor.execute(_WAITED, {"term": stage.term, "moment": moment})
        last = float(cursor.fetchone()[0] or moment)
    alone = all(other.ended < moment or other.begun > last for other in others)
    tells_time = not any(each.fault.skews_clock for each in (injected, *others))
    return last - moment if injected.bite.happened and alone and tells_time else None


def _late(injected: Sequence[Injected], stalled: float) -> Iterator[str]:
    for each in injected:
        if each.settled is not None and each.settled > each.fault.live + stalled:
            yield (
                f"not live: {each.fault.name} was settled after {each.settled:.1f} s, "
                f"promised are {each.fault.live:.0f}"
            )


# What must hold -------------------------------------------------------------------------------


_ROWS = """
SELECT r.id, r.actor, r.key, r.kind, coalesce(r.student_id, 0), r.offerings,
       array_agg(ARRAY[o.settlement_id::text, o.result]) FILTER (WHERE o.request_id IS NOT NULL)
FROM requests r LEFT JOIN outcomes o ON o.request_id = r.id
WHERE r.term_id = %s GROUP BY r.id
"""


def _rows(stage: Stage) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [stage.term])
        return [
            Row(
                id_,
                actor,
                key,
                kind,
                student,
                tuple(offerings),
                tuple((int(settlement), result) for settlement, result in outcomes or ()),
            )
            for id_, actor, key, kind, student, offerings, outcomes in cursor.fetchall()
        ]


def _look(stage: Stage, told: history.History, plan: Plan) -> Iterator[str]:
    for finding in invariants.run(connection):
        if finding.count:
            examples = "; ".join(example[:200] for example in finding.examples[:2])
            yield f"verify: {finding.name}: {finding.count} ({examples})"
    skewed = any(each.fault.skews_clock for each in plan.faults)
    edge = None if skewed else stage.edge_opens_at.timestamp()
    yield from history.violations(told, _rows(stage), edge)


class _Pulse:
    """How long this process is kept waiting by the machine, as far as it can tell itself."""

    _BEAT = 0.1

    def __init__(self) -> None:
        self.longest = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "_Pulse":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        before = time.monotonic()
        while not self._over.wait(self._BEAT):
            now = time.monotonic()
            self.longest = max(self.longest, now - before - self._BEAT)
            before = now

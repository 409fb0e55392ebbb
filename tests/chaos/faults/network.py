"""Row 28: wires cut, half-opened, passing one way only, or slow, between any two of the parts."""

import random
import time
from collections.abc import Callable
from typing import Any

from tests.chaos.faults.fault import Bite, Fault
from tests.chaos.faults.redis import LOST
from tests.chaos.faults.traces import Answers, Logs
from tests.chaos.processes import Process
from tests.chaos.proxy import Link
from tests.chaos.site import Site, wait_until

_LOCKS_SECONDS = 5.0
"""After so long without its client a settlement holds no lock any more."""
_HOLDS = """
SELECT count(*) FROM pg_stat_activity
WHERE usename = 'reg_worker' AND pid = %s AND xact_start IS NOT NULL
"""
_SETTLING = """
SELECT pid FROM pg_stat_activity
WHERE usename = 'reg_worker' AND state = 'idle in transaction'
  AND state_change < clock_timestamp() - interval '0.05 s'
"""


def cut(link: Link, chance: random.Random) -> str:
    """Hold everything, or one direction; what that is called."""
    way = chance.choice(["both ways", "up", "down"])
    if way == "both ways":
        link.cut()
    else:
        link.one_way("down" if way == "up" else "up")
    return way


def _traffic(link: Link) -> int:
    """How often the link has stood in the way of somebody."""
    return sum(link.seen[name] for name in ("held", "orphaned", "reset", "slowed"))


# Worker and Redis, web and Redis --------------------------------------------------------------


def part_from_redis(site: Site, chance: random.Random) -> Bite:
    """One program cannot reach Redis any more; its POSTs, if it takes any, must not notice."""
    process = chance.choice([*site.workers, site.web])
    link = site.link(process.name, "redis")
    logs, answers, before = Logs(process), Answers(site), _traffic(link)
    way = cut(link, chance)
    time.sleep(chance.uniform(2.5, 4.0))
    link.heal()
    held = _traffic(link) - before
    detail = f"{process.name} {way}: {held} held, {logs.count(LOST)} calls failed"
    return Bite(held, detail, answers.too_slow(), frozenset({f"{process.name} {way}"}))


# Worker and PostgreSQL ------------------------------------------------------------------------


def part_from_database(site: Site, chance: random.Random) -> Bite:
    """A worker is cut off in the middle of a settlement, which the server ends within seconds;
    what the worker still says, once healed, is refused."""
    worker = chance.choice(site.workers)
    link = site.link(worker.name, "postgres")
    with site.owner() as cursor:
        held_back = site.arm("settle.mid_batch", "sleep:0.6", process=worker.name)
        if not held_back.wait(1, 4.0):
            return Bite(0, f"{worker.name} settled nothing")
        wait_until(lambda: _settling(cursor), 0.3)
        backends = _settling(cursor)
        way = cut(link, chance)
        cut_at = time.monotonic()
        freed = wait_until(lambda: not any(_busy(cursor, pid) for pid in backends), 9.0)
        seconds = time.monotonic() - cut_at
    time.sleep(chance.uniform(0.2, 1.0))
    link.heal()
    late = f"locks of a worker cut off ({way}) were held for {seconds:.1f} s"
    broken = (late,) if backends and (not freed or seconds > _LOCKS_SECONDS) else ()
    detail = f"{worker.name} {way}: locks free after {seconds:.1f} s"
    return Bite(len(backends), detail, broken, frozenset({way}))


def _settling(cursor: Any) -> list[int]:
    cursor.execute(_SETTLING)
    return [pid for (pid,) in cursor.fetchall()]


def _busy(cursor: Any, pid: int) -> bool:
    cursor.execute(_HOLDS, [pid])
    return bool(cursor.fetchone()[0])


# Web and PostgreSQL ---------------------------------------------------------------------------


def part_web_from_database(site: Site, chance: random.Random) -> Bite:
    """Requests wait for the wire, or are told 503; what was answered is there, and no more."""
    link = site.link("web", "postgres")
    before = _traffic(link)
    way = cut(link, chance)
    time.sleep(chance.uniform(2.0, 3.5))
    link.heal()
    held = _traffic(link) - before
    return Bite(held, f"{way}: {held} held", branches=frozenset({way}))


# Any wire -------------------------------------------------------------------------------------


def half_open(site: Site, chance: random.Random) -> Bite:
    """The servers have ended connections of a program that goes on believing in them."""
    process = chance.choice([*site.workers, site.web, site.beat])
    service = chance.choice(["postgres", "redis"])
    link = site.link(process.name, service)
    before = link.seen["orphaned"]
    link.half_open()
    time.sleep(chance.uniform(2.0, 3.5))
    link.heal()
    orphaned = link.seen["orphaned"] - before
    wire = f"{process.name} - {service}"
    return Bite(orphaned, f"{wire}: {orphaned} connections", branches=frozenset({wire}))


def reset(site: Site, chance: random.Random) -> Bite:
    """Every connection of a random wire is reset, ten times."""
    wires = _wires(site)
    before = sum(link.seen["reset"] for link in wires)
    for _ in range(10):
        chance.choice(wires).reset()
        time.sleep(chance.uniform(0.1, 0.4))
    happened = sum(link.seen["reset"] for link in wires) - before
    return Bite(happened, f"{happened} connections reset")


def refuse(site: Site, chance: random.Random) -> Bite:
    """A program is turned away wherever it knocks: resets, then refusals."""
    process = chance.choice([*site.workers, site.web])
    link = site.link(process.name, chance.choice(["postgres", "redis"]))
    before = link.seen["reset"]
    link.refuse()
    time.sleep(chance.uniform(1.5, 3.0))
    link.heal()
    return Bite(link.seen["reset"] - before, f"{process.name} turned away")


def slow(site: Site, chance: random.Random) -> Bite:
    """A thin wire between two parts, in both directions."""
    link = chance.choice(_wires(site))
    before = link.seen["slowed"]
    link.slow(chance.choice([5_000, 20_000, 100_000]))
    time.sleep(chance.uniform(2.0, 3.5))
    link.heal()
    slowed = link.seen["slowed"] - before
    return Bite(slowed, f"{slowed} messages slowed down")


def _wires(site: Site) -> list[Link]:
    programs: list[Process] = [site.web, *site.workers, site.beat]
    return [
        site.link(program.name, service)
        for program in programs
        for service in ("postgres", "redis")
    ]


_FAULTS: tuple[tuple[str, Callable[[Site, random.Random], Bite], float], ...] = (
    ("parted-from-redis", part_from_redis, 4.0),
    ("worker-parted-from-postgres", part_from_database, 6.0),
    ("web-parted-from-postgres", part_web_from_database, 3.5),
    ("half-open", half_open, 3.5),
    ("connections-reset", reset, 3.0),
    ("connections-refused", refuse, 3.0),
    ("slow-wire", slow, 3.5),
)
# Alone: its answers wait for the wire, longer than what others promise of theirs.
_ALONE = frozenset({"web-parted-from-postgres"})
FAULTS = tuple(
    Fault(name, 28, inject, seconds=seconds, alone=name in _ALONE)
    for name, inject, seconds in _FAULTS
)

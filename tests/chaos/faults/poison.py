"""Row 26: a request that ruins whoever decides it. Its neighbours settle, and it ends as well."""

import random
import time
from collections.abc import Callable
from math import ceil, log2

from tests.chaos.faults.fault import Bite, Fault
from tests.chaos.faults.traces import one
from tests.chaos.poisoned import IN_WRITING, WAYS, Poison
from tests.chaos.site import LIMITS, Site, wait_until

_PATIENCE = 25.0
"""Seconds in which a poisonous request must come to its end, on a busy machine."""
_DEATHS_ALONE = 3
_LAST = "SELECT last_value FROM requests_id_seq"
_IS_THERE = "SELECT EXISTS (SELECT FROM requests WHERE id = %s)"
_OUTCOME = "SELECT result FROM outcomes WHERE request_id = %s"
_FAILED = "SELECT count(*) FROM outcomes WHERE result = 'FAILED_INTERNAL' AND request_id <> %s"


def _poisoned_by(way: str) -> Callable[[Site, random.Random], Bite]:
    def inject(site: Site, chance: random.Random) -> Bite:
        poison = Poison(site.folder)
        site.undo(poison.over)
        failed = int(one(site, _FAILED, 0))
        bitten = len(poison.bites())
        request = _one_to_come(site, poison, way, chance)
        if not request:
            return Bite(0, "no request came")
        begun = time.monotonic()
        wait_until(lambda: one(site, _OUTCOME, request), _PATIENCE)
        seconds = time.monotonic() - begun
        poison.over()
        bites = len(poison.bites()) - bitten
        broken = _broken(site, way, request, bites, failed)
        return Bite(bites, f"request {request}: {bites} times, {seconds:.1f} s", broken)

    return inject


def _one_to_come(site: Site, poison: Poison, way: str, chance: random.Random) -> int:
    """Poison a request that has not been sent yet; 0 when none was accepted under that id."""
    for _ in range(5):
        request = _drawn(site) + chance.randint(2, 8)
        poison.be(way, [request])
        if _comes(site, request):
            return request
    return 0


def _comes(site: Site, request: int) -> bool:
    """Whether the id is drawn, and becomes a request."""
    wait_until(lambda: _drawn(site) >= request, 2.0)
    return wait_until(lambda: one(site, _IS_THERE, request), 0.5)


def _drawn(site: Site) -> int:
    return int(one(site, _LAST))


def _broken(site: Site, way: str, request: int, bites: int, failed: int) -> tuple[str, ...]:
    found = []
    result = one(site, _OUTCOME, request)
    if result != "FAILED_INTERNAL":
        found.append(f"request {request} was poison ({way}) and became {result}")
    if int(one(site, _FAILED, request)) != failed:
        found.append(f"others failed with the poisonous request {request}")
    most = ceil(log2(int(LIMITS["REGISTRAR_SETTLE_BATCH"]))) + _DEATHS_ALONE
    if way in IN_WRITING and bites > most:
        found.append(f"request {request} was tried {bites} times, and {most} should do")
    return tuple(found)


def without_memory(site: Site, chance: random.Random) -> Bite:
    """A settlement that runs out of memory outside of any request's decision: Celery's worker
    itself ends on that (F5)."""
    points = ("settle.after_lock", "settle.after_read", "settle.mid_batch", "settle.before_commit")
    starts = sum(worker.starts for worker in site.workers)
    armed = site.arm(chance.choice(points), "raise:MemoryError", times=chance.randint(1, 2))
    armed.wait(2, chance.uniform(2.0, 3.5))
    fired = len(armed.fired())
    ended = sum(worker.starts for worker in site.workers) - starts
    return Bite(fired, f"{fired} MemoryErrors, {ended} workers ended")


FAULTS = (
    *(
        Fault(f"poison-{way.replace(' ', '-')}", 26, _poisoned_by(way), seconds=12.0)
        for way in WAYS
    ),
    Fault("settlement-without-memory", 26, without_memory, live=15.0),
)

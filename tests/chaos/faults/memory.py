"""Row 33: a worker that may have no more memory, and a backend that the kernel has killed."""

import os
import random
import resource
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.chaos.faults.fault import Bite, Fault
from tests.chaos.faults.postgres import BUSY, SESSIONS, pids
from tests.chaos.faults.traces import Logs, server_log
from tests.chaos.processes import Process
from tests.chaos.site import Site, wait_until

_WORDS = ("MemoryError", "out of memory", "Cannot allocate memory", "can't start new thread")
_UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def starve(site: Site, chance: random.Random) -> Bite:
    """The children of a worker may map no more than they have, so the next that asks is refused.

    RLIMIT_AS from outside, on processes that run: those started afterwards have no limit.
    """
    worker = chance.choice(site.workers)
    logs = Logs(worker)
    children = worker.children()

    def lift() -> None:
        for pid in children:
            _limit(pid, _UNLIMITED)

    site.undo(lift)
    for pid in children:
        _limit(pid, (_mapped(pid) // 2, resource.RLIM_INFINITY))
    until = time.monotonic() + chance.uniform(2.5, 4.0)
    while time.monotonic() < until:
        time.sleep(0.1)
    lift()
    said = sum(logs.count(words) for words in _WORDS)
    gone = len(set(children) - set(worker.children()))
    return Bite(said + gone, f"{said} refusals and {gone} deaths in {worker.name}")


def _limit(pid: int, limits: tuple[int, int]) -> None:
    with suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_AS, limits)


def _mapped(pid: int) -> int:
    """Bytes of its address space; 0 when it has gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def kill_child(site: Site, chance: random.Random) -> Bite:
    """What the kernel's OOM killer does to the largest: SIGKILL to one child, not to its parent."""
    killed = 0
    until = time.monotonic() + chance.uniform(2.0, 3.5)
    while time.monotonic() < until:
        time.sleep(chance.uniform(0.2, 0.8))
        killed += _kill_one(chance.choice([*site.workers, site.web]), chance)
    return Bite(killed, f"{killed} children killed")


def _kill_one(process: Process, chance: random.Random) -> bool:
    children = process.children()
    if not children:
        return False
    victim = chance.choice(children)
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    return wait_until(lambda: victim not in process.children(), 1.0)


def kill_backend(site: Site, chance: random.Random) -> Bite:
    """SIGKILL to one backend at work: the server throws out all the others and recovers."""
    log = server_log(site)
    killed = 0
    with site.owner() as cursor:
        wait_until(lambda: pids(cursor, BUSY), 2.0)
        for victim in pids(cursor, BUSY)[:1] or pids(cursor, SESSIONS)[:1]:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
                killed += 1
    log.wait("ready to accept connections", 10.0)
    crashes = log.count("was terminated by signal 9")
    return Bite(crashes, f"{killed} killed, {crashes} recoveries of the server")


FAULTS = (
    Fault("worker-out-of-memory", 33, starve),
    Fault("child-killed", 33, kill_child),
    Fault("backend-killed", 33, kill_backend),
)

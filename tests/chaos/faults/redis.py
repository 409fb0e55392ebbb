"""Rows 5 to 7: Redis dies, forgets, goes away, stops answering, is full, or would evict."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress

from redis import Redis

from tests.chaos.faults.fault import Bite, Fault
from tests.chaos.faults.traces import Answers, Logs
from tests.chaos.processes import ROOT, Process
from tests.chaos.site import Site

LOST = "mailbox.failed"
"""What every program says when Redis did not do its part within the budget."""
_REFUSED_SECONDS = 30


def kill(site: Site, chance: random.Random) -> Bite:
    """Three deaths at random points, each time back and empty."""
    killed = 0
    for _ in range(3):
        time.sleep(chance.uniform(0.1, 1.0))
        before = site.redis.pid
        site.redis.kill()
        time.sleep(chance.choice([0.0, 0.05, 0.3]))
        site.redis.start(empty=True)
        killed += before is not None and site.redis.pid not in (None, before)
    return Bite(killed, f"{killed} deaths, empty each time")


def empty(site: Site, chance: random.Random) -> Bite:
    """FLUSHALL or FLUSHDB at three random points; it bites when there was something to lose."""
    bites = lost = 0
    for _ in range(3):
        time.sleep(chance.uniform(0.1, 1.0))
        keys = _emptied(site.mailbox(), everywhere=chance.random() < 0.5)
        bites += keys > 0
        lost += keys
    return Bite(bites, f"{lost} keys lost")


def _emptied(redis: Redis, *, everywhere: bool) -> int:
    """How many keys there were at the instant they went."""
    with redis.pipeline(transaction=True) as pipe:
        pipe.dbsize()
        if everywhere:
            pipe.flushall()
        else:
            pipe.flushdb()
        return int(pipe.execute()[0])


def take_away(site: Site, chance: random.Random) -> Bite:
    """Killed and not back for seconds: connections are refused."""
    logs, answers = Logs(*site.processes), Answers(site)
    site.redis.kill()
    time.sleep(chance.uniform(2.5, 4.0))
    site.redis.start(empty=chance.random() < 0.5)
    return _without_redis(logs, answers)


def wedge(site: Site, chance: random.Random) -> Bite:
    """Stopped: the kernel still takes connections for it, and nobody answers."""
    logs, answers = Logs(*site.processes), Answers(site)
    site.redis.pause()
    time.sleep(chance.uniform(2.5, 4.0))
    site.redis.resume()
    return _without_redis(logs, answers)


def stutter(site: Site, chance: random.Random) -> Bite:
    """Stopped for about the mailbox's budget, over and over: any call of any script may be hit."""
    logs, answers = Logs(*site.processes), Answers(site)
    pauses = 12
    for _ in range(pauses):
        site.redis.pause()
        time.sleep(chance.uniform(0.05, 0.2))
        site.redis.resume()
        time.sleep(chance.uniform(0.02, 0.2))
    return _without_redis(logs, answers)


def fill(site: Site, chance: random.Random) -> Bite:
    """No memory left, and nothing may be evicted: it answers, and refuses every write."""
    redis = site.mailbox()

    def release() -> None:
        site.mailbox().config_set("maxmemory", "0")

    site.undo(release)
    before = _refusals(redis)
    redis.config_set("maxmemory", "1")
    time.sleep(chance.uniform(2.5, 4.0))
    refused = _refusals(redis) - before
    release()
    return Bite(refused, f"{refused} writes refused for want of memory")


def _refusals(redis: Redis) -> int:
    """Writes that the server refused because it was full."""
    errors = redis.info("errorstats").get("errorstat_OOM", {})
    return int(errors.get("count", 0))


def _without_redis(logs: Logs, answers: Answers) -> Bite:
    failed = logs.count(LOST)
    return Bite(failed, f"{failed} calls of the mailbox failed", answers.too_slow())


# Row 7, the other half: a policy under which queues vanish ------------------------------------


def evict(site: Site, chance: random.Random) -> Bite:
    """A Redis that may evict: programs that start then say so and end; those that run go on."""
    redis = site.mailbox()
    policy = chance.choice(["allkeys-lru", "allkeys-random", "volatile-lru"])

    def restore() -> None:
        site.mailbox().config_set("maxmemory-policy", "noeviction")

    site.undo(restore)
    redis.config_set("maxmemory-policy", policy)
    starts = [site.workers[0], site.beat, site.web]
    broken = [f"{p.name} starts on {policy}" for p in starts if not _refuses(p)]
    restore()
    return Bite(len(starts), f"{len(starts)} programs started on {policy}", tuple(broken))


def _refuses(like: Process) -> bool:
    """Whether another one of this program ends by itself, and says what it wants instead."""
    command = [part.replace(f"{like.name}@", "evicted@") for part in like.command]
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=like.environ,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            code = child.wait(_REFUSED_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        said.seek(0)
        return code != 0 and b"noeviction" in said.read()


FAULTS = (
    Fault("redis-killed", 5, kill, alone=True),
    Fault("redis-emptied", 5, empty),
    Fault("redis-down", 6, take_away, alone=True),
    Fault("redis-wedged", 6, wedge),
    Fault("redis-stutters", 6, stutter),
    Fault("redis-full", 7, fill),
    # Alone: who cannot reach Redis cannot see that it evicts, and starts.
    Fault("redis-evicting", 7, evict, alone=True, seconds=12.0),
)

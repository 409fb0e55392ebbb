"""Rows 1-4, 13, 14, 21, 22, 29, 32: programs are killed, frozen, held up and restarted."""

import random
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import combinations
from typing import Any

import psycopg2
from django.db import DatabaseError, connections

from enrollment.settlement import settle
from tests.chaos.failpoints import Fired
from tests.chaos.faults.fault import Bite, Fault
from tests.chaos.processes import Process
from tests.chaos.site import Site, wait_until
from tests.chaos.stage import Course

FROZEN_SECONDS = 3.5
"""Longer than the 2 s after which the server ends a transaction that idles."""
_PATIENCE = 3.0
_HOLDING = ("settle.after_lock", "settle.after_read", "settle.mid_batch", "settle.before_commit")


def at(point: str, *, program: str = "") -> Callable[[Site, random.Random], Bite]:
    """Kill -9 whoever comes to that failpoint next: the process itself, or all of its program."""

    def inject(site: Site, chance: random.Random) -> Bite:
        action = "kill9" if program or chance.random() < 0.6 else "kill9:group"
        armed = site.arm(point, action, process=program or None)
        fired = armed.wait(1, _PATIENCE)
        armed.disarm()
        return Bite(len(fired), f"{action} of {_who(fired)}", at=fired[0].at if fired else 0.0)

    return inject


def _who(fired: Sequence[Fired]) -> str:
    return ", ".join(f"{each.process} at {each.point}" for each in fired) or "nobody"


def kill_in_pop_window(site: Site, chance: random.Random) -> Bite:
    """Workers' main processes stop while they wait for a message; what Redis hands them is gone."""
    for worker in site.workers:
        site.undo(worker.resume)
    lost = next((n for _ in range(_TRIES) if (n := _lose_messages(site, chance))), 0)
    for worker in site.workers:
        worker.kill()
    for worker in site.workers:
        worker.start(wait=False)
    for worker in site.workers:
        worker.wait_until_ready()
    return Bite(lost, f"{lost} messages in the hands of stopped workers")


_TRIES = 3


def _lose_messages(site: Site, chance: random.Random) -> int:
    """Stop the workers' main processes; how many messages Redis has given them since.

    None when both had work in hand and asked for no more: then they go on, to finish it.
    """
    before = _handed_over(site)
    for worker in site.workers:
        worker.pause(children=False)
    if wait_until(lambda: _handed_over(site) > before, 1.0):
        time.sleep(chance.uniform(0.0, 0.2))
        return _handed_over(site) - before
    for worker in site.workers:
        worker.resume()
    time.sleep(0.2)
    return 0


def _handed_over(site: Site) -> int:
    """Messages ever published, less those that lie in a queue."""
    redis = site.mailbox()
    pushed: Any = redis.info("commandstats").get("cmdstat_lpush", {"calls": 0})
    return int(pushed["calls"]) - sum(int(redis.llen(name)) for name in ("settle", "default"))


def crowd_of_settlers(site: Site, chance: random.Random) -> Bite:
    """Eight settlers want one hot course: both workers, slow while they hold it, and six of ours
    that try again and again."""
    slow = chance.uniform(0.1, 0.3)
    armed = site.arm("settle.after_lock", f"sleep:{slow:.2f}", times=30)
    over = time.monotonic() + 3.0
    hot = [site.stage.courses[0]] * _CROWD
    with ThreadPoolExecutor(_CROWD) as crowd:
        decided = list(crowd.map(lambda course: _settle_until(over, course), hot))
    armed.disarm()
    fired = armed.fired()
    return Bite(
        min(len(fired), sum(decided)),
        f"{len(fired)} slow settlements, {sum(decided)} requests decided between them",
        violations=tuple(_overlaps(fired, slow)),
    )


_CROWD = 6


def _settle_until(over: float, course: Course) -> int:
    """A settler of one course without Celery around it; how many requests it decided."""
    decided = 0
    try:
        while time.monotonic() < over:
            decided += settle([course.offering]).decided
            time.sleep(0.02)
    except DatabaseError:
        pass  # another fault has the database; the others go on
    finally:
        connections.close_all()
    return decided


def _overlaps(fired: Sequence[Fired], seconds: float) -> list[str]:
    """Two who held one offering at the same time, as their own log tells it."""
    return [
        f"{one.process} {one.pid} and {two.process} {two.pid} both held {sorted(both)}"
        for one, two in combinations(fired, 2)
        if one.pid != two.pid
        and abs(one.at - two.at) < seconds * 0.9
        and (both := set(one.facts["held"]) & set(two.facts["held"]))
    ]


def settlers_meet_at_students(site: Site, chance: random.Random) -> Bite:
    """Settlers of different courses, the workers slow while they hold students whom the others
    want."""
    armed = site.arm("settle.after_read", f"sleep:{chance.uniform(0.2, 0.4):.2f}", times=20)
    over = time.monotonic() + 3.0
    with ThreadPoolExecutor(_OTHERS) as others:
        for course in site.stage.courses[:_OTHERS]:
            others.submit(_settle_until, over, course)
        waited = _looks_at_waiters(site, over)
    armed.disarm()
    slowed = len(armed.fired())
    return Bite(min(waited, slowed), f"{slowed} slow settlements, {waited} looks found one waiting")


_OTHERS = 3


def _looks_at_waiters(site: Site, over: float) -> int:
    """In how many looks somebody waited for a student whom another settlement held."""
    waited = 0
    # Another fault may take the database away; what was seen until then counts.
    with suppress(psycopg2.Error), site.owner() as cursor:
        while time.monotonic() < over:
            cursor.execute(_WAITS_FOR_STUDENT)
            waited += cursor.fetchone()[0] > 0
            time.sleep(0.03)
    return waited


# Whoever waits for a row that another transaction holds has a lock of its own on it meanwhile.
_WAITS_FOR_STUDENT = """
SELECT count(*) FROM pg_locks WHERE locktype = 'tuple' AND relation = 'student_terms'::regclass
"""


def freeze(site: Site, chance: random.Random) -> Bite:
    """Stop a settler while it holds its locks, let others go on, and wake it up again."""
    armed = site.arm(chance.choice(_HOLDING), "stop")
    fired = armed.wait(1, _PATIENCE)
    armed.disarm()
    if not fired:
        return Bite(0, "no settlement came by")
    worker = site.process(fired[0].process)
    site.undo(worker.resume)
    time.sleep(FROZEN_SECONDS)
    wrong = _still_held(site, fired[0])
    worker.resume()
    return Bite(1, _who(fired), wrong, at=fired[0].at)


def _still_held(site: Site, fired: Fired) -> tuple[str, ...]:
    """Whether anybody's transaction is as old as the one that was frozen."""
    try:
        with site.owner() as cursor:
            cursor.execute(_OLD, [fired.at])
            count = cursor.fetchone()[0]
    except psycopg2.Error:
        return ()  # another fault has the database, and nobody holds anything in it
    return (f"{count} transactions outlived the freezing of their client",) if count else ()


_OLD = """
SELECT count(*) FROM pg_stat_activity
WHERE usename = 'reg_worker' AND xact_start < to_timestamp(%s)
  AND state = 'idle in transaction' AND now() - state_change > interval '3 s'
"""


def restart_one_by_one(site: Site, chance: random.Random) -> Bite:
    """TERM, as a deployment sends it, sometimes five of them; each must end by itself."""
    wrong: list[str] = []
    programs = chance.sample([site.web, *site.workers], 2)
    for program in programs:
        wrong += _restart(program, chance)
    return Bite(len(programs), " and ".join(each.name for each in programs), tuple(wrong))


def _restart(program: Process, chance: random.Random) -> list[str]:
    storm = chance.choice((1, 1, 5))
    number = chance.choice((signal.SIGTERM, signal.SIGTERM, signal.SIGQUIT))
    if number == signal.SIGQUIT and program.name == "web":
        number = signal.SIGTERM
    program.wanted = False
    for _ in range(storm):
        program.signal(number, children=False)
        time.sleep(0.05)
    ended = program.ends_within(_DRAIN_SECONDS)
    program.kill()
    program.start()
    if ended:
        return []
    return [f"{program.name} went on {_DRAIN_SECONDS:.0f} s after {number.name} x{storm}"]


_DRAIN_SECONDS = 12.0


_ROWS: tuple[tuple[str, int, str, str], ...] = (
    ("worker-killed-mid-batch", 1, "settle.mid_batch", ""),
    ("worker-killed-before-commit", 2, "settle.before_commit", ""),
    ("worker-killed-after-commit", 3, "settle.after_commit", ""),
    ("web-killed-after-commit", 21, "intake.after_commit", "web"),
    ("web-killed-before-ring", 21, "ring.before", "web"),
    ("web-killed-before-commit", 22, "intake.before_commit", "web"),
)
FAULTS = (
    *(Fault(name, row, at(point, program=program), live=5.0, seconds=1.5)
      for name, row, point, program in _ROWS),
    Fault("worker-killed-in-pop-window", 4, kill_in_pop_window, live=5.0, seconds=5.0),
    Fault("crowd-on-one-course", 13, crowd_of_settlers, seconds=3.2),
    Fault("settlers-meet-at-students", 14, settlers_meet_at_students, seconds=3.2),
    Fault("settler-frozen", 29, freeze, live=5.0, seconds=4.5),
    Fault("restarted-one-by-one", 32, restart_one_by_one, seconds=6.0),
)  # fmt: skip

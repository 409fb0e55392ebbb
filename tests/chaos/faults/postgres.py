"""Rows 8 to 12 and 27: PostgreSQL crashes, throws sessions out, says no, or answers nobody."""

import random
import time
from collections.abc import Callable
from typing import Any

from psycopg2.errors import DeadlockDetected

from enrollment import requests
from registrar import prepared
from tests.chaos.faults.fault import Bite, Fault
from tests.chaos.faults.traces import one, server_log
from tests.chaos.proxy import Link
from tests.chaos.site import Site, wait_until

COMMITTED, ROLLED_BACK = "committed", "rolled back"

# Row 8 ----------------------------------------------------------------------------------------


def stop_hard(site: Site, chance: random.Random) -> Bite:
    """An immediate stop: nothing is flushed, everybody is thrown out, the log is replayed."""
    return _crash(site, chance, lambda: site.postgres.stop(immediate=True))


def kill_all(site: Site, chance: random.Random) -> Bite:
    """SIGKILL to the server and all of its backends at once."""
    return _crash(site, chance, site.postgres.kill)


def _crash(site: Site, chance: random.Random, end: Callable[[], None]) -> Bite:
    log = server_log(site)
    broken = []
    if one(site, "SHOW synchronous_commit") != "on":
        broken.append("the server answers commits that are not on disk")
    time.sleep(chance.uniform(0.2, 1.5))
    end()
    time.sleep(chance.choice([0.0, 0.0, 0.5, 1.5]))
    site.postgres.start()
    recovered = log.count("automatic recovery in progress")
    return Bite(recovered, f"{recovered} recoveries from a crash", tuple(broken))


# Row 9 ----------------------------------------------------------------------------------------

SESSIONS = """
SELECT pid FROM pg_stat_activity
WHERE usename IN ('reg_web', 'reg_worker') AND backend_type = 'client backend' ORDER BY pid
"""
BUSY = SESSIONS.replace("ORDER", "AND xact_start IS NOT NULL ORDER")
_SECONDS_APART = 0.2


def throw_out(site: Site, chance: random.Random) -> Bite:
    """Five sessions a second, of web and workers, preferably in the middle of something."""
    log = server_log(site)
    until = time.monotonic() + chance.uniform(2.0, 4.0)
    asked = 0
    with site.owner() as cursor:
        while time.monotonic() < until:
            victims = pids(cursor, chance.choice([SESSIONS, BUSY, BUSY]))
            if victims:
                cursor.execute("SELECT pg_terminate_backend(%s)", [chance.choice(victims)])
                asked += bool(cursor.fetchone()[0])
            time.sleep(_SECONDS_APART)
    happened = log.count("due to administrator command")
    return Bite(happened, f"{happened} sessions ended of {asked}")


def pids(cursor: Any, query: str) -> list[int]:
    cursor.execute(query)
    return [pid for (pid,) in cursor.fetchall()]


# Row 10 ---------------------------------------------------------------------------------------

_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
_STUDENTS = """
SELECT id FROM student_terms WHERE term_id = (SELECT max(id) FROM terms)
ORDER BY id FOR NO KEY UPDATE
"""
_OFFERINGS = """
SELECT id FROM offerings WHERE term_id = (SELECT max(id) FROM terms)
ORDER BY id FOR NO KEY UPDATE
"""
_WAITS_FOR_US = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE usename = 'reg_worker' AND %s = ANY(pg_blocking_pids(pid)))
"""


def lock_backwards(site: Site, chance: random.Random) -> Bite:
    """Somebody locks students first and courses after them; the settlement is the victim.

    Whoever waits longer than its own `deadlock_timeout` looks for a cycle and gives up if it
    finds one. The product's is the default of a second, so it is the product that gives up.
    """
    log = server_log(site)
    met = sum(_lock_backwards(site) for _ in range(chance.choice([1, 2])))
    deadlocks = log.count("ERROR:  deadlock detected")
    return Bite(deadlocks, f"{deadlocks} deadlocks in {met} meetings")


def _lock_backwards(site: Site) -> bool:
    """Whether a settlement came to stand between us and what we want."""
    with site.owner() as ours, site.owner() as watch:
        ours.execute("SET deadlock_timeout = '1min'")
        ours.execute("SET lock_timeout = '4s'")
        ours.execute("BEGIN")
        try:
            ours.execute(_STUDENTS)
            pid = ours.connection.info.backend_pid
            if not wait_until(lambda: _is_true(watch, _WAITS_FOR_US, pid), 2.0):
                return False
            ours.execute(_OFFERINGS)
            return True
        except Exception as error:
            # Either may be the victim; ours is as good a deadlock.
            return isinstance(error, DeadlockDetected)
        finally:
            ours.execute("ROLLBACK")


def _is_true(cursor: Any, query: str, *values: object) -> bool:
    cursor.execute(query, values)
    return bool(cursor.fetchone()[0])


def refuse_to_serialize(site: Site, chance: random.Random) -> Bite:
    """What a serialization failure looks like to a settlement: an error, and all undone."""
    points = ("settle.after_read", "settle.mid_batch", "settle.before_commit")
    armed = [
        site.arm(point, "raise:OperationalError", times=2) for point in chance.sample(points, 2)
    ]
    time.sleep(chance.uniform(2.0, 3.5))
    fired = sum(len(each.fired()) for each in armed)
    return Bite(fired, f"{fired} settlements undone")


# Row 12 ---------------------------------------------------------------------------------------

COMMIT = b"COMMIT\0"
_INSERT = prepared.call(requests._INSERT).partition(" (")[0].encode()
"""Intake's message is its transaction: what commits it is what asks for it."""


def lose_commits(site: Site, chance: random.Random) -> Bite:
    """Connections cut at COMMIT, before it or after it: nobody can tell from outside which."""
    ends = {site.link(site.web.name, "postgres"): _INSERT}
    ends |= {site.link(worker.name, "postgres"): COMMIT for worker in site.workers}
    links = list(ends)
    before = _lost(links)
    until = time.monotonic() + chance.uniform(2.0, 3.5)
    while time.monotonic() < until:
        link = chance.choice(links)
        _lose_one(link, ends[link], chance)
    lost = {name: count - before[name] for name, count in _lost(links).items()}
    detail = ", ".join(f"{count} {name}" for name, count in lost.items())
    met = frozenset(name for name, count in lost.items() if count)
    return Bite(sum(lost.values()), detail, branches=met)


def _lose_one(link: Link, commit: bytes, chance: random.Random) -> None:
    before = _lost([link])
    chance.choice([link.drop_reply_to, link.drop_request_with])(commit)
    wait_until(lambda: _lost([link]) != before, 0.3)
    link.heal()


def _lost(links: list[Link]) -> dict[str, int]:
    return {
        COMMITTED: sum(link.seen["replies_lost"] for link in links),
        ROLLED_BACK: sum(link.seen["requests_lost"] for link in links),
    }


# Row 27 ---------------------------------------------------------------------------------------

_REFUSING = """
CREATE SCHEMA refusing;
CREATE SEQUENCE refusing.tried;
CREATE SEQUENCE refusing.refused;
CREATE FUNCTION refusing.one_in_three() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF nextval('refusing.tried') %% 3 = %s THEN
        PERFORM nextval('refusing.refused');
        RAISE EXCEPTION 'no section today' USING ERRCODE = %s;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER one_in_three BEFORE INSERT ON sections
FOR EACH ROW EXECUTE FUNCTION refusing.one_in_three();
"""
_REFUSED = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM refusing.refused"
_ERRORS = ("23514", "23505", "P0001", "23503")
"""A check, a unique constraint, a trigger, a foreign key."""


def refuse_sections(site: Site, chance: random.Random) -> Bite:
    """A trigger lets two of three new sections pass, and raises as a constraint would."""

    def drop() -> None:
        with site.owner() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS refusing CASCADE")

    site.undo(drop)
    drop()
    with site.owner() as cursor:
        cursor.execute(_REFUSING, [chance.randrange(3), chance.choice(_ERRORS)])
    time.sleep(chance.uniform(3.0, 4.5))
    refused = int(one(site, _REFUSED))
    drop()
    return Bite(refused, f"{refused} sections refused")


FAULTS = (
    Fault("postgres-stopped-hard", 8, stop_hard),
    Fault("postgres-killed", 8, kill_all),
    Fault("backends-terminated", 9, throw_out),
    Fault("deadlock", 10, lock_backwards),
    Fault("serialization-failure", 10, refuse_to_serialize),
    Fault("commit-unknown", 12, lose_commits),
    Fault("section-refused", 27, refuse_sections),
)

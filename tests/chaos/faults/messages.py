"""Rows 5, 15-18, 24, 25: messages lost, forged, shuffled; beat dead or many; a key used often."""

import random
import time
from collections.abc import Sequence
from typing import Any

from celery import current_app

from tests.chaos import demand
from tests.chaos.demand import Deed
from tests.chaos.faults.fault import Bite, Fault
from tests.chaos.site import Site, wait_until

SETTLE = "workers.tasks.settle"
_READY = "registrar:ready"
_NOBODYS = 10**12
"""An id that no offering and no request has."""


def flood_and_forge(site: Site, chance: random.Random) -> Bite:
    """A hundred settle messages too many, and some that nobody of ours would send."""
    redis = site.mailbox()
    known = site.stage.courses[0].offering
    for at in range(100):
        _publish(SETTLE)
        if at % 10 == 0:
            _publish(SETTLE, offering=_NOBODYS + at, forged=True)
            _publish("workers.tasks.nothing_of_ours")
            redis.zadd(_READY, {str(_NOBODYS + at): 1, str(known): 1})
            redis.zadd(f"registrar:queue:{known}", {str(_NOBODYS + at): _NOBODYS + at})
    wait_until(lambda: redis.llen("settle") == 0, 3)
    return Bite(130, f"100 settle messages, 30 forged, {redis.llen('settle')} left after 3 s")


def lose_every_wake_up(site: Site, chance: random.Random) -> Bite:
    """Requests for a course that nobody else asks for, while Redis is dead: nothing that comes
    later will ring for them, and Redis comes back without having heard of them."""
    site.undo(site.redis.start)
    site.redis.kill()
    asked = [each._replace(course=demand.QUIET) for each in _anyone(chance, 5)]
    told = site.clients.at_once(asked)
    site.redis.start(empty=True)
    moment = time.time()
    requests = [request for each in told for request in each.requests]
    lost = _undecided(site, requests)
    in_time = wait_until(lambda: not _undecided(site, requests), _SWEPT_SECONDS)
    wrong = () if in_time else (f"nobody noticed for {_SWEPT_SECONDS:.0f} s that they wait",)
    return Bite(lost, f"{lost} requests that Redis never heard of", wrong, at=moment)


_SWEPT_SECONDS = 8.0
"""Four looks of the sweeper a second apart, on a machine that does much else."""


def _undecided(site: Site, requests: Sequence[int]) -> int:
    with site.owner() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT request_id) FROM pending WHERE request_id = ANY(%s)",
            [list(requests)],
        )
        count: int = cursor.fetchone()[0]
        return count


def _publish(task: str, **arguments: Any) -> None:
    current_app.send_task(task, kwargs=arguments, queue="settle", ignore_result=True, retry=False)


def shuffle(site: Site, chance: random.Random) -> Bite:
    """With the workers held, what Redis has of places in line is dealt anew."""
    redis = site.mailbox()
    for worker in site.workers:
        site.undo(worker.resume)
        worker.pause()
    wait_until(lambda: redis.zcard(_READY) > 2, 2)
    shuffled = 0
    for key in [_READY.encode(), *redis.keys("registrar:queue:*")]:
        entries: Any = redis.zrange(key, 0, -1, withscores=True)
        scores = [score for _, score in entries]
        chance.shuffle(scores)
        moved: dict[Any, float] = dict(zip([entry for entry, _ in entries], scores, strict=True))
        if moved:
            redis.zadd(key, moved)
        shuffled += sum(moved[entry] != score for entry, score in entries)
    for worker in site.workers:
        worker.resume()
    return Bite(shuffled, f"{shuffled} places in line dealt anew")


def without_beat(site: Site, chance: random.Random) -> Bite:
    """Beat is dead while a window opens; the clients see whether it opens on time."""
    opens = site.stage.edge_opens_at.timestamp()
    site.beat.kill()
    time.sleep(max(0.0, opens + 0.3 - time.time()))
    dead = not site.beat.alive() and time.time() > opens
    time.sleep(chance.uniform(0.0, 0.5))
    site.beat.start(wait=False)
    return Bite(int(dead), "dead at the opening")


def many_beats(site: Site, chance: random.Random) -> Bite:
    """More beats at once; whatever a window triggers is announced once."""
    beats = [site.extra(f"beat-{n}", "beat") for n in range(2, chance.choice((3, 4)) + 1)]
    for beat in beats:
        beat.start(wait=False)
    wait_until(lambda: all("beat.stands_by" in beat.said() for beat in beats), 5)
    standing = sum("beat.stands_by" in beat.said() for beat in beats)
    if chance.random() < 0.5:
        site.beat.kill()
        wait_until(lambda: any("beat.leads" in beat.said() for beat in beats), 3)
        site.beat.start(wait=False)
    time.sleep(max(0.0, site.stage.edge_opens_at.timestamp() + 0.5 - time.time()))
    with site.owner() as cursor:
        cursor.execute(_ANNOUNCED, [[f"window:{window}" for window in site.stage.windows]])
        twice = [f"{stream} announced {n} times: {event}" for stream, event, n in cursor.fetchall()]
    for beat in beats:
        beat.kill()
    return Bite(standing, f"{standing} more beats", tuple(twice))


_ANNOUNCED = """
SELECT stream, event, count(*) FROM audit_entries
WHERE stream = ANY(%s) AND event IN ('window_opened', 'window_closed', 'window_reported')
GROUP BY 1, 2 HAVING count(*) > 1
"""


def fifty_clicks(site: Site, chance: random.Random) -> Bite:
    """One request, one key, fifty times at the same moment."""
    deed = _anyone(chance, 1)[0]
    told = site.clients.at_once([deed] * 50)
    answers = {(each.status >= 400, each.requests) for each in told if each.stands}
    wrong = [f"fifty clicks got different answers: {sorted(answers)}"] if len(answers) > 1 else []
    return Bite(len(told), f"{len(told)} clicks", tuple(wrong))


def other_bodies(site: Site, chance: random.Random) -> Bite:
    """One key with requests that differ in one thing each, at the same moment: one is taken."""
    first = _anyone(chance, 1)[0]
    courses = [at for at in range(demand.COURSES) if at != first.course]
    others = [first._replace(course=at) for at in courses]
    others += [first._replace(kind="drop"), first._replace(body={"section": 1})]
    told = site.clients.at_once([first, *others])
    again = site.clients.at_once([first, *others])
    accepted = {each.requests for each in (*told, *again) if each.requests}
    wrong = [f"one key was accepted as {sorted(accepted)}"] if len(accepted) > 1 else []
    refused = sum(each.code == "KEY_REUSED" for each in (*told, *again))
    return Bite(refused, f"{refused} refused for another body", tuple(wrong))


def _anyone(chance: random.Random, count: int) -> list[Deed]:
    """Deeds beside the storm's, with numbers and keys of their own."""
    number = 100_000 + chance.randrange(800_000)
    return [
        Deed(
            number + at,
            0.0,
            "enroll",
            chance.randrange(demand.STUDENTS),
            chance.randrange(demand.COURSES),
            key=f"fault-{number + at}",
        )
        for at in range(count)
    ]


FAULTS = (
    Fault("every-wake-up-lost", 5, lose_every_wake_up, live=6.0, alone=True, seconds=4.0),
    Fault("messages-flooded-and-forged", 15, flood_and_forge, seconds=2.5),
    Fault("places-in-line-shuffled", 16, shuffle, seconds=2.0),
    Fault("beat-dead-at-opening", 17, without_beat, seconds=3.5),
    Fault("many-beats", 18, many_beats, seconds=5.0),
    Fault("fifty-clicks", 24, fifty_clicks, seconds=1.0),
    Fault("key-with-other-bodies", 25, other_bodies, seconds=1.0),
)

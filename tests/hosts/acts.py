"""What is done to the hosts, under load, and what must hold of it."""

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence

from django.db import connection

from registrar.services.proc import wait_until

from . import looks
from .host import Host
from .load import Answered, Load
from .locks import locks
from .reckoning import Judge, Told
from .site import Site

PROCEED_SECONDS = 5.0
"""Within which others go on where a host has vanished, or a service is back."""
REJOIN_SECONDS = 25.0
"""Within which a host that was away takes work again: Celery looks for its broker ever less."""
VANISHED_SECONDS = 25.0
ANSWER_SECONDS = 15.0
"""The longest that a web host without its database may leave anybody without an answer: it gives
the connection up, tries for a new one, and intake has a patience of 10 s of its own."""
SWEPT_SECONDS = 10.0
"""The longest pause between two settlements where sweepers alone find what is to be done."""
_CATCH_SECONDS = 40.0
_SENT_SECONDS = 0.1
"""How long a COMMIT that was sent before its sender was stopped may still take."""
_STEADY_SECONDS = 4.0
_SESSIONS = {"worker": 4, "beat": 2}
"""The most database sessions of one host, as docs/operations.md counts them."""

Act = Callable[[Site, Load, Told, float], None]


def scale(site: Site, load: Load, told: Told, cut: float) -> None:
    """From one worker host to three; nobody else is touched."""
    time.sleep(_STEADY_SECONDS)
    others = [host for host in site.serving if host not in site.workers[1:]]
    running = {host.name: (host.started, host.died) for host in others}
    told.figure("Before", _shares(looks.settled()))
    number, begun = looks.last_settlement(), time.monotonic()
    new = site.workers[1:]
    for host in new:
        site.add(host)
    for host in new:
        site.wait_for(host)
    started = time.monotonic() - begun
    joined = _until_settling(new, number, told)
    told.figure("Two hosts added", f"ready after {started:.1f} s, at work {joined:.1f} s later")
    number = looks.last_settlement()
    time.sleep(_STEADY_SECONDS)
    told.figure("After", _shares(looks.settled(number)))
    changed = [h.name for h in others if running[h.name] != (h.started, h.died)]
    told.must(not changed, f"{', '.join(changed)} was restarted")
    _count_sessions(site, told)


def cut(site: Site, load: Load, told: Told, cut: float) -> None:
    """A worker host vanishes in the middle of a settlement, and comes back later."""
    victim = site.workers[1]
    held = _catch(victim, told)
    if held is None:
        return
    begun, number = time.monotonic(), looks.last_settlement()
    said = len(victim.said())
    freed = _seconds(lambda: not looks.holds(held), begun)
    settled = _seconds(lambda: len(looks.deciders(held.requests)) == len(held.requests), begun)
    told.figure("Cut off", f"{victim.name}, holding the locks of {len(held.requests)} requests")
    told.within(freed, PROCEED_SECONDS, "its locks were free")
    told.within(settled, PROCEED_SECONDS, "others had decided them")
    time.sleep(max(0.0, begun + cut - time.monotonic()))
    away = looks.settled(number)
    told.figure(f"In {cut:.0f} s", _shares(away))
    told.must(victim.name not in away, f"{victim.name} settled while it was cut off")
    number = looks.last_settlement()
    victim.heal()
    rejoined = _until_settling([victim], number, told)
    told.figure("Healed", f"takes work again {rejoined:.1f} s later, not restarted")
    told.must(not victim.died, f"{victim.name} died of it")
    told.must(looks.fate(held) == "aborted", f"its transaction is {looks.fate(held)}")
    late = [n for n, name in looks.deciders(held.requests).items() if name == victim.name]
    told.must(not late, f"{victim.name} decided {late} late")
    told.figure("Its transaction", f"{looks.fate(held)}: {_why(victim.said()[said:])}")


def roll(site: Site, load: Load, told: Told, cut: float) -> None:
    """Every host is switched off and on again, one after the other."""
    rolled = []
    for host in site.serving:
        load.check()
        begin = time.time()
        host.power_off()
        off = time.time()
        host.power_on()
        host.start()
        site.wait_for(host)
        on = time.time()
        told.figure(host.name, f"ended in {off - begin:.1f} s, serves again {on - off:.1f} s later")
        told.must(not host.killed, f"{host.name} had to be killed")
        rolled.append((host.name, begin, on))
    connection.close()
    _until_settling(site.workers, looks.last_settlement(), told)
    # From just before each is taken off to when the next one is.
    ends = [*(begin for _, begin, _ in rolled[1:]), time.time()]
    pauses = {
        name: looks.longest_pause(begin - 1, end)
        for (name, begin, _), end in zip(rolled, ends, strict=True)
    }
    told.figure("Longest pauses", ", ".join(f"{n} {s:.1f} s" for n, s in pauses.items()))
    for name, begin, on in rolled:
        limit = PROCEED_SECONDS + (on - begin if name == site.postgres.name else 0)
        told.must(pauses[name] <= limit, f"settling stood still for {pauses[name]:.1f} s: {name}")
    told.figure("Died meanwhile", _died(site.serving))


def vanish(site: Site, load: Load, told: Told, cut: float) -> None:
    """Redis and then the database are cut off: nobody hangs, and all come back by themselves."""
    for host in (site.redis, site.postgres):
        begin = time.time_ns()
        host.cut()
        time.sleep(min(cut, VANISHED_SECONDS))
        host.heal()
        healed = time.time_ns()
        connection.close()
        back = _until_settling(site.workers, looks.last_settlement(), told)
        end = time.time_ns()
        told.figure(f"Without {host.name}", f"every worker settles again {back:.1f} s after it")
        pause = looks.longest_pause(begin / 1e9 - _STEADY_SECONDS, end / 1e9)
        told.figure("Longest pause", f"{pause:.1f} s between two settlements")
        limit = SWEPT_SECONDS + (min(cut, VANISHED_SECONDS) if host is site.postgres else 0)
        told.must(pause <= limit, f"without {host.name} settling stood still for {pause:.1f} s")
        told.judges.append(_nobody_hung(told, host.name, begin, healed, end))
        time.sleep(_STEADY_SECONDS)
    told.figure("Died meanwhile", _died(site.serving))


def _nobody_hung(told: Told, name: str, begin: int, healed: int, end: int) -> Judge:
    """Judges the requests that were sent while a host was away, and the first ones after."""

    def judge(answers: Sequence[Answered]) -> None:
        posts = [each for each in answers if each.method == "POST"]
        away = [each for each in posts if begin <= each.sent < healed]
        slowest = max((each.seconds for each in away), default=0.0)
        statuses = Counter(each.status for each in away)
        told.figure(
            f"Asked without {name}",
            f"{dict(sorted(statuses.items()))}, the slowest answer after {slowest:.1f} s",
        )
        told.must(slowest <= ANSWER_SECONDS, f"without {name} an answer took {slowest:.1f} s")
        accepted = [each.answered for each in posts if each.status == 202]
        first = min((at for at in accepted if at > healed), default=end)
        told.figure(f"With {name} again", f"the first 202 after {(first - healed) / 1e9:.1f} s")
        told.must(first < healed + PROCEED_SECONDS * 1e9, f"nobody accepted soon after {name}")

    return judge


# Parts of them -------------------------------------------------------------------------------


def _catch(victim: Host, told: Told) -> looks.Held | None:
    """Cut the host off while it holds a settlement's locks.

    It is stopped for the moment it takes to pull the cable, and then runs on without one.
    """
    deadline = time.monotonic() + _CATCH_SECONDS
    while time.monotonic() < deadline:
        if not looks.holding(victim):
            continue
        victim.freeze()
        held = looks.holding(victim)
        if held:
            time.sleep(_SENT_SECONDS)
        caught = held is not None and looks.holds(held)
        if caught:
            victim.cut()
        victim.thaw()
        if caught:
            return held
    told.must(False, f"{victim.name} was never seen in the middle of a settlement")
    return None


def _until_settling(hosts: Sequence[Host], number: int, told: Told) -> float:
    """Seconds until each of these has settled something with a higher number."""
    begun = time.monotonic()
    names = {host.name for host in hosts}
    wait_until(lambda: names <= looks.settled(number).keys(), REJOIN_SECONDS)
    idle = sorted(names - looks.settled(number).keys())
    told.must(not idle, f"{', '.join(idle)} took no work within {REJOIN_SECONDS:.0f} s")
    return time.monotonic() - begun


def _seconds(happened: Callable[[], bool], begun: float) -> float:
    """Seconds from then until it happened."""
    wait_until(happened, 4 * PROCEED_SECONDS)
    return time.monotonic() - begun


def _shares(settled: dict[str, tuple[int, int]]) -> str:
    return ", ".join(
        f"{name} {count:,} settlements of {decided:,} requests"
        for name, (count, decided) in settled.items()
    )


def _died(hosts: Sequence[Host]) -> str:
    died = [f"{host.name} {host.died} times" for host in hosts if host.died]
    return ", ".join(died) or "nobody"


def _why(said: str) -> str:
    """What the worker said of the connection it had."""
    reasons = re.findall(r"(?:OperationalError|InterfaceError): ([^\\\n]+)", said)
    return next((r for r in reasons if not r.startswith("connection to")), "it said nothing of it")


def _count_sessions(site: Site, told: Told) -> None:
    hosts = [*site.webs, *site.workers, site.beat]
    found = looks.connections(hosts)
    told.figure("Database sessions", ", ".join(f"{name} {n}" for name, n in found.items()))
    for host in (*site.workers, site.beat):
        most = _SESSIONS[host.name.partition("-")[0]]
        told.must(found[host.name] <= most, f"{host.name} has more than {most} sessions")


ACTS: dict[str, Act] = {"scale": scale, "cut": cut, "roll": roll, "locks": locks, "vanish": vanish}

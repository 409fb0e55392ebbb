"""Rows 19 and 20: hosts whose clock is wrong, and a database whose clock steps back."""

import http.client
import json
import random
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from courses.models import SemesterType, Term
from enrollment import windows
from enrollment.models import Window
from enrollment.rehearsal.scenery import Person, Scene, build
from tests.chaos import demand
from tests.chaos.faults.fault import Bite, Fault
from tests.chaos.faults.traces import one
from tests.chaos.processes import Process
from tests.chaos.site import Site, wait_until
from tests.chaos.skew import CLOCK

# The database's clock -------------------------------------------------------------------------

_CLOCKS = (("clock_timestamp", "VOLATILE"), ("statement_timestamp", "STABLE"), ("now", "STABLE"))
_WRONG = """
ALTER FUNCTION pg_catalog.{name}() RENAME TO right_{name};
CREATE FUNCTION pg_catalog.{name}() RETURNS timestamptz LANGUAGE sql {kind} AS $$
    SELECT pg_catalog.right_{name}()
        + coalesce(nullif(current_setting('chaos.skew', true), ''), '0')::interval
$$;
"""
_RIGHT = """
DROP FUNCTION IF EXISTS pg_catalog.{name}();
ALTER FUNCTION pg_catalog.right_{name}() RENAME TO {name};
"""
_IS_WRONG = "SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'right_now')"
_BEGIN_ANEW = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('reg_web', 'reg_worker')
"""
_SKEW = "SELECT extract(epoch FROM clock_timestamp() - right_clock_timestamp())"


@contextmanager
def wrong_clock(site: Site) -> Iterator["Clock"]:
    """A clock of the database's that can be set, for every session there will be.

    The functions that tell the time are replaced by their owner; they add what a setting says.
    Sessions there were have prepared what they ask of the functions before: they are ended.
    """

    def restore() -> None:
        with site.owner() as cursor:
            cursor.execute("ALTER SYSTEM RESET chaos.skew")
            cursor.execute("SELECT pg_reload_conf()")
            cursor.execute(_IS_WRONG)
            if cursor.fetchone()[0]:
                cursor.execute("".join(_RIGHT.format(name=name) for name, _ in _CLOCKS))
                cursor.execute(_BEGIN_ANEW)

    site.undo(restore)
    with site.owner() as cursor:
        cursor.execute("".join(_WRONG.format(name=name, kind=kind) for name, kind in _CLOCKS))
        cursor.execute(_BEGIN_ANEW)
    try:
        yield Clock(site)
    finally:
        restore()


class Clock:
    """The database's clock while it can be set."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def step(self, by: timedelta) -> float:
        """Seconds by which it is off afterwards, as it says itself."""
        seconds = f"{by.total_seconds():.0f} s"
        with self._site.owner() as cursor:
            cursor.execute(f"ALTER SYSTEM SET chaos.skew = '{seconds}'")
            cursor.execute("SELECT pg_reload_conf()")
        wait_until(lambda: abs(self.off() - by.total_seconds()) < 1, 2.0)
        return self.off()

    def off(self) -> float:
        return float(one(self._site, _SKEW))


# Somebody who asks beside the storm -----------------------------------------------------------

_COURSE = "CLOCK1"
_ASKS = 40
KEPT_SECONDS = 1.2
"""How long a web process may go by what it last knew of windows."""
_HOUR = timedelta(hours=1)


class Probe:
    """A student in a term of their own, where one course with seats enough is offered."""

    def __init__(self, site: Site, chance: random.Random, url: str = "") -> None:
        plan = demand.courses(chance)[0]._replace(code=_COURSE, base_limit=50, sections=())
        people = [Person(f"{n:03d}", "clock") for n in range(_ASKS)]
        made = build(Scene([plan], people, 12, True), _right_now(site))
        self.term, self._url = made.term, urlsplit(url or site.url)
        self.cohort = made.cohorts[0]
        self._tokens = iter(made.tokens)

    def open(self, opens_at: datetime, closes_at: datetime, term: int = 0) -> Window:
        """A window of this term, or of another, for this student's cohort alone. Web processes
        know of it within a second."""
        window = Window(
            term_id=term or self.term,
            name="Clocks",
            opens_at=opens_at,
            closes_at=closes_at,
            cohorts=[self.cohort],
        )
        windows.save(window, actor="system", now=opens_at)
        return window

    def insist(self) -> tuple[int, str]:
        """Ask until the answer is about the request, and not about how busy the site is."""
        for _ in range(10):
            status, code = self.ask()
            if status != 503:
                break
            time.sleep(0.5)
        return status, code

    def ask(self) -> tuple[int, str]:
        """Ask for the course, as somebody who has not asked yet; status and code."""
        wire = http.client.HTTPConnection(self._url.hostname or "", self._url.port, timeout=5)
        headers = {"Authorization": f"Token {next(self._tokens)}"}
        try:
            wire.request("POST", f"/api/student/courses/{_COURSE}/enroll/", None, headers)
            answer = wire.getresponse()
            told = json.loads(answer.read())
            return answer.status, told.get("code", "")
        finally:
            wire.close()


def _right_now(site: Site) -> datetime:
    """By the database's clock, as it is now."""
    now = one(site, "SELECT clock_timestamp()")
    assert isinstance(now, datetime)
    return now


def _another_term(now: datetime) -> int:
    return Term.objects.create(
        code=f"C-{now:%H%M%S%f}", year=now.year, semester_type=SemesterType.ODD
    ).pk


# Row 19: the hosts ----------------------------------------------------------------------------


def skew_hosts(site: Site, chance: random.Random) -> Bite:
    """A web host, beat's and one worker's an hour ahead or behind; windows go by the database."""
    ahead = chance.choice([1, -1])
    skewed = [site.workers[0], site.beat]
    site.undo(lambda: _set_clocks(skewed, ""))
    _set_clocks(skewed, str(3600 * ahead))
    web, url = _another_web(site, str(3600 * ahead))
    site.undo(web.kill)
    web.start()
    answers = _ask_in_time(site, Probe(site, chance, url), ahead)
    web.kill()
    wrong = [f"{told[0]} {told[1]}" for told in answers if told[0] not in (202, 503)]
    off = "ahead" if ahead > 0 else "behind"
    broken = [
        f"with its host an hour {off} a request in time was answered {told}" for told in wrong
    ]
    _set_clocks(skewed, "")
    told = sum(status != 503 for status, _ in answers)
    return Bite(told, f"an hour {off}: {told} answers", tuple(broken[:1]), frozenset({off}))


def _ask_in_time(site: Site, probe: Probe, ahead: int) -> list[tuple[int, str]]:
    """While the course's window is open, and by the wrong clock another term's is instead."""
    now = _right_now(site)
    probe.open(now - _HOUR / 6, now + _HOUR / 2)
    if ahead > 0:
        probe.open(now + _HOUR * 2 / 3, now + 2 * _HOUR, _another_term(now))
    else:
        probe.open(now - 2 * _HOUR, now - _HOUR / 2, _another_term(now))
    time.sleep(KEPT_SECONDS)
    return [probe.insist() for _ in range(3)]


def _another_web(site: Site, seconds: str) -> tuple[Process, str]:
    """A web server beside the site's, whose clock is that many seconds ahead; not started yet."""
    command = list(site.web.command)
    at = command.index("--port") + 1
    port = int(command[at]) + 1
    command[at] = str(port)
    url = f"http://127.0.0.1:{port}"

    def answers(_: Process) -> bool:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):
                return True
        except OSError:
            return False

    environ = {**site.web.environ, CLOCK: seconds}
    log = site.web.log.with_name("web-skewed.log")
    return Process("web", command, environ, log, answers), url


def _set_clocks(processes: list[Process], seconds: str) -> None:
    """Restart those whose clock is another; nothing where it is so already."""
    for process in processes:
        if process.environ.get(CLOCK, "") != seconds:
            process.environ[CLOCK] = seconds
            process.kill()
            process.start(wait=False)


# Row 19: the hours that there are twice or not at all -----------------------------------------

_TURNS = {
    "Europe leaps": datetime(2026, 3, 29, 1, tzinfo=UTC),
    "Europe falls back": datetime(2026, 10, 25, 1, tzinfo=UTC),
    "America leaps": datetime(2027, 3, 14, 7, tzinfo=UTC),
    "America falls back": datetime(2026, 11, 1, 6, tzinfo=UTC),
}


def turn_clocks(site: Site, chance: random.Random) -> Bite:
    """A window opens, and another closes, in the very second in which clocks are changed."""
    name, turn = chance.choice(list(_TURNS.items()))
    probe = Probe(site, chance)
    opens = chance.random() < 0.5
    now, begun = _right_now(site), time.monotonic()
    with wrong_clock(site) as clock:
        # Half an hour before, so that beat does not find the window over and close it for good.
        clock.step(turn - now - _HOUR / 2)
        probe.open(turn if opens else turn - _HOUR, turn + _HOUR if opens else turn)
        time.sleep(KEPT_SECONDS)
        since = timedelta(seconds=time.monotonic() - begun + 1.2)
        clock.step(turn - now - since)
        time.sleep(0.2)
        asked = [_asked(site, probe) for _ in range(_ASKS - 10)]
    broken = tuple(
        f"{name}: {told} between {begun} and {ended}, the turn is at {turn}"
        for begun, told, ended in asked
        if (told == (202, "") and not (ended >= turn if opens else begun < turn))
        or (told == (403, "WINDOW_CLOSED") and not (begun < turn if opens else ended >= turn))
    )
    before = sum(begun < turn for begun, _, _ in asked)
    met = {f"{status} {code}".strip() for _, (status, code), _ in asked}
    sides = min(before, len(asked) - before)
    return Bite(
        sides, f"{name}: {before} before, {len(asked) - before} after", broken, frozenset(met)
    )


def _asked(site: Site, probe: Probe) -> tuple[datetime, tuple[int, str], datetime]:
    """An answer between two looks at the database's clock."""
    begun = _right_now(site)
    told = probe.ask()
    ended = _right_now(site)
    time.sleep(0.05)
    return begun, told, ended


# Row 20 ---------------------------------------------------------------------------------------

_STEPS_BACK = """
SELECT count(*) FROM (
    SELECT accepted_at - lag(accepted_at) OVER (ORDER BY id) AS step FROM requests
) AS steps WHERE step < interval '-1 minute'
"""


def step_back(site: Site, chance: random.Random) -> Bite:
    """Minutes back while requests come, and right again: no window that has closed opens anew."""
    probe = Probe(site, chance)
    now = _right_now(site)
    window = probe.open(now - _HOUR, now)
    windows.advance(window.pk, now)
    time.sleep(KEPT_SECONDS)
    stepped = int(one(site, _STEPS_BACK))
    with wrong_clock(site) as clock:
        off = clock.step(timedelta(minutes=-chance.randint(5, 10)))
        status, code = probe.insist()
        time.sleep(chance.uniform(1.5, 2.5))
    time.sleep(0.5)
    stepped = int(one(site, _STEPS_BACK)) - stepped
    broken = (f"a window that had closed was open again: {status}",) if status == 202 else ()
    return Bite(stepped, f"{off:.0f} s: {stepped} requests back in time; {code}", broken)


FAULTS = (
    Fault("host-clocks-skewed", 19, skew_hosts, skews_clock=True, seconds=9.0, live=15.0),
    Fault("clocks-change", 19, turn_clocks, alone=True, skews_clock=True, seconds=6.0),
    Fault("database-clock-steps-back", 20, step_back, alone=True, skews_clock=True, seconds=4.0),
)

"""Which offering a path means: a course, by its id or code, in the term open for a student (D4).

Windows and offerings hardly change while students register, and every POST asks; so each web
process keeps them in memory for a moment. Admission never goes by what is kept here: the window
is tested again, by the database's clock, in the statement that accepts the request.
"""

import time
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from django.db import connection

from registrar.audit.arrays import array

from .kept import Kept
from .vocabulary import Kind

WINDOWS_SECONDS = 1.0
OFFERINGS_SECONDS = 60.0
MISS_SECONDS = 1.0
"""An offering that was not found is looked for again when what is kept is older than this."""


class Listed(NamedTuple):
    """An offering, and what it is called."""

    offering: int
    course: int
    code: str
    name: str
    term: int
    term_code: str


class Span(NamedTuple):
    """A window, as far as choosing a term needs it."""

    term: int
    opens_at: datetime
    closes_at: datetime
    actions: frozenset[str]
    cohorts: frozenset[str]

    def admits(self, cohort: str) -> bool:
        return not self.cohorts or cohort in self.cohorts

    def allows(self, kind: Kind) -> bool:
        asked = Kind.ENROLL if kind is Kind.BUNDLE else kind
        return not self.actions or asked in self.actions

    def is_open(self, now: datetime) -> bool:
        return self.opens_at <= now < self.closes_at


class Windows(NamedTuple):
    """Every window, and when that was read: by the database's clock, and by our monotonic one."""

    spans: list[Span]
    now: datetime
    read: float


# Choosing a term ----------------------------------------------------------------------------


def now() -> datetime:
    """What the database's clock says, as far as this host can tell: its own may be wrong."""
    kept = _windows().get(WINDOWS_SECONDS)
    return kept.now + timedelta(seconds=time.monotonic() - kept.read)


def terms_for(cohort: str, kind: Kind, now: datetime) -> tuple[int, ...]:
    """The terms that a student means now: those open for them, else the next to open, else the
    last that was open; none when no window has ever concerned them.

    Where several are open, those that allow this kind of request come first.
    """
    spans = [span for span in _windows().get(WINDOWS_SECONDS).spans if span.admits(cohort)]
    now_open = [span for span in spans if span.is_open(now)]
    if now_open:
        now_open.sort(key=lambda span: (not span.allows(kind), span.opens_at, span.term))
        return tuple(dict.fromkeys(span.term for span in now_open))
    coming = [span for span in spans if span.opens_at > now]
    if coming:
        return (min(coming, key=lambda span: (span.opens_at, span.term)).term,)
    return (max(spans, key=lambda span: (span.closes_at, span.term)).term,) if spans else ()


def is_open(term: int, cohort: str, kind: Kind, now: datetime) -> bool:
    """Whether they may ask that now."""
    return any(
        span.term == term and span.admits(cohort) and span.allows(kind) and span.is_open(now)
        for span in _windows().get(WINDOWS_SECONDS).spans
    )


def next_window(cohort: str, kind: Kind, terms: Collection[int], now: datetime) -> Span | None:
    """The window of these terms that a refused student should know of: the one to come, else the
    one that was."""
    spans = [
        span
        for span in _windows().get(WINDOWS_SECONDS).spans
        if span.term in terms and span.admits(cohort) and span.allows(kind)
    ]
    ahead = [span for span in spans if span.closes_at > now]
    if ahead:
        return min(ahead, key=lambda span: span.opens_at)
    return max(spans, key=lambda span: span.closes_at, default=None)


# Finding an offering ------------------------------------------------------------------------


def find(named: str, terms: Iterable[int]) -> Listed | None:
    """The offering of a course in the first of these terms that has it.

    Digits are a course's id, anything else its code. The id of another version of a course means
    the version that is offered.
    """
    key = named.lstrip("0") if _is_id(named) else _key(named)
    for term in terms:
        kept = _offerings(term)
        found = kept.get(OFFERINGS_SECONDS).get(key) or kept.get(MISS_SECONDS).get(key)
        if found is not None:
            return found
    return None


def _is_id(named: str) -> bool:
    return named.isascii() and named.isdigit()


def _key(code: str) -> str:
    """A code as it is compared (T15); one that looks like an id is found by its id alone."""
    return f"#{code}" if _is_id(code) else code.strip().upper()


def labels(offerings: Collection[int]) -> dict[int, Listed]:
    """What these offerings are called, whatever their term."""
    known = _labels().get(OFFERINGS_SECONDS)
    missing = [offering for offering in set(offerings) if offering not in known]
    if missing:
        with connection.cursor() as cursor:
            cursor.execute(_LABELS, [array(missing)])
            known.update((row[0], Listed(*row)) for row in cursor.fetchall())
    return {offering: known[offering] for offering in offerings if offering in known}


def forget() -> None:
    """Drop what is kept: for tests, which start over in the same process."""
    _windows.cache_clear()
    _offerings.cache_clear()
    _labels.cache_clear()


_WINDOWS = "SELECT term_id, opens_at, closes_at, actions, cohorts FROM windows"
_LISTED = """
SELECT o.id, c.id, c.code, c.name, t.id, t.code
FROM offerings o JOIN courses c ON c.id = o.course_id JOIN terms t ON t.id = o.term_id
"""
_LABELS = _LISTED + "WHERE o.id = ANY(%s::bigint[])"
# The latest version last: a code means the course that has it, not one that had it before.
_OF_TERM = _LISTED + "WHERE t.id = %s ORDER BY c.latest_version, o.id"
_VERSIONS = """
SELECT v.id, o.id
FROM offerings o JOIN courses c ON c.id = o.course_id
JOIN courses v ON v.lineage = c.lineage AND v.id <> c.id
WHERE o.term_id = %s ORDER BY c.latest_version, o.id
"""


@lru_cache(maxsize=1)
def _windows() -> Kept[Windows]:
    return Kept(_read_windows)


@lru_cache(maxsize=1)
def _labels() -> Kept[dict[int, Listed]]:
    return Kept(dict)


@lru_cache(maxsize=16)
def _offerings(term: int) -> Kept[dict[str, Listed]]:
    return Kept(lambda: _read_offerings(term))


def _read_windows() -> Windows:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now, read = cursor.fetchone()[0], time.monotonic()
        cursor.execute(_WINDOWS)
        spans = [
            Span(term, opens_at, closes_at, frozenset(actions), frozenset(cohorts))
            for term, opens_at, closes_at, actions, cohorts in cursor.fetchall()
        ]
    return Windows(spans, now, read)


def _read_offerings(term: int) -> dict[str, Listed]:
    with connection.cursor() as cursor:
        cursor.execute(_OF_TERM, [term])
        listed = {row[0]: Listed(*row) for row in cursor.fetchall()}
        cursor.execute(_VERSIONS, [term])
        versions = cursor.fetchall()
    found = {str(v): listed[offering] for v, offering in versions if offering in listed}
    for each in listed.values():
        found[str(each.course)] = found[_key(each.code)] = each
    return found

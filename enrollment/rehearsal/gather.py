"""After the day: what the database, Flower and the clients each say of it, put into one report."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection

from enrollment import invariants, windows
from enrollment.vocabulary import STUDENT_KINDS, Event, Kind, Result

from .order import Decided, Passage, inversions, passages
from .report import Flower, Process, Report, Sections, percentiles
from .scenery import Stage
from .witness import NEVER, Evidence, Seen

_AT_ONCE = 20_000
_MILLISECOND = 1_000_000


class Day(NamedTuple):
    """What the driver knows of the day it played."""

    title: str
    via: str
    stage: Stage
    window: int
    opened: int
    """When the crowd was let go (nanoseconds of the host's clock)."""
    evidence: Callable[[], Evidence]
    """Reads the clients' logs."""
    flower: Flower | None
    looks: int = 0
    notes: Sequence[str] = ()


class _Tally:
    """What one pass over the term's requests adds up to."""

    def __init__(self, seen: Mapping[int, Seen]) -> None:
        self._seen = seen
        self.accepted = self.rechecks = self.last = 0
        self.witnessed = self.contradicted = 0
        self.results, self.refused = Counter[str](), Counter[str]()
        self.waits: list[float] = []
        """From a client's send to the decision, in milliseconds."""
        self.passages: list[Passage] = []

    def add(self, row: Decided) -> None:
        if row.kind not in STUDENT_KINDS:
            self.rechecks += row.kind == Kind.RECHECK
            return
        self.accepted += 1
        self.witnessed += row.id in self._seen
        if row.result is None:
            return
        self.last = max(self.last, row.at)
        self.results[row.result] += 1
        if row.result in (Result.REFUSED, Result.FAILED_INTERNAL):
            self.refused[row.code or ""] += 1
        seen = self._seen.get(row.id)
        if seen:
            self.contradicted += bool(seen.result) and seen.result != row.result
            if seen.clicked != NEVER:
                self.waits.append((row.at - seen.clicked) / _MILLISECOND)
            self.passages += passages(row, seen)


def gather(day: Day) -> Report:
    """Everything in the report. Verifies the whole database, which takes a few seconds."""
    # Both want memory in proportion to the day, so one after the other.
    findings = invariants.run(connection)
    told, stage = day.evidence(), day.stage
    tally = _Tally(told.requests)
    for row in _requests(stage.term, min(told.requests, default=0)):
        tally.add(row)
    settled = tally.results.total()
    seconds = max(tally.last - day.opened, 1) / 1e9
    events = announcements(day.window)
    audit = _audit(stage)
    return Report(
        title=day.title,
        term=stage.code,
        via=day.via,
        students=len(stage.students),
        courses=len(stage.offerings),
        seconds=round(seconds, 1),
        posts=told.posts,
        posts_by_kind=dict(told.kinds.most_common()),
        posts_in_first_5_s=told.between(day.opened, day.opened + 5_000_000_000),
        looks=day.looks,
        busiest_second=max(told.seconds.values(), default=0),
        accepted=tally.accepted,
        settled=settled,
        vanished=len(told.requests) - tally.witnessed,
        contradicted=tally.contradicted,
        rechecks=tally.rechecks,
        answered_no=dict(told.codes.most_common()),
        too_early_told_when=told.told_when,
        shed=told.shed,
        given_up=told.given_up,
        results=dict(tally.results.most_common()),
        refused=dict(tally.refused.most_common()),
        sections=_sections(stage, audit),
        promoted=audit.promoted,
        still_waiting=_count(_WAITING, [stage.term]),
        accepted_per_second=round(tally.accepted / seconds, 1),
        settled_per_second=round(settled / seconds, 1),
        send_to_decision=percentiles(tally.waits),
        send_to_sight=percentiles(told.waits()),
        inversions=inversions(tally.passages),
        processes=_processes(stage),
        flower=day.flower,
        window_opened_by_beat="window_opened" in events,
        window_closed_by_beat="window_closed" in events,
        announced_late_ms=_announced_late(day.window),
        violations={found.name: found.count for found in findings if found.count},
        checks=len(findings),
        notes=day.notes,
    )


# The database's side ----------------------------------------------------------------------

_REQUESTS = """
SELECT r.id, r.kind, r.offerings, o.settlement_id, o.result, o.code,
       coalesce(extract(epoch FROM s.decided_at) * 1000000000, 0)::bigint
FROM (SELECT * FROM requests WHERE id >= %s ORDER BY id LIMIT %s) AS r
LEFT JOIN outcomes o ON o.request_id = r.id
LEFT JOIN settlements s ON s.id = o.settlement_id
WHERE r.term_id = %s
ORDER BY r.id
"""
_NEXT = "SELECT max(id) FROM (SELECT id FROM requests WHERE id >= %s ORDER BY id LIMIT %s) AS page"
_WAITING = "SELECT count(*) FROM waitlist_entries WHERE state = 'WAITING' AND term_id = %s"
_PROCESSES = """
SELECT worker, count(*), sum(decided) FROM settlements
WHERE offerings && %s::bigint[] GROUP BY worker ORDER BY worker
"""
_AUDIT = """
SELECT stream, event, actor, body FROM audit_entries
WHERE stream = ANY(%s) AND event <> ALL(%s) ORDER BY id
"""
_ANNOUNCED_LATE = """
SELECT 1000 * extract(epoch FROM opened_at - opens_at),
       1000 * extract(epoch FROM closed_at - closes_at)
FROM windows WHERE id = %s
"""
_WINDOW_EVENTS = "SELECT event FROM audit_entries WHERE stream = %s AND actor = %s"


def _requests(term: int, first: int) -> Iterator[Decided]:
    """The term's requests, page by page: other terms' are passed over, never held."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_NEXT, [first, _AT_ONCE])
            last = cursor.fetchone()[0]
            if last is None:
                return
            cursor.execute(_REQUESTS, [first, _AT_ONCE, term])
            yield from (Decided(*row) for row in cursor.fetchall())
            first = last + 1


def _count(statement: str, parameters: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.fetchone()[0])


def _processes(stage: Stage) -> list[Process]:
    with connection.cursor() as cursor:
        cursor.execute(_PROCESSES, [stage.offerings])
        return [Process(f"Worker {name}", count, decided) for name, count, decided in cursor]


def _announced_late(window: int) -> tuple[int, int] | None:
    """How long after its time each announcement came; None where one did not."""
    with connection.cursor() as cursor:
        cursor.execute(_ANNOUNCED_LATE, [window])
        opened, closed = cursor.fetchone()
    return None if opened is None or closed is None else (round(opened), round(closed))


def announcements(window: int) -> set[str]:
    """What beat, and nobody else, has announced."""
    with connection.cursor() as cursor:
        cursor.execute(_WINDOW_EVENTS, [f"window:{window}", windows.BEAT])
        return {event for (event,) in cursor}


@dataclass
class _Audit:
    promoted: int
    failed: int
    opened: list[tuple[int, str, dict[str, Any]]]
    """Offering, actor and facts of each section opened."""


def _audit(stage: Stage) -> _Audit:
    """What followed from requests, rather than being one; decided requests are left unread."""
    found = _Audit(0, 0, [])
    streams = [f"offering:{offering}" for offering in stage.offerings]
    with connection.cursor() as cursor:
        cursor.execute(_AUDIT, [streams, [Event.DECIDED]])
        for stream, event, actor, body in cursor:
            found.promoted += event == Event.PROMOTED
            found.failed += event == Event.SECTION_FAILED
            if event == Event.SECTION_OPENED:
                offering = int(stream.partition(":")[2])
                found.opened.append((offering, actor, json.loads(body)["facts"]))
    return found


def _sections(stage: Stage, audit: _Audit) -> Sections:
    codes = _codes(stage)
    by_policy = [facts["threshold"] for _, _, facts in audit.opened if "threshold" in facts]
    return Sections(
        opened=len(audit.opened),
        failed=audit.failed,
        by_course=dict(Counter(codes[offering] for offering, _, _ in audit.opened).most_common()),
        by_threshold=dict(sorted(Counter(by_policy).items())),
        by_staff=len(audit.opened) - len(by_policy),
    )


def _codes(stage: Stage) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, code FROM courses WHERE id = ANY(%s)", [stage.courses])
        codes: dict[int, str] = dict(cursor.fetchall())
    return {
        offering: codes[course]
        for offering, course in zip(stage.offerings, stage.courses, strict=True)
    }

"""How long a decision takes, from the commit that accepted the request to the one that decided it.

Requests arrive at their own pace, whatever becomes of those before them, and those that are due
together go in together, as intake takes them.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from celery import current_app
from django.db import connection

from benchmarks import campus, databases, textbook, truths, workers
from benchmarks.contender import Run
from benchmarks.textbook_app import app
from benchmarks.truths import Broken
from benchmarks.workers import Crew
from benchmarks.workloads import Workload
from enrollment import mailbox, requests

_LONGEST = 60
_WARMING = 1 / 8
"""Of the requests, that are not counted: the first find workers that never settled anything."""
_PAUSE = 0.0005

# When each transaction was committed, by the server's record.
_LATENCIES = """
SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY 1000 * extract(
    epoch FROM pg_xact_commit_timestamp(o.xmin) - pg_xact_commit_timestamp(r.xmin)))
FROM requests r JOIN outcomes o ON o.request_id = r.id WHERE r.id > %s
"""


class Arrivals:
    """So many requests a second, accepted and handed on by `accept`, decided by a crew."""

    def __init__(
        self,
        name: str,
        template: str,
        crowd: Workload,
        rate: float,
        accept: Callable[[Sequence[requests.Submission]], None],
        crew: Callable[[str], AbstractContextManager[object]],
    ) -> None:
        self.name = name
        self.template = template
        self.crowd = crowd
        self.rate = rate
        self.accept = accept
        self.crew = crew

    def run(self, round_: int) -> Run:
        with databases.made("round", self.template) as database:
            mailbox.client().flushdb()
            submissions = campus.submissions(self.crowd)
            with self.crew(database):
                seconds, behind = self._send(submissions)
                truths.until_decided(_LONGEST)
            truths.check(fill_in_order=False)
            facts = {"behind_ms": round(1000 * behind, 1), **_latencies(len(submissions))}
        return Run(self.name, round_, len(submissions), seconds, facts)

    def _send(self, submissions: Sequence[requests.Submission]) -> tuple[float, float]:
        """Send each when it is due; the seconds it took, and the most that one had to wait."""
        begun = time.perf_counter()
        sent, behind = 0, 0.0
        while sent < len(submissions):
            elapsed = time.perf_counter() - begun
            due = min(len(submissions), int(elapsed * self.rate) + 1)
            if due == sent:
                time.sleep(_PAUSE)
                continue
            behind = max(behind, elapsed - sent / self.rate)
            self.accept(submissions[sent:due])
            sent = due
        return time.perf_counter() - begun, behind


def ours(template: str, crowd: Workload, rate: float, name: str) -> Arrivals:
    crew = Crew("registrar", f"{mailbox.SETTLE_QUEUE},default", workers=2, processes=1)

    def accept(submissions: Sequence[requests.Submission]) -> None:
        campus.accepted(requests.submit_now(submissions))

    def running(database: str) -> AbstractContextManager[object]:
        return workers.running(crew, current_app, databases.environment(database))

    return Arrivals(name, template, crowd, rate, accept, running)


def textbooks(template: str, crowd: Workload, rate: float, name: str) -> Arrivals:
    def accept(submissions: Sequence[requests.Submission]) -> None:
        textbook.publish(campus.accepted(requests.insert(submissions)))

    def running(database: str) -> AbstractContextManager[object]:
        return workers.running(textbook.CREW, app, databases.environment(database))

    return Arrivals(name, template, crowd, rate, accept, running)


def _latencies(sent: int) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW track_commit_timestamp")
        if cursor.fetchone()[0] != "on":
            raise Broken("without track_commit_timestamp nobody knows when anything was decided")
        cursor.execute("SELECT min(id) FROM requests")
        first = cursor.fetchone()[0] + int(sent * _WARMING)
        cursor.execute(_LATENCIES, [first])
        middle, late = cursor.fetchone()[0]
    return {"p50_ms": round(middle, 2), "p99_ms": round(late, 2)}

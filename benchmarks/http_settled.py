"""From the POST to the decision: the whole site against the textbook's, on one machine.

The clock runs from the first byte sent until nothing is pending. Both have two processes that
decide, the same server before them, the same clients and the same campus.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from celery import Celery, current_app

from benchmarks import databases, textbook, textbook_app, truths, web, workers
from benchmarks.contender import Contender, Run
from benchmarks.figures import single
from benchmarks.http import drive
from benchmarks.intake import ENROLL, NOTHING, Campus, campus_of, expect, told
from benchmarks.stage import Group, Stage
from benchmarks.workers import Crew
from enrollment import mailbox

_LONGEST = 120
_RAN = ("web_us", "postgresql_us", "workers_us", "client_us")
"""Of a processor, for each request."""


class Design(NamedTuple):
    """Where its requests go, who decides them, and about how many it can take a second."""

    name: str
    path: str
    crew: Crew
    app: Celery
    pace: int


OURS = Design(
    "HTTP to settled, ours",
    ENROLL,
    Crew("registrar", f"{mailbox.SETTLE_QUEUE},default", workers=2, processes=1),
    current_app,
    1500,
)
THEIRS = Design(
    "HTTP to settled, textbook",
    "/api/bench/textbook/{course}/",
    textbook.CREW,
    textbook_app.app,
    100,
)


class ToSettled:
    """One design, from outside."""

    def __init__(self, stage: Stage, campus: Campus, design: Design) -> None:
        self.name = design.name
        self._campus, self._design, self._sizes = campus, design, stage.sizes

    def run(self, round_: int) -> Run:
        design, sizes = self._design, self._sizes
        posts = self._campus.posts(design.path, int(design.pace * sizes.http_seconds), "bench")
        first = self._campus.posts(NOTHING.path, 20 * sizes.clients, "first")
        with databases.made("round", self._campus.template) as database:
            mailbox.client().flushdb()
            environ = databases.environment(database)
            with (
                workers.running(design.crew, design.app, environ) as settlers,
                web.serving(environ) as server,
            ):
                drive(server.port, first, sizes.clients)
                before = (*server.processor(), web.ran(settlers), time.process_time())
                begun = time.perf_counter()
                driven = drive(server.port, posts, sizes.clients)
                truths.until_decided(_LONGEST)
                seconds = time.perf_counter() - begun
                after = (*server.processor(), web.ran(settlers), time.process_time())
            expect(driven, len(posts))
            truths.check(fill_in_order=False)
        facts = told(driven) | {"left_seconds": seconds - driven.seconds}
        for name, used, ran in zip(_RAN, before, after, strict=True):
            facts[name] = (ran - used) * 1_000_000 / len(posts)
        return Run(self.name, round_, len(posts), seconds, facts)


def _contenders(stage: Stage) -> Sequence[Contender]:
    campus = campus_of(stage)
    return [ToSettled(stage, campus, design) for design in (OURS, THEIRS)]


GROUP = Group(
    "http",
    "from the POST to the decision, against the textbook's design",
    _contenders,
    [single("HTTP to settled / the same over the textbook", 25, OURS.name, THEIRS.name)],
)

"""What it costs to ask what became of one's requests, as a page does that waits for them, beside a
view that does nothing: one server, one client, one campus.
"""

from collections import defaultdict
from collections.abc import Sequence

from benchmarks import campus, databases, web
from benchmarks.contender import Contender, Run
from benchmarks.figures import single
from benchmarks.http import drive, render
from benchmarks.intake import NOTHING, Campus, Intake, campus_of, expect, measured
from benchmarks.stage import Group, Stage
from benchmarks.workloads import catalogue
from enrollment import mailbox
from enrollment.api.door import REQUESTS


class Reading:
    """Everybody has asked for four courses, nothing is decided, and each looks once."""

    name = "reading, ours"

    def __init__(self, stage: Stage, people: Campus) -> None:
        self._sizes, self._people = stage.sizes, people
        self._looks: list[bytes] = []
        self._template = stage.template("what they ask for", self._build, like=people.template)

    def _build(self) -> None:
        crowd = catalogue(self._sizes.requests)
        own: dict[int, list[int]] = defaultdict(list)
        asked = campus.ask(campus.submissions(crowd))
        for (student, _), request in zip(crowd.asks, asked, strict=True):
            own[student].append(request)
        self._looks = [
            render(
                f"{REQUESTS}?ids={','.join(map(str, ids))}",
                self._people.tokens[student],
                method="GET",
            )
            for student, ids in own.items()
        ]

    def run(self, round_: int) -> Run:
        looks, clients = self._looks, self._sizes.clients
        with databases.made("round", self._template) as database:
            mailbox.client().flushdb()
            with web.serving(databases.environment(database)) as server:
                drive(server.port, looks[: 20 * clients], clients)
                driven, facts = measured(server, looks, clients)
        expect(driven, len(looks), 200)
        return Run(self.name, round_, len(looks), driven.seconds, facts)


def _contenders(stage: Stage) -> Sequence[Contender]:
    people = campus_of(stage)
    return [Intake(stage, people, NOTHING), Reading(stage, people)]


GROUP = Group(
    "reading",
    "what became of one's requests, against a view that does nothing",
    _contenders,
    [single("reading / do-nothing Django view", 0.4, Reading.name, NOTHING.name)],
)

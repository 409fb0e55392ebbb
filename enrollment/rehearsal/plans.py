"""From what was asked for to a day that can be played: a demand file, or an invented one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from . import script
from .day import EARLY_SECONDS, plan_day
from .demand import Survey, open_demand
from .scenery import Person, Scene, Stage
from .senders import Sender
from .site import EVERYTHING, WITHOUT_WEB
from .university import CoursePlan, invent

CLIENTS = 2
TIMED_WIDTH = 4000
"""Deeds under way at once where each has its time: enough never to hold one back."""
FAST_WIDTH = 160
"""The same where the next is sent as soon as one is answered."""
CREDIT_MAXIMUM = 18
COUNTDOWN = timedelta(seconds=2 * EARLY_SECONDS + 2)
"""Before the invented day opens: carts are filled, and the impatient knock."""
CLOSING_SECONDS = 6
"""From the last deed of the invented day to the closing."""

Launch = Callable[[str, datetime], Sequence[Sender]]
"""Starts the senders, given the site's address and when the window opens."""


@dataclass(frozen=True)
class Options:
    """What may be asked of a rehearsal."""

    via: str = "http"
    rate: float | None = None
    section_limit: int = 60
    max_sections: int = -1
    """-1 is no limit."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Options":
        """From a command's arguments."""
        return cls(
            given["via"],
            given["rate"],
            given["section_limit"],
            -1 if given["max_sections"] is None else given["max_sections"],
        )


class Plan(NamedTuple):
    """A day, ready to be played."""

    title: str
    via: str
    scene: Scene
    write: Callable[[Stage, Path], Launch]
    """Write what the senders read into a folder."""
    total: int
    """Requests that will be sent."""
    programs: Sequence[str]
    """The site's processes that it takes."""
    opens_in: timedelta
    lasts: timedelta | None
    """From the opening to the closing; None closes when all is decided."""
    processes: int
    """Worker processes that must have settled something."""
    notes: Sequence[str] = ()


def of_file(path: Path, options: Options) -> Plan:
    """A demand file. Raises Malformed for the first line that is wrong."""
    demand = open_demand(path)
    survey = demand.survey()
    timed = survey.timed or options.rate is not None

    def write(stage: Stage, folder: Path) -> Launch:
        if options.via == "queue":
            feed = folder / "feed"
            script.write_feed(demand.asks(survey), stage, feed, options.rate)
            return lambda url, opens_at: [_feeder(feed, folder, stage)]
        paths = _scripts(folder)
        script.write_asks(demand.asks(survey), stage, paths, options.rate)
        width = TIMED_WIDTH if timed else FAST_WIDTH
        return lambda url, opens_at: [
            _client(path, folder, url, opens_at, width // CLIENTS) for path in paths
        ]

    return Plan(
        title=f"A rehearsal of {path.name}",
        via=options.via,
        scene=_scene(survey, options),
        write=write,
        total=survey.requests,
        programs=EVERYTHING if options.via == "http" else WITHOUT_WEB,
        opens_in=timedelta(seconds=2),
        lasts=None,
        processes=1,
        notes=survey.notes,
    )


def invented(seed: int, students: int, seconds: float) -> Plan:
    """The demo: an invented university and its registration day, the same for the same seed."""
    university = invent(seed, students)
    day = plan_day(university, seed, seconds)

    def write(stage: Stage, folder: Path) -> Launch:
        paths = _scripts(folder)
        script.write_day(day.deeds, stage, paths)
        return lambda url, opens_at: [
            _client(path, folder, url, opens_at, TIMED_WIDTH // CLIENTS) for path in paths
        ]

    people = [
        Person(f"{number:05d}", student.cohort, student.first, student.last)
        for number, student in enumerate(university.students, start=1)
    ]
    return Plan(
        title="A registration day at an invented university",
        via="http",
        scene=Scene(university.courses, people, CREDIT_MAXIMUM, tokens=True, carts=day.carts),
        write=write,
        total=sum(2 if deed.twice else 1 for deed in day.deeds),
        programs=EVERYTHING,
        opens_in=COUNTDOWN,
        lasts=timedelta(seconds=seconds + CLOSING_SECONDS),
        processes=2,
    )


def _scene(survey: Survey, options: Options) -> Scene:
    """Courses of a file have a limit and sections on demand; the rest a file does not say."""
    courses = [
        CoursePlan(
            code=code,
            name=f"Course {code}",
            credits=1,
            meets=(),
            base_limit=options.section_limit,
            section_limit=options.section_limit,
            auto_create=True,
            open_threshold=1,
            max_sections=options.max_sections,
            waitlist_cap=-1,
            sections=(),
        )
        for code in survey.courses
    ]
    # As many credits as anybody asks for: a file says nothing of credits, so nobody runs out.
    people = (Person(name, "") for name in survey.students)
    return Scene(courses, people, max(24, survey.most), tokens=options.via == "http")


# The senders ------------------------------------------------------------------------------


def _scripts(folder: Path) -> list[Path]:
    return [folder / f"client-{number}.script" for number in range(1, CLIENTS + 1)]


def _client(path: Path, folder: Path, url: str, opens_at: datetime, width: int) -> Sender:
    arguments = [
        str(path),
        str(path.with_suffix(".log")),
        f"--url={url}",
        f"--opens={int(opens_at.timestamp() * 1e9)}",
        f"--width={width}",
    ]
    return Sender("client", arguments, path.with_suffix(".errors"))


def _feeder(feed: Path, folder: Path, stage: Stage) -> Sender:
    arguments = [str(feed), str(folder / "feeder.log"), f"--term={stage.term}"]
    return Sender("feeder", arguments, folder / "feeder.errors", {"REGISTRAR_ROLE": "web"})

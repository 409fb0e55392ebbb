"""A steady stream of requests for one act, and what its students saw."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

from enrollment.rehearsal import script
from enrollment.rehearsal.day import Act, Deed, Kind
from enrollment.rehearsal.plans import CREDIT_MAXIMUM
from enrollment.rehearsal.scenery import Person, Scene, Stage
from enrollment.rehearsal.university import University, invent
from registrar.services.errors import ServiceError

from .compose import ROOT
from .machine import state
from .site import SITE, Site

STUDENTS = 1200
_LONGEST_SECONDS = 600
_END_SECONDS = 120.0
_KINDS = {Kind.ENROLL: 74, Kind.DROP: 12, Kind.SWAP: 9, Kind.LEAVE: 5}


class Answered(NamedTuple):
    """One request to one web host; status 0 is a connection that ended or was refused."""

    method: str
    status: int
    sent: int
    answered: int
    web: str

    @property
    def seconds(self) -> float:
        return (self.answered - self.sent) / 1e9


class Load:
    """A crowd under way."""

    def __init__(self, name: str) -> None:
        self.log, self._answers = state() / f"{name}.log", state() / f"{name}.answers"
        self._errors = state() / f"{name}.errors"
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, site: Site, path: Path) -> None:
        webs = [word for web in site.webs for word in ("--web", web.name)]
        files = map(str, (path, self.log, self._answers))
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                site.students.inside(
                    sys.executable, "-m", "tests.hosts.crowd", *files, "--site", SITE, *webs
                ),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        self._tell(f"go {time.time_ns()}")

    def end(self) -> None:
        """No more is sent; waits until the students have seen what became of everything."""
        assert self._process is not None
        self._tell("stop")
        if self._process.wait(_END_SECONDS):
            raise ServiceError(f"the crowd failed: {self._errors.read_text()[-1000:]}")

    def check(self) -> None:
        """Raises ServiceError when the crowd has ended: then an act would be without load."""
        assert self._process is not None
        if self._process.poll() is not None:
            raise ServiceError(f"the crowd is gone: {self._errors.read_text()[-1000:]}")

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def answers(self) -> list[Answered]:
        lines = self._answers.read_text().splitlines()
        return [_answered(*line.split()) for line in lines]

    def statuses(self) -> Counter[int]:
        return Counter(each.status for each in self.answers() if each.status)

    def _tell(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()


def _answered(method: str, status: str, sent: str, answered: str, web: str) -> Answered:
    return Answered(method, int(status), int(sent), int(answered), web)


@contextmanager
def sending(site: Site, name: str, path: Path) -> Iterator[Load]:
    """A crowd that sends until the block ends, and then until it knows what became of all."""
    load = Load(name)
    try:
        load.begin(site, path)
        yield load
        load.check()
        load.end()
    finally:
        load.kill()


# What they ask for ---------------------------------------------------------------------------


def scene(university: University) -> Scene:
    people = [
        Person(f"{number:05d}", student.cohort, student.first, student.last)
        for number, student in enumerate(university.students, start=1)
    ]
    return Scene(university.courses, people, CREDIT_MAXIMUM, tokens=True)


def write(university: University, stage: Stage, name: str, rate: float, seed: int) -> Path:
    """A script that asks at this rate for longer than any act lasts."""
    path = state() / f"{name}.script"
    random = Random(seed)
    deeds = [
        _deed(number, university, random, rate) for number in range(int(rate * _LONGEST_SECONDS))
    ]
    script.write_day(deeds, stage, [path])
    return path


def _deed(number: int, university: University, random: Random, rate: float) -> Deed:
    student = random.randrange(len(university.students))
    wishes = university.students[student].wishes
    course, other = random.choice(wishes), random.choice(wishes)
    [kind] = random.choices(list(_KINDS), list(_KINDS.values()))
    if kind is Kind.SWAP and course == other:
        kind = Kind.ENROLL
    act = Act(kind, course, give=other if kind is Kind.SWAP else -1)
    return Deed(number, student, round(number / rate, 4), act)


def a_university(seed: int) -> University:
    return invent(seed, STUDENTS)

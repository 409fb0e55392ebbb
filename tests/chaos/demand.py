"""What is sent in a round, drawn from its seed: few courses, wanted by nearly everybody. Pure."""

import random
from typing import Any, NamedTuple

from enrollment.rehearsal.university import CoursePlan, SectionPlan

SENDS = 200
"""POSTs of one round, without retries and without those who knock at the opening."""
COURSES = 8
QUIET = COURSES
"""A ninth course, which nobody asks for but a fault that wants to be alone with it."""
CART_COURSES = 2
"""In each cart: so many requests one POST of it becomes."""
STUDENTS = 80
KNOCKERS = 8
EDGE = 0.5
"""When the window of the knockers opens, as a share of the storm."""
_BURSTS = (0, 0, 3, 4)
"""Half of the storms come in so many bursts: lines grow longer than a settlement, and in between
nobody who comes later wakes up what should wake up by itself."""
_BURST_SECONDS = 0.2
STAFF = -1
_KINDS = {
    "enroll": 60, "drop": 12, "swap": 10, "leave": 4, "cancel": 4, "cart": 3, "bundle": 3,
    "limit": 4,
}  # fmt: skip
_COPIES = (1, 1, 1, 1, 1, 1, 2, 3)


class Deed(NamedTuple):
    """Something one person does: sent until an answer stands, always with the same key."""

    number: int
    at: float
    """Seconds after the storm's beginning."""
    kind: str
    student: int
    """Which of the stage's students; STAFF is the registrar's office."""
    course: int
    other: int = -1
    """The course given up in a swap."""
    key: str = ""
    """Without one it is sent once, as a browser would: what an unknown answer means stays open."""
    copies: int = 1
    """How often it is sent at the same moment."""
    cancels: int = -1
    """The deed of the same student whose request it takes back."""
    body: dict[str, Any] = {}
    knocks: bool = False
    """Sent around the opening of the student's window, and once only."""


def courses(chance: random.Random) -> list[CoursePlan]:
    """The hottest first; some fill up, some open sections, some meet at the same time."""
    return [_course(chance, at) for at in range(COURSES + 1)]


def _course(chance: random.Random, at: int) -> CoursePlan:
    start = 600 * (at // 2) + 540
    sections = [SectionPlan(chance.randint(1, 4), ()) for _ in range(chance.choice((0, 0, 1, 2)))]
    return CoursePlan(
        code=f"CHAOS{at + 1}",
        name=f"Course {at + 1} of a storm",
        credits=chance.choice((2, 3, 4)),
        meets=((start, start + 60),),
        base_limit=chance.randint(0, 6) if sections else chance.randint(1, 8),
        section_limit=chance.randint(1, 4),
        auto_create=at % 2 == 0,
        open_threshold=chance.choice((1, 1, 3)),
        max_sections=chance.choice((-1, -1, 6)),
        waitlist_cap=chance.choice((-1, -1, 5)),
        sections=tuple(sections),
    )


def deeds(chance: random.Random, seconds: float) -> list[Deed]:
    """All that is done in a storm of that length, in the order of its times."""
    drawn: list[Deed] = []
    sends = 0
    bursts = chance.choice(_BURSTS)
    while sends < SENDS:
        drawn.append(_deed(chance, _moment(chance, seconds, bursts), drawn))
        sends += drawn[-1].copies
    drawn += _knocks(chance, seconds * EDGE, len(drawn))
    drawn += _reused_keys(chance, drawn)
    return sorted(drawn, key=lambda deed: deed.at)


def _moment(chance: random.Random, seconds: float, bursts: int) -> float:
    """Anywhere, or in one of the bursts, the last of which is the end of the storm."""
    if not bursts:
        return chance.uniform(0, seconds)
    return seconds * chance.randint(1, bursts) / bursts + chance.uniform(0, _BURST_SECONDS)


def _deed(chance: random.Random, at: float, before: list[Deed]) -> Deed:
    number = len(before)
    kind = chance.choices(list(_KINDS), list(_KINDS.values()))[0]
    deed = Deed(
        number,
        round(at, 3),
        kind,
        chance.randrange(STUDENTS),
        _popular(chance),
        key=f"key-{number}" if chance.random() < 0.93 else "",
    )
    match kind:
        case "swap":
            return deed._replace(other=_other(chance, deed.course))
        case "limit":
            body = {chance.choice(("0", "max_sections", "waitlist_cap")): chance.randint(0, 9)}
            return deed._replace(student=STAFF, key=f"key-{number}", body=body)
        case "cancel":
            return _cancel(chance, deed, before)
        case "enroll" | "drop":
            copies = chance.choice(_COPIES)
            return deed._replace(copies=copies, key=deed.key or (f"key-{number}" * (copies > 1)))
    return deed


def _popular(chance: random.Random) -> int:
    return int(COURSES * chance.random() ** 2)


def _other(chance: random.Random, course: int) -> int:
    return (course + chance.randrange(1, COURSES)) % COURSES


def _cancel(chance: random.Random, deed: Deed, before: list[Deed]) -> Deed:
    """Of an earlier deed, a moment after it; an enroll where there is none."""
    earlier = [d for d in before if d.kind in ("enroll", "swap") and d.copies == 1 and d.key]
    if not earlier:
        return deed._replace(kind="enroll")
    target = chance.choice(earlier)
    at = target.at + chance.uniform(0.0, 0.4)
    return deed._replace(
        at=round(at, 3), student=target.student, course=target.course, cancels=target.number
    )


def _knocks(chance: random.Random, edge: float, number: int) -> list[Deed]:
    """Students whose window opens in the middle of the storm, a little before and after that."""
    moments = [edge + chance.uniform(-0.6, 0.9) for _ in range(3 * KNOCKERS)]
    return [
        Deed(
            number + at,
            round(moment, 3),
            "enroll",
            STUDENTS + at % KNOCKERS,
            at % COURSES,
            key=f"knock-{at}",
            knocks=True,
        )
        for at, moment in enumerate(moments)
    ]


def _reused_keys(chance: random.Random, drawn: list[Deed]) -> list[Deed]:
    """A few keys sent again with another request, while and after the first is answered."""
    keyed = [d for d in drawn if d.kind == "enroll" and d.key and not d.knocks]
    return [
        deed._replace(
            number=len(drawn) + at,
            at=round(deed.at + chance.choice((0.0, 0.5)), 3),
            course=_other(chance, deed.course),
            copies=1,
        )
        for at, deed in enumerate(chance.sample(keyed, min(4, len(keyed))))
    ]

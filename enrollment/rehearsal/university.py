"""An invented university, the same for the same seed: courses, seats, students and their wishes.

The shape is measured from real terms: the sizes of courses are log-normal with a spread of about
1.1 (the median at six tenths of the mean, the largest at eight times), students want three or four
courses, and most of what is popular has fewer seats than takers. Every name in it is made up.
"""

import math
from itertools import accumulate
from random import Random
from typing import NamedTuple

from courses.timetable import Meets, merge, overlap, weekly

SUBJECTS = (
    ("CLH", "Cloud Husbandry"),
    ("TID", "Tidal Mechanics"),
    ("LAN", "Applied Lanterns"),
    ("CAR", "Comparative Cartography"),
    ("MOS", "Moss Studies"),
    ("WHL", "Whale Linguistics"),
    ("CLK", "Clockwork Design"),
    ("ECH", "History of Echoes"),
    ("KIT", "Kite Engineering"),
    ("GLA", "Glacier Law"),
)
TITLES = (
    ("Introduction to {}", "{} in Practice", "Foundations of {}", "A First Look at {}",
     "The Language of {}", "{} and Society", "Tools of {}"),
    ("{} II", "Methods in {}", "{} Laboratory", "Great Errors of {}", "Quantitative {}",
     "Field Work in {}", "{} and its Neighbours"),
    ("Theory of {}", "{} III", "{} Studio", "Ethics of {}", "Models in {}", "Readings in {}"),
    ("Advanced {}", "Seminar in {}", "Open Problems of {}", "{} Thesis Workshop", "Masters of {}"),
)  # fmt: skip
COHORTS = ("first year", "second year", "third year", "fourth year")
_FIRST = ("Ab", "Bri", "Cor", "Dal", "Ed", "Fen", "Gil", "Hes", "Im", "Jol", "Kest", "Lor")
_SECOND = ("adine", "bert", "cilla", "dric", "elle", "fina", "go", "hild", "ina", "kin", "mund")
_FAMILY = ("Amber", "Bram", "Copper", "Dapple", "Elder", "Fallow", "Gorse", "Hollow", "Nettle")
_PLACE = ("bottom", "croft", "field", "gate", "mere", "quill", "ridge", "thorpe", "wick")

# How often a student wants 1, 2, … 9 courses.
_LOADS = (4, 14, 30, 25, 14, 7, 4, 1.6, 0.4)
_SPREAD = 1.15
# Minutes of the day when a class begins, and how likely that is.
_MORNINGS = ((9, 4), (10, 6), (11, 6), (12, 4), (13, 4), (14, 5), (15, 4), (16, 2), (17, 1), (8, 2))
_PATTERNS = ((0, 2, 4, 50), (1, 3, 75), (0, 2, 75), (2, 110), (4, 110))


class SectionPlan(NamedTuple):
    """A section that exists before registration opens."""

    limit: int
    meets: Meets


class CoursePlan(NamedTuple):
    """A course and its seats in the term. -1 is no limit."""

    code: str
    name: str
    credits: int
    meets: Meets
    """When the seats on the course itself meet."""
    base_limit: int
    section_limit: int
    auto_create: bool
    open_threshold: int
    max_sections: int
    waitlist_cap: int
    sections: tuple[SectionPlan, ...]


class StudentPlan(NamedTuple):
    """A student, and the courses wanted (positions in `courses`), dearest first."""

    first: str
    last: str
    cohort: str
    wishes: tuple[int, ...]


class University(NamedTuple):
    courses: tuple[CoursePlan, ...]
    students: tuple[StudentPlan, ...]


class _Draft(NamedTuple):
    """A course before its seats are set: those follow from how many want it."""

    code: str
    name: str
    subject: int
    year: int
    weight: float
    meets: Meets


def invent(seed: int, students: int) -> University:
    """Make the university. Deterministic: the same arguments give the same one."""
    random = Random(seed)
    drafts = _courses(random)
    people = _students(random, drafts, students)
    demand = [0] * len(drafts)
    for person in people:
        for course in person.wishes:
            demand[course] += 1
    courses = tuple(
        _seats(random, draft, wanted) for draft, wanted in zip(drafts, demand, strict=True)
    )
    return University(courses, people)


# Courses ----------------------------------------------------------------------------------


def _courses(random: Random) -> list[_Draft]:
    drafts = []
    for subject, (acronym, name) in enumerate(SUBJECTS):
        for year, titles in enumerate(TITLES):
            for place, title in enumerate(titles, start=1):
                drafts.append(
                    _Draft(
                        code=f"{acronym}{year + 1}{place:02d}",
                        name=title.format(name),
                        subject=subject,
                        year=year,
                        weight=math.exp(random.gauss(0, _SPREAD)),
                        meets=_meets(random),
                    )
                )
    return drafts


def _meets(random: Random) -> Meets:
    *days, minutes = random.choices(_PATTERNS, (5, 5, 3, 1, 1))[0]
    hours, weights = zip(*_MORNINGS, strict=True)
    start = 60 * random.choices(hours, weights)[0]
    return merge(weekly(day, start, start + minutes) for day in days)


def _seats(random: Random, draft: _Draft, wanted: int) -> CoursePlan:
    """Seats for rather fewer than want one, in one of three ways that courses are run."""
    style = random.random()
    room = max(8, round(wanted * random.uniform(0.55, 1.2)))
    if wanted >= 60 and style < 0.35:
        return _taught_in_sections(random, draft, room)
    if wanted >= 25 and style < 0.75:
        return _growing(random, draft, room)
    return _fixed(random, draft, room)


def _taught_in_sections(random: Random, draft: _Draft, room: int) -> CoursePlan:
    """No seats on the course itself: sections at different times, and one or two more at need."""
    count = random.randint(2, 4)
    limit = _tens(room / count)
    sections = tuple(
        SectionPlan(limit, draft.meets if number == 0 else _meets(random))
        for number in range(count)
    )
    return _plan(
        draft, base_limit=0, section_limit=limit, auto_create=True,
        open_threshold=random.choice((5, 10)), max_sections=count + random.randint(0, 2),
        waitlist_cap=random.choice((20, 40, -1)), sections=sections,
    )  # fmt: skip


def _growing(random: Random, draft: _Draft, room: int) -> CoursePlan:
    """Seats on the course itself, and sections on demand."""
    return _plan(
        draft, base_limit=_tens(room * 0.5), section_limit=_tens(room * 0.2), auto_create=True,
        open_threshold=random.choice((1, 1, 3, 8)), max_sections=random.randint(1, 5),
        waitlist_cap=random.choice((10, 20, 40, -1)), sections=(),
    )  # fmt: skip


def _fixed(random: Random, draft: _Draft, room: int) -> CoursePlan:
    """One room, so many chairs."""
    return _plan(
        draft, base_limit=room, section_limit=room, auto_create=False, open_threshold=1,
        max_sections=0, waitlist_cap=random.choice((5, 10, 15, -1)), sections=(),
    )  # fmt: skip


def _plan(
    draft: _Draft,
    *,
    base_limit: int,
    section_limit: int,
    auto_create: bool,
    open_threshold: int,
    max_sections: int,
    waitlist_cap: int,
    sections: tuple[SectionPlan, ...],
) -> CoursePlan:
    return CoursePlan(
        draft.code, draft.name, _credits(draft), draft.meets, base_limit, section_limit,
        auto_create, open_threshold, max_sections, waitlist_cap, sections,
    )  # fmt: skip


def _credits(draft: _Draft) -> int:
    """Four for what meets in long blocks, else three."""
    return 4 if max(end - start for start, end in draft.meets) > 100 else 3


def _tens(seats: float) -> int:
    return max(10, 5 * round(seats / 5))


# Students ---------------------------------------------------------------------------------


def _students(random: Random, drafts: list[_Draft], count: int) -> tuple[StudentPlan, ...]:
    taste = {
        (subject, year): list(accumulate(_pull(draft, subject, year) for draft in drafts))
        for subject in range(len(SUBJECTS))
        for year in range(len(COHORTS))
    }
    people = []
    for _ in range(count):
        subject, year = (
            random.randrange(len(SUBJECTS)),
            random.choices(range(4), (29, 26, 24, 21))[0],
        )
        load = random.choices(range(1, len(_LOADS) + 1), _LOADS)[0]
        people.append(
            StudentPlan(
                random.choice(_FIRST) + random.choice(_SECOND),
                random.choice(_FAMILY) + random.choice(_PLACE),
                COHORTS[year],
                _wishes(random, drafts, taste[subject, year], load),
            )
        )
    return tuple(people)


def _pull(draft: _Draft, subject: int, year: int) -> float:
    """How much a course draws a student: its own weight, more in one's subject and year."""
    near = 4.0 if draft.subject == subject else 1.0
    return draft.weight * near * (2.0, 1.0, 0.4, 0.2)[abs(draft.year - year)]


def _wishes(random: Random, drafts: list[_Draft], taste: list[float], load: int) -> tuple[int, ...]:
    """Different courses; most students look at the timetable first, some do not."""
    careful = random.random() < 0.85
    wishes: list[int] = []
    for _ in range(load * 6):
        course = random.choices(range(len(drafts)), cum_weights=taste)[0]
        clashes = any(overlap(drafts[course].meets, drafts[wish].meets) for wish in wishes)
        if course not in wishes and not (careful and clashes):
            wishes.append(course)
        if len(wishes) == load:
            break
    return tuple(wishes)


def spread(sizes: list[int]) -> tuple[int, int, int, int]:
    """The median, the 90th and 99th percentile and the largest of some sizes."""
    ordered = sorted(sizes)
    half, most, nearly_all = (ordered[int(len(ordered) * share)] for share in (0.5, 0.9, 0.99))
    return half, most, nearly_all, ordered[-1]

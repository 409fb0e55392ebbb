"""What is read of a study plan, as plain values."""

from typing import NamedTuple

from .credits import Reach, Span


class CourseSeen(NamedTuple):
    """A course version in a slot. `flags` say in words what is wrong with its being there."""

    id: int
    code: str
    name: str
    version: str
    credits: int
    state: str
    superseded_by: int | None
    """The latest version of the same course, where this is not it."""
    flags: list[str]


class SlotSeen(NamedTuple):
    """A place for one of these courses; the limits are on students."""

    id: int
    name: str
    type: str
    information: str
    duration: int
    min_registration_limit: int
    max_registration_limit: int
    credits: Span
    courses: list[CourseSeen]


class SemesterSeen(NamedTuple):
    """The n-th semester of a plan and what it adds."""

    number: int
    credits: Span
    slots: list[SlotSeen]


class BatchSeen(NamedTuple):
    """A batch; `members` are those of its seats that are taken."""

    id: int
    name: str
    discipline: str
    year: int
    curriculum: int | None
    running: bool
    total_seats: int
    members: int


class CurriculumSeen(NamedTuple):
    """One version of a plan with all that is in it."""

    id: int
    name: str
    version: str
    latest: bool
    programme: int
    programme_name: str
    no_of_semester: int
    min_credit: int
    credits: Span
    reach: Reach
    """Whether the plan gives the credits it asks for."""
    flagged: int
    """Courses in it that are superseded or not offered any more."""
    semesters: list[SemesterSeen]
    batches: list[BatchSeen]


class CurriculumCard(NamedTuple):
    """What a list shows of a curriculum."""

    id: int
    name: str
    version: str
    latest: bool


class ProgrammeSeen(NamedTuple):
    """What a list shows of a programme."""

    id: int
    category: str
    name: str
    disciplines: list[str]
    curricula: list[CurriculumCard]


class ProgrammeDetail(NamedTuple):
    """A programme and every version of its plans, the latest first."""

    id: int
    category: str
    name: str
    disciplines: list[str]
    curricula: list[CurriculumSeen]


class OwnPlan(NamedTuple):
    """What a student studies by. `binding` says whether registration refuses what is not in it."""

    batch: BatchSeen
    binding: bool
    curriculum: CurriculumSeen | None

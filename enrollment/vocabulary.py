"""The words of a settlement, as values: what is asked, what is known, what changes.

Everything here is immutable and made of integers, strings, booleans and tuples, so that a
settlement's facts and changes can be stored as JSON, hashed, and read back to the same values.
They are named tuples rather than dataclasses because a settlement makes some ten of them a
request, and a tuple is also its own JSON.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from courses.timetable import Meets

BASE = 0
"""The place number of the seats on the course itself, outside any section (S0-11, S0-20)."""


class Kind(StrEnum):
    """What may be asked. The first six come from students, the next four from staff."""

    ENROLL = "ENROLL"
    DROP = "DROP"
    SWAP = "SWAP"
    BUNDLE = "BUNDLE"
    LEAVE = "LEAVE"
    CANCEL = "CANCEL"
    LIMIT = "LIMIT"
    PERMIT = "PERMIT"
    TIMETABLE = "TIMETABLE"
    PAUSE = "PAUSE"
    RECHECK = "RECHECK"


POLICY_FIELDS = (
    "auto_create",
    "open_threshold",
    "section_limit",
    "max_sections",
    "total_cap",
    "waitlist_cap",
)
"""What LIMIT may set on an offering, besides the limit of its base seats or of a section."""

STUDENT_KINDS = frozenset({Kind.ENROLL, Kind.DROP, Kind.SWAP, Kind.BUNDLE, Kind.LEAVE, Kind.CANCEL})


class Status(StrEnum):
    """Whether an offering takes students."""

    OPEN = "OPEN"
    PAUSED = "PAUSED"
    CLOSED = "CLOSED"


class Result(StrEnum):
    """How a request ended: its terminal state."""

    ENROLLED = "ENROLLED"
    WAITLISTED = "WAITLISTED"
    DROPPED = "DROPPED"
    SWAPPED = "SWAPPED"
    LEFT = "LEFT"
    CANCELLED = "CANCELLED"
    DONE = "DONE"
    REFUSED = "REFUSED"
    FAILED_INTERNAL = "FAILED_INTERNAL"


class Event(StrEnum):
    """What an audit entry of a settlement records."""

    DECIDED = "decided"
    PROMOTED = "promoted"
    SECTION_OPENED = "section_opened"
    PASSED_OVER = "passed_over"
    SECTION_FAILED = "section_failed"


class Ask(NamedTuple):
    """One request, as `allocate` sees it."""

    id: int
    kind: Kind
    student: int
    """The student's id; 0 where none is concerned (LIMIT, TIMETABLE, PAUSE)."""
    offerings: tuple[int, ...]
    """Every offering it touches, sorted: the set that must be held to decide it."""
    body: Mapping[str, Any]
    actor: str
    window: int
    """The window it was accepted in; 0 for staff and the system, who need none."""


# What is known ----------------------------------------------------------------------------


class Place(NamedTuple):
    """Seats that fill together: the base seats (number 0) or one section."""

    number: int
    limit: int
    taken: int
    permits: int
    meets: Meets


class Waiter(NamedTuple):
    """A student in an offering's waitlist; `request` is the place in line."""

    request: int
    student: int
    pinned: int
    """The section number waited for; -1 where any will do."""


class OfferingFacts(NamedTuple):
    """An offering under its lock. A limit of -1 means there is none."""

    id: int
    term: int
    code: str
    credits: int
    status: str
    auto_create: bool
    open_threshold: int
    section_limit: int
    max_sections: int
    total_cap: int
    total_permits: int
    waitlist_cap: int
    waiting: int
    next_number: int
    openings: int
    """How many sections may still be created in this settlement; -1 is unbounded. Lowered when
    the database refused one, so that the second run of `allocate` stops short of it."""
    places: tuple[Place, ...]
    waiters: tuple[Waiter, ...]
    waiters_loaded: bool


class Held(NamedTuple):
    """A live enrollment of a student."""

    offering: int
    number: int
    credits: int
    meets: Meets


class Waiting(NamedTuple):
    """A live place of a student in an offering's line."""

    offering: int
    request: int
    pinned: int


class StudentFacts(NamedTuple):
    """A student in a term under the lock of that row."""

    id: int
    term: int
    credits: int
    max_credits: int
    held: tuple[Held, ...]
    waits: tuple[Waiting, ...]
    """Where else the student is in line, and may become eligible after a drop."""


class State(NamedTuple):
    """All that one settlement knows; `broken` are requests that `allocate` could not decide."""

    offerings: tuple[OfferingFacts, ...]
    students: tuple[StudentFacts, ...]
    broken: tuple[int, ...] = ()


# What changes -----------------------------------------------------------------------------


class Seat(NamedTuple):
    """A student takes a seat; `request` is the one that asked for it."""

    offering: int
    number: int
    student: int
    request: int


class Free(NamedTuple):
    """A student gives a seat back."""

    offering: int
    number: int
    student: int


class Wait(NamedTuple):
    """A student joins the waitlist."""

    offering: int
    pinned: int
    student: int
    request: int


class Unwait(NamedTuple):
    """A student leaves the waitlist: PROMOTED, SEATED elsewhere in the offering, or LEFT."""

    offering: int
    pinned: int
    student: int
    request: int
    why: str


class Open(NamedTuple):
    """A new section opens with no fixed times."""

    offering: int
    number: int
    limit: int


class Permit(NamedTuple):
    """Staff allow one more than the limit (D5)."""

    offering: int
    number: int
    place: int
    total: int


class SetPolicy(NamedTuple):
    """A field of the offering's seat policy takes a new value."""

    offering: int
    field: str
    value: int


class SetLimit(NamedTuple):
    """The base seats (number 0) or one section get a new limit."""

    offering: int
    number: int
    limit: int


class SetStatus(NamedTuple):
    """The offering is paused, opened or closed."""

    offering: int
    status: str


class SetMeets(NamedTuple):
    """A section's weekly times are confirmed."""

    offering: int
    number: int
    meets: Meets


class Recheck(NamedTuple):
    """The student may have become eligible where they wait: ask again, in line."""

    offering: int
    student: int


Change: TypeAlias = (
    Seat
    | Free
    | Wait
    | Unwait
    | Open
    | Permit
    | SetPolicy
    | SetLimit
    | SetStatus
    | SetMeets
    | Recheck
)

CHANGES: dict[str, type[Change]] = {
    "seat": Seat,
    "free": Free,
    "wait": Wait,
    "unwait": Unwait,
    "open": Open,
    "permit": Permit,
    "policy": SetPolicy,
    "limit": SetLimit,
    "status": SetStatus,
    "meets": SetMeets,
    "recheck": Recheck,
}
CHANGE_NAMES: dict[type[Change], str] = {cls: name for name, cls in CHANGES.items()}


# What is decided --------------------------------------------------------------------------


class Step(NamedTuple):
    """One audit entry: a request decided, or what its decision led to."""

    event: Event
    offering: int
    request: int
    """The request decided, promoted or passed over; for a new section the one that opened it."""
    student: int
    result: Result
    code: str
    """A stable reason code (`rules.REASONS`); the result's own name where nothing was refused."""
    facts: Mapping[str, Any]
    changes: tuple[Change, ...]


class OfferingAfter(NamedTuple):
    """What an offering's row holds after the settlement."""

    id: int
    status: str
    waiting: int
    taken: int
    total_permits: int
    next_number: int
    policy: tuple[int, ...]
    """The values of `POLICY_FIELDS`, in that order."""


class PlaceAfter(NamedTuple):
    """What a section's (or the base seats') counters hold after the settlement."""

    offering: int
    number: int
    limit: int
    taken: int
    permits: int
    meets: Meets
    retimed: bool


class Plan(NamedTuple):
    """Every decision of one settlement, in order, and the counters it leaves behind."""

    steps: tuple[Step, ...]
    offerings: tuple[OfferingAfter, ...]
    places: tuple[PlaceAfter, ...]


def encode(change: Change) -> list[Any]:
    """The JSON form of a change: its name, then its fields."""
    return [CHANGE_NAMES[type(change)], *change]


def decode(row: list[Any]) -> Change:
    """Read a change back. Raises KeyError for a name this version does not know."""
    cls = CHANGES[row[0]]
    if cls is SetMeets:
        offering, number, meets = row[1:]
        return SetMeets(offering, number, tuple(map(tuple, meets)))
    return cls(*row[1:])

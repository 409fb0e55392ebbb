"""What an import knows before it decides, and what it decides: values. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from courses.versioning import Bump, Reason

from .lines import Remark
from .said import SaidSection, SaidTerm


class Place(NamedTuple):
    """A version of a course: the n-th."""

    lineage: UUID
    revision: int


class KnownCourse(NamedTuple):
    """A course that was imported before, as its latest version is now."""

    lineage: UUID
    revision: int
    version: Decimal
    content: Mapping[str, Any]
    wanted: str
    """Its code in the source."""
    digest: str
    taught: tuple[tuple[str, int], ...]
    """Terms in which it was taught, and the revision there, in order."""


class KnownOffering(NamedTuple):
    """A course in a term, both imported before; more sections may join while it is closed."""

    id: int
    place: Place
    code: str
    next_number: int
    closed: bool


class Known(NamedTuple):
    """All of the database that an import of one source must agree with."""

    courses: Mapping[str, KnownCourse]
    offerings: Mapping[tuple[UUID, str], KnownOffering]
    sections: Mapping[str, str]
    """Digests of the lines, by term and key: see `section_key`."""
    holders: Mapping[str, UUID]
    """Whose latest version has a code."""
    used: Mapping[str, Mapping[UUID, Decimal]]
    """The highest version that each course has had under a code."""
    defaults: Mapping[str, Any] = {}
    """What a new course says of which its source says nothing."""


class NewVersion(NamedTuple):
    """A version of a new course."""

    key: str
    place: Place
    version: Decimal
    bump: Bump
    content: Mapping[str, Any]
    reasons: tuple[Reason, ...]
    department: str
    comment: str


class Change(NamedTuple):
    """What becomes of a course that is known: the version is made by `courses.catalogue`."""

    key: str
    place: Place
    """Of the version that it makes."""
    given: Mapping[str, Any]
    comment: str
    line: int
    alone: bool
    """Whether nothing else of its line goes in."""


class NewOffering(NamedTuple):
    place: Place
    term: SaidTerm
    code: str
    sections: tuple[SaidSection, ...]
    joins: KnownOffering | None
    """The one that there is already."""


class Standing(NamedTuple):
    """What is kept of a course of the source: its code there, and what it said last."""

    lineage: UUID
    wanted: str
    digest: str


class Plan(NamedTuple):
    versions: list[NewVersion]
    changes: list[Change]
    offerings: list[NewOffering]
    standings: dict[str, Standing]
    """New, or other than before; by the course's key."""
    discontinued: dict[UUID, str]
    """New courses that were given up, and the term in which they were taught last."""
    remarks: list[Remark]
    known: int
    """Lines that were imported before."""


def section_key(term: str, key: str) -> str:
    """What the source calls a section, whichever term numbers it so."""
    return f"{term}:{key}"

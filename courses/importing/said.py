"""What a source says, in one form for all of them: courses, and what was taught of them. Pure."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .lines import Bad, Remark

CODE_LETTERS, NAME_LETTERS = 10, 100
NOT_SAID = "Not part of what was imported."
MOST_SEATS = 2**31 - 1


class SaidTerm(NamedTuple):
    """A term as the source calls it, and what it is here."""

    key: str
    year: int
    semester: str
    """A value of `SemesterType`."""


class SaidMeeting(NamedTuple):
    """Weekly: day 0 is Monday, times are minutes of the day."""

    day: int
    start: int
    end: int
    room: str


class SaidSection(NamedTuple):
    line: int
    key: str
    limit: int
    schedule: str
    """JSON: what of the section has no column here."""
    meetings: tuple[SaidMeeting, ...]
    digest: str


class Said(NamedTuple):
    """A course in a term (or in no term: as a catalogue has it), with its sections.

    `fields` are those of a course version, None where only sections are spoken of. They have no
    `name` in a term whose sections are called by their topics: then a new course gets `called`.
    """

    line: int
    course: str
    """What the source calls the course by, for ever; codes are not that (D6)."""
    fields: Mapping[str, Any] | None
    called: str
    department: str
    term: SaidTerm | None
    sections: tuple[SaidSection, ...]
    digest: str
    written_for: str = ""
    """The version that the course must be at, if one is named."""

    @property
    def lines(self) -> tuple[int, ...]:
        return tuple(each.line for each in self.sections) or (self.line,)


class Heard(NamedTuple):
    """All that a file says, in the order of terms, and what is to be told about its lines."""

    said: list[Said]
    remarks: list[Remark]
    read: int
    """Lines, the first not counted."""


def code_of(text: str) -> str:
    """A code as it is kept: as written, or without its spaces where only that fits. Raises Bad."""
    code = " ".join(text.split())
    if not code:
        raise Bad("NO_CODE", "It names no course.", "Give it a code.")
    for way in (code, code.replace(" ", "")):
        if len(way) <= CODE_LETTERS:
            return way
    said = f"The code {code} is longer than {CODE_LETTERS} letters."
    raise Bad("LONG_CODE", said, "Give the course a shorter code of its own.")


def name_of(text: str) -> str:
    """Raises Bad."""
    name = " ".join(text.split())
    if not name:
        raise Bad("NO_NAME", "It has no name.", "Give the course a name.")
    if len(name) > NAME_LETTERS:
        said = f"The name has {len(name)} letters, and {NAME_LETTERS} fit."
        raise Bad("LONG_NAME", said, "Shorten the name.")
    return name


_WHOLE = re.compile(r"[0-9]{1,10}")


def whole(text: str, what: str) -> int:
    """A whole number from 0 that the database can hold. Raises Bad."""
    if not _WHOLE.fullmatch(text) or int(text) > MOST_SEATS:
        raise Bad("NUMBER", f"{what} is no whole number: {text!r}.", "Write a number there.")
    return int(text)

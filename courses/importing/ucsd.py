"""UC San Diego's catalogue and its schedule of a term: tabs, and never a quote. Pure.

A catalogue names a course by its code only, and lists it under every department that gives it:
the same name again is the same course, another name is another one.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from courses.timetable import MINUTES_PER_DAY

from .lines import Bad, Line, Remark, Shape, Unusable
from .said import NOT_SAID, Heard, Said, SaidMeeting, SaidSection, SaidTerm, code_of, name_of, whole

SOURCE, SCALE = "ucsd", 2
COURSES = Shape(("department", "course_number", "course_name", "units", "description"), tabs=True)
SCHEDULE = Shape(
    ("subj_course_id", "sec_code", "sec_id", "instructor", "total_seats", "meetings"), tabs=True
)
MOST_UNITS = 99

# The catalogue ---------------------------------------------------------------------------------


class _Listed(NamedTuple):
    line: int
    name: str


def hear_courses(lines: Iterable[Line]) -> Heard:
    """All courses, in the order of the file."""
    said: list[Said] = []
    remarks: list[Remark] = []
    known: dict[str, list[_Listed]] = {}
    read = 0
    for line in lines:
        read += 1
        try:
            found = _course(line, known)
        except Bad as bad:
            remarks.append(bad.on(line.number))
            continue
        if not line.cells["units"].isdecimal():
            remarks.append(_units_read(line))
        said.append(found)
    return Heard(said, remarks, read)


def _course(line: Line, known: dict[str, list[_Listed]]) -> Said:
    cells = line.cells
    code, name = code_of(cells["course_number"]), name_of(cells["course_name"])
    text, needs = _description(cells["description"])
    fields = {
        "code": code,
        "name": name,
        "credit": _units(cells["units"]),
        "syllabus": text or NOT_SAID,
        "ref_books": NOT_SAID,
        "pre_requisits": needs or None,
    }
    key = _key(code, _Listed(line.number, name), known)
    return Said(line.number, key, fields, name, cells["department"], None, (), line.digest)


def _key(code: str, listed: _Listed, known: dict[str, list[_Listed]]) -> str:
    """The code, numbered from the second course on that has it. Raises Bad for one seen before."""
    before = known.setdefault(code, [])
    for each in before:
        if each.name.casefold() == listed.name.casefold():
            said = f"{code} {listed.name} stands on line {each.line} already."
            raise Bad("TWICE", said, "Nothing, if two departments give it; else keep one line.")
    before.append(listed)
    return code if len(before) == 1 else f"{code} #{len(before)}"


_NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,2})?")


def _units(text: str) -> int:
    """Half units; the most of what a choice or range offers. Raises Bad."""
    found = [Decimal(each) * SCALE for each in _NUMBER.findall(text)]
    if not found or max(found) > MOST_UNITS * SCALE:
        said = f"units say how much it counts, and cannot be {text!r}."
        raise Bad("UNITS", said, "Write a number, or a range.")
    if max(found) != int(max(found)):
        raise Bad("UNITS", f"{text} units are not so many halves.", "Correct the units.")
    return int(max(found))


def _units_read(line: Line) -> Remark:
    text = line.cells["units"]
    if _NUMBER.fullmatch(text):
        said, remedy = f"{text} units are {_units(text)} halves here.", "Nothing."
        return Remark(line.number, "UNITS_FRACTION", said, remedy, skipped=False)
    said = f"{text} units: stored as {_units(text)} halves, the most that they can be."
    return Remark(line.number, "UNITS_RANGE", said, "Look at the credits.", skipped=False)


_NEEDS = re.compile(r"\bPrerequisites?:\s*")


def _description(text: str) -> tuple[str, str]:
    """What the course is about, and what stands after the last `Prerequisites:`."""
    marks = list(_NEEDS.finditer(text))
    if not marks:
        return text, ""
    return text[: marks[-1].start()].strip(), text[marks[-1].end() :].strip()


# A term's schedule -----------------------------------------------------------------------------

_TERM = re.compile(r"(FA|WI|SP|SU|S1|S2|S3)([0-9]{2})")
_SEMESTERS = {"FA": "Odd Semester", "WI": "Even Semester", "SP": "Even Semester"}
UNLIMITED = 9999


def term_of(text: str) -> SaidTerm:
    """`SP22` alone, or within a file's name. Raises Unusable where there is none, or two."""
    found = {match.group() for match in _TERM.finditer(text)}
    if len(found) != 1:
        raise Unusable(f"{text}: names no term. Say which one, like --term SP22.")
    key = found.pop()
    return SaidTerm(key, 2000 + int(key[2:]), _SEMESTERS.get(key[:2], "Summer Semester"))


def hear_schedule(lines: Iterable[Line], term: SaidTerm) -> Heard:
    """Every course of the schedule with its sections, in the order of the file."""
    groups: dict[str, list[SaidSection]] = {}
    remarks: list[Remark] = []
    seen: dict[str, int] = {}
    read = 0
    for line in lines:
        read += 1
        try:
            code = code_of(line.cells["subj_course_id"])
            section = _section(line, seen)
        except Bad as bad:
            remarks.append(bad.on(line.number))
            continue
        groups.setdefault(code, []).append(section)
    said = [
        Said(rows[0].line, code, None, "", "", term, tuple(rows), "")
        for code, rows in groups.items()
    ]
    return Heard(said, remarks, read)


def _section(line: Line, seen: dict[str, int]) -> SaidSection:
    cells = line.cells
    key = cells["sec_id"]
    if not re.fullmatch(r"[0-9A-Za-z]{1,20}", key):
        said = f"sec_id cannot be {key!r}."
        raise Bad("KEY", said, "Correct it: the section is known by it.")
    seats = whole(cells["total_seats"], "total_seats")
    first = seen.setdefault(key, line.number)
    if first != line.number:
        said = f"The section {key} stands on line {first} already."
        raise Bad("TWICE", said, "Keep one of the two lines.")
    schedule = {"section": cells["sec_code"], "times": cells["meetings"]}
    if seats == UNLIMITED:
        schedule["seats"] = "unlimited"
    return SaidSection(
        line.number,
        key,
        seats,
        json.dumps(schedule, ensure_ascii=False, sort_keys=True),
        _weekly(cells["meetings"]),
        line.digest,
    )


_DAYS = {"M": 0, "Tu": 1, "W": 2, "Th": 3, "F": 4, "Sa": 5, "Su": 6}
_EVERY_DAY = re.compile(r"(?:M|Tu|W|Th|F|Sa|Su)+")
_DAY = re.compile(r"M|Tu|W|Th|F|Sa|Su")
_HOURS = re.compile(r"([0-9]{1,2}):([0-9]{2}) - ([0-9]{1,2}):([0-9]{2})")


def _weekly(text: str) -> tuple[SaidMeeting, ...]:
    """What meets every week: an examination has a date instead of a day. Raises Bad."""
    found: list[SaidMeeting] = []
    for part in filter(None, text.split("|")):
        cells = part.split(",", 3)
        if len(cells) != 4:
            raise Bad("MEETING", f"A meeting has four parts, and this not: {part}", "Correct it.")
        if _EVERY_DAY.fullmatch(cells[1]):
            start, end = _minutes(cells[2])
            days = Counter(_DAY.findall(cells[1]))
            found += [SaidMeeting(_DAYS[day], start, end, cells[3][:40]) for day in days]
    return tuple(dict.fromkeys(found))


def _minutes(text: str) -> tuple[int, int]:
    match = _HOURS.fullmatch(text)
    if match:
        hours = [int(each) for each in match.groups()]
        start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
        if start < end <= MINUTES_PER_DAY:
            return start, end
    raise Bad("MEETING", f"A meeting cannot last {text}.", "Write it like 09:00 - 09:50.")

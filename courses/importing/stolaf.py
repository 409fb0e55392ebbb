"""St. Olaf's sections, a line each, from thirty years of terms. Pure.

`crsid` is the course, whatever it is called in a term; `clbid` the section. What a course is
called in a term is what most of its sections are called: labs have names and credits of their
own, and seminars the names of their topics.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from html import unescape
from typing import NamedTuple

from .lines import Bad, Line, Remark, Shape
from .said import NOT_SAID, Heard, Said, SaidSection, SaidTerm, code_of, name_of, whole

SOURCE, SCALE = "stolaf", 4
_ABOUT_THE_SECTION = ("coursesection", "coursesubtype", "coursestatus", "coursename")
_CLASSES = ("firstyear", "sophomore", "junior", "senior")
SHAPE = Shape(
    (
        *("term", "crsid", "clbid", "deptname", "coursenumber", *_ABOUT_THE_SECTION),
        *("credits", "pn", "enroll", "max", *_CLASSES, "meetingtimes", "gereqs_n", "notes"),
    ),
    tabs=False,
)
_TERM = re.compile(r"(19|20)[0-9]{2}[1-5]")
_ID = re.compile(r"[0-9]{1,20}")
_SEMESTERS = {
    "1": "Odd Semester",
    "2": "Summer Semester",  # the January interim: the one kind of short term there is here
    "3": "Even Semester",
    "4": "Summer Semester",
    "5": "Summer Semester",
}
_BESIDE_THE_COURSE = frozenset({"L", "D"})
"""Labs and discussions."""


class _Row(NamedTuple):
    term: str
    course: str
    code: str
    name: str
    credit: int | None
    """In quarters; None where it varies."""
    department: str
    principal: bool
    section: SaidSection


def hear(lines: Iterable[Line]) -> Heard:
    """All lines, grouped by course and term, in the order of terms."""
    groups: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    remarks: list[Remark] = []
    seen: dict[str, int] = {}
    read = 0
    for line in lines:
        read += 1
        try:
            row = _row(line)
            _once(row.section, seen)
        except Bad as bad:
            remarks.append(bad.on(line.number))
            continue
        if row.credit is None:
            remarks.append(_varies(line.number))
        groups[row.term, row.course].append(row)
    said = [_said(rows) for _, rows in sorted(groups.items())]
    return Heard(said, remarks, read)


def _once(section: SaidSection, seen: dict[str, int]) -> None:
    first = seen.setdefault(section.key, section.line)
    if first != section.line:
        said = f"The section {section.key} stands on line {first} already."
        raise Bad("TWICE", said, "Keep one of the two lines.")


def _row(line: Line) -> _Row:
    cells = line.cells
    for name, pattern in (("term", _TERM), ("crsid", _ID), ("clbid", _ID)):
        if not pattern.fullmatch(cells[name]):
            said = f"{name} cannot be {cells[name]!r}."
            raise Bad("KEY", said, "Correct it: the section is known by it.")
    name = name_of(unescape(cells["coursename"]))
    limit = whole(cells["max"], "max")
    section = SaidSection(
        line.number, cells["clbid"], limit, _schedule(cells, name), (), line.digest
    )
    return _Row(
        cells["term"],
        cells["crsid"],
        code_of(f"{cells['deptname']} {cells['coursenumber']}"),
        name,
        _credit(cells["credits"]),
        cells["deptname"],
        cells["coursesubtype"] not in _BESIDE_THE_COURSE,
        section,
    )


def _credit(text: str) -> int | None:
    if text == "Var":
        return None
    try:
        quarters = Decimal(text) * SCALE
    except InvalidOperation:
        raise Bad("CREDITS", f"credits cannot be {text!r}.", "Write a number, or Var.") from None
    if not quarters.is_finite() or quarters != int(quarters) or not 0 <= quarters < 1000:
        raise Bad("CREDITS", f"{text} credits are not so many quarters.", "Correct the credits.")
    return int(quarters)


def _varies(line: int) -> Remark:
    said = "The credits vary: the course keeps those it has otherwise, or none."
    return Remark(line, "CREDITS_VARY", said, "Look at the course's credits.", skipped=False)


_KEPT = {
    "section": "coursesection",
    "kind": "coursesubtype",
    "times": "meetingtimes",
    "notes": "notes",
}


def _schedule(cells: Mapping[str, str], name: str) -> str:
    kept: dict[str, object] = {
        ours: unescape(cells[theirs]) for ours, theirs in _KEPT.items() if cells[theirs]
    }
    kept["title"] = name
    kept["enrolled"] = whole(cells["enroll"], "enroll")
    if quotas := {each: cells[each] for each in _CLASSES if cells[each]}:
        kept["quotas"] = quotas
    return json.dumps(kept, ensure_ascii=False, sort_keys=True)


def _said(rows: list[_Row]) -> Said:
    """A course in a term, from all of its sections there."""
    main = [row for row in rows if row.principal] or rows
    fields: dict[str, object] = {
        "code": _most(row.code for row in main),
        "syllabus": NOT_SAID,
        "ref_books": NOT_SAID,
    }
    name, carried = Counter(row.name for row in main).most_common(1)[0]
    if 2 * carried > len(main):
        fields["name"] = name
    if credits := [row.credit for row in main if row.credit is not None]:
        fields["credit"] = _most(credits)
    first = rows[0]
    term = first.term
    # A code counts by the year in which the autumn falls; whatever follows is in the next.
    year = int(term[:4]) + (term[4] != "1")
    return Said(
        first.section.line,
        first.course,
        fields,
        name,
        first.department,
        SaidTerm(term, year, _SEMESTERS[term[4]]),
        tuple(row.section for row in rows),
        "",
    )


def _most(values: Iterable[object]) -> object:
    """The commonest; of two as common, the one that comes first."""
    return Counter(values).most_common(1)[0][0]

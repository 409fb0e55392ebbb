"""The catalogue's own courses, as its pages export them: for files that are too long for a page.

A row changes the course that has its code, or is a new one. An empty cell says nothing, `none`
empties its field. Disciplines and prerequisites are ids of other rows: pages take those.
"""

from collections.abc import Iterable

from courses.versioning import HOURS, LINKS, NUMBERS, PERCENTAGES, TEXTS, normal_code

from .lines import Bad, Line, Remark, Shape
from .said import Heard, Said, code_of, name_of, whole

SOURCE = "catalogue"
_BESIDE = ("version", "state", "department")
COLUMNS = frozenset({"code", "name", *NUMBERS, *TEXTS, *LINKS, *_BESIDE})
EMPTY = "none"


def shape(columns: tuple[str, ...]) -> Shape | None:
    """The shape of a file that has these columns; None where it is not of this kind."""
    ours = "code" in columns and len(columns) > 1 and COLUMNS.issuperset(columns)
    return Shape(columns, tabs=False, spans=True) if ours else None


def hear(lines: Iterable[Line]) -> Heard:
    """All rows, in the order of the file."""
    said: list[Said] = []
    remarks: list[Remark] = []
    seen: dict[str, int] = {}
    read = 0
    for line in lines:
        read += 1
        try:
            said.append(_said(line, seen))
        except Bad as bad:
            remarks.append(bad.on(line.number))
    return Heard(said, remarks, read)


def _said(line: Line, seen: dict[str, int]) -> Said:
    given = {name: cell for name, cell in line.cells.items() if cell}
    code = code_of(given.get("code", ""))
    key = normal_code(code)
    if linked := [name for name in LINKS if name in given]:
        why = f"It has {' and '.join(linked)}, which are ids of other rows."
        raise Bad("LINKS", why, "Have the row imported by the page of courses.")
    first = seen.setdefault(key, line.number)
    if first != line.number:
        raise Bad("TWICE", f"{code} stands on line {first} already.", "Keep one of the two.")
    fields = {name: _value(name, cell) for name, cell in given.items() if name not in _BESIDE}
    return Said(
        line.number,
        key,
        {**fields, "code": code},
        "",
        given.get("department", ""),
        None,
        (),
        "",
        given.get("version", ""),
    )


def _value(name: str, cell: str) -> str | int | None:
    if name == "name":
        return name_of(cell)
    if cell.lower() == EMPTY:
        if name in (*HOURS, "pre_requisits"):
            return None
        raise Bad("MISSING", f"{name} cannot be empty.", "Write something there.")
    if name not in NUMBERS:
        return cell
    number = whole(cell, name)
    if name in PERCENTAGES and number > 100:
        raise Bad("PERCENTAGES", f"{name} is {number} percent.", "Write 0 to 100.")
    return number

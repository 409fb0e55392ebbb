"""Many courses changed by one file: each row a new version, and all of them or none.

A file is one decision. Were its good rows written and its bad ones left out, nobody could say
afterwards which half of it holds; so every row is tried, every bad one is reported, and only a
file without any is kept. A dry run does the same and keeps nothing.

The file is CSV in UTF-8: `code`, then columns named as the fields that change. An empty cell
leaves its field alone and `none` empties it; `disciplines` are names and `pre_requisit_courses`
codes, with semicolons between them. `new_code` renames, `version` names the version that the row
was written for, `override` a bump other than the one that the rules call for.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any, NamedTuple

from django.db import transaction

from courses.catalogue import create_new_version, lock_many
from courses.models import Course, Discipline, with_code
from courses.refusal import Refused
from courses.versioning import CONTENT, LINKS, Bump, is_version, normal_code

COLUMNS = frozenset({*CONTENT, *LINKS, "new_code", "version", "override"})
EMPTY = "none"


class Line(NamedTuple):
    """A row of the file; `line` is where it begins, from 1."""

    line: int
    cells: Mapping[str, str]

    @property
    def code(self) -> str:
        return normal_code(self.cells.get("code", ""))


class Row(NamedTuple):
    """What became, or would become, of a row."""

    line: int
    code: str
    before: str
    """The version it was, empty where there is no such course."""
    after: str
    """The version it is now; the same where nothing differs."""
    bump: str
    wrong: str
    """Why it cannot be and what to do, on one line; empty for a good row."""


class Report(NamedTuple):
    """Every row of a file in order, and whether they were written."""

    rows: list[Row]
    written: bool

    @property
    def bad(self) -> list[Row]:
        return [row for row in self.rows if row.wrong]

    @property
    def changed(self) -> list[Row]:
        return [row for row in self.rows if row.bump not in ("", Bump.NONE)]


def bulk_edit(
    lines: Iterable[str],
    *,
    actor: str,
    may: Callable[[Course], bool],
    now: datetime,
    reason: str,
    dry_run: bool = False,
) -> Report:
    """Make the versions that a file asks for, in one transaction.

    `lines` is an open text file, or its lines with their ends; `may` says of each course whether
    this person may make versions of it. Raises Refused (BAD_FILE) for a
    file that cannot be read at all, and (REASON_MISSING).
    """
    if not reason.strip():
        raise Refused("REASON_MISSING", "A bulk edit needs a reason.", "Say why.")
    rows = read(lines)
    with transaction.atomic():
        lock_many(course.lineage for course in _latest(rows).values())
        # Read again under the lock: whoever held it may have made a version.
        courses = _latest(rows)
        tried = [_try(row, courses.get(row.code), may, actor, now, reason) for row in rows]
        written = not dry_run and not any(row.wrong for row in tried)
        if not written:
            transaction.set_rollback(True)
    return Report(tried, written)


def pinned(rows: Sequence[Line], report: Report) -> str:
    """The rows as a file, each for the version that the report saw.

    What is written of it is what the report showed, or nothing.
    """
    names = dict.fromkeys([*(name for row in rows for name in row.cells), "version"])
    out = StringIO(newline="")
    writer = csv.DictWriter(out, list(names))
    writer.writeheader()
    for row, seen in zip(rows, report.rows, strict=True):
        writer.writerow({**row.cells, "version": seen.before})
    return out.getvalue()


# Reading ------------------------------------------------------------------------------------


def text_of(data: bytes) -> StringIO:
    """A file's lines, with or without a byte order mark. Raises Refused (BAD_FILE)."""
    if b"\0" in data:
        raise _unreadable(data.partition(b"\0")[0].count(b"\n") + 1, "it has a NUL")
    try:
        return StringIO(data.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError as error:
        raise _unreadable(data.count(b"\n", 0, error.start) + 1, "it is not UTF-8") from error


def read(lines: Iterable[str]) -> list[Line]:
    """The rows of a file. Raises Refused (BAD_FILE), naming the line."""
    reader = csv.DictReader(lines, strict=True)
    try:
        _check_header(reader.fieldnames or [])
        return list(_rows(reader))
    except csv.Error as error:
        raise _unreadable(reader.line_num + 1, str(error)) from error


def _unreadable(line: int, why: str) -> Refused:
    said = f"Line {line} cannot be read: {why}."
    return Refused("BAD_FILE", said, "Save it as CSV in UTF-8.", line=line)


def _check_header(names: Iterable[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    if "code" not in names:
        raise Refused("BAD_FILE", "Line 1 has no column `code`.", "Name the columns there.", line=1)
    if unknown:
        said = f"Line 1 names what no course has: {', '.join(unknown)}."
        raise Refused("BAD_FILE", said, f"Use {', '.join(sorted(COLUMNS))}.", line=1)


def _rows(reader: "csv.DictReader[str]") -> Iterator[Line]:
    begins = reader.line_num + 1
    for cells in reader:
        if None in cells or None in cells.values():
            said = f"Line {begins} has not as many cells as line 1."
            raise Refused("BAD_FILE", said, "Write each column's cell, empty or not.", line=begins)
        yield Line(begins, {name: cell.strip() for name, cell in cells.items()})
        begins = reader.line_num + 1


# Trying -------------------------------------------------------------------------------------


def _latest(rows: Iterable[Line]) -> dict[str, Course]:
    found = with_code(Course.latest, *{row.code for row in rows})
    return {normal_code(course.code): course for course in found}


def _try(
    row: Line,
    course: Course | None,
    may: Callable[[Course], bool],
    actor: str,
    now: datetime,
    reason: str,
) -> Row:
    if course is None:
        wrong = f"There is no course {row.code or 'without a code'}. Correct the code."
        return Row(row.line, row.code, "", "", "", wrong)
    before = str(course.version)
    try:
        with transaction.atomic():
            _check_row(row, course, may)
            override = _override(row.cells.get("override", ""))
            new = create_new_version(
                course,
                changes_of(row.cells),
                actor=actor,
                now=now,
                override=override,
                reason=reason,
            )
    except Refused as refused:
        return Row(row.line, row.code, before, "", "", " ".join(str(refused).split()))
    bump = Bump.NONE if new.pk == course.pk else Bump(new.bump_type)
    return Row(row.line, row.code, before, str(new.version), bump, "")


def _override(cell: str) -> Bump | None:
    if not cell:
        return None
    try:
        return Bump(cell.upper())
    except ValueError:
        said = f"{cell} is no bump."
        raise Refused("OVERRIDE", said, "Write PATCH, MINOR or MAJOR.") from None


def _check_row(row: Line, course: Course, may: Callable[[Course], bool]) -> None:
    if not may(course):
        said = f"{course.code} is not yours to change."
        raise Refused("FORBIDDEN", said, "Take the row out, or ask its department.")
    check_written_for(row.cells.get("version", ""), course.code, course.version)


def check_written_for(cell: str, code: str, version: Decimal) -> None:
    """Raises Refused (STALE_VERSION) for a row that was written for another version than this.

    An empty cell is for any.
    """
    if cell and not is_version(cell, version):
        said = f"{code} is at version {version}, not {cell}."
        raise Refused(
            "STALE_VERSION",
            said,
            "Look at the latest version and correct the row.",
            fields={"version": said},
        )


def changes_of(cells: Mapping[str, str]) -> dict[str, Any]:
    """The fields that a row gives, in the form that operations take. Raises Refused (INVALID)."""
    given = {
        name: cell
        for name, cell in cells.items()
        if cell and name not in ("code", "new_code", "version", "override")
    }
    changes = {name: _value(name, cell) for name, cell in given.items()}
    if new_code := cells.get("new_code"):
        changes["code"] = new_code
    return changes


def _value(name: str, cell: str) -> Any:
    if name in LINKS:
        named = [] if cell.lower() == EMPTY else [each.strip() for each in cell.split(";")]
        return _linked(name, [each for each in named if each])
    return None if cell.lower() == EMPTY else cell


def _linked(name: str, named: list[str]) -> list[int]:
    if name == "disciplines":
        known = dict(Discipline.objects.filter(name__in=named).values_list("name", "pk"))
        keys = named
    else:
        keys = [normal_code(each) for each in named]
        known = {normal_code(each.code): each.pk for each in with_code(Course.latest, *keys)}
    if missing := [each for each in keys if each not in known]:
        said = f"There is no {', '.join(missing)} among the {name}."
        raise Refused("INVALID", said, "Correct the names.", fields={name: said})
    return [known[each] for each in keys]

"""The catalogue's own courses from a file too long for a page: by COPY, row by row told."""

import csv
from io import StringIO
from pathlib import Path

import pytest

from courses.history import changes, full_state
from courses.importing import Imported, Unusable, import_file, resources
from courses.importing.lines import Shape, records
from courses.models import Course, SourceCourse
from enrollment import invariants
from registrar.audit.models import Entry
from tests.catalogue import BY, NOW, begin
from tests.integration.test_import_catalog import silent

NEW = {"name": "Spells", "syllabus": "Wands.", "ref_books": "None."}


def take(path: Path) -> Imported:
    return import_file(path, actor=BY, now=NOW, progress=silent)


def text(*rows: dict[str, str]) -> str:
    out = StringIO()
    names = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(out, list(names), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def bring(tmp_path: Path, *rows: dict[str, str]) -> Imported:
    path = tmp_path / "courses.csv"
    path.write_text(text(*rows), newline="")
    return take(path)


def told(imported: Imported) -> list[tuple[int, str]]:
    return [(each.line, each.reason) for each in imported.skipped]


def test_a_row_is_a_new_course_or_the_next_version_of_one(database: None, tmp_path: Path) -> None:
    known = begin()

    imported = bring(
        tmp_path,
        {"code": "cs101", "credit": "4", "lecture_hours": "none"},
        {"code": "MAG 10", "credit": "3", "department": "MAGIC", **NEW},
    )

    assert (imported.written.courses, imported.written.versions) == (1, 2)
    latest = Course.latest.get(lineage=known.lineage)
    assert (latest.code, latest.credit, latest.lecture_hours) == ("CS101", 4, None)
    assert latest.syllabus == known.syllabus
    new = Course.latest.get(code="MAG 10")
    assert (str(new.version), new.percent_endsem, new.max_seats) == ("1.0", 30, 90)
    assert new.department is not None
    assert changes(new.lineage)[0].new == full_state(new)
    assert not SourceCourse.objects.exists()


@pytest.mark.requirement("S1-70")
def test_thousands_of_rows_go_in_and_nothing_goes_in_twice(database: None, tmp_path: Path) -> None:
    rows = [{"code": f"MAG {number}", "credit": "3", **NEW} for number in range(6000)]

    imported = bring(tmp_path, *rows)
    entries = Entry.objects.count()
    again = bring(tmp_path, *rows)

    assert imported.written.courses == Course.objects.count() == 6000
    assert again.written.nothing
    assert Entry.objects.count() == entries


def test_what_a_page_exports_goes_in_by_the_command(database: None, tmp_path: Path) -> None:
    begin(syllabus='Sets, "functions"\nand proofs', pre_requisits="MA 1 or\nMA 2")
    exported = resources.Courses().export(Course.objects.all()).csv
    path = tmp_path / "exported.csv"
    path.write_text(exported, newline="")

    assert take(path).written.nothing
    path.write_text(exported.replace("and proofs", "and graphs"), newline="")
    imported = take(path)

    assert imported.skipped == []
    assert Course.latest.get().syllabus == 'Sets, "functions"\nand graphs'
    assert Course.latest.get().pre_requisits == "MA 1 or\nMA 2"


def test_each_row_that_cannot_be_is_told_and_the_rest_goes_in(
    database: None, tmp_path: Path
) -> None:
    begin()

    imported = bring(
        tmp_path,
        {"code": "", **NEW},
        {"code": "MAG 1", **NEW, "credit": "many"},
        {"code": "MAG 2", **NEW, "percent_midsem": "21"},
        {"code": "MAG 3", "name": "Spells"},
        {"code": "MAG 4", **NEW, "disciplines": "Magic"},
        {"code": "CS101", "version": "7.0", "credit": "4"},
        {"code": "MAG 5", **NEW},
        {"code": "mag 5", **NEW},
        {"code": "MAG 6", **NEW, "syllabus": "none"},
        {"code": "MAG 7", **NEW, "percent_midsem": "900"},
        {"code": "MAG 8", **NEW, "lecture_hours": "-1"},
    )

    assert told(imported) == [
        (2, "NO_CODE"),
        (3, "NUMBER"),
        (4, "PERCENTAGES"),
        (5, "MISSING"),
        (6, "LINKS"),
        (7, "STALE_VERSION"),
        (9, "TWICE"),
        (10, "MISSING"),
        (11, "PERCENTAGES"),
        (12, "NUMBER"),
    ]
    assert sorted(Course.objects.values_list("code", flat=True)) == ["CS101", "MAG 5"]


def test_a_course_that_takes_no_version_is_told(database: None, tmp_path: Path) -> None:
    Course.objects.filter(pk=begin().pk).update(state="INACTIVE", working_course=False)
    Course.objects.update(state="ARCHIVED")

    assert told(bring(tmp_path, {"code": "CS101", "credit": "4"})) == [(2, "NOT_VERSIONABLE")]


def test_everything_holds_afterwards(database: None, tmp_path: Path) -> None:
    from django.db import connection

    bring(tmp_path, {"code": "MAG 10", **NEW})

    assert [each.name for each in invariants.run(connection) if each.count] == []


def test_columns_that_no_course_has_make_it_no_file_of_courses(
    database: None, tmp_path: Path
) -> None:
    for head in ("code,magic", "code", "name,credit"):
        path = tmp_path / "courses.csv"
        path.write_text(f"{head}\nx,y\n")
        with pytest.raises(Unusable, match=":1: names columns"):
            take(path)


SPANNING = Shape(("a", "b"), tabs=False, spans=True)


@pytest.mark.parametrize(
    ("lines", "begins"),
    [
        ([b'x,"one\n', b'two"\n', b"y,z\n"], [2, 4]),
        ([b'x,"never\n', b"y,z\n", b"y,z\n"], [2, 3, 4]),
        ([b'x,"never\n', b"y,z\n", b'y,"one\n', b'two"\n'], [2, 3, 4]),
        ([b'x,"a ""quote""\n', b'ends"\n'], [2]),
        ([b'"\n'] * 3, [2, 3, 4]),
        ([b'x,"' + b"\n", *[b"y,z\n"] * 600], [*range(2, 603)]),
    ],
)
def test_a_record_has_the_lines_that_make_it_whole(lines: list[bytes], begins: list[int]) -> None:
    found = list(records(iter(lines), SPANNING))

    assert [number for number, _ in found] == begins
    assert b"".join(text for _, text in found) == b"".join(lines)

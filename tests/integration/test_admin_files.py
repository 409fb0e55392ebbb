"""Records in and out by the admin's pages: seen first, written whole or not at all."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from courses.admin.files import Kept
from courses.importing import resources
from courses.models import (
    Course,
    Discipline,
)
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.audit.models import Entry
from tests.catalogue import change
from tests.clerks import as_owner, page, signed_in, told
from tests.departments import make_department
from tests.factories import make_course
from tests.filing import CSV, XLSX, bring, confirm, out, preview, wrong


@pytest.fixture
def registrar(database: None) -> Iterator[Client]:
    make_course("CS101", name="Introduction to Computing")
    make_department("CS")
    Discipline.objects.create(name="Computing", acronym="C")
    with signed_in(Role.REGISTRAR) as client:
        yield client


# Courses ----------------------------------------------------------------------------------------


def test_a_row_is_a_course_or_the_next_version_of_one(registrar: Client) -> None:
    both = (
        {"code": "cs101", "name": "", "credit": "4", "department": "cs", "syllabus": ""},
        {"code": "PH101", "name": "Physics", "credit": "3", "department": "", "syllabus": "Force"},
    )
    rows = tuple({**row, "ref_books": "None.", "disciplines": "Computing"} for row in both)

    shown = preview(registrar, "course", *rows)
    assert wrong(shown) == []
    assert Course.objects.count() == 1, "a preview writes nothing"
    said = told(confirm(registrar, "course", shown))

    assert said == "Import finished: 1 new, 1 updated, 0 deleted and 0 skipped courses."
    changed, new = Course.latest.get(code="CS101"), Course.latest.get(code="PH101")
    assert (changed.revision, changed.credit, changed.bump_type) == (2, 4, "MAJOR")
    assert changed.department is not None
    assert (new.name, str(new.version), new.syllabus) == ("Physics", "1.0", "Force")
    assert [each.name for each in new.disciplines.all()] == ["Computing"]
    assert Entry.objects.filter(stream=f"course:{new.lineage}").count() == 1


def test_a_file_with_one_bad_row_is_not_imported_at_all(registrar: Client) -> None:
    shown = preview(
        registrar,
        "course",
        {"code": "CS101", "credit": "4", "percent_midsem": ""},
        {"code": "CS101", "credit": "5", "percent_midsem": "21"},
        {"code": "", "credit": "5", "percent_midsem": ""},
        {"code": "PH101", "credit": "many", "percent_midsem": ""},
    )

    found = dict(wrong(shown))
    assert set(found) == {2, 3, 4}
    assert "percent_quiz_1" in found[2]
    assert found[3] == {"code": ["This cell cannot be empty."]}
    assert "credit" in found[4]
    assert "confirm_form" not in shown.context
    assert Course.objects.count() == 1


def test_a_row_for_another_version_than_the_latest_is_told_so(registrar: Client) -> None:
    late = preview(registrar, "course", {"code": "CS101", "version": "2", "credit": "4"})
    good = preview(registrar, "course", {"code": "CS101", "version": "1", "credit": "4"})

    assert "CS101 is at version 1.0, not 2." in late.content.decode()
    assert "confirm_form" in good.context


def test_what_went_wrong_since_the_preview_stops_the_import(registrar: Client) -> None:
    new = {"name": "Physics", "syllabus": "Force", "ref_books": "None.", "credit": "4"}
    rows = ({"code": "PH101", "version": "", **new}, {"code": "CS101", "version": "1.0", **new})
    shown = preview(registrar, "course", *rows)
    with as_owner():
        change(Course.latest.get(code="CS101"), credit=5)

    said = told(confirm(registrar, "course", shown))

    assert "nothing was imported" in said
    assert not Course.objects.filter(code="PH101").exists()
    assert Course.latest.get(code="CS101").credit == 5


def test_a_file_that_is_not_there_any_more_is_asked_for_again(registrar: Client) -> None:
    shown = preview(registrar, "course", {"code": "CS101", "credit": "4"})
    confirm(registrar, "course", shown)
    again = confirm(registrar, "course", shown)
    strange = registrar.post(
        "/admin/courses/course/process_import/",
        {
            "import_file_name": "../../etc/passwd",
            "original_file_name": "x.csv",
            "format": CSV,
            "resource": "0",
        },
        follow=True,
    )

    for answer in (again, strange):
        assert told(answer) == "The file is not here any more: choose it again."


def test_only_files_of_our_own_are_read_again(tmp_path: Path) -> None:
    strange = tmp_path / "secret"
    strange.write_bytes(b"secret")

    for name in (str(strange), "../secret", "", None):
        with pytest.raises(FileNotFoundError):
            Kept(name=name).read()


def test_what_is_exported_comes_in_again_and_changes_nothing(registrar: Client) -> None:
    with as_owner():
        make_course("EVIL1", name="=cmd|' /C calc'!A0", pre_requisits="+1 or -1\nand @home")
    rows = out(registrar, "course")

    [evil] = [row for row in rows if row["code"] == "EVIL1"]
    assert evil["name"].startswith("'=cmd")
    assert evil["pre_requisits"].startswith("'+1")
    said = bring(registrar, "course", *rows)

    assert said == "Import finished: 0 new, 0 updated, 0 deleted and 2 skipped courses."
    assert Course.objects.count() == 2


def test_excel_goes_out_and_comes_in(registrar: Client) -> None:
    answer = registrar.post("/admin/courses/course/export/", {"format": XLSX, "resource": "0"})
    book = openpyxl.load_workbook(BytesIO(answer.content))
    sheet = book.active
    heads = [cell.value for cell in sheet[1]]
    sheet.cell(2, heads.index("credit") + 1).value = 5
    changed = BytesIO()
    book.save(changed)

    file = SimpleUploadedFile("rows.xlsx", changed.getvalue())
    shown = registrar.post(
        "/admin/courses/course/import/", {"import_file": file, "format": XLSX, "resource": "0"}
    )
    assert wrong(shown) == []
    confirm(registrar, "course", shown)

    assert Course.latest.get(code="CS101").credit == 5


def test_every_version_can_be_exported_and_not_imported(registrar: Client) -> None:
    bring(registrar, "course", {"code": "CS101", "credit": "4"})

    assert [row["version"] for row in out(registrar, "course", kind=1)] == ["1.0", "2.0"]
    assert [row["version"] for row in out(registrar, "course")] == ["2.0"]
    shown = preview(registrar, "course", {"code": "CS101", "revision": "1"})
    [error] = shown.context["result"].base_errors
    assert "There is no column revision" in str(error.error)


def test_a_page_takes_no_more_rows_than_it_can(
    registrar: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("courses.importing.resources.base.MOST_ROWS", 1)

    shown = preview(registrar, "discipline", {"name": "Physics"}, {"name": "Chemistry"})

    [error] = shown.context["result"].base_errors
    assert "2 rows, and a page takes at most 1" in str(error.error)
    assert not Discipline.objects.filter(name="Physics").exists()


def test_what_cannot_be_read_is_said_and_no_more(registrar: Client) -> None:
    for data in (b"\xff\xfe\x00rubbish", b"code\n\x00\n", b'code,name\n"CS101', b"\n", b"code"):
        shown = preview(registrar, "course", data=data)
        assert shown.status_code == 200
    assert Course.objects.count() == 1


# Who may ----------------------------------------------------------------------------------------


def test_the_list_offers_what_somebody_may(registrar: Client) -> None:
    assert "/admin/courses/course/import/" in page(registrar, "courses/course/")
    assert "/admin/courses/course/export/" in page(registrar, "courses/course/")
    assert "/admin/courses/section/import/" not in page(registrar, "courses/section/")


def test_faculty_change_what_is_their_departments_and_add_nothing(database: None) -> None:
    mine, other = make_department("CS"), make_department("PH")
    make_course("CS101", department=mine)
    make_course("PH101", department=other)
    with signed_in(Role.FACULTY) as client:
        with as_owner():
            User.objects.get(username=Role.FACULTY).departments.create(department=mine)
        rows = ({"code": "CS101", "credit": "4"}, {"code": "PH101", "credit": "4"})
        said = wrong(preview(client, "course", *rows))
        new = {"code": "NEW1", "name": "New", "syllabus": "None.", "ref_books": "None."}
        added = wrong(preview(client, "course", new))

        assert [number for number, _ in said] == [2]
        assert "You may not version this one." in str(said[0][1])
        assert "You may not add this one." in str(added[0][1])
        assert client.get("/admin/courses/term/import/").status_code == 403


def test_every_kind_has_a_page(registrar: Client) -> None:
    kinds = {
        "course": (resources.Courses, resources.Versions),
        "curriculum": (resources.Plans, resources.PlanSemesters, resources.Slots),
        "department": (resources.Departments, resources.Placements),
    }
    for model in ("course", "discipline", "programme", "curriculum", "batch", "department", "term"):
        assert "Export" in page(registrar, f"courses/{model}/export/")
        shown = page(registrar, f"courses/{model}/import/")
        for kind in kinds.get(model, ())[:1]:
            assert next(iter(kind.columns)) in shown

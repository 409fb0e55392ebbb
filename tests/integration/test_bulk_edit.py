"""Many courses by one file: every row tried and reported, all of them written or none."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from courses.bulk import Report, bulk_edit
from courses.history import changes
from courses.models import Course, Discipline
from courses.refusal import Refused
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from tests.catalogue import BY, NOW, begin, change
from tests.factories import make_user


@pytest.fixture
def courses(database: None) -> list[Course]:
    return [begin(code=code, name=f"Course {code}") for code in ("CS101", "CS102", "CS103")]


def edit(*lines: str, dry_run: bool = False, **given: Any) -> Report:
    usual: dict[str, Any] = {"may": lambda course: True, "reason": "new regulations"}
    text = [f"{line}\n" for line in lines]
    return bulk_edit(text, actor=BY, now=NOW, dry_run=dry_run, **{**usual, **given})


def says(report: Report) -> list[tuple[int, str, str, str]]:
    return [(row.line, row.code, row.after, row.bump) for row in report.rows]


@pytest.mark.requirement("S1-70")
def test_each_row_is_a_version_of_its_course(courses: list[Course]) -> None:
    report = edit(
        "code,credit,syllabus,new_code",
        "CS101,4,,",
        ' cs102 ,,"Sets',
        'Relations",',
        "CS103,,,CS113",
    )

    assert report.written
    assert says(report) == [
        (2, "CS101", "2.0", "MINOR"),
        (3, "CS102", "2.0", "MINOR"),
        (5, "CS103", "2.0", "MAJOR"),
    ]
    assert Course.latest.get(code="CS101").credit == 4
    assert Course.latest.get(code="CS102").syllabus == "Sets\nRelations"
    assert Course.latest.get(code="CS113").lineage == courses[2].lineage
    logged = changes(courses[0].lineage)[-1]
    assert (logged.action, logged.by, logged.comment) == ("VERSION", BY, "new regulations")


@pytest.mark.requirement("S1-70")
def test_a_cell_says_nothing_or_none_or_many(courses: list[Course]) -> None:
    for name in ("Biology", "Physics"):
        Discipline.objects.create(name=name)
    change(courses[0], tutorial_hours=2, pre_requisits="CS100")

    edit(
        "code,tutorial_hours,pre_requisits,disciplines,pre_requisit_courses",
        "CS101,None,none,Biology; Physics,cs102;CS103",
    )

    course = Course.latest.get(code="CS101")
    assert (course.tutorial_hours, course.pre_requisits) == (None, None)
    assert {each.name for each in course.disciplines.all()} == {"Biology", "Physics"}
    assert set(course.pre_requisit_courses.all()) == set(courses[1:])
    assert edit("code,disciplines", "CS101,none").rows[0].bump == "MAJOR"


@pytest.mark.requirement("S1-70")
def test_one_bad_row_and_nothing_is_written(courses: list[Course]) -> None:
    report = edit("code,credit", "CS101,4", "CS102,many", "CS999,4", "CS103,5")

    assert not report.written
    assert [(row.line, row.wrong) for row in report.bad] == [
        (3, "credit: “many” value must be an integer. Correct these fields."),
        (4, "There is no course CS999. Correct the code."),
    ]
    assert [row.after for row in report.rows] == ["2.0", "", "", "2.0"], "the rest was tried too"
    assert Course.objects.count() == 3
    assert len(changes(courses[0].lineage)) == 1


@pytest.mark.requirement("S1-70")
def test_a_dry_run_reports_the_same_and_writes_nothing(courses: list[Course]) -> None:
    lines = ("code,credit", "CS101,4", "CS102,3")

    tried = edit(*lines, dry_run=True)

    assert not tried.written
    assert Course.objects.count() == 3
    assert edit(*lines).rows == tried.rows


@pytest.mark.requirement("S1-70")
def test_the_same_file_twice_changes_nothing_the_second_time(courses: list[Course]) -> None:
    lines = ("code,credit", "CS101,4")
    edit(*lines)

    assert says(edit(*lines)) == [(2, "CS101", "2.0", "NONE")]
    assert Course.objects.count() == 4


@pytest.mark.parametrize(
    ("header", "row", "wrong"),
    [
        ("code,version,credit", "CS101,1.1,4", "CS101 is at version 1.0, not 1.1."),
        ("code,override,credit", "CS101,BIG,4", "BIG is no bump."),
        ("code,override,credit", "CS101,none,4", "What differs makes a version."),
        ("code,new_code", "CS101,CS102", "Another course has the code CS102."),
        ("code,disciplines", "CS101,Alchemy", "There is no Alchemy among the disciplines."),
        ("code,pre_requisit_courses", "CS101,CS102;X9", "There is no X9 among the"),
        ("code,pre_requisit_courses", "CS101,CS101", "go in a circle"),
        ("code,percent_quiz_1", "CS101,90", "these sum to 180%."),
        ("code,credit", ",4", "There is no course without a code."),
    ],
)
def test_a_row_that_cannot_be_says_why_on_one_line(
    courses: list[Course], header: str, row: str, wrong: str
) -> None:
    [bad] = edit(header, row).bad

    assert wrong in bad.wrong
    assert "\n" not in bad.wrong
    assert bad.line == 2


@pytest.mark.parametrize("written_for", ["", "1", "1.0"])
def test_a_row_says_its_version_as_a_spreadsheet_may_write_it(
    courses: list[Course], written_for: str
) -> None:
    assert edit("code,version,credit", f"CS101,{written_for},4").written


def test_a_row_may_decide_on_another_bump(courses: list[Course]) -> None:
    assert says(edit("code,override,credit", "CS101,major,4")) == [(2, "CS101", "2.0", "MAJOR")]


def test_a_course_twice_in_a_file_is_changed_once_and_then_refused(courses: list[Course]) -> None:
    [bad] = edit("code,credit", "CS101,4", "CS101,5").bad

    assert "not the latest version any more" in bad.wrong


def test_only_courses_that_are_theirs_are_changed(courses: list[Course]) -> None:
    report = edit(
        "code,credit", "CS101,4", "CS102,4", may=lambda course: bool(course.code == "CS101")
    )

    [bad] = report.bad
    assert bad.wrong.startswith("CS102 is not yours to change.")
    assert not report.written


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["credit", "4"], "Line 1 has no column `code`."),
        (["code,credits", "CS101,4"], "Line 1 names what no course has: credits."),
        ([], "Line 1 has no column `code`."),
        (["code,credit", "CS101,4,5"], "Line 2 has not as many cells as line 1."),
        (["code,credit", "CS102,4", "CS101"], "Line 3 has not as many cells as line 1."),
        (["code,syllabus", 'CS101,"open'], "Line 2 cannot be read: unexpected end of data."),
    ],
)
def test_a_file_that_cannot_be_read_is_told_by_its_line(
    courses: list[Course], lines: list[str], said: str
) -> None:
    with pytest.raises(Refused) as caught:
        edit(*lines)

    assert caught.value.code == "BAD_FILE"
    assert caught.value.sentence == said


def test_a_bulk_edit_needs_a_reason(courses: list[Course]) -> None:
    with pytest.raises(Refused, match="needs a reason"):
        edit("code,credit", "CS101,4", reason=" ")


# The command --------------------------------------------------------------------------------


@pytest.fixture
def registrar(database: None) -> User:
    user = make_user("rhea")
    user.groups.add(Group.objects.get(name=Role.REGISTRAR))
    return user


def run(file: Path, *options: str, by: str = "rhea") -> tuple[str, str, str]:
    """Standard output, standard error, and what it ended with."""
    out, err = StringIO(), StringIO()
    try:
        call_command(
            "bulk_edit", str(file), "--by", by, "--reason", "r", *options, stdout=out, stderr=err
        )
    except CommandError as error:
        return out.getvalue(), err.getvalue(), str(error)
    return out.getvalue(), err.getvalue(), ""


@pytest.mark.requirement("S1-70")
def test_the_command_reports_each_row_and_writes(
    courses: list[Course], registrar: User, tmp_path: Path
) -> None:
    file = tmp_path / "edits.csv"
    file.write_text("\ufeffcode,credit\nCS101,4\nCS102,3\n", encoding="utf-8")

    dry = run(file, "--dry-run")
    wet = run(file)

    assert dry[0].endswith("1 versions to be written (dry run), 2 rows read.\n")
    assert wet[0].splitlines() == [
        f"{file}:2: CS101 1.0 -> 2.0 MINOR",
        f"{file}:3: CS102 1.0: nothing differs",
        "1 versions written, 2 rows read.",
    ]
    assert wet[1:] == ("", "")
    assert changes(courses[0].lineage)[-1].by == f"user:{registrar.pk}"


@pytest.mark.requirement("S1-70")
def test_the_command_says_file_line_and_fix_and_fails(
    courses: list[Course], registrar: User, tmp_path: Path
) -> None:
    file = tmp_path / "edits.csv"
    file.write_text("code,credit\nCS101,-4\nCS102,4\n", encoding="utf-8")

    out, err, ended = run(file)

    assert err == (
        f"{file}:2: CS101: credit: Ensure this value is greater than or equal to 0. "
        "Correct these fields.\n"
    )
    assert out == f"{file}:3: CS102 1.0 -> 2.0 MINOR\n"
    assert ended.startswith("1 of 2 rows cannot be: nothing was written.")
    assert Course.objects.count() == 3


@pytest.mark.parametrize(
    ("content", "by", "ended"),
    [
        (b"code,credit\nCS101,4\n", "nobody", "There is no user nobody."),
        (b"code,credit\nCS101,4\n", "stu", "stu may not make versions of courses."),
        (b"code,name\nCS101,\xff\xfe\n", "rhea", "edits.csv:2: Line 2 cannot be read: it is not"),
        (b"kode\nCS101\n", "rhea", "edits.csv:1: Line 1 has no column `code`."),
        (None, "rhea", "No such file or directory. Name a file that can be read."),
    ],
)
def test_the_command_ends_with_one_line_that_helps(
    courses: list[Course],
    registrar: User,
    tmp_path: Path,
    content: bytes | None,
    by: str,
    ended: str,
) -> None:
    make_user("stu")
    file = tmp_path / "edits.csv"
    if content is not None:
        file.write_bytes(content)

    said = run(file, by=by)[2]

    assert ended in said
    assert "\n" not in said
    assert Course.objects.count() == 3

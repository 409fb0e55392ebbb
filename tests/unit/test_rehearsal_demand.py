"""Demand files: three formats, read as streams, and one clear line for what is wrong in one."""

import gzip
from collections import Counter
from pathlib import Path

import pytest

from enrollment.rehearsal.demand import Ask, Malformed, course_code, open_demand

EXAMS = "[Exams:3]\r\n120, 7, 3\r\n90, 3\r\n60\r\n[Periods:1]\r\n03:05:2005, 09:30:00, 60, 0\r\n"


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    content = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def played(path: Path) -> list[tuple[str, str, float | None]]:
    """The file's requests, by name, in the order they are sent."""
    demand = open_demand(path)
    survey = demand.survey()
    students, courses = list(survey.students), list(survey.courses)
    return [(students[a.student], courses[a.course], a.at) for a in demand.asks(survey)]


# The formats ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["set.exam", "set.exam.gz"])
def test_an_exam_file_is_a_list_of_students_for_each_exam(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, EXAMS)

    assert sorted(played(path)) == [("3", "X0", None), ("3", "X1", None), ("7", "X0", None)]


def test_an_exam_file_is_dealt_out_student_by_student(tmp_path: Path) -> None:
    exams = [[student for student in range(1, 40) if student % 3 != exam] for exam in range(3)]
    lines = "".join(f"60, {', '.join(map(str, exam))}\n" for exam in exams)
    path = write(tmp_path, "set.exam", f"[Exams:3]\n{lines}")

    students = [student for student, _, _ in played(path)]

    seen = dict.fromkeys(students)
    assert len(students) == sum(map(len, exams))
    assert [s for s in seen for _ in range(students.count(s))] == students, "each all at once"
    assert list(seen) != sorted(seen, key=int), "and nobody by number"
    assert played(path) == played(path), "the same every time"


@pytest.mark.parametrize("name", ["term.stu", "term.stu.gz"])
def test_a_toronto_file_is_a_student_a_line(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, " 0001 0012\n\n0012\n")

    assert played(path) == [
        ("1", "X0001", None),
        ("1", "X0012", None),
        ("3", "X0012", None),
    ]


@pytest.mark.parametrize("beside", ["term.crs", "term.crs.gz"])
def test_a_toronto_file_offers_the_courses_listed_beside_it(tmp_path: Path, beside: str) -> None:
    write(tmp_path, beside, "0001 1\n0002 0\n0012 7\n")
    path = write(tmp_path, "term.stu", "0001 0012\n0012\n")

    survey = open_demand(path).survey()

    assert list(survey.courses) == ["X0001", "X0002", "X0012"]
    assert survey.notes == ("1 courses have another number of students than the .crs file says",)


def test_a_csv_file_is_played_in_its_own_order(tmp_path: Path) -> None:
    path = write(
        tmp_path, "d.csv", '\ufeffStudent, Course\nbob,cs101\n"o\'hara, ann",CS101\n\nbob,7\n'
    )

    assert played(path) == [
        ("bob", "CS101", None),
        ("o'hara, ann", "CS101", None),
        ("bob", "X7", None),
    ]


def test_a_csv_file_may_say_when(tmp_path: Path) -> None:
    path = write(tmp_path, "d.csv.gz", "student,course,at_seconds\na,CS1,0\nb,CS1,0.5\nc,CS2,0.5\n")

    assert [at for _, _, at in played(path)] == [0, 0.5, 0.5]
    assert open_demand(path).survey().timed


def test_the_survey_counts_before_anything_is_played(tmp_path: Path) -> None:
    path = write(tmp_path, "d.csv", "student,course\na,CS1\na,CS2\nb,CS1\n")

    survey = open_demand(path).survey()

    assert (survey.students, survey.courses) == ({"a": 0, "b": 1}, {"CS1": 0, "CS2": 1})
    assert (survey.requests, survey.most, survey.timed) == (3, 2, False)


def test_a_number_is_a_course_only_behind_a_letter() -> None:
    assert [course_code(name) for name in ("123", " cs101 ", "0007", "MATH 1")] == [
        "X123",
        "CS101",
        "X0007",
        "MATH 1",
    ]


# What is wrong ----------------------------------------------------------------------------

WRONG = [
    ("e.exam", "", "line 1: the first line is not [Exams:N]"),
    ("e.exam", "120, 1, 2\n", "line 1: the first line is not [Exams:N]"),
    ("e.exam", "[Exams:2]\n60, 1\n[Periods:1]\n", "line 3: [Periods:1] stands where exam 1 of 2"),
    ("e.exam", "[Exams:2]\n60, 1\n", "line 3: [end of file] stands where exam 1 of 2"),
    ("e.exam", "[Exams:1]\n60, 1, x2\n", "line 2: 'x2' is not a number"),
    ("e.exam", "[Exams:1]\n60, 1,, 2\n", "line 2: '' is not a number"),
    ("e.exam", "[Exams:1]\n60, -1\n", "line 2: '-1' is not a number"),
    ("e.exam", "[Exams:1]\n60\n", "e.exam asks for nothing"),
    ("t.stu", "0001\n0002 CS1\n", "line 2: 'CS1' is not a course number"),
    ("t.stu", "1234567890\n", "line 1: '1234567890' is not a course number"),
    ("t.stu", "\n\n", "t.stu asks for nothing"),
    ("d.csv", "", "line 1: the header is not student,course[,at_seconds]"),
    ("d.csv", "a,CS1\n", "line 1: the header is not student,course[,at_seconds]"),
    ("d.csv", "student,course\n", "d.csv asks for nothing"),
    ("d.csv", "student,course\na,CS1\nb\n", "line 3: 1 fields where the header has 2"),
    ("d.csv", "student,course\na,CS1,4\n", "line 2: 3 fields where the header has 2"),
    ("d.csv", 'student,course\n"a,CS1\n', "line 2: unexpected end of data"),
    ("d.csv", "student,course\n,CS1\n", "line 2: '' is no student"),
    ("d.csv", "student,course\na\x07,CS1\n", "line 2: 'a\\x07' is no student"),
    ("d.csv", f"student,course\n{'a' * 21},CS1\n", "is no student; write 1 to 20 printable"),
    ("d.csv", "student,course\na,\n", "line 2: '' is no course"),
    ("d.csv", "student,course\na,ABCDEFGHIJK\n", "line 2: 'ABCDEFGHIJK' is no course"),
    ("d.csv", "student,course,at_seconds\na,C,soon\n", "line 2: 'soon' is no at_seconds"),
    ("d.csv", "student,course,at_seconds\na,C,-1\n", "line 2: '-1' is no at_seconds"),
    ("d.csv", "student,course,at_seconds\na,C,nan\n", "line 2: 'nan' is no at_seconds"),
    ("d.csv", "student,course,at_seconds\na,C,9\nb,C,8\n", "line 3: at_seconds goes back from 9"),
    ("d.csv", b"student,course\na,CS1\nb\xff,CS1\n", "line 3: not UTF-8 text"),
]


@pytest.mark.parametrize(("name", "text", "complaint"), WRONG)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, name: str, text: str | bytes, complaint: str
) -> None:
    demand = open_demand(write(tmp_path, name, text))

    with pytest.raises(Malformed) as raised:
        demand.survey()

    assert complaint in str(raised.value)
    assert str(raised.value).startswith(name)
    assert "\n" not in str(raised.value), "one line"
    assert ";" in str(raised.value), "and what to do"


def test_a_course_that_is_not_listed_beside_its_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, "t.crs", "1 2\n")
    demand = open_demand(write(tmp_path, "t.stu", "1\n1 2\n"))

    with pytest.raises(Malformed, match=r"t\.stu, line 2: course 2 is not in t\.crs"):
        demand.survey()


@pytest.mark.parametrize("line", ["1", "1 2 3", "one 2", "1234567890 4"])
def test_a_list_of_sizes_is_read_as_strictly(tmp_path: Path, line: str) -> None:
    write(tmp_path, "t.crs", f"1 2\n{line}\n")
    demand = open_demand(write(tmp_path, "t.stu", "1\n"))

    with pytest.raises(Malformed, match=r"^t\.crs, line 2: "):
        demand.survey()


@pytest.mark.parametrize("damage", ["cut short", "overwritten"])
def test_a_damaged_packed_file_is_told_from_a_short_one(tmp_path: Path, damage: str) -> None:
    packed = gzip.compress(b"student,course\n" + b"a,CS1\n" * 5000)
    path = tmp_path / "d.csv.gz"
    path.write_bytes(packed[:-9] if damage == "cut short" else b"\x1f\x8b" + packed)

    with pytest.raises(Malformed, match="the packed file is damaged or cut short"):
        open_demand(path).survey()


@pytest.mark.parametrize("name", ["d.txt", "d.gz", "d", "d.csv.zip"])
def test_a_file_of_another_kind_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(Malformed, match=r"name it \.exam, \.stu or \.csv"):
        open_demand(write(tmp_path, name, "student,course\n"))


def test_a_file_that_is_not_there_is_one_line_too(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="is not a file"):
        open_demand(tmp_path / "none.csv")


def test_a_file_that_changes_between_the_passes_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path, "d.csv", "student,course\na,CS1\n")
    demand = open_demand(path)
    survey = demand.survey()
    write(tmp_path, "d.csv", "student,course\nb,CS1\n")

    with pytest.raises(Malformed, match="changed while it was read"):
        list(demand.asks(survey))


def test_dealing_loses_and_doubles_nobody(tmp_path: Path) -> None:
    exams = ["60, " + ", ".join(str(s) for s in range(e, 200, e + 1)) for e in range(30)]
    path = write(tmp_path, "set.exam", "[Exams:30]\n" + "\n".join(exams))
    demand = open_demand(path)
    survey = demand.survey()

    dealt = Counter(demand.asks(survey))

    written = Counter(
        Ask(survey.students[wish.student], survey.courses[wish.course], None)
        for wish in demand.read(path)
    )
    assert dealt == written

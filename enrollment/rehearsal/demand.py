"""Demand files: who wants which course, read line by line and never held whole.

Read twice: `survey` looks at every line and stops at the first that is wrong, before anything is
written; `asks` then plays the file. Three formats, plain or .gz: ITC-2007 exams (`.exam`), Toronto
(`.stu`, with an optional `.crs` beside it), and CSV `student,course[,at_seconds]`.
"""

import csv
import gzip
import math
import random
import re
import zlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

STUDENT_LENGTH = 20
COURSE_LENGTH = 10


class Wish(NamedTuple):
    """One line's worth of demand; `at` is seconds after the opening, where the file says so."""

    student: str
    course: str
    at: float | None = None


class Ask(NamedTuple):
    """A wish with the positions of its student and course in the survey."""

    student: int
    course: int
    at: float | None


class Survey(NamedTuple):
    """What the first pass found: positions by name, in the order they first appear."""

    students: dict[str, int]
    courses: dict[str, int]
    requests: int
    timed: bool
    most: int
    """The most requests of one student."""
    notes: tuple[str, ...] = ()


class Malformed(Exception):
    """A demand file that cannot be played; the text is one line that says how to mend it."""


class _Line(NamedTuple):
    number: int
    text: str


@dataclass(frozen=True)
class Demand:
    """A demand file and how to read it."""

    path: Path
    read: Callable[[Path], Iterator[Wish]]
    by_course: bool = False
    """The file lists course by course, so its wishes are dealt out student by student."""

    def survey(self) -> Survey:
        """Look at every line. Raises Malformed for the first that is wrong."""
        students: dict[str, int] = {}
        courses = {name: position for position, name in enumerate(_declared(self.path))}
        loads, sizes = array("L"), array("L", [0] * len(courses))
        requests, timed = 0, False
        for wish in self.read(self.path):
            student = students.setdefault(wish.student, len(students))
            course = courses.setdefault(wish.course, len(courses))
            for counts, position in ((loads, student), (sizes, course)):
                if position == len(counts):
                    counts.append(0)
                counts[position] += 1
            requests, timed = requests + 1, wish.at is not None
        if not requests:
            raise Malformed(f"{self.path.name} asks for nothing; give it at least one request")
        notes = _compare_sizes(_declared(self.path), courses, sizes)
        return Survey(students, courses, requests, timed, max(loads), notes)

    def asks(self, survey: Survey, seed: int = 0) -> Iterator[Ask]:
        """The wishes in the order they are to be sent."""
        try:
            numbered = (
                Ask(survey.students[wish.student], survey.courses[wish.course], wish.at)
                for wish in self.read(self.path)
            )
            yield from _dealt(numbered, survey, seed) if self.by_course else numbered
        except KeyError as error:
            raise Malformed(f"{self.path.name} changed while it was read; start again") from error


def open_demand(path: Path) -> Demand:
    """The reader for a file, by its name. Raises Malformed when there is none."""
    if not path.is_file():
        raise Malformed(f"{path} is not a file; name a demand file (.exam, .stu or .csv)")
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if kind == ".exam":
        return Demand(path, read_exams, by_course=True)
    if kind == ".stu":
        return Demand(path, read_toronto)
    if kind == ".csv":
        return Demand(path, read_csv)
    raise Malformed(f"{path.name}: unknown format; name it .exam, .stu or .csv (.gz may follow)")


# The formats ------------------------------------------------------------------------------


def read_exams(path: Path) -> Iterator[Wish]:
    """ITC-2007: `[Exams:N]`, then N lines `duration, student, student, ...`; the rest is skipped.

    An exam has no name but its place, from 0.
    """
    lines = _lines(path)
    head = next(lines, _Line(1, ""))
    found = re.fullmatch(r"\[Exams:\s*(\d+)\]", head.text, re.IGNORECASE)
    if not found:
        raise _wrong(path, head, "the first line is not [Exams:N]", "put the number of exams there")
    promised, line = int(found[1]), head
    for position in range(promised):
        line = next(lines, _Line(line.number + 1, "[end of file]"))
        if line.text.startswith("["):
            raise _wrong(
                path, line, f"{line.text} stands where exam {position} of {promised} should",
                "correct the number in [Exams:N] or add the missing lines",
            )  # fmt: skip
        fields = line.text.split(",")
        for field in map(str.strip, fields):
            if not field.isdecimal() or len(field) > STUDENT_LENGTH:
                raise _wrong(path, line, f"{field[:30]!r} is not a number",
                             "write 'duration, student, student, ...'")  # fmt: skip
        course = course_code(str(position))
        yield from (Wish(str(int(field)), course) for field in fields[1:])


def read_toronto(path: Path) -> Iterator[Wish]:
    """Toronto: one student a line, course numbers separated by blanks."""
    declared = _declared(path)
    for line in _lines(path):
        for field in line.text.split():
            if not field.isdecimal() or len(field) >= COURSE_LENGTH:
                raise _wrong(path, line, f"{field[:30]!r} is not a course number",
                             "write only course numbers, separated by blanks")  # fmt: skip
            course = course_code(field)
            if declared and course not in declared:
                raise _wrong(path, line, f"course {field} is not in {_beside(path).name}",
                             "add it there, or remove that file")  # fmt: skip
            yield Wish(str(line.number), course)


def read_csv(path: Path) -> Iterator[Wish]:
    """CSV with the header `student,course` or `student,course,at_seconds`."""
    lines = _lines(path)
    head = next(lines, _Line(1, ""))
    header = [name.strip().lower() for name in head.text.split(",")]
    if header not in (["student", "course"], ["student", "course", "at_seconds"]):
        raise _wrong(path, head, "the header is not student,course[,at_seconds]",
                     "make it the first line")  # fmt: skip
    before = 0.0
    for line in lines:
        if not line.text:
            continue
        wish = _csv_row(path, line, len(header))
        if wish.at is not None and wish.at < before:
            raise _wrong(path, line, f"at_seconds goes back from {before:g} to {wish.at:g}",
                         "sort the file by at_seconds")  # fmt: skip
        before = wish.at or 0.0
        yield wish


def course_code(name: str) -> str:
    """A course's code: numbers get a letter before them, because a code of digits is an id (D6)."""
    name = name.strip().upper()
    return f"X{name}" if name.isdecimal() else name


def _csv_row(path: Path, line: _Line, columns: int) -> Wish:
    try:
        fields = next(csv.reader([line.text], strict=True))
    except csv.Error as error:
        raise _wrong(path, line, f"{error}", "close every quotation mark on its own line") from None
    if len(fields) != columns:
        raise _wrong(path, line, f"{len(fields)} fields where the header has {columns}",
                     "give every row as many fields as the header")  # fmt: skip
    student, course = fields[0].strip(), course_code(fields[1])
    for name, value, longest in (
        ("student", student, STUDENT_LENGTH),
        ("course", course, COURSE_LENGTH),
    ):
        if not 1 <= len(value) <= longest or not value.isprintable():
            raise _wrong(path, line, f"{value[:30]!r} is no {name}",
                         f"write 1 to {longest} printable characters")  # fmt: skip
    return Wish(student, course, _seconds(path, line, fields[2]) if columns == 3 else None)


def _seconds(path: Path, line: _Line, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    # A NaN fails every comparison, so it is caught here too.
    if not 0 <= seconds <= 86_400:
        raise _wrong(path, line, f"{text.strip()[:30]!r} is no at_seconds",
                     "write seconds after the opening, from 0 to 86400")  # fmt: skip
    return seconds


# Beside the students of a Toronto file ----------------------------------------------------


def _beside(path: Path) -> Path:
    """The `.crs` of a `.stu`, itself packed or not."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    courses = plain.with_suffix(".crs")
    packed = courses.with_name(courses.name + ".gz")
    return packed if packed.is_file() and not courses.is_file() else courses


def _declared(path: Path) -> dict[str, int]:
    """What the `.crs` says: the students of each course. Empty where there is no such file."""
    beside = _beside(path)
    if ".stu" not in path.suffixes or not beside.is_file():
        return {}
    sizes: dict[str, int] = {}
    for line in _lines(beside):
        fields = line.text.split()
        if not fields:
            continue
        if len(fields) != 2 or not all(field.isdecimal() for field in fields):
            raise _wrong(beside, line, f"{line.text[:30]!r} is not a course and its size",
                         "write two numbers, such as '0012 85'")  # fmt: skip
        if len(fields[0]) >= COURSE_LENGTH:
            raise _wrong(beside, line, f"{fields[0][:30]} is too long for a course number",
                         f"use at most {COURSE_LENGTH - 1} digits")  # fmt: skip
        sizes[course_code(fields[0])] = int(fields[1])
    return sizes


def _compare_sizes(
    declared: dict[str, int], courses: dict[str, int], sizes: "array[int]"
) -> tuple[str, ...]:
    """Published files disagree with themselves now and then; that is worth a word, no more."""
    differ = sum(sizes[courses[course]] != size for course, size in declared.items())
    if not differ:
        return ()
    return (f"{differ} courses have another number of students than the .crs file says",)


# Reading ----------------------------------------------------------------------------------


def _lines(path: Path) -> Iterator[_Line]:
    """The lines of a plain or packed text file, without blanks around them."""
    number = 0
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            for number, raw in enumerate(file, start=1):
                yield _Line(number, raw.decode("utf-8-sig" if number == 1 else "utf-8").strip())
    except UnicodeDecodeError:
        raise _wrong(path, _Line(number, ""), "not UTF-8 text", "save the file as UTF-8") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise _wrong(path, _Line(number + 1, ""), "the packed file is damaged or cut short",
                     "fetch it again, or unpack it first") from None  # fmt: skip
    except OSError as error:
        raise Malformed(f"{path.name} cannot be read: {error.strerror}") from None


def _wrong(path: Path, line: _Line, what: str, fix: str) -> Malformed:
    return Malformed(f"{path.name}, line {line.number}: {what}; {fix}")


def _dealt(asks: Iterator[Ask], survey: Survey, seed: int) -> Iterator[Ask]:
    """Course lists, dealt out as students would ask: students in a shuffled order, each at once.

    Held as two plain integers a request (120,000 of them are 2 MB), grouped by a counting sort.
    """
    students, courses = array("L"), array("L")
    starts = array("L", [0] * (len(survey.students) + 1))
    for ask in asks:
        students.append(ask.student)
        courses.append(ask.course)
        starts[ask.student + 1] += 1
    for position in range(1, len(starts)):
        starts[position] += starts[position - 1]
    wanted, free = array("L", [0] * len(courses)), starts[:]
    for student, course in zip(students, courses, strict=True):
        wanted[free[student]] = course
        free[student] += 1
    order = array("L", range(len(survey.students)))
    random.Random(seed).shuffle(order)
    for student in order:
        for course in wanted[starts[student] : starts[student + 1]]:
            yield Ask(student, course, None)

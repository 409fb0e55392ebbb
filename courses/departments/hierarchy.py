"""A department down to the courses of its semesters, as plain values."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection


class DepartmentCard(NamedTuple):
    """What a list shows of a department; counts of it."""

    id: int
    name: str
    code: str
    years: int
    semesters: int
    courses: int


class PlacedCourse(NamedTuple):
    """A course's place in a semester. `later` is the lineage's version since, None for the last."""

    id: int
    course: int
    code: str
    name: str
    credits: int
    version: str
    later: str | None


class SemesterSeen(NamedTuple):
    """One of a year's two; `absolute_number` counts from the first year on."""

    id: int
    number: int
    name: str
    absolute_number: int
    courses: list[PlacedCourse]


class YearSeen(NamedTuple):
    """A year of study."""

    id: int
    number: int
    name: str
    semesters: list[SemesterSeen]


class DepartmentSeen(NamedTuple):
    """A whole department."""

    id: int
    name: str
    code: str
    years: list[YearSeen]


_CARDS = """
SELECT d.id, d.name, d.code,
       (SELECT count(*) FROM years WHERE department_id = d.id),
       (SELECT count(*) FROM semesters s JOIN years y ON y.id = s.year_id
        WHERE y.department_id = d.id),
       (SELECT count(*) FROM department_course_map WHERE department_id = d.id)
FROM departments d ORDER BY upper(d.code), d.id
"""
_SEMESTERS = """
SELECT d.name, d.code, y.id, y.year_number, y.year_name,
       s.id, s.semester_number, s.semester_name, s.absolute_number
FROM departments d
LEFT JOIN years y ON y.department_id = d.id
LEFT JOIN semesters s ON s.year_id = y.id
WHERE d.id = %s
ORDER BY y.year_number, s.semester_number
"""
_PLACED = """
SELECT m.semester_id, m.id, c.id, c.code, c.name, c.credit, c.version::text,
       nullif(latest.version, c.version)::text
FROM department_course_map m
JOIN courses c ON c.id = m.course_id
LEFT JOIN courses latest ON latest.lineage = c.lineage AND latest.latest_version
WHERE m.department_id = %s
ORDER BY upper(c.code), m.id
"""


def departments() -> list[DepartmentCard]:
    """Every department by its code, in one query."""
    return [DepartmentCard(*row) for row in _fetch(_CARDS, [])]


def department(id_: int) -> DepartmentSeen | None:
    """One department; None when there is none. Two queries, however much is in it."""
    placed: dict[int, list[PlacedCourse]] = defaultdict(list)
    for semester, *course in _fetch(_PLACED, [id_]):
        placed[semester].append(PlacedCourse(*course))
    seen: DepartmentSeen | None = None
    years: dict[int, YearSeen] = {}
    for name, code, year, number, year_name, *semester in _fetch(_SEMESTERS, [id_]):
        seen = seen or DepartmentSeen(id_, name, code, [])
        if year is not None and year not in years:
            years[year] = YearSeen(year, number, year_name, [])
            seen.years.append(years[year])
        if semester[0] is not None:
            taught = placed[semester[0]]
            years[year].semesters.append(SemesterSeen._make((*semester, taught)))
    return seen


def _fetch(statement: str, values: Sequence[int]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

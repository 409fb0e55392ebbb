"""The cart: courses a student means to ask for.

A course leaves the cart by being taken out, or by itself once the student holds a seat in it or
waits for one; what was refused stays, to be asked for again.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from courses.models import section_code
from registrar import prepared
from registrar.audit.arrays import array


class Item(NamedTuple):
    """A course in the cart."""

    offering: int
    course: int
    code: str
    name: str
    term_id: int
    term: str
    credits: int
    number: int | None
    """The section wanted; none where any will do."""

    @property
    def section(self) -> str | None:
        return section_code(self.code, self.number) if self.number else None


class Full(Exception):
    """The cart holds as many courses as one student may have undecided."""


class NoSection(Exception):
    """The offering has no section of that number; a seat on the course itself is not one."""


# For the meaning of OFFSET 0 see `registrar.prepared`.
_ITEMS = """
SELECT asked.student, i.offering_id, c.id, c.code, c.name, t.id, t.code, c.credit,
       s.section_number
FROM unnest(%s::bigint[]) AS asked (student)
CROSS JOIN LATERAL (SELECT * FROM cart_items WHERE student_id = asked.student OFFSET 0) AS i
CROSS JOIN LATERAL (SELECT * FROM offerings WHERE id = i.offering_id OFFSET 0) AS o
CROSS JOIN LATERAL (SELECT * FROM courses WHERE id = o.course_id OFFSET 0) AS c
CROSS JOIN LATERAL (SELECT * FROM terms WHERE id = o.term_id OFFSET 0) AS t
LEFT JOIN LATERAL (SELECT * FROM sections WHERE id = i.section_id OFFSET 0) AS s ON true
WHERE NOT EXISTS (SELECT FROM enrollments e WHERE e.term_id = o.term_id
                  AND e.student_id = i.student_id AND e.offering_id = o.id AND e.active OFFSET 0)
  AND NOT EXISTS (SELECT FROM waitlist_entries w WHERE w.student_id = i.student_id
                  AND w.offering_id = i.offering_id AND w.state = 'WAITING' OFFSET 0)
ORDER BY i.added_at, i.id
"""
_GONE = """
DELETE FROM cart_items i USING offerings o
WHERE i.student_id = %(student)s AND o.id = i.offering_id
  AND (EXISTS (SELECT FROM enrollments e WHERE e.term_id = o.term_id
               AND e.student_id = i.student_id AND e.offering_id = o.id AND e.active)
       OR EXISTS (SELECT FROM waitlist_entries w WHERE w.student_id = i.student_id
                  AND w.offering_id = i.offering_id AND w.state = 'WAITING'))
"""
_PUT = """
INSERT INTO cart_items (student_id, offering_id, section_id, added_at)
SELECT %(student)s, %(offering)s, %(section)s, clock_timestamp()
WHERE (SELECT count(*) FROM cart_items
       WHERE student_id = %(student)s AND offering_id <> %(offering)s) < %(most)s
ON CONFLICT (student_id, offering_id) DO UPDATE SET section_id = excluded.section_id
RETURNING xmax = 0
"""
_SECTION = "SELECT id FROM sections WHERE offering_id = %s AND section_number = %s"
_TAKE_OUT = "DELETE FROM cart_items WHERE student_id = %s AND offering_id = %s"


def items(student: int) -> list[Item]:
    """The cart, in the order it was filled."""
    return items_of([student])[student]


def items_of(students: Collection[int]) -> dict[int, list[Item]]:
    """The carts of all of these students, by one query."""
    carts: dict[int, list[Item]] = {student: [] for student in students}
    for student, *item in prepared.fetch(_ITEMS, values=[array(carts)]):
        carts[student].append(Item(*item))
    return carts


def put(student: int, offering: int, number: int | None) -> bool:
    """Put a course in, or change the section wanted; True when it was not there before.

    Raises NoSection, and Full when one more could not be asked for with the others.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GONE, {"student": student})
        section = None
        if number is not None:
            cursor.execute(_SECTION, [offering, number])
            found = cursor.fetchone()
            if found is None:
                raise NoSection
            section = found[0]
        cursor.execute(
            _PUT,
            {
                "student": student,
                "offering": offering,
                "section": section,
                "most": settings.REGISTRAR["STUDENT_OPEN"],
            },
        )
        row = cursor.fetchone()
    if row is None:
        raise Full
    return bool(row[0])


def take_out(student: int, offering: int) -> None:
    """Take a course out; nothing happens when it is not in."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OUT, [student, offering])


def terms(items: Iterable[Item]) -> set[int]:
    """The terms that these courses are of."""
    return {item.term_id for item in items}

"""Students: their locks, and what is known of them when all locks are held."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper

from courses.timetable import parse
from enrollment.vocabulary import Ask, Held, Kind, StudentFacts, Waiting
from registrar import prepared
from registrar.audit.arrays import array
from registrar.audit.log import Head, head_of

_NOW, _HEAD, _HOLDS, _WAITS, _LOAD = range(5)
"""What a row is about that was read when all locks were held."""


def stream(offering: int) -> str:
    """The audit's stream of an offering."""
    return f"offering:{offering}"


_HOLDERS = """
SELECT e.student_id, e.term_id
FROM enrollments e LEFT JOIN sections s ON s.id = e.section_id
WHERE e.offering_id = %s AND e.active AND coalesce(s.section_number, 0) = %s
"""


def load_holders(cursor: CursorWrapper, asks: Iterable[Ask]) -> set[tuple[int, int]]:
    """Students (with their term) of the sections whose times are to be confirmed."""
    holders: set[tuple[int, int]] = set()
    for ask in asks:
        if ask.kind is Kind.TIMETABLE:
            cursor.execute(_HOLDERS, [ask.body["offering"], ask.body["section"]])
            holders.update(cursor.fetchall())
    return holders


_LOCK_STUDENTS = """
SELECT FROM student_terms
WHERE student_id = ANY(%(students)s::bigint[]) AND term_id = ANY(%(terms)s::bigint[])
ORDER BY student_id, term_id FOR NO KEY UPDATE
"""
# All of these have the same columns, and the first of them says what a row is about.
_STUDENTS = f"""
SELECT {_HOLDS}, e.student_id, e.term_id, e.offering_id, coalesce(s.section_number, 0),
       e.credits::bigint, e.meets::text, NULL::timestamptz
FROM unnest(%(students)s::bigint[], %(their_terms)s::bigint[]) AS wanted (student, term)
CROSS JOIN LATERAL (
    SELECT * FROM enrollments
    WHERE term_id = wanted.term AND student_id = wanted.student AND active OFFSET 0
) AS e
LEFT JOIN LATERAL (
    SELECT section_number FROM sections WHERE id = e.section_id OFFSET 0
) AS s ON true
UNION ALL
SELECT {_WAITS}, w.student_id, w.term_id, w.offering_id, coalesce(s.section_number, -1),
       w.request_id, '', NULL
FROM unnest(%(students)s::bigint[], %(their_terms)s::bigint[]) AS wanted (student, term)
CROSS JOIN LATERAL (
    SELECT * FROM waitlist_entries
    WHERE student_id = wanted.student AND term_id = wanted.term AND state = 'WAITING' OFFSET 0
) AS w
LEFT JOIN LATERAL (
    SELECT section_number FROM sections WHERE id = w.section_id OFFSET 0
) AS s ON true
UNION ALL
SELECT {_LOAD}, st.student_id, st.term_id, 0, st.credits, st.max_credits, '', NULL
FROM unnest(%(students)s::bigint[], %(their_terms)s::bigint[]) AS wanted (student, term)
CROSS JOIN LATERAL (
    SELECT * FROM student_terms
    WHERE student_id = wanted.student AND term_id = wanted.term OFFSET 0
) AS st
"""
_KNOWN = f"""
SELECT {_NOW}, nextval(pg_get_serial_sequence('settlements', 'id')), 0, 0, 0, 0, '',
       clock_timestamp()
UNION ALL
SELECT {_HEAD}, touched.offering, 0, head.seq, 0, 0, encode(head.hash, 'hex'), NULL
FROM unnest(%(touched)s::bigint[]) AS touched (offering)
CROSS JOIN LATERAL ({head_of("'offering:' || touched.offering")}) AS head
UNION ALL
{_STUDENTS}
"""


class Known(NamedTuple):
    """What a settlement knows when all its locks are held."""

    number: int
    """Its own, in the order of all that settlements write (rule 8)..."""
    now: datetime
    """... and the time, by the one clock there is: drawn and read only now, so that both order
    settlements."""
    heads: dict[str, Head]
    """The last audit entry of each stream that it may add to."""
    students: tuple[StudentFacts, ...]


def lock_students(
    cursor: CursorWrapper, students: Collection[tuple[int, int]], touched: Collection[int]
) -> Known:
    """Lock students' rows of a term, in one sorted pass, and then read what is known of them, and
    where the streams of the offerings `touched` end.

    The offering's lock is not enough: credits and the timetable are shared by all the courses of
    a student, which other settlements may hold (rule 4).
    """
    values = {
        **_columns(students),
        "terms": array({term for _, term in students}),
        "touched": array(touched),
    }
    prepared.execute(cursor, _LOCK_STUDENTS, _KNOWN, values=values)
    rows = cursor.fetchall()
    [(number, now)] = [(row[1], row[7]) for row in rows if row[0] == _NOW]
    heads = {
        stream(offering): Head(seq, bytes.fromhex(hash_))
        for what, offering, _, seq, _, _, hash_, _ in rows
        if what == _HEAD
    }
    return Known(number, now, heads, _students(rows))


def load_students(
    cursor: CursorWrapper, students: Collection[tuple[int, int]]
) -> tuple[StudentFacts, ...]:
    """Of them alone, whoever holds them."""
    cursor.execute(_STUDENTS, _columns(students))
    return _students(cursor.fetchall())


def _columns(students: Collection[tuple[int, int]]) -> dict[str, str]:
    ordered = sorted(students)
    return {
        "students": array(student for student, _ in ordered),
        "their_terms": array(term for _, term in ordered),
    }


def _students(rows: Iterable[tuple[Any, ...]]) -> tuple[StudentFacts, ...]:
    held: defaultdict[tuple[int, int], list[Held]] = defaultdict(list)
    waits: defaultdict[tuple[int, int], list[Waiting]] = defaultdict(list)
    loads: list[tuple[int, int, int, int]] = []
    for what, student, term, offering, one, other, meets, _ in rows:
        if what == _LOAD:
            loads.append((student, term, one, other))
        elif what == _HOLDS:
            held[student, term].append(Held(offering, one, other, parse(meets)))
        elif what == _WAITS:
            waits[student, term].append(Waiting(offering, other, one))
    return tuple(
        StudentFacts(*load, tuple(sorted(held[load[:2]])), tuple(sorted(waits[load[:2]])))
        for load in loads
    )

"""Seats from before the pipeline, and seats that an import brings: where their history begins.

A seat that no request made has neither request nor settlement until it is adopted here; then its
settlement is 0, its offering's counters and its student's credits count it, and the first entry
of its offering's audit names it.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from registrar.audit.arrays import array
from registrar.audit.log import Draft, append, canonical

from . import facts

_OFFERINGS = """
SELECT DISTINCT offering_id FROM enrollments
WHERE active AND request_id IS NULL AND settlement_id IS NULL
"""
_UNRECORDED = """
SELECT e.offering_id, e.student_id, coalesce(s.section_number, 0)
FROM enrollments e LEFT JOIN sections s ON s.id = e.section_id
WHERE e.active AND e.request_id IS NULL AND e.settlement_id IS NULL
  AND e.offering_id = ANY(%s::bigint[])
ORDER BY e.offering_id, e.id
"""
_RECOUNT = """
WITH seats AS (
    SELECT offering_id, section_id, count(*) AS taken FROM enrollments
    WHERE active AND offering_id = ANY(%(held)s::bigint[]) GROUP BY offering_id, section_id
), sections_counted AS (
    UPDATE sections s SET taken = seats.taken,
           permits = greatest(0, seats.taken - s.enrollment_limit)
    FROM seats WHERE seats.section_id = s.id
)
UPDATE offerings o SET
    taken = total.taken,
    total_permits = greatest(0, total.taken - coalesce(o.total_cap, total.taken)),
    base_taken = total.base, base_permits = greatest(0, total.base - o.base_limit)
FROM (
    SELECT offering_id, sum(taken) AS taken,
           coalesce(sum(taken) FILTER (WHERE section_id IS NULL), 0) AS base
    FROM seats GROUP BY offering_id
) AS total
WHERE o.id = total.offering_id
"""
_MARK = """
UPDATE enrollments SET settlement_id = 0
WHERE active AND request_id IS NULL AND settlement_id IS NULL AND offering_id = ANY(%s::bigint[])
"""
_RECOUNT_STUDENTS = """
INSERT INTO student_terms (student_id, term_id, credits, max_credits)
SELECT e.student_id, e.term_id, sum(e.credits), greatest(sum(e.credits), max(t.credit_maximum))
FROM enrollments e JOIN terms t ON t.id = e.term_id
WHERE e.active AND (e.student_id, e.term_id) IN (
    SELECT student_id, term_id FROM enrollments
    WHERE active AND offering_id = ANY(%s::bigint[]))
GROUP BY e.student_id, e.term_id
ON CONFLICT (student_id, term_id) DO UPDATE SET credits = excluded.credits,
    max_credits = greatest(student_terms.max_credits, excluded.credits)
"""


def adopt_seats(*, actor: str) -> int:
    """Adopt every live seat that no request made, under the locks of their offerings (S0-28).

    Over-full places are kept as they are, by permits (D5). Returns how many seats there were.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_OFFERINGS)
        held = facts.lock_offerings(cursor, [row[0] for row in cursor.fetchall()], wait=True)
        return _adopt(cursor, held, actor, facts.database_now(cursor)) if held else 0


def _adopt(cursor: CursorWrapper, held: Collection[int], actor: str, now: datetime) -> int:
    cursor.execute(_UNRECORDED, [array(held)])
    seats: dict[int, list[list[int]]] = {}
    for offering, student, number in cursor.fetchall():
        seats.setdefault(offering, []).append([student, number])
    cursor.execute(_MARK, [array(seats)])
    cursor.execute(_RECOUNT, {"held": array(seats)})
    cursor.execute(_RECOUNT_STUDENTS, [array(seats)])
    drafts = [
        Draft(f"offering:{offering}", "genesis", actor, canonical({"seats": taken}))
        for offering, taken in seats.items()
    ]
    append(cursor, drafts, at=now)
    return sum(map(len, seats.values()))

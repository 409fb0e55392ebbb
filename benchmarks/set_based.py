"""The bound of one SQL statement a batch: the rows that settling the rush writes, without deciding.

Everybody is seated: there is no timetable, no credit limit reached, no waitlist and no repeat to
look for. Under our constraints and in our batches it writes what a settlement does: sections,
seats, counters, loads, outcomes, a log entry with a hash each (of itself: a chain would have to go
one by one), the settlement with the facts of its students; and it clears the queue.
"""

import time

import psycopg2
from django.conf import settings
from psycopg2.extensions import connection as Connection

from benchmarks import databases, truths
from benchmarks.contender import Run

_BATCH = """
WITH held AS MATERIALIZED (
    SELECT * FROM offerings WHERE id = %(offering)s FOR NO KEY UPDATE
), line AS MATERIALIZED (
    SELECT p.request_id AS request, p.student_id AS student, r.actor,
           held.taken + row_number() OVER (ORDER BY p.request_id) AS nth,
           (held.taken + row_number() OVER (ORDER BY p.request_id) - 1) / held.section_limit + 1
               AS number
    FROM held
    JOIN (SELECT * FROM pending WHERE offering_id = %(offering)s
          ORDER BY request_id LIMIT %(size)s) AS p ON true
    JOIN requests r ON r.id = p.request_id
), loads AS MATERIALIZED (
    SELECT st.student_id, st.credits FROM line
    JOIN student_terms st ON st.student_id = line.student AND st.term_id = %(term)s
    FOR NO KEY UPDATE OF st
), settled AS (
    INSERT INTO settlements (decided_at, offerings, decided, worker, facts)
    SELECT clock_timestamp(), ARRAY[%(offering)s], count(*), 'bench', json_agg(loads)::text
    FROM loads HAVING count(*) > 0
    RETURNING id
), filled AS MATERIALIZED (
    SELECT number::int, count(*)::int AS seats FROM line GROUP BY number
), widened AS (
    UPDATE sections s SET taken = s.taken + filled.seats FROM filled
    WHERE s.offering_id = %(offering)s AND s.section_number = filled.number
    RETURNING s.id, s.section_number
), opened AS (
    INSERT INTO sections (offering_id, course_id, term_id, section_number, code, enrollment_limit,
                          schedule, taken, permits, meets, automatic, needs_assignment, created_at)
    SELECT held.id, held.course_id, held.term_id, filled.number,
           'B00000-SEC' || to_char(filled.number, 'FM9000'), held.section_limit, '{}',
           filled.seats, 0, '{}', true, true, now()
    FROM held, filled
    WHERE NOT EXISTS (SELECT FROM sections s WHERE s.offering_id = %(offering)s
                                               AND s.section_number = filled.number)
    RETURNING id, section_number
), rooms AS MATERIALIZED (
    SELECT * FROM widened UNION ALL SELECT * FROM opened
), seated AS (
    INSERT INTO enrollments (student_id, term_id, offering_id, section_id, credits, meets, active,
                             request_id, settlement_id)
    SELECT student, %(term)s, %(offering)s, rooms.id, 3, '{}', true, request, settled.id
    FROM settled, line JOIN rooms ON rooms.section_number = line.number ORDER BY request
), counted AS (
    UPDATE offerings o SET taken = o.taken + line.seats, next_number = line.last + 1
    FROM (SELECT count(*) AS seats, max(number) AS last FROM line HAVING count(*) > 0) AS line
    WHERE o.id = %(offering)s
), loaded AS (
    UPDATE student_terms st SET credits = st.credits + 3 FROM loads
    WHERE st.student_id = loads.student_id AND st.term_id = %(term)s
), decided AS (
    INSERT INTO outcomes (request_id, settlement_id, result, code, facts)
    SELECT request, settled.id, 'ENROLLED', 'ENROLLED', jsonb_build_object('section', number)
    FROM line, settled
), audited AS (
    INSERT INTO audit_entries (stream, seq, at, actor, event, settlement, request, body, hash)
    SELECT 'offering:%(offering)s', nth, now(), actor, 'decided', settled.id, request, body,
           sha256(convert_to(nth || actor || request || body, 'UTF8'))
    FROM settled, line, LATERAL (SELECT format(
        '{"changes":[["seat",%(offering)s,%%s,%%s,%%s]],"code":"ENROLLED","facts":{"section":%%s},'
        '"kind":"ENROLL","result":"ENROLLED","student":%%s}',
        number, request, student, number, student) AS body) AS text
)
DELETE FROM pending p USING line
WHERE p.offering_id = %(offering)s AND p.request_id = line.request
"""


class SetBased:
    """The whole rush, batch after batch, over one connection in the worker's role."""

    name = "set-based SQL H"

    def __init__(self, template: str) -> None:
        self.template = template

    def run(self, round_: int) -> Run:
        with databases.made("round", self.template) as database:
            connection = psycopg2.connect(databases.worker_url(database))
            try:
                done, seconds = _settle(connection)
            finally:
                connection.close()
            truths.check(fill_in_order=True)
        return Run(self.name, round_, done, seconds)


def _settle(connection: Connection) -> tuple[int, float]:
    """Requests seated, and the seconds that took."""
    done = batches = 0
    with connection.cursor() as cursor:
        # As our workers are set.
        cursor.execute("SET random_page_cost = 1.1")
        cursor.execute("SELECT id, term_id FROM offerings")
        offering, term = cursor.fetchone() or (0, 0)
        asked = {"offering": offering, "term": term, "size": settings.REGISTRAR["SETTLE_BATCH"]}
        connection.commit()
        begun = time.perf_counter()
        while True:
            cursor.execute(_BATCH, asked)
            connection.commit()
            if not cursor.rowcount:
                return done, time.perf_counter() - begun
            done += cursor.rowcount
            batches += 1
            # When the sections have doubled, as a settlement does.
            if batches & (batches - 1) == 0:
                cursor.execute("SELECT analyze_sections()")
                connection.commit()

"""Terms gone by: enrollments that lie in the tables already when a new term opens."""

from django.db import connection

from benchmarks.campus import student_number
from enrollment.models import Student

COURSES = 500
SEATS = 10
"""Courses of an old term, and those of them that each student took."""

# Every student was there in each old term, and seats of one student and term never meet at the same
# time. No request of ours: they came with an import.
_COURSES = """
WITH course AS (
    INSERT INTO courses (lineage, code, name, version, credit, syllabus, ref_books, max_seats,
                         percent_quiz_1, percent_midsem, percent_quiz_2, percent_endsem,
                         percent_project, percent_lab_evaluation, percent_course_attendance,
                         working_course, latest_version)
    SELECT gen_random_uuid(), 'X' || nth, 'Old course', 1, 3, '', '', 60, 10, 20, 10, 30, 15, 10, 5,
           true, true
    FROM generate_series(0, %(courses)s - 1) AS nth RETURNING id
), term AS (
    INSERT INTO terms (code, year, semester_type, credit_maximum)
    SELECT 'OLD' || nth, 2000 + nth, 'Odd Semester', 99
    FROM generate_series(1, %(terms)s) AS nth RETURNING id
)
INSERT INTO offerings (course_id, term_id, status, base_limit, base_taken, base_permits, base_meets,
                       auto_create, open_threshold, section_limit, next_number, taken,
                       total_permits, waiting)
SELECT course.id, term.id, 'CLOSED', 1000000, 0, 0, '{}', false, 1, 60, 1, 0, 0, 0
FROM term, course ORDER BY term.id, course.id
"""
_ENROLLMENTS = """
WITH old AS MATERIALIZED (
    SELECT id, term_id, row_number() OVER (PARTITION BY term_id ORDER BY id) - 1 AS nth,
           dense_rank() OVER (ORDER BY term_id) - 1 AS term
    FROM offerings WHERE status = 'CLOSED'
), there AS MATERIALIZED (
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS nth, count(*) OVER () AS students
    FROM students
)
INSERT INTO enrollments (student_id, term_id, offering_id, credits, meets, active)
SELECT there.id, old.term_id, old.id, 3,
       int4multirange(int4range((i / students %% %(seats)s * 90)::int,
                                (i / students %% %(seats)s * 90 + 50)::int)), true
FROM generate_series(0, %(enrollments)s - 1) AS i
JOIN there ON there.nth = i %% (SELECT count(*) FROM students)
JOIN old ON old.term = i / students / %(seats)s
        AND old.nth = (there.nth * %(seats)s + i / students %% %(seats)s) %% %(courses)s
"""
_LOADS = """
INSERT INTO student_terms (student_id, term_id, credits, max_credits)
SELECT students.id, terms.id, 0, 99 FROM students, terms
"""
_COUNT = """
UPDATE offerings SET taken = n, base_taken = n
FROM (SELECT offering_id, count(*) AS n FROM enrollments GROUP BY offering_id) AS counted
WHERE offerings.id = offering_id;
UPDATE student_terms st SET credits = counted.credits
FROM (SELECT student_id, term_id, sum(credits) AS credits FROM enrollments GROUP BY 1, 2) AS counted
WHERE st.student_id = counted.student_id AND st.term_id = counted.term_id
"""
_TABLES = "enrollments, student_terms, offerings, students, courses, terms"
_EXCLUSIONS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = 'enrollments'::regclass AND contype = 'x'
"""


def build(enrollments: int, students: int) -> None:
    """Write them into an empty database, then leave the tables as a vacuum would.

    Needs a superuser: foreign keys are not checked one by one, and exclusion constraints are
    built at the end, as a restored backup would.
    """
    Student.objects.bulk_create(
        (Student(number=student_number(nth)) for nth in range(students)), batch_size=1000
    )
    terms = -(-enrollments // (students * SEATS))
    sizes = {"courses": COURSES, "terms": terms, "seats": SEATS, "enrollments": enrollments}
    with connection.cursor() as cursor:
        cursor.execute(_COURSES, sizes)
        cursor.execute(_EXCLUSIONS)
        exclusions = cursor.fetchall()
        for name, _ in exclusions:
            cursor.execute(f"ALTER TABLE enrollments DROP CONSTRAINT {name}")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(_LOADS)
        cursor.execute(_ENROLLMENTS, sizes)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute(_COUNT)
        for name, definition in exclusions:
            cursor.execute(f"ALTER TABLE enrollments ADD CONSTRAINT {name} {definition}")
        cursor.execute(f"VACUUM (FREEZE, ANALYZE) {_TABLES}")

"""Three database roles: what the web and the workers may do is what they do, and no more (D7)."""

import pytest
from django.db import Error, connection, transaction

from tests.factories import (
    enroll,
    make_offering,
    make_section,
    make_student,
    make_term,
    open_window,
)
from tests.processes import python
from tests.races import broken, settle_all

HISTORY = ("requests", "outcomes", "settlements", "audit_entries", "access_entries")


@pytest.fixture
def world(database: None) -> None:
    term = make_term()
    open_window(term)
    course = make_offering(term, base_limit=1)
    make_section(course, limit=1)
    enroll(course, [make_student(term) for _ in range(3)])
    settle_all()
    enroll(course, [make_student(term)])


REFUSALS = ("permission denied", "must be owner")


def answer(role: str, sql: str) -> str:
    """What the database says to this role; whatever was done is undone."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {role}")
            cursor.execute(sql)
            transaction.set_rollback(True)
    except Error as error:
        return str(error)
    return "nothing: it was done"


SEATING = (
    "(student_id, term_id, offering_id, credits, meets, active) VALUES (1, 1, 1, 3, '{}', true)"
)
DENIED = {
    "reg_web": [
        f"INSERT INTO enrollments {SEATING}",
        "UPDATE enrollments SET active = false",
        "DELETE FROM enrollments",
        "UPDATE waitlist_entries SET state = 'PROMOTED'",
        "DELETE FROM waitlist_entries",
        "INSERT INTO outcomes VALUES (9, 1, 'ENROLLED', 'ENROLLED', '{}')",
        "INSERT INTO settlements VALUES (9, now(), '{}', 1, '', '')",
        "UPDATE pending SET cancels = true",
        "DELETE FROM pending",
        "UPDATE offerings SET base_limit = 100",
        "UPDATE sections SET taken = 0",
        "UPDATE sections SET enrollment_limit = 100",
        "DELETE FROM sections",
        "UPDATE student_terms SET credits = 0",
        "DELETE FROM student_terms",
        "DELETE FROM attempts",
        "INSERT INTO attempts (size) VALUES (1)",
        "DELETE FROM courses",
        "SELECT analyze_sections()",
    ],
    "reg_worker": [
        "UPDATE pending SET cancels = true",
        "DELETE FROM enrollments",
        "DELETE FROM waitlist_entries",
        "DELETE FROM students",
        "DELETE FROM student_terms",
        "DELETE FROM terms",
    ],
}
BOTH_DENIED = [
    "UPDATE requests SET window_id = NULL",
    "UPDATE outcomes SET facts = NULL",
    "UPDATE settlements SET facts = NULL",
    "UPDATE audit_entries SET body = NULL",
    "UPDATE access_entries SET actor = 'nobody'",
    *(f"DELETE FROM {table}" for table in HISTORY),
    *(f"TRUNCATE {table}" for table in (*HISTORY, "enrollments", "pending")),
    "ALTER TABLE enrollments DROP CONSTRAINT enrollment_no_two_at_the_same_time",
    "ALTER TABLE audit_entries DISABLE TRIGGER append_only_rows",
    "SET LOCAL session_replication_role = replica",
    "CREATE TABLE public.mine (id int)",
    "CREATE ROLE mine",
    "SELECT make_append_only('enrollments')",
    "SELECT pg_read_file('/etc/passwd')",
]


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("role", DENIED)
def test_a_role_may_do_nothing_but_its_own_part(role: str) -> None:
    said = {sql: answer(role, sql) for sql in DENIED[role] + BOTH_DENIED}

    assert {sql: words for sql, words in said.items() if not words.startswith(REFUSALS)} == {}


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(("role", "other"), [("web", "worker"), ("worker", "web")])
def test_a_role_cannot_take_the_others_place(role: str, other: str) -> None:
    """Logged in as itself: who may set a role to begin with is the owner."""
    script = f"""
from django.db import connection
for name in ("reg_{other}", "registrar"):
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"SET ROLE {{name}}")
        except Exception as error:
            print(type(error.__cause__).__name__, flush=True)
"""
    with python(script, role=role) as process:
        process.says("InsufficientPrivilege")
        process.says("InsufficientPrivilege")


# What a role needs ----------------------------------------------------------------------------

A_DAY = """
import sys
from enrollment.requests import Submission, submit_now
from enrollment.settlement import settle
from enrollment.sweep import Sweeper
from enrollment.vocabulary import Kind

part, course, term, student = sys.argv[1], *map(int, sys.argv[2:])
if part == "web":
    ask = Submission(
        Kind.ENROLL, f"student:{student}", student, term, (course,), {"offering": course}
    )
    print(type(submit_now([ask])[0]).__name__, flush=True)
else:
    print(Sweeper().look().rung, settle([course]).decided, flush=True)
"""


def test_the_web_takes_requests_and_the_worker_settles_them(database: None) -> None:
    """Opening sections and asking for statistics are among what a worker does."""
    term = make_term()
    open_window(term)
    course = make_offering(term, base_limit=0, auto_create=True, section_limit=1)
    numbers = (course.pk, term.pk, make_student().pk)
    enroll(course, [make_student(term) for _ in range(8)])

    with python(A_DAY, "web", *numbers, role="web") as process:
        assert process.line() == "Accepted", process.errors()
    with python(A_DAY, "worker", *numbers, role="worker") as process:
        assert process.line() == "() 9", process.errors()

    assert course.sections.count() == 9
    assert broken() == {}


LIVE = """
from django.db import connections
for alias in ("default", "witness"):
    with connections[alias].cursor() as cursor:
        for name in ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout",
                     "timezone", "transaction_isolation"):
            cursor.execute(f"SHOW {name}")
            print(name, cursor.fetchone()[0], flush=True)
"""


@pytest.mark.parametrize(
    ("role", "limits"),
    [("web", ("5s", "2s", "5s")), ("worker", ("2s", "3s", "10s")), ("owner", ("0", "0", "0"))],
)
def test_what_hangs_is_cut_off_by_the_server(
    migrated: None, role: str, limits: tuple[str, str, str]
) -> None:
    with python(LIVE, role=role) as process:
        for _ in range(2):
            process.says(f"idle_in_transaction_session_timeout {limits[0]}")
            process.says(f"lock_timeout {limits[1]}")
            process.says(f"statement_timeout {limits[2]}")
            process.says("timezone UTC")
            process.says("transaction_isolation read committed")

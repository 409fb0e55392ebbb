"""What a seat refers to cannot go while the seat is being written, and not after."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import Error, connection, connections, transaction

from courses.models import Section
from enrollment.models import Enrollment, StudentTerm
from tests.factories import make_offering, make_section, make_student, make_term

SEAT = """
INSERT INTO enrollments (student_id, term_id, offering_id, section_id, credits, meets, active)
SELECT st.student_id, st.term_id, s.offering_id, s.id, 3, '{}', true
FROM student_terms st, sections s
"""
GOES = {
    "the section": "DELETE FROM sections",
    "the student's load": "DELETE FROM student_terms",
}


@pytest.fixture
def section(database: None) -> Section:
    """One section, and one student with a load."""
    section = make_section(make_offering(make_term(), base_limit=0), limit=5)
    make_student(section.term)
    return section


def try_elsewhere(sql: str) -> str:
    """What another session is told that waits for no more than a moment; empty when it is done."""
    try:
        with transaction.atomic("witness"), connections["witness"].cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '200ms'")
            cursor.execute(sql)
    except Error as error:
        cause: Any = error.__cause__
        return str(cause.diag.constraint_name or type(cause).__name__)
    return ""


@pytest.fixture
def unlocked(database: None) -> Iterator[None]:
    """The trigger that looks for what a seat refers to, and does not hold it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('seats_have_their_rows'::regproc)")
        [whole] = cursor.fetchone()
        assert whole.count(" FOR KEY SHARE") == 3
        cursor.execute(whole.replace(" FOR KEY SHARE", "").replace("%", "%%"), [])
        yield
        cursor.execute(whole.replace("%", "%%"), [])


@pytest.mark.parametrize("sql", GOES.values(), ids=GOES)
def test_what_a_seat_refers_to_stays_while_the_seat_is_written(section: Section, sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SEAT)

        assert try_elsewhere(sql) == "LockNotAvailable"

    assert try_elsewhere(sql) == "seats_keep_their_rows"


@pytest.mark.parametrize("sql", GOES.values(), ids=GOES)
def test_without_the_lock_it_goes_and_the_seat_refers_to_nothing(
    section: Section, unlocked: None, sql: str
) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SEAT)

        assert try_elsewhere(sql) == ""

    assert Enrollment.objects.count() == 1
    assert not (Section.objects.exists() and StudentTerm.objects.exists())

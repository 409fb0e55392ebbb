"""How long a request accepted now would wait: what the door is closed by."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from courses.models import Offering, Term
from enrollment.line import eta, predicted_wait
from enrollment.models import Settlement
from enrollment.settlement import settle
from enrollment.vocabulary import Kind
from tests.factories import ask, make_offering, make_student, make_term, open_window, submit


@pytest.fixture
def term(database: None) -> Term:
    term = make_term()
    open_window(term)
    return term


@pytest.fixture
def course(term: Term) -> Offering:
    return make_offering(term)


def want(course: Offering, seconds_ago: float, count: int = 1) -> None:
    """Requests for a course, accepted a while ago."""
    students = [make_student(course.term) for _ in range(count)]
    ids = submit(*[ask(Kind.ENROLL, student, course) for student in students])
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE requests DISABLE TRIGGER append_only_rows")
        cursor.execute(
            "UPDATE requests SET accepted_at = accepted_at - make_interval(secs => %s) "
            "WHERE id = ANY(%s)",
            [seconds_ago, ids],
        )
        cursor.execute("ALTER TABLE requests ENABLE ALWAYS TRIGGER append_only_rows")


def test_nobody_waits_where_nothing_is_pending(course: Offering) -> None:
    assert predicted_wait() == 0


def test_what_came_a_moment_ago_is_no_backlog(course: Offering) -> None:
    want(course, seconds_ago=1, count=5)

    assert predicted_wait() == 0


def test_where_nothing_is_decided_the_wait_is_the_age_of_the_oldest(course: Offering) -> None:
    want(course, seconds_ago=30)
    want(course, seconds_ago=1)

    assert predicted_wait() == pytest.approx(30, abs=5)


def test_the_wait_is_what_is_pending_by_the_pace_of_the_last_seconds(course: Offering) -> None:
    want(course, seconds_ago=10, count=8)
    settle([course.pk])
    want(course, seconds_ago=9, count=60)

    # Eight in the last four seconds are two a second.
    assert predicted_wait() == pytest.approx(30)


def test_a_pace_of_long_ago_counts_for_nothing(course: Offering) -> None:
    want(course, seconds_ago=10, count=4)
    settle([course.pk])
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE settlements DISABLE TRIGGER append_only_rows")
        Settlement.objects.update(decided_at=timezone.now() - timedelta(seconds=5))
        cursor.execute("ALTER TABLE settlements ENABLE ALWAYS TRIGGER append_only_rows")
    want(course, seconds_ago=9, count=60)

    assert predicted_wait() == pytest.approx(9, abs=5)


def test_a_course_that_is_stuck_does_not_close_the_door_to_the_others(term: Term) -> None:
    stuck, lively = make_offering(term), make_offering(term)
    want(stuck, seconds_ago=300, count=100)
    want(lively, seconds_ago=0, count=2)
    settle([lively.pk])

    assert predicted_wait() == 0
    assert eta() == 1

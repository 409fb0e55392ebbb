"""Two people who each add an edge at the same moment never close a circle together (S1-21, T16)."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection

from courses import requirements
from courses.models import Course, CoursePrerequisite
from courses.refusal import Refused
from courses.requirements import graph
from tests.catalogue import begin, change
from tests.races import Meeting, after, race

pytestmark = [pytest.mark.concurrency, pytest.mark.requirement("S1-21")]


@pytest.fixture
def courses(database: None) -> tuple[Course, Course]:
    return begin(code="ART1", name="Drawing"), begin(code="ZOO2", name="Animals")


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> Meeting:
    """Where both have looked for a circle, found none, and not committed."""
    meeting = Meeting()
    after(monkeypatch, graph, "circle_through", meeting)
    return meeting


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner in (graph, requirements):
        monkeypatch.setattr(owner, "lock_catalogue", lambda: None)


@pytest.fixture
def trigger() -> Callable[[str], None]:
    def set_to(state: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"ALTER TABLE course_prerequisites {state} TRIGGER course_needs_no_circle"
            )

    return set_to


def need_each_other(one: Course, other: Course) -> list[Course | Exception]:
    return race(
        lambda: change(one, pre_requisit_courses=[other.pk]),
        lambda: change(other, pre_requisit_courses=[one.pk]),
    )


def circular(*courses: Course) -> bool:
    latest = Course.latest.filter(lineage__in=[course.lineage for course in courses])
    return any(course.check_prerequisite_cycles() for course in latest)


def test_of_two_edges_that_close_a_circle_one_is_refused(
    courses: tuple[Course, Course], meeting: Meeting
) -> None:
    answers = need_each_other(*courses)

    refusals = [answer for answer in answers if isinstance(answer, Exception)]
    assert not meeting.met, "the lock lets one at a time look"
    assert len(refusals) == 1
    assert isinstance(refusals[0], Refused)
    assert refusals[0].code == "PREREQUISITE_CIRCLE"
    assert not circular(*courses)


def test_without_the_lock_the_trigger_still_refuses_one(
    courses: tuple[Course, Course], meeting: Meeting, unlocked: None
) -> None:
    answers = need_each_other(*courses)

    assert meeting.met
    refusals = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refusals) == 1
    assert isinstance(refusals[0], Refused)
    assert refusals[0].code == "PREREQUISITE_CIRCLE"
    assert isinstance(refusals[0].__cause__, IntegrityError)
    assert not circular(*courses)


def test_without_either_guard_they_do_close_one(
    courses: tuple[Course, Course],
    meeting: Meeting,
    unlocked: None,
    trigger: Callable[[str], None],
) -> None:
    trigger("DISABLE")
    try:
        answers = need_each_other(*courses)
    finally:
        trigger("ENABLE ALWAYS")

    assert meeting.met
    assert all(isinstance(answer, Course) for answer in answers)
    assert circular(*courses)


def test_plain_sql_on_two_connections_is_checked_one_after_the_other(
    courses: tuple[Course, Course],
) -> None:
    one, other = courses

    def add(needing: Course, needed: Course) -> CoursePrerequisite:
        return CoursePrerequisite.objects.create(from_course=needing, to_course=needed)

    answers = race(lambda: add(one, other), lambda: add(other, one))

    assert sum(isinstance(answer, IntegrityError) for answer in answers) == 1
    assert CoursePrerequisite.objects.count() == 1

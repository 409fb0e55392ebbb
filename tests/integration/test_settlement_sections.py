"""A section that cannot be made costs nobody their request (S0-37)."""

import json
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.db import Error, connection

from courses.models import Offering, Section, Term
from enrollment import openings
from enrollment.models import Attempt, Enrollment, Outcome, Pending, WaitlistEntry
from enrollment.settlement import settle
from registrar.audit.models import Entry
from tests.factories import (
    enroll,
    make_offering,
    make_section,
    make_student,
    make_term,
    open_window,
)

pytestmark = pytest.mark.requirement("S0-37")

TRIGGER = """
CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.section_number % 3 = 0 THEN RAISE EXCEPTION 'no room for section three'; END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER planted BEFORE INSERT ON sections FOR EACH ROW EXECUTE FUNCTION planted();
"""
NO_TRIGGER = "DROP TRIGGER IF EXISTS planted ON sections; DROP FUNCTION IF EXISTS planted"


@pytest.fixture
def term(database: None) -> Iterator[Term]:
    term = make_term()
    open_window(term)
    yield term
    execute(NO_TRIGGER)


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def a_trigger_refuses_every_third(course: Offering) -> None:
    execute(TRIGGER)


def the_third_code_is_taken(course: Offering) -> None:
    """By a section that another course, with a longer code, was given by hand."""
    other = make_section(make_offering(course.term), limit=1)
    Section.objects.filter(pk=other.pk).update(code=f"{course.course.code}-SEC003")


def course_for_forty(term: Term) -> Offering:
    """Sections of ten open as they are needed; forty students ask."""
    course = make_offering(term, base_limit=0, auto_create=True, section_limit=10)
    enroll(course, [make_student(term) for _ in range(40)])
    return course


def seats() -> dict[int, int]:
    seats = Enrollment.objects.filter(active=True).select_related("section")
    return dict(Counter(seat.section.section_number for seat in seats if seat.section))


@pytest.mark.parametrize("fault", [a_trigger_refuses_every_third, the_third_code_is_taken])
def test_when_a_section_cannot_be_made_nobody_is_lost(
    term: Term, fault: Callable[[Offering], None]
) -> None:
    course = course_for_forty(term)
    fault(course)

    settle([course.pk])

    assert not Pending.objects.exists()
    assert Outcome.objects.count() == 40
    assert seats() == {1: 10, 2: 10}
    assert WaitlistEntry.objects.filter(state="WAITING").count() == 20
    course.refresh_from_db()
    assert (course.taken, course.waiting, course.sections.count()) == (20, 20, 2)
    assert not Attempt.objects.exists()


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (a_trigger_refuses_every_third, "InternalError P0001"),
        (the_third_code_is_taken, "IntegrityError section_code_once_per_term"),
    ],
)
def test_a_section_that_cannot_be_made_is_audited_with_its_cause(
    term: Term, fault: Callable[[Offering], None], cause: str
) -> None:
    course = course_for_forty(term)
    fault(course)

    settle([course.pk])

    [entry] = Entry.objects.filter(event="section_failed")
    assert entry.stream == f"offering:{course.pk}"
    assert json.loads(entry.body) == {"changes": [], "facts": {"cause": cause, "section": 3}}
    assert Entry.objects.filter(event="section_opened").count() == 2


def test_a_section_that_cannot_be_made_in_one_course_is_made_in_another(term: Term) -> None:
    course, other = course_for_forty(term), course_for_forty(term)
    the_third_code_is_taken(course)

    settle([course.pk, other.pk])

    assert course.sections.count() == 2
    assert other.sections.count() == 4
    assert WaitlistEntry.objects.filter(offering=other).count() == 0


def test_who_waits_for_a_section_that_failed_is_served_when_it_can_be_made(term: Term) -> None:
    course = course_for_forty(term)
    execute(TRIGGER)
    settle([course.pk])
    execute(NO_TRIGGER)
    enroll(course, [make_student(term)])

    settle([course.pk])

    assert seats() == {1: 10, 2: 10, 3: 10, 4: 10, 5: 1}
    assert not WaitlistEntry.objects.filter(state="WAITING").exists()


def test_without_the_savepoint_one_section_costs_everybody_their_request(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = course_for_forty(term)
    execute(TRIGGER)

    class NoSavepoint:
        @staticmethod
        def atomic() -> "NoSavepoint":
            return NoSavepoint()

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(openings, "transaction", NoSavepoint)

    with pytest.raises(Error, match="current transaction is aborted"):
        settle([course.pk])

    assert Pending.objects.count() == 40
    assert not Enrollment.objects.exists()

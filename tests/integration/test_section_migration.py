"""Enrollments made before there were sections, carried through the migration that adds them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from pytest_django import DjangoDbBlocker

from courses.models import Offering, Section
from enrollment import mailbox
from enrollment.models import Enrollment, Outcome, Student, StudentTerm
from enrollment.vocabulary import Kind
from registrar.audit.models import Entry
from tests import factories
from tests.callers import settle_all
from tests.factories import ask, enroll, submit

BEFORE = [("courses", "0001_initial"), ("enrollment", "0001_initial")]
SECTIONS = [("courses", "0002_section_model"), ("enrollment", "0002_section_model")]

pytestmark = pytest.mark.requirement("S0-28", "S0-33", "S0-36")


@dataclass
class Past:
    """The day before: one course of three seats, two of them taken, and nothing counted yet."""

    offering: int
    students: list[int]


@pytest.fixture
def past(django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Past]:
    """A database of its own, migrated as far as there were no sections, with two enrollments."""
    if "DATABASE_URL" not in os.environ:
        pytest.fail("this test needs PostgreSQL and Redis: run it with bin/test")
    name = f"registrar_past_{os.getpid()}"
    with django_db_blocker.unblock():
        _administer(f"CREATE DATABASE {name}")
        connections.close_all()
        for alias in ("default", "witness"):
            monkeypatch.setitem(connections.settings[alias], "NAME", name)
        mailbox.client().flushdb()
        try:
            yield _enroll_the_old_way(migrate(BEFORE))
        finally:
            connections.close_all()
            monkeypatch.undo()
            _administer(f"DROP DATABASE {name} WITH (FORCE)")


def _administer(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def migrate(targets: list[tuple[str, str]]) -> Any:
    """Migrate there; the models as they are at that point."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps


def migrate_to_the_latest() -> None:
    migrate(MigrationLoader(connection).graph.leaf_nodes())


def _enroll_the_old_way(then: Any) -> Past:
    term = then.get_model("courses", "Term").objects.create(
        code="2026-odd", year=2026, semester_type="Odd Semester", credit_maximum=24
    )
    course = then.get_model("courses", "Course").objects.create(
        code="CS101", name="Introduction", credit=3, syllabus="As announced.", ref_books="None."
    )
    offering = then.get_model("courses", "Offering").objects.create(
        course=course, term=term, base_limit=3, section_limit=2
    )
    ids = []
    for number in ("S1", "S2"):
        student = then.get_model("enrollment", "Student").objects.create(number=number)
        then.get_model("enrollment", "Enrollment").objects.create(
            student=student, term_id=term.pk, offering=offering, credits=3
        )
        ids.append(student.pk)
    return Past(offering.pk, ids)


def seats(offering: Offering) -> list[str]:
    live = Enrollment.objects.filter(offering=offering, active=True).select_related("section")
    return [seat.section.code if seat.section else "base" for seat in live.order_by("id")]


def test_before_it_there_is_no_section_and_after_it_there_is(past: Past) -> None:
    tables = connection.introspection.table_names
    assert "sections" not in tables()

    then = migrate(SECTIONS)

    assert "sections" in tables()
    link = then.get_model("enrollment", "Enrollment")._meta.get_field("section")
    assert (link.null, link.blank) == (True, True)


def test_enrollments_made_before_it_keep_their_seats_on_the_course_itself(past: Past) -> None:
    migrate_to_the_latest()

    offering = Offering.objects.get(pk=past.offering)
    assert seats(offering) == ["base", "base"]
    assert (offering.base_taken, offering.taken) == (2, 2)
    assert [(seat.student_id, seat.section) for seat in Enrollment.objects.order_by("id")] == [
        (student, None) for student in past.students
    ]
    loads = StudentTerm.objects.order_by("student_id").values_list("student_id", "credits")
    assert list(loads) == [(student, 3) for student in past.students]
    assert Entry.objects.get().event == "genesis"


def test_newcomers_fill_the_old_seats_and_then_sections_and_old_seats_can_be_given_back(
    past: Past,
) -> None:
    migrate_to_the_latest()
    offering = Offering.objects.get(pk=past.offering)
    factories.open_window(offering.term)
    newcomers = [factories.make_student(offering.term) for _ in range(3)]

    enroll(offering, newcomers[:2])
    settle_all()
    assert seats(offering) == ["base", "base", "base", "CS101-SEC001"]

    old = Student.objects.get(pk=past.students[0])
    [dropped] = submit(ask(Kind.DROP, old, offering))
    enroll(offering, newcomers[2:])
    settle_all()
    assert Outcome.objects.get(request_id=dropped).facts == {"section": 0}
    assert sorted(seats(offering)) == ["CS101-SEC001", "base", "base", "base"]
    assert Section.objects.get().taken == 1


def test_undoing_it_leaves_the_old_enrollments_as_they_were(past: Past) -> None:
    migrate_to_the_latest()

    then = migrate(BEFORE)

    enrollments = then.get_model("enrollment", "Enrollment").objects
    assert list(enrollments.order_by("id").values_list("student_id", "active")) == [
        (student, True) for student in past.students
    ]
    assert "sections" not in connection.introspection.table_names()

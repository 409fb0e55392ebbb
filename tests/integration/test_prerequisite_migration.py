"""Texts and edges from before migration 0007, carried through it and back."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from pytest_django import DjangoDbBlocker

from tests.integration.test_section_migration import _administer, migrate

BEFORE, AFTER = [("courses", "0006_versions")], [("courses", "0007_prerequisites")]
TEXTS = ("ART1 with a grade of B or better", "ART1 and charm", "  ", None)


@pytest.fixture
def past(django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A database of its own, with courses that have texts, the second needing the first."""
    if "DATABASE_URL" not in os.environ:
        pytest.fail("this test needs PostgreSQL and Redis: run it with bin/test")
    name = f"registrar_texts_{os.getpid()}"
    with django_db_blocker.unblock():
        _administer(f"CREATE DATABASE {name}")
        connections.close_all()
        for alias in ("default", "witness"):
            monkeypatch.setitem(connections.settings[alias], "NAME", name)
        try:
            yield _write(migrate(BEFORE))
        finally:
            connections.close_all()
            monkeypatch.undo()
            _administer(f"DROP DATABASE {name} WITH (FORCE)")


def _write(then: Any) -> list[int]:
    courses = [
        then.get_model("courses", "Course").objects.create(
            code=f"OLD{n}", name="Old", syllabus="x", ref_books="x", pre_requisits=text
        )
        for n, text in enumerate(TEXTS)
    ]
    then.get_model("courses", "CoursePrerequisite").objects.create(
        from_course=courses[1], to_course=courses[0]
    )
    return [course.pk for course in courses]


def test_old_texts_are_read_and_old_edges_are_prerequisites(past: list[int]) -> None:
    then = migrate(AFTER)

    rules = then.get_model("courses", "CourseRule").objects.order_by("course_id")
    assert [(each.course_id, each.verdict) for each in rules] == [
        (past[0], "full"),
        (past[1], "flagged"),
    ]
    edge = then.get_model("courses", "CoursePrerequisite").objects.get()
    assert (edge.from_course_id, edge.to_course_id) == (past[1], past[0])
    assert (edge.kind, edge.minimum_version) == ("PREREQUISITE", None)


def test_it_can_be_undone(past: list[int]) -> None:
    migrate(AFTER)

    MigrationExecutor(connection).migrate(BEFORE)

    assert "course_rules" not in connection.introspection.table_names()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM course_prerequisites")
        assert cursor.fetchone()[0] == 1

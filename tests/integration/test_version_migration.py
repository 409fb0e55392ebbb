"""Courses made before there were states, carried through the migration that brings them."""

import os
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import InternalError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from pytest_django import DjangoDbBlocker

from enrollment import mailbox
from tests.departments import sql

BEFORE = ("courses", "0005_departments")
THIS = ("courses", "0006_versions")


@pytest.fixture
def past(django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A database of its own as it was before; the models of that time."""
    if "DATABASE_URL" not in os.environ:
        pytest.fail("this test needs PostgreSQL and Redis: run it with bin/test")
    name = f"registrar_versions_{os.getpid()}"
    with django_db_blocker.unblock():
        sql(f"CREATE DATABASE {name}")
        connections.close_all()
        for alias in ("default", "witness"):
            monkeypatch.setitem(connections.settings[alias], "NAME", name)
        mailbox.client().flushdb()
        try:
            yield migrate(BEFORE)
        finally:
            connections.close_all()
            monkeypatch.undo()
            sql(f"DROP DATABASE {name} WITH (FORCE)")


def migrate(target: tuple[str, str]) -> Any:
    """Migrate there; the models as they are at that point."""
    MigrationExecutor(connection).migrate([target])
    return MigrationExecutor(connection).loader.project_state([target]).apps


def make(past: Any, lineage: UUID, version: str, **fields: Any) -> Any:
    given = {"code": "CS101", "name": "Introduction", "syllabus": "s", "ref_books": "b"} | fields
    return past.get_model("courses", "Course").objects.create(
        lineage=lineage, version=version, **given
    )


@pytest.mark.requirement("S1-66", "S1-79")
def test_versions_get_the_state_that_their_booleans_meant_and_their_order(past: Any) -> None:
    lineage, other = uuid4(), uuid4()
    make(past, lineage, "1.0", latest_version=False)
    make(past, lineage, "1.1", latest_version=False, working_course=False)
    make(past, lineage, "2.1")
    make(past, other, "1.0", code="MA101", working_course=False)

    migrate(THIS)

    rows = sql(
        "SELECT code, version::text, revision, state, working_course, latest_version, bump_type "
        "FROM courses ORDER BY code, revision"
    )
    assert [tuple(row) for row in rows] == [
        ("CS101", "1.0", 1, "DEPRECATED", False, False, "NONE"),
        ("CS101", "1.1", 2, "DEPRECATED", False, False, "NONE"),
        ("CS101", "2.1", 3, "ACTIVE", True, True, "NONE"),
        ("MA101", "1.0", 1, "INACTIVE", False, True, "NONE"),
    ]


def offer(past: Any, *courses: Any) -> None:
    term = past.get_model("courses", "Term").objects.create(
        code="T1", year=2026, semester_type="Odd Semester"
    )
    for course in courses:
        past.get_model("courses", "Offering").objects.create(course=course, term=term)


def test_offerings_made_before_it_learn_their_lineage(past: Any) -> None:
    lineage = uuid4()
    offer(past, make(past, lineage, "1.0"))

    migrate(THIS)

    assert sql("SELECT lineage FROM offerings") == [(lineage,)]


def test_two_versions_offered_in_one_term_stop_it_and_are_named(past: Any) -> None:
    """Which of them goes is not the migration's to say: students may be in either."""
    lineage = uuid4()
    old = make(past, lineage, "1.0", latest_version=False)
    offer(past, old, make(past, lineage, "2.0"))

    with pytest.raises(InternalError, match=r"CS101 in T1 \(offerings 1, 2\)"):
        migrate(THIS)

    assert MigrationExecutor(connection).loader.applied_migrations.keys() >= {BEFORE}
    assert THIS not in MigrationExecutor(connection).loader.applied_migrations


def test_undoing_it_leaves_the_courses(past: Any) -> None:
    offer(past, make(past, uuid4(), "1.0"))
    migrate(THIS)

    then = migrate(BEFORE)

    assert then.get_model("courses", "Course").objects.get().code == "CS101"
    then.get_model("courses", "Course").objects.update(credit=9)
    migrate(THIS)
    assert sql("SELECT credit, state FROM courses") == [(9, "ACTIVE")]

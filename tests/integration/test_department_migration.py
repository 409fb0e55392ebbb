"""The migration that brings departments, on databases that have rows already."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunSQL
from pytest_django import DjangoDbBlocker

from enrollment import mailbox
from tests.departments import TABLES, sql

BEFORE = ("courses", "0004_sections_in_fewer_indexes")
THIS = ("courses", "0005_departments")


@pytest.fixture
def past(django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A database of its own as it was before, with a course in it; the models of that time."""
    if "DATABASE_URL" not in os.environ:
        pytest.fail("this test needs PostgreSQL and Redis: run it with bin/test")
    name = f"registrar_departments_{os.getpid()}"
    with django_db_blocker.unblock():
        sql(f"CREATE DATABASE {name}")
        connections.close_all()
        for alias in ("default", "witness"):
            monkeypatch.setitem(connections.settings[alias], "NAME", name)
        mailbox.client().flushdb()
        try:
            then = migrate(BEFORE)
            then.get_model("courses", "Course").objects.create(
                code="CS101", name="Introduction", syllabus="As announced.", ref_books="None."
            )
            yield then
        finally:
            connections.close_all()
            monkeypatch.undo()
            sql(f"DROP DATABASE {name} WITH (FORCE)")


def migrate(*targets: tuple[str, str]) -> Any:
    """Migrate there; the models as they are at that point."""
    MigrationExecutor(connection).migrate(list(targets))
    return MigrationExecutor(connection).loader.project_state(list(targets)).apps


def latest() -> list[tuple[str, str]]:
    return list(MigrationLoader(connection).graph.leaf_nodes())


@pytest.mark.requirement("S2-14")
def test_departments_and_years_that_were_there_before_get_what_they_lack(past: Any) -> None:
    """The tables come first, with rows in them; then triggers, backfill and walls."""
    loader = MigrationLoader(connection)
    state = loader.project_state([BEFORE])
    operations = loader.graph.nodes[THIS].operations
    first_sql = next(n for n, each in enumerate(operations) if isinstance(each, RunSQL))

    _apply(operations[:first_sql], state)
    sql("INSERT INTO departments (name, code) VALUES ('Empty', 'E'), ('Begun', 'B')")
    sql("INSERT INTO years (department_id, year_number, year_name) "
        "SELECT id, 2, 'Second' FROM departments WHERE code = 'B'")  # fmt: skip
    sql("INSERT INTO semesters (year_id, semester_number, semester_name) "
        "SELECT id, 1, 'Autumn' FROM years")  # fmt: skip
    _apply(operations[first_sql:], state)

    years, semesters = sql("SELECT (SELECT count(*) FROM years), (SELECT count(*) FROM semesters)")[
        0
    ]
    assert (years, semesters) == (8, 16)
    rows = sql(
        "SELECT y.year_name, s.semester_name, s.absolute_number FROM departments d "
        "JOIN years y ON y.department_id = d.id JOIN semesters s ON s.year_id = y.id "
        "WHERE d.code = 'B' ORDER BY s.absolute_number"
    )
    assert rows[:4] == [
        ("1st Year", "Semester 1", 1),
        ("1st Year", "Semester 2", 2),
        ("Second", "Autumn", 3),
        ("Second", "Semester 2", 4),
    ]


def _apply(operations: list[Any], state: Any) -> None:
    with transaction.atomic(), connection.schema_editor() as editor:
        for operation in operations:
            before = state.clone()
            operation.state_forwards("courses", state)
            operation.database_forwards("courses", editor, before, state)


@pytest.mark.requirement("S2-14", "S2-27")
def test_courses_made_before_it_stay_as_they_were(past: Any) -> None:
    MigrationExecutor(connection).migrate(latest())

    assert sql("SELECT code, name, department_id FROM courses") == [("CS101", "Introduction", None)]
    sql("INSERT INTO departments (name, code) VALUES ('New', 'NEW')")
    sql("INSERT INTO department_course_map (semester_id, course_id) "
        "SELECT s.id, c.id FROM semesters s, courses c")  # fmt: skip
    assert sql("SELECT count(*) FROM department_course_map") == [(8,)]


def test_undoing_it_leaves_nothing_behind(past: Any) -> None:
    migrate(THIS)
    sql("INSERT INTO departments (name, code) VALUES ('New', 'NEW')")

    migrate(BEFORE)

    assert set(TABLES).isdisjoint(connection.introspection.table_names())
    functions = "auto_create_years_for_department", "auto_create_semesters_for_year", "name_year"
    assert sql("SELECT proname FROM pg_proc WHERE proname = ANY(%s)", list(functions)) == []
    assert sql("SELECT code FROM courses") == [("CS101",)]
    migrate(THIS)

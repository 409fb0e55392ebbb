"""Who taught before there were shares and plans, carried through the migrations that bring them."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import Error, connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from pytest_django import DjangoDbBlocker

from enrollment import mailbox
from tests.departments import sql

BEFORE = ("courses", "0007_prerequisites")
PLANS = ("courses", "0008_plans")
TEACHING = ("courses", "0009_teaching")
TABLES = {
    "programmes",
    "programmes_disciplines",
    "curricula",
    "curriculum_semesters",
    "course_slots",
    "course_slot_courses",
    "batches",
    "batch_members",
}
COURSE = """
INSERT INTO courses (code, name, syllabus, ref_books) VALUES ('AS101', 'Mechanics', 's', 'b')
RETURNING id
"""
PERSON = """
INSERT INTO users (username, password, is_superuser, first_name, last_name, email, is_staff,
                   is_active, date_joined)
VALUES ('noether', '', false, '', '', '', false, true, now()) RETURNING id
"""
TAUGHT = "INSERT INTO course_instructors (course_id, instructor_id, year, semester_type) VALUES "


@pytest.fixture
def past(django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database of its own as it was before, with somebody who taught a course in 2019."""
    if "DATABASE_URL" not in os.environ:
        pytest.fail("this test needs PostgreSQL and Redis: run it with bin/test")
    name = f"registrar_plans_{os.getpid()}"
    with django_db_blocker.unblock():
        sql(f"CREATE DATABASE {name}")
        connections.close_all()
        for alias in ("default", "witness"):
            monkeypatch.setitem(connections.settings[alias], "NAME", name)
        mailbox.client().flushdb()
        try:
            migrate(BEFORE)
            [(course,)], [(person,)] = ask(COURSE), ask(PERSON)
            ask(f"{TAUGHT}({course}, {person}, 2019, 'Odd Semester') RETURNING id")
            yield
        finally:
            connections.close_all()
            monkeypatch.undo()
            sql(f"DROP DATABASE {name} WITH (FORCE)")


def migrate(target: tuple[str, str]) -> None:
    MigrationExecutor(connection).migrate([target])


def ask(statement: str) -> list[tuple[Any, ...]]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def tables() -> set[str]:
    return {name for (name,) in ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


@pytest.mark.requirement("S1-23", "S1-47")
def test_who_taught_before_carried_the_whole_course(past: None) -> None:
    assert tables() & TABLES == set()

    migrate(TEACHING)

    assert tables() >= TABLES
    assert ask("SELECT year, semester_type, share FROM course_instructors") == [
        (2019, "Odd Semester", 100)
    ]


@pytest.mark.usefixtures("past")
def test_what_was_written_for_the_table_before_is_still_taken() -> None:
    """Yesterday's code runs on while the schema is of today."""
    migrate(TEACHING)

    row = f"{TAUGHT}(1, 1, 2020, 'Even Semester') RETURNING share"

    assert ask(row) == [(100,)]


@pytest.mark.usefixtures("past")
def test_the_migrations_can_be_taken_back_and_applied_again() -> None:
    migrate(TEACHING)
    migrate(PLANS)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE reg_web")
        cursor.execute("DELETE FROM course_instructors")
        transaction.set_rollback(True)
    migrate(BEFORE)
    assert tables() & TABLES == set()

    migrate(TEACHING)

    with pytest.raises(Error, match="permission denied"):
        ask("SET LOCAL ROLE reg_web; DELETE FROM course_instructors RETURNING id")
    assert ask("SELECT count(*) FROM course_instructors") == [(1,)]

"""The verification queries that departments came with, piped into `bin/manage dbshell` for real."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registrar.accounts.management.commands.dbshell import Shell
from tests.processes import ROOT

MANAGE = str(ROOT / "bin" / "manage")

SEMESTERS_PER_DEPARTMENT = """
-- Count semesters per department
SELECT 
    d.name AS department_name,
    d.code AS department_code,
    COUNT(s.id) AS semester_count
FROM departments d
JOIN years y ON y.department_id = d.id
JOIN semesters s ON s.year_id = y.id
GROUP BY d.id, d.name, d.code
ORDER BY d.name;
-- Expected: 8 semesters per department
"""  # noqa: W291 - as it was handed over
HIERARCHY = """
-- View complete hierarchy
SELECT 
    d.name AS department,
    y.year_name,
    s.semester_name,
    c.code AS course_code,
    c.name AS course_name
FROM departments d
JOIN years y ON y.department_id = d.id
JOIN semesters s ON s.year_id = y.id
LEFT JOIN department_course_map dcm ON dcm.semester_id = s.id
LEFT JOIN courses c ON c.id = dcm.course_id
ORDER BY d.name, y.year_number, s.semester_number;
"""  # noqa: W291
AUTO_CREATION = """
-- Test auto-creation by inserting a new department
INSERT INTO departments (name, code) VALUES ('Test Department', 'TEST');
-- Should auto-create 4 years and 8 semesters

-- Verify auto-creation worked
SELECT 
    d.name,
    COUNT(DISTINCT y.id) AS year_count,
    COUNT(s.id) AS semester_count
FROM departments d
LEFT JOIN years y ON y.department_id = d.id
LEFT JOIN semesters s ON s.year_id = y.id
WHERE d.code = 'TEST'
GROUP BY d.name;
-- Expected: year_count=4, semester_count=8

-- Cleanup test
DELETE FROM departments WHERE code = 'TEST';
"""  # noqa: W291

BEFOREHAND = """
DELETE FROM departments WHERE code IN ('ZZ1', 'ZZ2');
INSERT INTO departments (name, code) VALUES ('Zoology', 'ZZ1'), ('Zymurgy', 'ZZ2');
INSERT INTO courses (lineage, code, name, version, credit, syllabus, ref_books, percent_quiz_1,
    percent_midsem, percent_quiz_2, percent_endsem, percent_project, percent_lab_evaluation,
    percent_course_attendance, working_course, latest_version, max_seats)
SELECT gen_random_uuid(), 'ZZ101', 'Beasts', 1.0, 3, '', '', 10, 20, 10, 30, 15, 10, 5, true, true,
    90 WHERE NOT EXISTS (SELECT FROM courses WHERE code = 'ZZ101');
INSERT INTO department_course_map (semester_id, course_id)
SELECT s.id, c.id FROM departments d JOIN years y ON y.department_id = d.id
JOIN semesters s ON s.year_id = y.id JOIN courses c ON c.code = 'ZZ101'
WHERE d.code = 'ZZ1' AND s.absolute_number = 4;
"""


def manage(*arguments: str, said: str = "", **environ: str) -> "subprocess.CompletedProcess[str]":
    """As a person types it: the environment of a login, the tests' own services."""
    return subprocess.run(
        [MANAGE, *arguments],
        input=said,
        env={**os.environ, "PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def shell(said: str, *options: str) -> list[list[str]]:
    """The rows that psql prints, unaligned; fails when a statement does."""
    parameters = ("--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-A", "-t", *options)
    done = manage("dbshell", "--", *parameters, said=said)
    assert done.returncode == 0, done.stderr
    return [line.split("|") for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def site() -> Iterator[None]:
    """Two departments in the database that bin/manage leads to, migrated by it."""
    if "DATABASE_URL" not in os.environ:
        pytest.fail("this test needs PostgreSQL and Redis: run it with bin/test")
    done = manage("migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    shell(BEFOREHAND)
    yield
    shell("DELETE FROM departments WHERE code IN ('ZZ1', 'ZZ2')")


pytestmark = pytest.mark.usefixtures("site")


@pytest.mark.requirement("S2-22", "S2-21")
def test_each_department_has_eight_semesters() -> None:
    rows = shell(SEMESTERS_PER_DEPARTMENT)

    assert ["Zoology", "ZZ1", "8"] in rows
    assert ["Zymurgy", "ZZ2", "8"] in rows
    assert {count for *_, count in rows} == {"8"}


@pytest.mark.requirement("S2-23", "S2-21")
def test_the_hierarchy_is_listed_in_order_with_the_courses_in_it() -> None:
    rows = [row[1:] for row in shell(HIERARCHY) if row[0] == "Zoology"]

    assert rows == [
        ["1st Year", "Semester 1", "", ""],
        ["1st Year", "Semester 2", "", ""],
        ["2nd Year", "Semester 1", "", ""],
        ["2nd Year", "Semester 2", "ZZ101", "Beasts"],
        ["3rd Year", "Semester 1", "", ""],
        ["3rd Year", "Semester 2", "", ""],
        ["4th Year", "Semester 1", "", ""],
        ["4th Year", "Semester 2", "", ""],
    ]


@pytest.mark.requirement("S2-13", "S2-24", "S2-25", "S2-26")
def test_a_department_inserted_by_hand_has_its_years_and_goes_again() -> None:
    assert shell(AUTO_CREATION) == [
        ["INSERT 0 1"],
        ["Test Department", "4", "8"],
        ["DELETE 1"],
    ]
    assert shell("SELECT count(*) FROM departments WHERE code = 'TEST'") == [["0"]]


@pytest.mark.requirement("S2-22", "S2-23", "S2-25")
def test_the_whole_block_runs_verbatim_as_it_would_be_pasted() -> None:
    done = manage("dbshell", said=SEMESTERS_PER_DEPARTMENT + HIERARCHY + AUTO_CREATION)

    assert (done.returncode, done.stderr) == (0, "")
    assert " Test Department |          4 |              8" in done.stdout
    assert done.stdout.endswith("(1 row)\n\nDELETE 1\n")


# Who it is --------------------------------------------------------------------------------------


@pytest.mark.requirement("S2-20")
def test_the_shell_is_the_owners_and_has_the_admin_claim() -> None:
    [[user, role]] = shell("", "-c", "SELECT current_user, current_setting('app.role')")

    assert role == "admin"
    assert user not in ("reg_web", "reg_worker")


@pytest.mark.parametrize("role", ["web", "worker"])
def test_the_shell_of_another_role_has_no_claim(role: str) -> None:
    """`manage.py` as that role; bin/manage itself is always the owner."""
    ask = "SELECT current_user, coalesce(current_setting('app.role', true), 'none')"
    shell = [sys.executable, "manage.py", "dbshell", "--", "-A", "-t", "-c", ask]
    done = subprocess.run(
        [sys.executable, "-m", "registrar.services", "exec", "--", *shell],
        cwd=ROOT,
        env={**os.environ, "REGISTRAR_ROLE": role},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip

    assert done.stdout == f"reg_{role}|none\n", done.stderr


def test_a_failing_statement_is_told_by_psql_and_by_the_exit_code() -> None:
    done = manage("dbshell", "--", "-c", "SELECT 1/0")

    assert done.returncode == 1
    assert done.stderr == "ERROR:  division by zero\n"


def test_a_missing_psql_is_named_with_the_way_to_get_one(tmp_path: Path) -> None:
    """A server given by URL, and none of its programs here."""
    done = subprocess.run(
        [sys.executable, "manage.py", "dbshell"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "DATABASE_URL": URL, "REGISTRAR_PG_BIN": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == (
        "CommandError: there is no psql here: apt-get install postgresql-client, "
        "or name its folder in REGISTRAR_PG_BIN\n"
    )


URL = "postgres://somebody:secret@127.0.0.1:1/nowhere"


def test_a_password_is_not_on_the_command_line() -> None:
    database = {
        "NAME": "nowhere",
        "USER": "somebody",
        "PASSWORD": "secret",
        "HOST": "127.0.0.1",
        "PORT": 1,
        "OPTIONS": {"options": "-c timezone=UTC", "sslmode": "require"},
    }

    command, environ = Shell.settings_to_cmd_args_env(database, ["-c", "SELECT 1"])

    assert "secret" not in " ".join(command)
    assert environ == {"PGPASSWORD": "secret"}
    assert command[2:] == ["-c", "SELECT 1"]
    for part in ("host=127.0.0.1", "port=1", "sslmode=require", "-c app.role=admin"):
        assert part in command[1]

"""Row-level security of the departments' tables: everybody reads, the admin claim writes."""

import pytest
from django.db import DatabaseError, connection, transaction

from courses.models import Department, DepartmentCourseMap
from tests.departments import TABLES, make_department, semester, sql
from tests.factories import make_course

pytestmark = pytest.mark.usefixtures("plan")

WRITES = {
    "departments": "INSERT INTO departments (name, code) VALUES ('New', 'NEW')",
    "years": "INSERT INTO years (department_id, year_number) SELECT id, 5 FROM departments",
    "semesters": "INSERT INTO semesters (year_id, semester_number) "
    "SELECT id, 2 FROM years WHERE year_number = 4",
    "department_course_map": "INSERT INTO department_course_map (semester_id, course_id) "
    "SELECT s.id, c.id FROM semesters s, courses c WHERE s.absolute_number = 2",
}
ROLES = ("reg_web", "reg_worker")


@pytest.fixture
def plan(database: None) -> Department:
    """One department, one course in its first semester; one semester is missing."""
    department = make_department()
    place = semester(department, 1)
    DepartmentCourseMap.objects.create(
        department=department, year=place.year, semester=place, course=make_course("CS1")
    )
    semester(department, 8).delete()
    return department


def changed(role: str, claim: str | None, statement: str) -> int:
    """How many rows it finds or changes as this role; undone again. Raises DatabaseError."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        if claim is not None:
            cursor.execute("SELECT set_config('app.role', %s, true)", [claim])
        cursor.execute(statement)
        transaction.set_rollback(True)
        return int(cursor.rowcount)


def refused(role: str, claim: str | None, statement: str) -> bool:
    """Whether the walls, and nothing else, are what refuses it."""
    try:
        changed(role, claim, statement)
    except DatabaseError as error:
        return "row-level security" in str(error)
    return False


@pytest.mark.requirement("S2-15", "S2-17", "S2-19")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", TABLES)
def test_everybody_reads_without_a_claim(role: str, table: str) -> None:
    assert changed(role, None, f"SELECT * FROM {table}") > 0


@pytest.mark.requirement("S2-16", "S2-18", "S2-20")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("claim", [None, "", "faculty", "Admin", "registrar"])
@pytest.mark.parametrize("table", TABLES)
def test_nobody_writes_without_the_admin_claim(role: str, claim: str | None, table: str) -> None:
    assert refused(role, claim, WRITES[table])
    assert changed(role, claim, f"UPDATE {table} SET id = id") == 0
    assert changed(role, claim, f"DELETE FROM {table}") == 0


@pytest.mark.requirement("S2-16", "S2-18", "S2-20")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", TABLES)
def test_the_admin_claim_writes(role: str, table: str) -> None:
    assert changed(role, "admin", WRITES[table]) == 1
    assert changed(role, "admin", f"UPDATE {table} SET id = id") > 0
    assert changed(role, "admin", f"DELETE FROM {table}") > 0


def test_a_claim_does_not_let_a_row_be_written_over_by_none() -> None:
    """INSERT … ON CONFLICT DO UPDATE is an update too."""
    upsert = (
        "INSERT INTO departments (id, name, code) SELECT id, 'Mine', code FROM departments "
        "ON CONFLICT (code) DO UPDATE SET name = 'Mine'"
    )

    assert refused("reg_web", None, upsert)


@pytest.mark.parametrize("table", TABLES)
def test_the_owner_needs_the_claim_too(table: str) -> None:
    """An owner that is no superuser, as a hosted database gives; FORCE makes it hold for them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE ROLE plain_owner NOSUPERUSER NOBYPASSRLS")
        cursor.execute("GRANT USAGE, CREATE ON SCHEMA public TO plain_owner")
        cursor.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain_owner")
        for each in TABLES:
            cursor.execute(f"ALTER TABLE {each} OWNER TO plain_owner")
        without = refused("plain_owner", None, WRITES[table])
        written = changed("plain_owner", "admin", WRITES[table])
        left = changed("plain_owner", "admin", "DELETE FROM departments")
        transaction.set_rollback(True)

    assert (without, written, left) == (True, 1, 1)


@pytest.mark.requirement("S2-28")
@pytest.mark.parametrize("table", TABLES)
def test_all_four_tables_have_the_same_policies_by_the_same_names(table: str) -> None:
    [forced] = sql(
        "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = %s::regclass",
        table,
    )
    policies = sql(
        "SELECT policyname, cmd, permissive, roles::text FROM pg_policies WHERE tablename = %s "
        "ORDER BY policyname",
        table,
    )

    assert forced == (True,)
    assert policies == [
        (f"Anyone can view {table}", "SELECT", "PERMISSIVE", "{public}"),
        (f"Only admins can manage {table}", "ALL", "PERMISSIVE", "{public}"),
    ]


def test_the_functions_that_fill_in_are_no_way_past_the_walls() -> None:
    """None of them runs as its owner, but for the one that only notes that something changed."""
    ours = sql(
        "SELECT p.proname, p.prosecdef FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
        "WHERE t.tgrelid = ANY(%s::regclass[]) AND NOT t.tgisinternal",
        list(TABLES),
    )

    assert len(ours) >= 6
    assert {name for name, definer in ours if definer} == {"catalogue_changed"}

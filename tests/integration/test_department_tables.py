"""Departments, years, semesters and the map as plain SQL writes them."""

from threading import Event

import pytest
from django.db import IntegrityError, connection, transaction

from courses.models import Course, Department, DepartmentCourseMap, Semester, Year
from tests.departments import make_department, semester, sql
from tests.factories import make_course
from tests.races import blocked, race, until

pytestmark = pytest.mark.usefixtures("database")

INSERT = "INSERT INTO departments (name, code) VALUES ('Test Department', 'TEST')"
PLAN = """
SELECT y.year_number, y.year_name, s.semester_number, s.semester_name, s.absolute_number
FROM years y JOIN semesters s ON s.year_id = y.id ORDER BY 1, 3
"""


# Years and semesters ------------------------------------------------------------------------


@pytest.mark.requirement("S2-1", "S2-2", "S2-7", "S2-8", "S2-10", "S2-11", "S2-13", "S2-24")
def test_a_department_by_plain_sql_brings_four_years_of_two_semesters() -> None:
    sql(INSERT)

    assert sql(PLAN) == [
        (1, "1st Year", 1, "Semester 1", 1),
        (1, "1st Year", 2, "Semester 2", 2),
        (2, "2nd Year", 1, "Semester 1", 3),
        (2, "2nd Year", 2, "Semester 2", 4),
        (3, "3rd Year", 1, "Semester 1", 5),
        (3, "3rd Year", 2, "Semester 2", 6),
        (4, "4th Year", 1, "Semester 1", 7),
        (4, "4th Year", 2, "Semester 2", 8),
    ]


@pytest.mark.requirement("S2-7", "S2-10")
@pytest.mark.parametrize(
    ("table", "function"),
    [
        ("departments", "auto_create_years_for_department"),
        ("years", "auto_create_semesters_for_year"),
    ],
)
def test_the_functions_have_the_names_that_were_asked_for(table: str, function: str) -> None:
    [row] = sql(
        "SELECT t.tgenabled, t.tgtype FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
        "WHERE t.tgrelid = %s::regclass AND p.proname = %s",
        table,
        function,
    )

    assert row == ("O", 5)  # on; for each row, after, insert


@pytest.mark.requirement("S2-3", "S2-9", "S2-12")
def test_what_is_there_already_is_left_alone() -> None:
    """A department copied with years of its own, as a restore of single rows does."""
    sql("ALTER TABLE departments DISABLE TRIGGER auto_create_years")
    department = make_department()
    sql("ALTER TABLE departments ENABLE TRIGGER auto_create_years")
    sql("INSERT INTO years (department_id, year_number, year_name) VALUES (%s, 1, 'Foundation')",
        department.pk)  # fmt: skip
    sql("UPDATE semesters SET semester_name = 'Autumn' WHERE semester_number = 1")

    for function, table, row in (
        ("auto_create_years_for_department", "departments", department.pk),
        ("auto_create_semesters_for_year", "years", Year.objects.get().pk),
    ):
        with transaction.atomic():
            sql(
                f"CREATE TRIGGER again AFTER UPDATE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {function}()"
            )
            sql(f"UPDATE {table} SET id = id WHERE id = %s", row)
            sql(f"DROP TRIGGER again ON {table}")

    assert sql(PLAN)[:3] == [
        (1, "Foundation", 1, "Autumn", 1),
        (1, "Foundation", 2, "Semester 2", 2),
        (2, "2nd Year", 1, "Semester 1", 3),
    ]
    assert (Year.objects.count(), Semester.objects.count()) == (4, 8)


@pytest.mark.requirement("S2-3")
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO semesters (year_id, semester_number) SELECT id, 1 FROM years LIMIT 1",
        "INSERT INTO semesters (year_id, semester_number) SELECT id, 3 FROM years LIMIT 1",
        "INSERT INTO semesters (year_id, semester_number) VALUES (999, 1)",
        "INSERT INTO years (department_id, year_number) SELECT id, 4 FROM departments",
        "INSERT INTO years (department_id, year_number) SELECT id, 0 FROM departments",
        "INSERT INTO years (department_id, year_number) VALUES (999, 1)",
        "INSERT INTO departments (name, code) VALUES ('Another', ' test ')",
    ],
)
def test_a_second_one_or_one_of_nothing_is_refused(statement: str) -> None:
    sql(INSERT)

    with pytest.raises(IntegrityError):
        sql(statement)


def test_a_fifth_year_has_its_name_and_its_semesters_too() -> None:
    sql(INSERT)

    sql("INSERT INTO years (department_id, year_number) SELECT id, 5 FROM departments")

    assert sql(PLAN)[8:] == [
        (5, "5th Year", 1, "Semester 1", 9),
        (5, "5th Year", 2, "Semester 2", 10),
    ]


def test_a_year_with_another_number_counts_its_semesters_anew() -> None:
    sql(INSERT)
    sql("UPDATE years SET year_name = 'Honours' WHERE year_number = 3")

    sql("UPDATE years SET year_number = year_number + 2 WHERE year_number > 2")

    assert sql(PLAN)[4:] == [
        (5, "Honours", 1, "Semester 1", 9),
        (5, "Honours", 2, "Semester 2", 10),
        (6, "6th Year", 1, "Semester 1", 11),
        (6, "6th Year", 2, "Semester 2", 12),
    ]


def test_the_number_of_a_semester_cannot_be_said_otherwise() -> None:
    sql(INSERT)

    sql("UPDATE semesters SET absolute_number = 77")

    assert [row[-1] for row in sql(PLAN)] == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.concurrency
def test_a_semester_added_while_its_year_moves_is_counted_as_the_year_ends_up() -> None:
    """Without a lock on the year, the semester would keep the number of where the year was."""
    sql(INSERT)
    sql("DELETE FROM semesters WHERE semester_number = 2")
    year, moved = Year.objects.get(year_number=4), Event()

    def move_the_year() -> None:
        with transaction.atomic():
            sql("UPDATE years SET year_number = 9 WHERE id = %s", year.pk)
            moved.set()
            until(blocked)

    def add_a_semester() -> None:
        moved.wait()
        sql("INSERT INTO semesters (year_id, semester_number) VALUES (%s, 2)", year.pk)

    assert race(move_the_year, add_a_semester) == [None, None]

    numbers = Semester.objects.filter(year=year).order_by("semester_number")
    assert list(numbers.values_list("absolute_number", flat=True)) == [17, 18]


# The map ------------------------------------------------------------------------------------


@pytest.mark.requirement("S2-4", "S2-6", "S2-21")
def test_a_course_placed_in_a_semester_is_in_its_year_and_department() -> None:
    course, place = make_course("CS1"), semester(make_department(), 3)

    sql("INSERT INTO department_course_map (semester_id, course_id) VALUES (%s, %s)",
        place.pk, course.pk)  # fmt: skip

    placed = DepartmentCourseMap.objects.get()
    assert (placed.year_id, placed.department_id) == (place.year_id, place.year.department_id)
    columns = sql(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_name = 'department_course_map' ORDER BY 1"
    )
    assert [name for (name,) in columns] == [
        "course_id", "department_id", "id", "semester_id", "year_id",
    ]  # fmt: skip


@pytest.mark.requirement("S2-5")
def test_a_course_is_in_a_semester_once_and_in_others_as_often_as_wanted() -> None:
    department, course = make_department(), make_course("CS1")
    place = "INSERT INTO department_course_map (semester_id, course_id) VALUES (%s, %s)"
    for number in (1, 2):
        sql(place, semester(department, number).pk, course.pk)

    with pytest.raises(IntegrityError, match="course_once_in_a_semester"):
        sql(place, semester(department, 1).pk, course.pk)

    assert DepartmentCourseMap.objects.count() == 2


@pytest.mark.requirement("S2-4")
@pytest.mark.parametrize("wrong", ["year", "department", "both"])
def test_the_columns_of_the_map_cannot_disagree(wrong: str) -> None:
    course, ours, theirs = make_course("CS1"), make_department(), make_department("ME", "Mechanics")
    place, other = semester(ours, 1), semester(theirs, 1)
    year = place.year_id if wrong == "department" else other.year_id
    department = ours.pk if wrong == "year" else theirs.pk

    with pytest.raises(IntegrityError, match="placed_in_a_"):
        sql(
            "INSERT INTO department_course_map (department_id, year_id, semester_id, course_id) "
            "VALUES (%s, %s, %s, %s)", department, year, place.pk, course.pk,
        )  # fmt: skip


def test_a_course_moved_to_another_semester_moves_to_its_year_and_department() -> None:
    course, ours, theirs = make_course("CS1"), make_department(), make_department("ME", "Mechanics")
    sql("INSERT INTO department_course_map (semester_id, course_id) VALUES (%s, %s)",
        semester(ours, 1).pk, course.pk)  # fmt: skip
    target = semester(theirs, 8)

    sql("UPDATE department_course_map SET semester_id = %s", target.pk)

    placed = DepartmentCourseMap.objects.get()
    assert (placed.year_id, placed.department_id) == (target.year_id, theirs.pk)


def test_a_year_with_courses_cannot_slip_into_another_department() -> None:
    course, ours, theirs = make_course("CS1"), make_department(), make_department("ME", "Mechanics")
    place = semester(ours, 1)
    sql("INSERT INTO department_course_map (semester_id, course_id) VALUES (%s, %s)",
        place.pk, course.pk)  # fmt: skip
    sql("DELETE FROM years WHERE department_id = %s", theirs.pk)

    with pytest.raises(IntegrityError, match="placed_in_a_year_of_the_department"):
        sql("UPDATE years SET department_id = %s WHERE id = %s", theirs.pk, place.year_id)


# Leaving ------------------------------------------------------------------------------------


@pytest.mark.requirement("S2-26", "S2-6")
def test_a_department_deleted_by_plain_sql_takes_its_plan_and_no_course() -> None:
    sql(INSERT)
    make_department()
    course = make_course("CS1")
    sql("INSERT INTO department_course_map (semester_id, course_id) SELECT id, %s FROM semesters",
        course.pk)  # fmt: skip

    sql("DELETE FROM departments WHERE code = 'TEST'")

    assert Course.objects.filter(pk=course.pk).exists()
    assert (Year.objects.count(), Semester.objects.count()) == (4, 8)
    assert DepartmentCourseMap.objects.count() == 8


@pytest.mark.parametrize("table", ["courses", "department_members"])
def test_a_department_that_something_belongs_to_stays(table: str) -> None:
    department = make_department()
    if table == "courses":
        make_course("CS1", department=department)
    else:
        sql("INSERT INTO users (username, password, is_superuser, first_name, last_name, email, "
            "is_staff, is_active, date_joined) "
            "VALUES ('ada', '', false, '', '', '', false, true, now())")  # fmt: skip
        sql("INSERT INTO department_members (department_id, user_id) SELECT %s, id FROM users",
            department.pk)  # fmt: skip

    with pytest.raises(IntegrityError, match=table):
        sql("DELETE FROM departments")

    assert Department.objects.count() == 1
    connection.close()


@pytest.mark.requirement("S2-27")
def test_the_courses_themselves_have_no_column_of_the_map() -> None:
    columns = {field.column for field in Course._meta.concrete_fields}

    assert columns.isdisjoint({"semester_id", "year_id"})

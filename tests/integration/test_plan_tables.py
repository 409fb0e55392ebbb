"""The tables of study plans and teaching refuse what their operations promise never to write."""

from typing import Any

import pytest
from django.db import Error, IntegrityError, connection, transaction
from django.db.models import ProtectedError

from courses.models import (
    Batch,
    CourseInstructor,
    CourseSlotCourse,
    Curriculum,
    CurriculumSemester,
    Discipline,
    Programme,
    SemesterType,
    SlotType,
)
from tests.factories import make_course, make_user
from tests.studyplans import make_batch, make_plan, make_programme, make_slot

SEED_TYPES = (
    "Professional Core",
    "Professional Elective",
    "Professional Lab",
    "Engineering Science",
    "Natural Science",
    "Humanities",
    "Design",
    "Manufacturing",
    "Management Science",
    "Open Elective",
    "Swayam",
    "Project",
    "Optional",
    "Backlog",
    "Others",
)


@pytest.fixture
def plan(database: None) -> Curriculum:
    """Everything has the id 1: the tables were emptied and begin anew."""
    plan = make_plan(make_programme("Astronautics", "Physics"), semesters=1)
    make_slot(plan, 1, "Core 1", make_course())
    make_batch(Discipline.objects.get(), plan)
    teacher = make_user("noether")
    CourseInstructor.objects.create(
        course_id=1, instructor=teacher, year=2026, semester_type=SemesterType.ODD
    )
    return plan


def execute(sql: str) -> list[Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


REFUSED = {
    "programme_category_known": "INSERT INTO programmes (category, name) VALUES ('BA', 'A')",
    "programme_once_a_category": (
        "INSERT INTO programmes (category, name) VALUES ('UG', 'Astronautics')"
    ),
    "programmes_disciplines_programme_id_discipline_id": (
        "INSERT INTO programmes_disciplines (programme_id, discipline_id) VALUES (1, 1)"
    ),
    "curriculum_version_once": (
        "INSERT INTO curricula (name, programme_id, no_of_semester, min_credit, latest_version) "
        "VALUES ('Astro', 1, 1, 1, false)"
    ),
    "curriculum_one_latest_version": (
        "INSERT INTO curricula (name, programme_id, version, no_of_semester, min_credit) "
        "VALUES ('Astro', 1, 2.0, 1, 1)"
    ),
    "curriculum_version_at_least_1_0": "UPDATE curricula SET version = 0.9",
    "curriculum_has_a_semester": "UPDATE curricula SET no_of_semester = 0",
    "curricula_min_credit_check": "UPDATE curricula SET min_credit = -1",
    "curriculum_semester_once": (
        "INSERT INTO curriculum_semesters (curriculum_id, semester_no) VALUES (1, 1)"
    ),
    "curriculum_semester_from_1": "UPDATE curriculum_semesters SET semester_no = 0",
    "course_slot_type_known": "UPDATE course_slots SET type = 'Core'",
    "course_slot_once_a_semester": (
        "INSERT INTO course_slots (semester_id, name, type) "
        "VALUES (1, 'Core 1', 'Professional Core')"
    ),
    "course_slot_limits_in_order": "UPDATE course_slots SET min_registration_limit = 1001",
    "course_slot_duration_from_1": "UPDATE course_slots SET duration = 0",
    "course_once_in_a_slot": "INSERT INTO course_slot_courses (slot_id, course_id) VALUES (1, 1)",
    "batch_once_a_year": (
        "INSERT INTO batches (name, discipline_id, year) VALUES ('Comets', 1, 2026)"
    ),
    "batches_total_seats_check": "UPDATE batches SET total_seats = -1",
    "course_instructor_once_a_semester": (
        "INSERT INTO course_instructors (course_id, instructor_id, year, semester_type) "
        "VALUES (1, 1, 2026, 'Odd Semester')"
    ),
    "course_instructor_semester_type_known": (
        "UPDATE course_instructors SET semester_type = 'Winter Semester'"
    ),
    "course_instructor_share_within_100": "UPDATE course_instructors SET share = 101",
}


@pytest.mark.requirement(
    "S1-29", "S1-31", "S1-32", "S1-33", "S1-41", "S1-42", "S1-43", "S1-44", "S1-45", "S1-23"
)
@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_by_a_name_that_says_why(plan: Curriculum, name: str) -> None:
    with pytest.raises(IntegrityError, match=name):
        execute(REFUSED[name])


@pytest.mark.requirement("S1-31")
def test_the_slot_types_are_the_fifteen_of_the_seed() -> None:
    assert tuple(SlotType.values) == SEED_TYPES


@pytest.mark.requirement("S1-31")
def test_a_slot_may_be_of_any_of_the_fifteen(plan: Curriculum) -> None:
    for kind in SEED_TYPES:
        execute(f"INSERT INTO course_slots (semester_id, name, type) VALUES (1, 'X', '{kind}')")


@pytest.mark.requirement("S1-41")
@pytest.mark.parametrize("category", ["UG", "PG", "PHD"])
def test_a_programme_is_of_one_of_three_categories(database: None, category: str) -> None:
    execute(f"INSERT INTO programmes (category, name) VALUES ('{category}', 'Astronautics')")

    assert Programme.objects.get().category == category


@pytest.mark.requirement("S1-30", "S1-43", "S1-45")
def test_plain_sql_leaves_out_what_the_seeds_tables_leave_out(plan: Curriculum) -> None:
    slot = "INSERT INTO course_slots (semester_id, name, type) VALUES (1, 'A', 'Design')"
    version = (
        "INSERT INTO curricula (name, programme_id, no_of_semester, min_credit) "
        "VALUES ('B', 1, 8, 160)"
    )
    batch = "INSERT INTO batches (name, discipline_id, year) VALUES ('B', 1, 2027)"

    limits = "duration, min_registration_limit, max_registration_limit, course_slot_info"
    assert execute(f"{slot} RETURNING {limits}") == [(1, 0, 1000, None)]
    [(number, latest)] = execute(f"{version} RETURNING version, latest_version")
    assert (str(number), latest) == ("1.0", True)
    assert execute(f"{batch} RETURNING running_batch, total_seats, curriculum_id") == [
        (True, 60, None)
    ]


@pytest.mark.requirement("S1-23", "S1-29")
def test_an_assignment_is_of_the_databases_year_unless_another_is_named(plan: Curriculum) -> None:
    row = "INSERT INTO course_instructors (course_id, instructor_id, semester_type) VALUES (1, 1, "

    [(year, now, share)] = execute(
        f"{row}'Even Semester') RETURNING year, EXTRACT(YEAR FROM CURRENT_DATE)::int, share"
    )
    made = CourseInstructor.objects.create(
        course_id=1, instructor_id=1, semester_type=SemesterType.SUMMER
    )

    assert (year, share) == (now, 100)
    assert made.year == now


@pytest.mark.requirement("S1-46")
def test_plans_and_teaching_refer_to_people_and_disciplines_that_exist(plan: Curriculum) -> None:
    for sql in (
        "UPDATE course_instructors SET instructor_id = 99",
        "UPDATE batches SET discipline_id = 99",
        "UPDATE programmes_disciplines SET discipline_id = 99",
    ):
        with pytest.raises(IntegrityError, match="foreign key"):
            execute(sql)


INDEXED = {
    ("course_instructors", "course_id"),
    ("course_instructors", "instructor_id"),
    ("course_instructors", "year"),
    ("course_slots", "semester_id"),
    ("course_slots", "type"),
    ("curricula", "programme_id"),
    ("curriculum_semesters", "curriculum_id"),
    ("batches", "discipline_id"),
    ("batches", "curriculum_id"),
    ("batches", "year"),
    ("course_slot_courses", "slot_id"),
    ("course_slot_courses", "course_id"),
    ("programmes_disciplines", "programme_id"),
    ("programmes_disciplines", "discipline_id"),
    ("batch_members", "batch_id"),
    ("batch_members", "user_id"),
}
_INDEXES = """
SELECT c.relname, a.attname FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
WHERE i.indpred IS NULL
"""


@pytest.mark.requirement("S1-50", "S1-51", "S1-53", "S1-55")
def test_what_is_looked_up_by_is_indexed(plan: Curriculum) -> None:
    assert INDEXED - set(execute(_INDEXES)) == set()


@pytest.mark.requirement("S1-56")
def test_nothing_that_a_plan_or_its_teaching_refers_to_can_go_away(plan: Curriculum) -> None:
    """T20: the seed's cascades would take history with them."""
    for sql in (
        "DELETE FROM disciplines",
        "DELETE FROM programmes",
        "DELETE FROM curricula",
        "DELETE FROM users",
        "DELETE FROM courses",
    ):
        with pytest.raises(Error):
            execute(sql)
    for row in (Programme.objects.get(), plan, Discipline.objects.get()):
        with pytest.raises(ProtectedError):
            row.delete()
    assert Batch.objects.count() == CourseSlotCourse.objects.count() == 1


@pytest.mark.requirement("S1-56")
def test_a_plan_that_nobody_uses_takes_what_is_in_it_along(plan: Curriculum) -> None:
    """The seed's cascades within a plan; only the owner of the tables may do this."""
    Batch.objects.all().delete()

    plan.delete()

    assert not CurriculumSemester.objects.exists()
    assert not CourseSlotCourse.objects.exists()


@pytest.mark.requirement("S1-23", "S1-56")
@pytest.mark.parametrize("role", ["reg_web", "reg_worker"])
@pytest.mark.parametrize(
    "table",
    [
        "programmes",
        "curricula",
        "curriculum_semesters",
        "course_slots",
        "batches",
        "course_instructors",
    ],
)
def test_neither_web_nor_workers_delete_history(plan: Curriculum, role: str, table: str) -> None:
    with pytest.raises(Error, match="permission denied"), transaction.atomic():
        execute(f"SET LOCAL ROLE {role}; DELETE FROM {table}")

"""Reports written for the schema of seed 001 run unchanged, on views that nobody writes (D1)."""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import Group
from django.db import Error, connection, transaction

from courses import requirements
from courses.catalogue import change_state, create_new_version
from courses.lifecycle import State
from courses.models import Course, CourseInstructor, CoursePrerequisite, Discipline, Proposal
from courses.proposals.drafts import create
from courses.workflow import Action, Stage
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from tests.catalogue import BY, NOW, begin
from tests.factories import make_offering, make_student, make_term, make_user
from tests.proposals import BEGAN, People, bring, cast, said, staff, step
from tests.seed001 import SEED, spelt
from tests.source import ROOT
from tests.studyplans import make_batch, make_plan, make_programme, make_slot

_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


def rows(sql: str, *values: str | int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


@pytest.mark.requirement(*(f"S1-{number}" for number in range(27, 48)))
@pytest.mark.parametrize("table", SEED)
def test_a_table_of_the_seed_has_its_columns_in_their_order(database: None, table: str) -> None:
    found = rows(_COLUMNS, table)

    assert [name for name, _ in found] == list(SEED[table])
    for name, kind in found:
        assert kind in spelt(SEED[table][name]), f"{name} is {kind}"


@pytest.mark.requirement("S1-47")
def test_all_nineteen_tables_are_there_as_views(database: None) -> None:
    views = rows("SELECT viewname FROM pg_views WHERE schemaname = 'public'")

    assert len(SEED) == 19
    assert set(SEED) == {name for (name,) in views}


# A little of everything --------------------------------------------------------------------


class Scene(NamedTuple):
    people: People
    ada: User
    art: Course
    zoo: Course
    zoo2: Course
    proposal: Proposal
    curriculum: int
    batch: int


@pytest.fixture
def scene(database: None) -> Scene:
    """Everything that the nineteen tables show, once; ZOO2 in two versions."""
    people = cast()
    painting = Discipline.objects.create(name="Painting", acronym="PNT")
    law = begin(code="LAW3", name="Statutes")
    art = begin(code="ART1", name="Drawing", disciplines=[painting.pk], max_seats=30)
    zoo = begin(
        code="ZOO2",
        name="Animals",
        lecture_hours=2,
        pratical_hours=4,
        pre_requisit_courses=[art.pk, law.pk],
    )
    requirements.qualify(
        zoo, law, kind=CoursePrerequisite.Kind.COREQUISITE, minimum_version=None, actor=BY, now=NOW
    )
    zoo2 = create_new_version(
        zoo, {"credit": 4}, actor=f"user:{people.reg.pk}", now=NOW, reason="One more."
    )
    CourseInstructor.objects.create(
        course=zoo2, instructor=people.ada, year=2026, semester_type="Odd Semester"
    )
    plan = make_plan(make_programme("Zoology", "Painting"), "Plan A", semesters=2)
    make_slot(plan, 1, "Core 1", art)
    batch = make_batch(painting, plan)
    staff("cal", Role.CURRICULUM_COMMITTEE)
    proposal = create(people.ada, said("PHY210", pre_requisit_courses=[art.pk]), now=BEGAN)
    proposal = bring(people, proposal, Stage.CURRICULUM_COMMITTEE)
    return Scene(people, people.ada, art, zoo, zoo2, proposal, plan.pk, batch)


CURRENT_COURSES = """
SELECT code, name, version, credit, lecture_hours, pratical_hours
FROM programme_curriculum_course
WHERE latest_version = TRUE AND working_course = TRUE
ORDER BY code
"""


@pytest.mark.requirement("S1-27")
def test_a_report_of_current_courses(scene: Scene) -> None:
    [art, law, zoo] = rows(CURRENT_COURSES)

    assert (art[0], law[0]) == ("ART1", "LAW3")
    assert zoo == ("ZOO2", "Animals", scene.zoo2.version, 4, 2, 4)
    history = rows(
        "SELECT id FROM programme_curriculum_course WHERE code = 'ZOO2' ORDER BY version"
    )
    assert history == [(scene.zoo.pk,), (scene.zoo2.pk,)]


CHANGES = """
SELECT c.code, u.username, a.action, a.version_bump_type, a.comments, a.timestamp,
       a.old_data ->> 'credit', a.new_data ->> 'credit'
FROM programme_curriculum_courseauditlog a
JOIN programme_curriculum_course c ON c.id = a.course_id
LEFT JOIN auth_user u ON u.id = a.user_id
WHERE c.code = 'ZOO2'
ORDER BY a.timestamp, a.id
"""


@pytest.mark.requirement("S1-28")
def test_a_report_of_who_changed_a_course(scene: Scene) -> None:
    [created, versioned] = rows(CHANGES)

    assert created[2:5] == ("CREATE", "NONE", "")
    assert created[6:] == (None, "3")
    reg = scene.people.reg.username
    assert versioned == ("ZOO2", reg, "VERSION", "MINOR", "One more.", NOW, "3", "4")


def test_archiving_is_the_seeds_deletion(scene: Scene) -> None:
    change_state(scene.zoo2, State.INACTIVE, actor=BY, now=NOW, reason="No room.")
    change_state(scene.zoo2, State.ARCHIVED, actor="import:ucsd", now=NOW, reason="Gone.")

    log = "SELECT action, user_id FROM programme_curriculum_courseauditlog WHERE course_id = %s"
    assert rows(log + " ORDER BY id", scene.zoo2.pk)[1:] == [("UPDATE", 7), ("DELETE", None)]


PEEK = """
CREATE FUNCTION peek(said text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
    IF said = 'in confidence' THEN RAISE 'seen'; END IF;
    RETURN true;
END
$$
"""
OTHER = """
INSERT INTO audit_entries (stream, seq, at, actor, event, body, hash)
VALUES (%s, 1000, now(), 'user:1', %s, %s, '')
"""


@pytest.mark.requirement("S1-105")
def test_a_condition_of_a_report_never_meets_what_the_view_leaves_out(scene: Scene) -> None:
    """However cheap it says it is: an entry of the course that is no change of it, and others."""
    course = f"course:{scene.art.lineage}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(OTHER, [course, "reviewed", '{"comment": "in confidence"}'])
        cursor.execute(OTHER, ["offering:1", "course_odd", '{"course": "none"}'])
        cursor.execute(PEEK)

        log = "SELECT count(*) FROM programme_curriculum_courseauditlog WHERE course_id = %s"
        assert rows(log + " AND peek(comments)", scene.art.pk) == [(1,)]
        transaction.set_rollback(True)


TEACHING = """
SELECT u.first_name || ' ' || u.last_name, u.username, c.code, i.year, i.semester_type
FROM programme_curriculum_courseinstructor i
JOIN programme_curriculum_course c ON c.id = i.course_id_id
JOIN globals_faculty f ON f.id = i.instructor_id_id
JOIN auth_user u ON u.id = f.id
"""


@pytest.mark.requirement("S1-29", "S1-46")
def test_a_report_of_who_teaches(scene: Scene) -> None:
    User.objects.filter(pk=scene.ada.pk).update(first_name="Ada", last_name="L")
    taught = [("Ada L", "ada", "ZOO2", 2026, "Odd Semester")]
    assert rows(TEACHING) == taught

    scene.ada.groups.clear()

    assert rows(TEACHING) == taught, "who taught is not forgotten with the role"


@pytest.mark.requirement("S1-46")
def test_faculty_are_those_with_the_role(scene: Scene) -> None:
    new = make_user("noether")
    new.groups.add(Group.objects.get(name=Role.FACULTY))

    faculty = {pk for (pk,) in rows("SELECT id FROM globals_faculty")}

    assert {new.pk, scene.ada.pk} <= faculty
    assert scene.people.reg.pk not in faculty


STUDY_PLAN = """
SELECT p.category, p.name, cu.name, cu.version, cu.no_of_semester, s.semester_no, sl.name, sl.type,
       sl.duration, sl.min_registration_limit, sl.max_registration_limit, c.code
FROM programme_curriculum_programme p
JOIN programme_curriculum_curriculum cu ON cu.programme_id = p.id
JOIN programme_curriculum_semester s ON s.curriculum_id = cu.id
JOIN programme_curriculum_courseslot sl ON sl.semester_id = s.id
JOIN programme_curriculum_courseslot_courses sc ON sc.courseslot_id = sl.id
JOIN programme_curriculum_course c ON c.id = sc.course_id
"""


@pytest.mark.requirement("S1-30", "S1-33", "S1-41", "S1-43", "S1-44")
def test_a_report_of_a_study_plan(scene: Scene) -> None:
    [row] = rows(STUDY_PLAN)

    assert row[:3] == ("UG", "Zoology", "Plan A")
    assert (str(row[3]), *row[4:]) == (
        *("1.0", 2, 1, "Core 1", "Professional Core"),
        *(1, 0, 1000, "ART1"),
    )


BATCHES = """
SELECT b.name, b.year, b.running_batch, b.total_seats, d.name, d.acronym, cu.name, p.name
FROM programme_curriculum_batch b
JOIN globals_discipline d ON d.id = b.discipline_id
LEFT JOIN programme_curriculum_curriculum cu ON cu.id = b.curriculum_id
JOIN programme_curriculum_programme_disciplines pd ON pd.discipline_id = d.id
JOIN programme_curriculum_programme p ON p.id = pd.programme_id
"""


@pytest.mark.requirement("S1-42", "S1-45")
def test_a_report_of_batches(scene: Scene) -> None:
    assert rows(BATCHES) == [
        ("Comets", 2026, True, 60, "Painting", "PNT", "Plan A", "Zoology"),
    ]


DISCIPLINES = """
SELECT c.code, d.name FROM programme_curriculum_course c
JOIN programme_curriculum_course_disciplines cd ON cd.course_id = c.id
JOIN globals_discipline d ON d.id = cd.discipline_id
"""
NEEDED = """
SELECT DISTINCT c.code, n.code FROM programme_curriculum_course_pre_requisit_courses pr
JOIN programme_curriculum_course c ON c.id = pr.from_course_id
JOIN programme_curriculum_course n ON n.id = pr.to_course_id
"""


@pytest.mark.requirement("S1-34", "S1-35")
def test_reports_of_what_a_course_belongs_to_and_needs(scene: Scene) -> None:
    assert rows(DISCIPLINES) == [("ART1", "Painting")]
    assert rows(NEEDED) == [("ZOO2", "ART1")], "LAW3 is a corequisite, and the seed knows none"


PROPOSALS = """
SELECT n.code, n.uploader, n.designation, n.credit, n.subject, n.is_update, c.code,
       t.current_id, t.current_design, t.is_submitted, t.is_rejected, r.username, d.name
FROM programme_curriculum_newproposalfile n
JOIN programme_curriculum_newproposalfile_pre_requisit_courses np ON np.newproposalfile_id = n.id
JOIN programme_curriculum_course c ON c.id = np.course_id
JOIN programme_curriculum_proposal_tracking t ON t.file_id = n.id::varchar
LEFT JOIN auth_user r ON r.id = t.receive_id_id
JOIN globals_designation d ON d.id = t.receive_design_id
ORDER BY t.receive_date, t.id
"""


@pytest.mark.requirement("S1-36", "S1-38", "S1-39", "S1-46")
def test_a_report_of_proposals_and_where_they_are(scene: Scene) -> None:
    [first, second] = rows(PROPOSALS)

    assert first[0:2] == ("PHY210", "ada")
    assert first[6:9] == ("ART1", "ada", "faculty")
    assert first[11:] == ("ben", "department_head")
    assert second[7:9] == ("ben", "department_head")
    assert second[11:] == (None, "curriculum_committee"), "nobody of the committee has it yet"

    step(scene.people, scene.proposal, Action.REJECT)

    assert rows(PROPOSALS)[-1][10] is True


# Read, and never written -------------------------------------------------------------------


@pytest.mark.parametrize("table", SEED)
@pytest.mark.parametrize(
    "write", ["INSERT INTO {0} (id) VALUES (1)", "UPDATE {0} SET id = 1", "DELETE FROM {0}"]
)
def test_writing_is_refused_even_to_the_owner_of_all_tables(
    database: None, table: str, write: str
) -> None:
    """And even where there is no row to write: a report that means to is told at once."""
    verb = write.split()[0]

    with pytest.raises(Error, match=f"{table} is for reports, and only read: {verb} refused"):
        rows(write.format(table))


@pytest.mark.requirement("S1-105")
@pytest.mark.parametrize("role", ["reg_web", "reg_worker"])
@pytest.mark.parametrize("table", SEED)
def test_the_site_reads_none_of_them(database: None, role: str, table: str) -> None:
    with transaction.atomic():
        rows_of = f"SELECT FROM {table}"
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {role}")
        with pytest.raises(Error, match=f"permission denied for view {table}"):
            rows(rows_of)
        transaction.set_rollback(True)


def test_nobody_signs_in_or_writes_to_people_with_what_a_report_shows(database: None) -> None:
    user = make_user("ada", email="ada@example.edu", last_login=datetime(2026, 1, 1, tzinfo=UTC))
    user.set_password("correct horse")
    user.save()

    [shown] = rows("SELECT password, last_login, email, username FROM auth_user")

    assert shown == ("", None, "", "ada")


GRANT = re.compile(r"```sql\n(CREATE ROLE.*?)```", re.DOTALL)


def test_who_is_given_the_reports_reads_them_and_nothing_else(scene: Scene) -> None:
    """By the statements in the documentation, as they stand there."""
    make_student(make_offering(make_term()).term)
    [given] = GRANT.findall((ROOT / "docs" / "reports.md").read_text(encoding="utf-8"))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(given)
        cursor.execute("SET LOCAL ROLE reports")

        seen = [rows(sql) for sql in (CURRENT_COURSES, CHANGES, TEACHING, STUDY_PLAN, PROPOSALS)]
        for table in SEED:
            rows(f"SELECT * FROM {table}")

        assert all(seen)
        for table in ("users", "audit_entries", "students", "enrollments", "proposals", "courses"):
            with (
                pytest.raises(Error, match=f"permission denied for table {table}"),
                transaction.atomic(),
            ):
                rows(f"SELECT * FROM {table}")
        transaction.set_rollback(True)

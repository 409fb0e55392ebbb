"""What the database refuses of the catalogue by itself, whoever writes and with whatever."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import DataError, IntegrityError, connection

from courses.lifecycle import State
from courses.models import Course, Discipline, Offering
from courses.versioning import CONTENT
from tests.catalogue import begin, change
from tests.factories import make_course, make_offering, make_term


def sql(statement: str, *parameters: str | int | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


OTHER = {"code": "XX999", "name": "Other", "pre_requisits": "Other", "syllabus": "x"}


@pytest.mark.requirement("S1-66", "S1-97")
@pytest.mark.parametrize("field", CONTENT)
def test_what_a_saved_version_says_never_changes(database: None, field: str) -> None:
    """Percentages move in pairs, or another constraint would have refused them first."""
    course = begin()
    values = {field: OTHER.get(field, 7)}
    if field.startswith("percent_"):
        other = "percent_midsem" if field == "percent_endsem" else "percent_endsem"
        moved = getattr(course, field) - 1
        values = {field: moved, other: getattr(course, other) + 1}

    with pytest.raises(IntegrityError, match="never changes: make a new version"):
        Course.objects.filter(pk=course.pk).update(**values)


@pytest.mark.parametrize(
    "column", ["lineage = gen_random_uuid()", "revision = 9", "version = 9", "bump_type = 'MAJOR'"]
)
@pytest.mark.parametrize("state", ["ACTIVE", "DRAFT"])
def test_a_version_keeps_its_place_in_its_history(database: None, state: str, column: str) -> None:
    course = begin(State(state))

    with pytest.raises(IntegrityError, match="keeps its place"):
        sql(f"UPDATE courses SET {column} WHERE id = %s", course.pk)


@pytest.mark.requirement("S1-79")
def test_a_draft_may_still_change(database: None) -> None:
    draft = begin(State.DRAFT)

    assert Course.objects.filter(pk=draft.pk).update(syllabus="Anew", credit=4) == 1


@pytest.mark.requirement("S1-20", "S1-97")
def test_the_disciplines_of_a_saved_version_stay(database: None) -> None:
    biology, physics = (Discipline.objects.create(name=name) for name in ("Biology", "Physics"))
    course = begin(disciplines=[biology])

    acts: list[Callable[[], None]] = [
        lambda: course.disciplines.add(physics),
        lambda: course.disciplines.remove(biology),
        lambda: sql("UPDATE courses_disciplines SET discipline_id = %s", physics.pk),
    ]
    for act in acts:
        with pytest.raises(IntegrityError, match="never changes"):
            act()
    assert list(course.disciplines.all()) == [biology]


@pytest.mark.requirement("S1-66", "S1-73")
@pytest.mark.parametrize("state", ["ACTIVE", "DRAFT"])
def test_no_version_is_ever_deleted(database: None, state: str) -> None:
    course = begin(State(state))

    with pytest.raises(IntegrityError, match="is kept: archive it"):
        sql("DELETE FROM courses WHERE id = %s", course.pk)
    with pytest.raises(IntegrityError, match="is kept: archive it"):
        course.delete()


def test_the_guards_hold_for_a_replica_too(database: None) -> None:
    """ENABLE ALWAYS: a session that says it only replays changes nothing either."""
    course = begin()

    sql("SET session_replication_role = replica")
    try:
        with pytest.raises(IntegrityError, match="never changes"):
            sql("UPDATE courses SET credit = 9 WHERE id = %s", course.pk)
        with pytest.raises(IntegrityError, match="is kept"):
            sql("DELETE FROM courses WHERE id = %s", course.pk)
    finally:
        sql("RESET session_replication_role")


@pytest.mark.requirement("S1-18", "S1-26")
def test_a_superseded_version_does_not_become_the_latest_again(database: None) -> None:
    course = begin()
    new = change(course, credit=4)

    with pytest.raises(IntegrityError, match="an old version is restored as a new one"):
        sql("UPDATE courses SET latest_version = true WHERE id = %s", course.pk)
    with pytest.raises(IntegrityError, match="course_superseded_is_not_offered"):
        sql("UPDATE courses SET latest_version = false WHERE id = %s", new.pk)


@pytest.mark.requirement("S1-17")
def test_the_boolean_of_the_seed_follows_the_state(database: None) -> None:
    course = begin()

    with pytest.raises(IntegrityError, match="course_works_while_active"):
        sql("UPDATE courses SET working_course = false WHERE id = %s", course.pk)


SEED = "INSERT INTO courses (code, name, syllabus, ref_books{}) VALUES (%s, 'Raw', 's', 'b'{})"


@pytest.mark.requirement("S1-3", "S1-7", "S1-15", "S1-17", "S1-18", "S1-19", "S1-27", "S1-97")
def test_plain_sql_written_for_the_seeds_table_has_its_defaults(database: None) -> None:
    sql(SEED.format("", ""), "RAW1")

    course = Course.objects.get()
    assert (course.version, course.credit, course.max_seats) == (Decimal("1.0"), 0, 90)
    assert (course.working_course, course.latest_version, course.state) == (True, True, "ACTIVE")
    assert course.validate_assessment_percentages()
    assert (course.revision, course.bump_type, course.lineage.version) == (1, "NONE", 4)
    assert course.created_at is not None
    assert change(course, credit=4).revision == 2


@pytest.mark.requirement("S1-27")
@pytest.mark.parametrize(
    ("columns", "values", "state", "working"),
    [
        (", working_course", ", false", "INACTIVE", False),
        (", latest_version", ", false", "DEPRECATED", False),
        (", working_course, latest_version", ", false, false", "DEPRECATED", False),
        (", working_course, latest_version", ", true, true", "ACTIVE", True),
        (", state", ", 'DRAFT'", "DRAFT", False),
        (", state, working_course", ", 'ARCHIVED', true", "ARCHIVED", False),
    ],
)
def test_what_the_seeds_booleans_say_is_understood(
    database: None, columns: str, values: str, state: str, working: bool
) -> None:
    sql(SEED.format(columns, values), "RAW1")

    course = Course.objects.get()
    assert (course.state, course.working_course) == (state, working)


@pytest.mark.requirement("S1-97")
@pytest.mark.parametrize("column", ["code", "name", "syllabus", "ref_books"])
def test_what_the_seed_requires_has_no_default(database: None, column: str) -> None:
    with pytest.raises(IntegrityError, match=f'null value in column "{column}"'):
        sql(
            SEED.format("", "").replace("'s'", "%s").replace("'b'", "%s").replace("'Raw'", "%s"),
            *(
                None if column == each else "x"
                for each in ("code", "name", "syllabus", "ref_books")
            ),
        )


@pytest.mark.requirement("S1-3", "S1-16", "S1-24", "S1-25", "S1-97")
@pytest.mark.parametrize(
    ("columns", "values", "why"),
    [
        (", percent_quiz_1", ", 11", "sum_to_100"),
        (", percent_quiz_1, percent_midsem", ", -1, 31", "percent_quiz_1_check"),
        (", percent_quiz_1, percent_midsem", ", 101, -71", "percent_midsem_check"),
        (", version", ", 0.9", "course_version_at_least_1_0"),
        (", max_seats", ", -1", "course_max_seats_from_0"),
        (", credit", ", -1", "courses_credit_check"),
        (", lecture_hours", ", -1", "courses_lecture_hours_check"),
        (", revision", ", 0", "course_revision_from_1"),
        (", state", ", 'GONE'", "course_state_known"),
        (", bump_type", ", 'HUGE'", "course_bump_type_known"),
        (", state, latest_version", ", 'DRAFT', false", "course_superseded_is_not_offered"),
    ],
)
def test_what_no_course_can_be(database: None, columns: str, values: str, why: str) -> None:
    with pytest.raises(IntegrityError, match=why):
        sql(SEED.format(columns, values), "RAW1")


@pytest.mark.requirement("S1-3")
def test_versions_end_at_9999_9(database: None) -> None:
    with pytest.raises(DataError, match="numeric field overflow"):
        sql(SEED.format(", version", ", 10000"), "RAW1")


@pytest.mark.requirement("S1-18", "S1-24")
@pytest.mark.parametrize(
    ("columns", "values", "why"),
    [
        ("", "", "course_one_latest_version_of_a_code"),
        (", latest_version", ", false", "course_code_and_version_unique"),
        (", latest_version, version", ", true, 2.0", "course_one_latest_version_of_a_code"),
    ],
)
@pytest.mark.parametrize("code", ["RAW1", "raw1", " Raw1 "])
def test_a_code_and_a_version_are_one_course(
    database: None, code: str, columns: str, values: str, why: str
) -> None:
    sql(SEED.format("", ""), "RAW1")

    with pytest.raises(IntegrityError):
        sql(SEED.format(columns, values), code)


@pytest.mark.requirement("S1-18")
def test_a_lineage_has_one_latest_version_and_each_revision_once(database: None) -> None:
    course = make_course("MA101")

    with pytest.raises(IntegrityError, match="course_one_latest_version_of_a_lineage"):
        make_course("MA102", lineage=course.lineage, revision=2)
    with pytest.raises(IntegrityError, match="course_revision_once_in_a_lineage"):
        make_course("MA102", lineage=course.lineage, latest_version=False)


@pytest.mark.requirement("S1-48", "S1-54")
def test_the_indexes_that_the_seed_asks_for_are_there(database: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'courses'")
        found = dict(cursor.fetchall())

    assert {"course_code", "course_code_working", "course_credit"} < found.keys()
    assert "WHERE latest_version" in found["course_one_latest_version_of_a_code"]
    for text in ("name", "syllabus", "pre_requisits"):
        assert f"gin (to_tsvector('english'::regconfig, {text}" in found[
            f"course_{text}_fulltext"
        ].replace(f"({text})::text", text)


# Offerings ----------------------------------------------------------------------------------


def test_two_versions_of_a_course_are_not_offered_in_one_term(database: None) -> None:
    """A student could sit in both: the seat's own index knows only the offering."""
    term = make_term()
    offering = make_offering(term, code="CS101")
    new = change(offering.course, credit=4, code="CS102")

    with pytest.raises(IntegrityError, match="offering_once_a_term"):
        Offering.objects.create(course=new, term=term)
    assert Offering.objects.create(course=new, term=make_term()).pk


def test_an_offering_knows_its_lineage_whatever_it_was_told(database: None) -> None:
    offering = make_offering(make_term())
    sql("UPDATE offerings SET lineage = gen_random_uuid()")

    offering.refresh_from_db()
    assert offering.lineage == offering.course.lineage

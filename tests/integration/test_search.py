"""Courses found by what is typed, on a real database."""

from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courses.lifecycle import State
from courses.models import Course
from courses.search import MOST, Hit, Match, finding, search, snippets
from tests.catalogue import begin, change

pytestmark = pytest.mark.requirement("S1-54")


@pytest.fixture
def catalogue(database: None) -> None:
    for code, name, syllabus in [
        ("CS101", "Introduction to Algorithms", "Sorting, searching, graphs."),
        ("CS102", "Data Structures", "Lists and trees, and the algorithms for them."),
        ("MA 201", "Linear Algebra", "Vector spaces, matrices, eigenvalues."),
        ("FR100", "Français élémentaire", "Le présent et le passé."),
        ("PH310", "Quantum Physics", "Hilbert spaces; the measurement problem."),
        ("HI220", "Oral History", "Interviews. Ethics of a recording."),
    ]:
        begin(code=code, name=name, syllabus=syllabus)


def codes(hits: list[Hit]) -> list[str]:
    return [hit.code for hit in hits]


@pytest.mark.parametrize(
    ("text", "code", "match"),
    [
        ("CS101", "CS101", Match.CODE),
        ("cs 101", "CS101", Match.CODE),
        ("Cs-101", "CS101", Match.CODE),
        ("ma201", "MA 201", Match.CODE),
        ("cs1", "CS101", Match.CODE_PREFIX),
        ("algebra", "MA 201", Match.NAME),
        ("LINEAR algebra", "MA 201", Match.NAME),
        ("algebra linear", "MA 201", Match.WORDS),
        ("introductio", "CS101", Match.NAME),
        ("algorithms introductio", "CS101", Match.WORDS),
        ("introduction to alg", "CS101", Match.NAME),
        ("trees and", "CS102", Match.WORDS),
        ("francais", "FR100", Match.NAME),
        ("FRANÇAIS Élémentaire", "FR100", Match.NAME),
        ("eigenvalue", "MA 201", Match.WORDS),
        ("eigenval", "MA 201", Match.WORDS),
        ("passe", "FR100", Match.WORDS),
        ('"vector spaces"', "MA 201", Match.WORDS),
        ("eigenvalues or interviews", "HI220", Match.WORDS),
        ("spaces -matrices", "PH310", Match.WORDS),
        ("algoritms", "CS101", Match.ALIKE),
        ("Quantm Phisics", "PH310", Match.ALIKE),
    ],
)
def test_a_course_is_found_by(catalogue: None, text: str, code: str, match: Match) -> None:
    found = {hit.code: hit.match for hit in search(text)}

    assert found.get(code) is match, found


def test_the_code_comes_first_and_a_name_before_a_syllabus(catalogue: None) -> None:
    begin(code="CS900", name="Seminar", syllabus="What CS101 left out.")

    assert codes(search("CS101"))[:2] == ["CS101", "CS900"]
    assert codes(search("algorithms"))[:2] == ["CS101", "CS102"]


def test_a_word_in_the_syllabus_counts_more_than_one_in_the_prerequisites(database: None) -> None:
    begin(code="AA1", name="One", syllabus="Nothing.", pre_requisits="Topology")
    begin(code="ZZ1", name="Two", syllabus="Topology.")

    assert codes(search("topology")) == ["ZZ1", "AA1"]


def test_a_code_that_is_one_is_what_was_meant(catalogue: None) -> None:
    """Nobody who typed a whole code is offered others that are spelt alike."""
    assert codes(search("PH310")) == ["PH310"]
    assert "CS101" in codes(search("CS11O1 algorithms"))


def test_only_the_latest_version_is_found_and_by_the_code_it_once_had(database: None) -> None:
    old = begin(code="CS101", name="Computing", syllabus="Punched cards")
    new = change(old, code="CS111", syllabus="Screens")

    assert [(hit.id, hit.match) for hit in search("CS101")] == [(new.pk, Match.FORMER_CODE)]
    assert search("punched") == []
    assert [hit.id for hit in search("screens")] == [new.pk]


def test_a_search_stays_within_what_one_may_see_and_asked_for(catalogue: None) -> None:
    begin(State.DRAFT, code="CS500", name="Algorithms for Drafts")

    assert "CS500" in codes(search("algorithms"))
    assert "CS500" not in codes(search("algorithms", offered=True))
    assert codes(search("algorithms", Course.latest.filter(code="CS500"))) == ["CS500"]
    assert search("algorithms", Course.objects.none()) == []
    assert search("CS101", Course.latest.filter(credit=99)) == []


def test_a_draft_that_changes_is_found_by_what_it_says_now(database: None) -> None:
    draft = begin(State.DRAFT, code="CS1", syllabus="Looms")
    Course.objects.filter(pk=draft.pk).update(syllabus="Engines")

    assert (codes(search("looms")), codes(search("engines"))) == ([], ["CS1"])


def test_what_would_match_everything_is_looked_for_as_it_is(catalogue: None) -> None:
    for text in ("%", "_", "\\", "%%%", "___", "c%1", "'; --", ":*", "&|!", "\x00", ""):
        assert len(search(text)) <= 1, text


def test_texts_are_shown_with_marks_around_what_was_looked_for(catalogue: None) -> None:
    [found] = search("eigenval")

    said = snippets("eigenval", [found.id, 999])

    assert said == {found.id: "Vector spaces, matrices, «eigenvalues»"}
    assert snippets("", [found.id]) == {}


def test_a_text_longer_than_any_index_takes_can_be_stored(database: None) -> None:
    """A vector holds a megabyte: these two make more."""
    huge, more = (" ".join(f"{letter}{nth}" for nth in range(60_000)) for letter in ("word", "w"))

    Course.objects.create(code="BIG1", name="Big", syllabus=huge, pre_requisits=more, ref_books="-")

    assert codes(search("word17")) == ["BIG1"]
    assert len(snippets("word17", [search("word17")[0].id])) == 1


def test_an_answer_is_bounded_however_many_there_are(database: None) -> None:
    Course.objects.bulk_create(
        Course(code=f"X{nth}", name=f"Optics {nth}", syllabus="Light", ref_books="-")
        for nth in range(2 * MOST)
    )

    for text in ("optics", "x", "light", "optiks"):
        assert 0 < len(search(text)) <= MOST, text


def test_a_search_that_takes_too_long_is_given_up(
    catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = "SELECT c.id, c.lineage, c.code, c.name, 4, pg_sleep(30)::text::float8 FROM courses c"
    monkeypatch.setattr(finding, "MILLISECONDS", 50)
    monkeypatch.setattr(finding, "_CODES", slow)

    with pytest.raises(OperationalError):
        search("algebra")

    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() != ("50ms",), "the bound is the search's alone"


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(max_size=300) | st.text(alphabet="ab '\"-|&!:*()<>%_\\\x00ÿ", max_size=40))
def test_any_text_is_answered(catalogue: None, text: str) -> None:
    hits = search(text)

    assert len(hits) <= MOST
    assert len({hit.id for hit in hits}) == len(hits)
    snippets(text, [hit.id for hit in hits])


# The indexes ----------------------------------------------------------------------------------


def plan(statement: str, *arguments: Any) -> str:
    """The index that the planner takes where reading the whole table is no way."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {statement}", arguments)
        return "\n".join(row[0] for row in cursor.fetchall())


BY_INDEX = {
    "course_code": "code = 'CS101'",
    "course_code_latest": "latest_version AND code > 'CS101' ORDER BY code, id",
    "course_code_working": "working_course AND code >= 'CS101' ORDER BY code",
    "course_credit": "credit = 3",
    "course_name_fulltext": "to_tsvector('english', name) @@ to_tsquery('english', 'x')",
    "course_syllabus_fulltext": "to_tsvector('english', syllabus) @@ to_tsquery('english', 'x')",
    "course_pre_requisits_fulltext": (
        "to_tsvector('english', pre_requisits) @@ to_tsquery('english', 'x')"
    ),
    "course_search": "latest_version AND search @@ to_tsquery('public.catalogue', 'x')",
    "course_search_code": "latest_version AND catalogue_code(code) LIKE 'CS1%%'",
    "course_search_alike": (
        "latest_version AND 'linear' <%% catalogue_folded(code || ' ' || name)"
    ),
}


@pytest.mark.requirement("S1-48", "S1-54")
def test_courses_are_found_through_an_index(database: None) -> None:
    Course.objects.bulk_create(
        Course(code=f"X{nth}", name=f"Optics {nth}", syllabus="Light", ref_books="-", credit=nth)
        for nth in range(2000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE courses")

    plans = {
        index: plan(f"SELECT id FROM courses WHERE {condition}")
        for index, condition in BY_INDEX.items()
    }

    assert {index: text for index, text in plans.items() if index not in text} == {}


_LOG = """
INSERT INTO audit_entries (stream, seq, at, actor, event, body, hash)
SELECT CASE n % 4 WHEN 0 THEN 'course:' ELSE 'offering:' END || n % 200, n / 200 + 1,
       '2025-07-01'::timestamptz + n * interval '1 hour', 'user:' || n * 7 % 97,
       CASE n % 50 WHEN 0 THEN 'x' ELSE 'y' END, '{}', ''
FROM generate_series(0, 7999) AS n
"""


@pytest.fixture
def log(database: None) -> None:
    """Most of a year, and what the planner knows of it.

    What it learned from the rows of other tests would outlive them: autovacuum analyzes when it
    likes, and emptying a table forgets no statistics.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOG)
        cursor.execute("ANALYZE audit_entries")


@pytest.mark.requirement("S1-49")
@pytest.mark.parametrize(
    ("index", "condition"),
    [
        ("audit_entry_seq_in_stream", "stream = 'course:x' ORDER BY seq"),
        ("audit_course_by_actor", "stream LIKE 'course:%%' AND actor = 'user:7' ORDER BY at"),
        ("audit_course_by_time", "stream LIKE 'course:%%' AND at > '2026-01-01' ORDER BY at"),
        ("audit_course_by_event", "stream LIKE 'course:%%' AND event = 'x' ORDER BY at"),
    ],
)
def test_the_audit_of_courses_is_found_through_an_index(
    log: None, index: str, condition: str
) -> None:
    assert index in plan(f"SELECT id FROM audit_entries WHERE {condition}")


INDEXED = [
    pytest.param(table, column, marks=pytest.mark.requirement(requirement))
    for requirement, table, columns in [
        ("S1-50", "course_instructors", ("course_id", "instructor_id", "year")),
        ("S1-51", "course_slots", ("semester_id", "type")),
        ("S1-52", "proposal_tracking", ("proposal_id", "receive_id", "disciplines_id")),
        ("S1-52", "proposal_tracking", ("is_submitted",)),
        ("S1-53", "curricula", ("programme_id",)),
        ("S1-53", "curriculum_semesters", ("curriculum_id",)),
        ("S1-53", "batches", ("discipline_id", "curriculum_id", "year")),
    ]
    for column in columns
]


@pytest.mark.parametrize(("table", "column"), INDEXED)
def test_a_column_of_the_seed_begins_an_index(database: None, table: str, column: str) -> None:
    assert column in _first_columns(table)


TABLES = [model._meta.db_table for model in apps.get_app_config("courses").get_models()]
_REFERENCES = """
SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND c.conrelid::regclass::text = ANY(%s)
"""


@pytest.mark.requirement("S1-55")
def test_what_refers_to_another_row_is_found_from_there(database: None) -> None:
    """By an index of its own, or of several columns of which it is the first."""
    with connection.cursor() as cursor:
        cursor.execute(_REFERENCES, [TABLES])
        bare = [
            f"{table}.{column}"
            for table, column in cursor.fetchall()
            if column not in _first_columns(table)
        ]

    assert bare == []


def _first_columns(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
            "AND a.attnum = i.indkey[0] WHERE i.indrelid = %s::regclass",
            [table],
        )
        return {name for (name,) in cursor.fetchall()}

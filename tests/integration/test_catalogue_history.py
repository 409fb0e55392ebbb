"""What a course was: its versions under every code, how two differ, and who did what."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection

from courses.catalogue import create_new_version, roll_back
from courses.history import changes, compare, lineage_of, log_course_change, stream, versions
from courses.models import Course, Discipline
from registrar.audit.chain import breaks
from registrar.audit.models import Entry
from tests.catalogue import BY, NOW, begin, change
from tests.factories import make_course


@pytest.fixture
def course(database: None) -> Course:
    return begin()


@pytest.mark.requirement("S1-66", "S1-67", "S1-74")
def test_every_version_is_listed_in_the_order_it_was_made(course: Course) -> None:
    """2.1 was made after 3.0 here: the order is that of revisions (T3)."""
    corrected = change(course, name="Introduction to Computer Sciense")
    renamed = create_new_version(
        corrected, {"code": "CS111"}, actor="user:9", now=NOW, reason="new numbering"
    )

    listed = versions(course.lineage)

    assert [(v.revision, v.code, str(v.version), v.bump) for v in listed] == [
        (1, "CS101", "1.0", "NONE"),
        (2, "CS101", "1.1", "PATCH"),
        (3, "CS111", "2.0", "MAJOR"),
    ]
    assert [(v.by, v.comment) for v in listed] == [(BY, ""), (BY, ""), ("user:9", "new numbering")]
    assert [(v.state, v.latest) for v in listed] == [
        ("DEPRECATED", False),
        ("DEPRECATED", False),
        ("ACTIVE", True),
    ]
    assert listed[-1].id == renamed.pk


def test_a_course_older_than_the_log_has_a_history_all_the_same(database: None) -> None:
    course = make_course("OLD1")

    [only] = versions(course.lineage)

    assert (only.id, only.by, only.comment) == (course.pk, "", "")


@pytest.mark.requirement("S1-67")
def test_a_course_is_found_by_every_code_it_had(course: Course) -> None:
    change(course, code="CS111")
    assert lineage_of(" cs101 ") == lineage_of("CS111") == course.lineage
    assert lineage_of("XX") is None

    heir = begin()

    assert lineage_of("CS101") == heir.lineage, "who has the code comes before who had it"


@pytest.mark.requirement("S1-67")
def test_any_two_versions_are_compared_field_by_field(course: Course) -> None:
    biology, physics = (Discipline.objects.create(name=name) for name in ("Biology", "Physics"))
    needed = make_course("MA101", name="Algebra")
    second = change(course, disciplines=[biology], credit=4)
    third = change(
        second,
        disciplines=[physics],
        syllabus="Sets\nRelations\nFunctions",
        pre_requisit_courses=[needed],
    )

    found = {each.field: each for each in compare(course, third)}

    assert found.keys() == {"credit", "syllabus", "disciplines", "pre_requisit_courses"}
    assert (found["credit"].label, found["credit"].old, found["credit"].new) == ("Credit", 3, 4)
    assert found["syllabus"].diff == ["@@ -1,2 +1,3 @@", " Sets", "+Relations", " Functions"]
    assert found["pre_requisit_courses"].new == ["MA101 - Algebra - v1.0"]
    [moved] = [each for each in compare(second, third) if each.field == "disciplines"]
    assert (moved.old, moved.new) == (["Biology"], ["Physics"])
    assert compare(third, third) == []


def test_a_text_that_was_not_there_differs_from_one_that_is(course: Course) -> None:
    new = change(course, pre_requisits="CS100 or CS99")

    [found] = compare(course, new)

    assert (found.field, found.old, found.new) == ("pre_requisits", None, "CS100 or CS99")
    assert found.diff == ["@@ -0,0 +1 @@", "+CS100 or CS99"]


# The log ------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-28", "S1-71", "S1-72", "S1-73", "S1-74")
def test_the_log_says_who_did_what_before_and_after(course: Course) -> None:
    create_new_version(
        course,
        {"name": "Introduction to Computer Sciense", "credit": 4},
        actor="user:9",
        now=NOW,
        reason="",
    )

    first, second = changes(course.lineage)

    assert (first.action, first.by, first.old) == ("CREATE", BY, None)
    assert first.new is not None
    assert first.new["percent_quiz_1"] == 10, "every field, not only those given"
    assert (second.action, second.by, second.bump) == ("VERSION", "user:9", "MINOR")
    assert second.old is not None
    assert second.new is not None
    assert (second.old["credit"], second.new["credit"]) == (3, 4)
    assert (second.old["version"], second.new["version"]) == ("1.0", "2.0")
    name, credit = second.reasons
    assert name["typo"] == {
        "by_rule": True,
        "distance": 1,
        "length": 32,
        "numbers_differ": False,
        "verdict": True,
    }
    assert (credit["field"], credit["bump"]) == ("credit", "MINOR")
    assert "typo" not in credit


@pytest.mark.requirement("S1-74")
def test_a_moment_is_kept_to_the_microsecond(course: Course) -> None:
    at = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
    create_new_version(course, {"credit": 4}, actor=BY, now=at)

    assert changes(course.lineage)[-1].at == at


@pytest.mark.requirement("S1-74")
def test_one_chain_has_all_of_a_course_under_every_code(course: Course) -> None:
    change(change(course, code="CS111"), credit=4)
    roll_back(course.lineage, course, actor=BY, now=NOW, reason="as it was")

    entries = Entry.objects.filter(stream=stream(course.lineage)).order_by("seq")

    assert [entry.event for entry in entries] == ["course_create"] + ["course_version"] * 3
    assert [json.loads(entry.body)["code"] for entry in entries] == [
        "CS101",
        "CS111",
        "CS111",
        "CS101",
    ]
    assert list(breaks(connection)) == []


@pytest.mark.requirement("S1-71")
def test_anything_else_done_to_a_course_can_be_logged(course: Course) -> None:
    log_course_change(course, "user:9", "UPDATE", {"a": 1}, {"a": 2}, comments="by hand", now=NOW)

    last = changes(course.lineage)[-1]
    assert (last.action, last.by, last.old, last.new) == ("UPDATE", "user:9", {"a": 1}, {"a": 2})
    assert (last.bump, last.comment, last.course) == ("NONE", "by hand", course.pk)

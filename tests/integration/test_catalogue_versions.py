"""Versions of a course through the real database: the first, and the next."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from courses.catalogue import (
    create_course,
)
from courses.history import changes, full_state
from courses.models import Course, CoursePrerequisite, Discipline
from courses.refusal import Refused
from tests.catalogue import BY, NOW, begin, change, refused
from tests.factories import make_course, make_offering, make_term


@pytest.fixture
def course(database: None) -> Course:
    return begin()


# The first version --------------------------------------------------------------------------


@pytest.mark.requirement("S1-3", "S1-7", "S1-8", "S1-15", "S1-17", "S1-18", "S1-19")
def test_a_new_course_has_the_seeds_defaults(course: Course) -> None:
    state = full_state(course)

    percentages = {k.removeprefix("percent_"): v for k, v in state.items() if "percent_" in k}
    assert percentages == {
        "quiz_1": 10,
        "midsem": 20,
        "quiz_2": 10,
        "endsem": 30,
        "project": 15,
        "lab_evaluation": 10,
        "course_attendance": 5,
    }
    assert (course.version, course.revision, course.bump_type) == (Decimal("1.0"), 1, "NONE")
    assert (course.state, course.working_course, course.latest_version) == ("ACTIVE", True, True)
    assert (course.max_seats, course.tutorial_hours, course.pre_requisits) == (90, None, None)


@pytest.mark.requirement("S1-1", "S1-2", "S1-13", "S1-14", "S1-16")
@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"code": " "}, {"code": "This field cannot be blank."}),
        ({"code": "MUCHTOOLONG"}, {"code": "at most 10 characters (it has 11)"}),
        ({"code": "CS\x001"}, {"code": "Control characters"}),
        ({"syllabus": "half a \ud83d"}, {"syllabus": "Control characters"}),
        ({"name": "n" * 101}, {"name": "at most 100 characters"}),
        ({"syllabus": ""}, {"syllabus": "cannot be blank"}),
        ({"ref_books": ""}, {"ref_books": "cannot be blank"}),
        ({"credit": -1}, {"credit": "greater than or equal to 0"}),
        ({"credit": 3.5}, {"credit": "Enter a whole number."}),
        ({"credit": None}, {"credit": "cannot be null"}),
        ({"lecture_hours": "many"}, {"lecture_hours": "must be an integer"}),
        ({"max_seats": -1}, {"max_seats": "greater than or equal to 0"}),
        ({"disciplines": [99]}, {"disciplines": "There is nothing with the id 99."}),
        ({"disciplines": ["physics"]}, {"disciplines": "Enter a list of ids."}),
        ({"pre_requisit_courses": [10**30]}, {"pre_requisit_courses": "Enter a list of ids."}),
        ({"credit": 10**12}, {"credit": "less than or equal to 2147483647"}),
        ({"version": "3.0"}, {"version": "no such field"}),
        ({"percent_quiz_1": 11}, {"percent_quiz_1": "must sum to 100%, these sum to 101%"}),
        ({"credit": -1, "max_seats": -1}, {"credit": "0", "max_seats": "0"}),
    ],
)
def test_what_a_course_cannot_say_is_told_for_each_field(
    database: None, fields: dict[str, Any], wrong: dict[str, str]
) -> None:
    with pytest.raises(Refused) as caught:
        begin(**fields)

    assert caught.value.code == "INVALID"
    assert caught.value.fields.keys() == wrong.keys()
    for name, said in wrong.items():
        assert said in caught.value.fields[name]
    assert not Course.objects.exists()


@pytest.mark.requirement("S1-1", "S1-2", "S1-13", "S1-14")
def test_what_every_course_must_say_is_asked_for(database: None) -> None:
    with pytest.raises(Refused) as caught:
        create_course({"credit": 3}, actor=BY, now=NOW)

    assert caught.value.fields.keys() == {"code", "name", "syllabus", "ref_books"}


@pytest.mark.requirement("S1-1", "S1-18")
@pytest.mark.parametrize("code", ["CS101", "cs101", " Cs101 "])
def test_a_code_belongs_to_one_course_however_it_is_typed(course: Course, code: str) -> None:
    with pytest.raises(Refused) as caught:
        begin(code=code)

    assert caught.value.code == "CODE_IN_USE"
    assert caught.value.fields.keys() == {"code"}


@pytest.mark.requirement("S1-24")
def test_a_code_that_was_given_up_begins_beyond_its_old_versions(course: Course) -> None:
    """A code and a version never mean two courses, whoever had the code before (S1-24)."""
    change(change(course, credit=4), code="CS111")

    heir = begin()

    assert (heir.code, heir.version, heir.revision) == ("CS101", Decimal("3.0"), 1)


# The next version ---------------------------------------------------------------------------


@pytest.mark.requirement("S1-26", "S1-63", "S1-64", "S1-66", "S1-86")
def test_a_change_is_a_new_version_and_the_old_one_stays(course: Course) -> None:
    before = full_state(course)

    new = change(course, credit=4)

    course.refresh_from_db()
    assert full_state(course) == before | {
        "latest_version": False,
        "working_course": False,
        "state": "DEPRECATED",
    }
    assert full_state(new) == before | {
        "credit": 4,
        "version": "2.0",
        "revision": 2,
        "bump_type": "MINOR",
    }
    assert new.lineage == course.lineage
    assert list(Course.latest.all()) == [new]


@pytest.mark.requirement("S1-63")
def test_nothing_that_differs_makes_no_version(course: Course) -> None:
    same = change(course, credit=3, syllabus="Sets\r\nFunctions")

    assert same == course
    assert full_state(same) == full_state(course)
    assert len(changes(course.lineage)) == 1, "nothing was done, so nothing is logged"


@pytest.mark.requirement("S1-63")
def test_each_bump_has_its_number(course: Course) -> None:
    """In the order they are made, which 2.1 and 3.0 do not show: `revision` does (T3)."""
    typo = change(course, name="Introduction to Computer Sciense")
    fixed = change(typo, name="Introduction to Computer Science")
    heavier = change(fixed, credit=4)
    renamed = change(heavier, code="CS111")

    history = [(each.version, each.bump_type) for each in (typo, fixed, heavier, renamed)]
    assert history == [
        (Decimal("1.1"), "PATCH"),
        (Decimal("1.2"), "PATCH"),
        (Decimal("2.2"), "MINOR"),
        (Decimal("3.0"), "MAJOR"),
    ]
    assert renamed.revision == 5


@pytest.mark.requirement("S1-20", "S1-65", "S1-69")
def test_disciplines_and_prerequisites_are_taken_over(course: Course) -> None:
    biology = Discipline.objects.create(name="Biology")
    needed = make_course("MA101")
    first = change(course, disciplines=[biology.pk], pre_requisit_courses=[needed.pk])
    CoursePrerequisite.objects.filter(from_course=first).update(minimum_version=Decimal("1.0"))

    new = change(first, credit=4)

    assert list(new.disciplines.all()) == [biology]
    [edge] = CoursePrerequisite.objects.filter(from_course=new)
    assert (edge.to_course, edge.minimum_version) == (needed, Decimal("1.0"))
    assert list(first.pre_requisit_courses.all()) == [needed], "the old version keeps its own"


@pytest.mark.requirement("S1-69")
def test_a_new_version_breaks_no_course_that_needs_the_old(course: Course) -> None:
    dependent = make_course("CS201")
    CoursePrerequisite.objects.create(from_course=dependent, to_course=course)

    change(course, credit=4)

    assert list(dependent.pre_requisit_courses.all()) == [course]


@pytest.mark.requirement("S1-4", "S1-5")
def test_links_that_change_are_a_bump_like_fields(course: Course) -> None:
    biology = Discipline.objects.create(name="Biology")

    joined = change(course, disciplines=[biology])
    needing = change(joined, pre_requisit_courses=[make_course("MA101")])

    assert (joined.bump_type, needing.bump_type) == ("MAJOR", "MINOR")


@pytest.mark.requirement("S1-68")
def test_an_offering_goes_on_with_the_version_it_was_made_for(course: Course) -> None:
    offering = make_offering(make_term(), code="XX101")
    old = offering.course

    change(old, credit=9)

    offering.refresh_from_db()
    assert (offering.course, offering.course.credit) == (old, 3)


def test_a_change_of_an_old_version_names_the_latest(course: Course) -> None:
    new = change(course, credit=4)

    found = refused(course, credit=5)

    assert found.code == "STALE_VERSION"
    assert found.sentence == ("CS101 v1.0 is not the latest version any more: CS101 v2.0 is.")
    assert found.facts["latest"] == new.pk


def test_a_code_in_use_by_another_course_is_not_taken(course: Course) -> None:
    other = make_course("MA101")

    assert refused(other, code="cs101").code == "CODE_IN_USE"
    other.refresh_from_db()
    assert other.latest_version


@pytest.mark.requirement("S1-24")
def test_a_code_that_comes_back_goes_beyond_every_course_that_had_it(course: Course) -> None:
    moved = change(course, code="CS111")
    heir = begin()
    change(heir, code="CS121")

    back = change(moved, code="CS101")

    assert back.version > heir.version
    assert back.lineage == course.lineage


@pytest.mark.requirement("S1-3")
def test_there_is_no_version_after_the_last_one(database: None) -> None:
    last = make_course("ZZ999", version=Decimal("9999.9"))

    assert refused(last, credit=4).code == "VERSION_OVERFLOW"
    last.refresh_from_db()
    assert last.latest_version


@pytest.mark.requirement("S1-16")
def test_percentages_are_summed_over_what_is_given_and_what_stays(course: Course) -> None:
    assert refused(course, percent_quiz_1=5).fields.keys() == {"percent_quiz_1"}
    assert change(course, percent_quiz_1=5, percent_quiz_2=15).validate_assessment_percentages()


# What the database holds to by itself -------------------------------------------------------


def test_a_failed_change_leaves_nothing_half_done(course: Course) -> None:
    """The log is written last: were it outside the transaction, a version would stay unlogged."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entries ADD CONSTRAINT no_room CHECK (false) NOT VALID")
    try:
        with pytest.raises(IntegrityError):
            change(course, credit=4)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_entries DROP CONSTRAINT no_room")

    assert list(Course.latest.all()) == [course]
    assert Course.objects.count() == 1


def test_an_operation_can_be_part_of_a_larger_transaction(course: Course) -> None:
    with transaction.atomic():
        with pytest.raises(Refused):
            begin()
        change(course, credit=4)

    assert Course.latest.get().credit == 4

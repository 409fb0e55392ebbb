"""Old versions brought back, drafts edited where they stand, departments given."""

from decimal import Decimal

import pytest

from courses.catalogue import (
    assign_department,
    edit_draft,
    roll_back,
)
from courses.history import changes, full_state
from courses.lifecycle import State
from courses.models import Course, CoursePrerequisite, Department, Discipline
from courses.refusal import Refused
from tests.catalogue import BY, NOW, begin, change, refused
from tests.factories import make_course


@pytest.fixture
def course(database: None) -> Course:
    return begin()


# Back again ---------------------------------------------------------------------------------


@pytest.mark.requirement("S1-67")
def test_going_back_makes_a_new_version_equal_to_the_old(course: Course) -> None:
    biology = Discipline.objects.create(name="Biology")
    new = change(change(course, code="CS111", credit=5), disciplines=[biology])

    back = roll_back(course.lineage, course, actor=BY, now=NOW, reason="wrong decision")

    same = {"state", "working_course", "latest_version", "version", "revision", "bump_type"}
    old, now = full_state(course), full_state(back)
    assert {k: v for k, v in now.items() if k not in same} == {
        k: v for k, v in old.items() if k not in same
    }
    assert (back.revision, back.bump_type, back.version > new.version) == (4, "MAJOR", True)
    assert changes(course.lineage)[-1].comment == "Back to version 1.0: wrong decision"


@pytest.mark.requirement("S1-67")
def test_going_back_brings_prerequisites_with_all_they_say(course: Course) -> None:
    first = change(course, pre_requisit_courses=[make_course("MA101")])
    CoursePrerequisite.objects.filter(from_course=first).update(minimum_version=Decimal("1.0"))
    change(first, pre_requisit_courses=[])

    back = roll_back(course.lineage, first, actor=BY, now=NOW, reason="needed after all")

    assert CoursePrerequisite.objects.get(from_course=back).minimum_version == Decimal("1.0")


def test_going_back_to_what_is_there_makes_no_version(course: Course) -> None:
    assert roll_back(course.lineage, course, actor=BY, now=NOW, reason="why not") == course


def test_going_back_needs_a_reason_and_a_version_of_its_own(course: Course) -> None:
    other = make_course("MA101")

    with pytest.raises(Refused, match="needs a reason"):
        roll_back(course.lineage, course, actor=BY, now=NOW, reason=" ")
    with pytest.raises(Refused, match="a version of another course"):
        roll_back(course.lineage, other, actor=BY, now=NOW, reason="mixed up")


def test_going_back_to_a_code_that_another_course_has_is_refused(course: Course) -> None:
    change(course, code="CS111")
    begin()

    with pytest.raises(Refused) as caught:
        roll_back(course.lineage, course, actor=BY, now=NOW, reason="as it was")

    assert caught.value.code == "CODE_IN_USE"


# Drafts and departments ---------------------------------------------------------------------


@pytest.fixture
def draft(database: None) -> Course:
    return begin(State.DRAFT)


@pytest.mark.requirement("S1-79")
def test_a_draft_changes_where_it_stands(draft: Course) -> None:
    biology = Discipline.objects.create(name="Biology")
    wanted = {"code": "BI101", "credit": 4, "disciplines": [biology]}

    edited = edit_draft(draft, wanted, actor=BY, now=NOW, comment="as agreed")

    assert (edited.pk, edited.code, edited.credit) == (draft.pk, "BI101", 4)
    assert list(edited.disciplines.all()) == [biology]
    assert (edited.version, edited.working_course) == (Decimal("1.0"), False)
    logged = changes(draft.lineage)[-1]
    assert (logged.action, logged.comment) == ("UPDATE", "as agreed")
    assert logged.old is not None
    assert logged.new is not None
    assert (logged.old["credit"], logged.new["credit"]) == (3, 4)


def test_a_draft_takes_and_loses_prerequisites(draft: Course) -> None:
    needed = make_course("MA101")

    edit_draft(draft, {"pre_requisit_courses": [needed]}, actor=BY, now=NOW)
    assert list(draft.pre_requisit_courses.all()) == [needed]
    edit_draft(draft, {"pre_requisit_courses": []}, actor=BY, now=NOW)

    assert not draft.pre_requisit_courses.exists()


def test_a_draft_that_stays_as_it_is_is_not_logged(draft: Course) -> None:
    edit_draft(draft, {"credit": 3}, actor=BY, now=NOW)

    assert len(changes(draft.lineage)) == 1


def test_a_draft_is_edited_and_a_saved_version_is_not(draft: Course) -> None:
    saved = make_course("MA101")

    with pytest.raises(Refused, match="is a draft"):
        change(draft, credit=4)
    with pytest.raises(Refused, match="is no draft"):
        edit_draft(saved, {"credit": 4}, actor=BY, now=NOW)


@pytest.mark.requirement("S1-72")
def test_a_department_is_given_without_a_new_version(course: Course) -> None:
    department = Department.objects.create(name="Computing", code="CSE")

    owned = assign_department(course, department, actor=BY, now=NOW, reason="reorganised")

    assert (owned.pk, owned.department, owned.revision) == (course.pk, department, 1)
    assert changes(course.lineage)[-1].action == "UPDATE"
    assert change(owned, credit=4).department == department, "and the next version keeps it"


# What is needed before it -------------------------------------------------------------------


def test_prerequisites_that_go_in_a_circle_are_refused(course: Course) -> None:
    needing = change(make_course("CS201"), pre_requisit_courses=[course])

    found = refused(course, pre_requisit_courses=[needing])

    assert found.code == "PREREQUISITE_CIRCLE"
    assert list(Course.latest.filter(code="CS101")) == [course], "nothing was written"


@pytest.mark.requirement("S1-69")
def test_a_newer_version_of_what_is_needed_is_no_change(course: Course) -> None:
    """An edge means the course: a form that offers the latest versions must not fork this (T16)."""
    needed = make_course("MA101")
    first = change(course, pre_requisit_courses=[needed])
    newer = change(needed, credit=4)

    assert change(first, pre_requisit_courses=[newer]) == first
    assert list(change(first, pre_requisit_courses=[newer], credit=4).needs.all()) != []


def test_what_a_text_rule_says_is_read_with_each_version(course: Course) -> None:
    new = change(course, pre_requisits="CS100 or CS200")

    assert new.rule.verdict == "full"
    assert change(new, credit=4).rule.verdict == "full"

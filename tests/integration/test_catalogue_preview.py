"""A change before it is made: the bump, why, who decides otherwise, and what is unusual."""

from decimal import Decimal
from typing import Any

import pytest

from courses.catalogue import (
    create_new_version,
    preview,
)
from courses.history import changes
from courses.models import Course, CoursePrerequisite
from courses.refusal import Refused
from courses.versioning import Bump
from tests.catalogue import BY, NOW, begin, change, refused
from tests.factories import make_course, make_offering, make_term


@pytest.fixture
def course(database: None) -> Course:
    return begin()


# The preview --------------------------------------------------------------------------------


@pytest.mark.requirement("S1-57")
def test_a_change_is_shown_before_it_is_made(course: Course) -> None:
    dependent = make_course("CS201")
    CoursePrerequisite.objects.create(from_course=dependent, to_course=course)
    term = make_term("2026-ODD")
    offering = make_offering(term, code="XX101")

    shown = preview(course, {"name": "Introduction to Computer Sciense", "credit": 4})

    assert (shown.bump, shown.proposed, shown.version) == (Bump.MINOR, Bump.MINOR, Decimal("2.0"))
    assert [(each.field, each.bump) for each in shown.reasons] == [
        ("name", Bump.PATCH),
        ("credit", Bump.MINOR),
    ]
    assert shown.reasons[0].typo is not None
    assert shown.reasons[0].typo.verdict
    assert shown.dependants.prerequisite_of == [str(dependent)]
    assert shown.dependants.offerings == []
    assert preview(offering.course, {}).dependants.offerings == ["XX101 in 2026-ODD"]
    assert Course.objects.count() == 3, "nothing was written"


def test_a_preview_of_an_old_version_says_that_it_is_old(course: Course) -> None:
    change(course, credit=4)

    with pytest.raises(Refused, match="not the latest"):
        preview(course, {"credit": 5})


@pytest.mark.requirement("S1-21", "S1-57")
def test_a_preview_refuses_the_circle_that_the_version_would_close(course: Course) -> None:
    dependent = make_course("CS201")
    CoursePrerequisite.objects.create(from_course=dependent, to_course=course)

    with pytest.raises(Refused, match="CS101 → CS201 → CS101") as refusal:
        preview(course, {"pre_requisit_courses": [dependent]})

    assert refusal.value.code == "PREREQUISITE_CIRCLE"


def test_courses_that_are_taken_together_are_no_circle(course: Course) -> None:
    beside = make_course("CS201")
    CoursePrerequisite.objects.create(from_course=beside, to_course=course)
    together = CoursePrerequisite.Kind.COREQUISITE
    CoursePrerequisite.objects.create(from_course=course, to_course=beside, kind=together)

    shown = preview(course, {"credit": 4})

    assert shown.version == create_new_version(course, {"credit": 4}, actor=BY, now=NOW).version


def test_a_preview_and_the_version_made_agree(course: Course) -> None:
    wanted = {"name": "Computer Science", "syllabus": "Sets"}

    shown = preview(course, wanted)
    made = change(course, **wanted)

    assert (made.version, made.bump_type) == (shown.version, shown.bump)


@pytest.mark.requirement("S1-4", "S1-73")
def test_a_person_may_decide_on_another_bump_and_says_why(course: Course) -> None:
    made = create_new_version(
        course,
        {"syllabus": "All of it anew"},
        actor=BY,
        now=NOW,
        override=Bump.MAJOR,
        reason="complete restructuring",
    )

    assert (made.version, made.bump_type) == (Decimal("2.0"), "MAJOR")
    logged = changes(course.lineage)[-1]
    assert (logged.bump, logged.proposed, logged.comment) == (
        "MAJOR",
        "MINOR",
        "complete restructuring",
    )


@pytest.mark.parametrize(
    ("fields", "override", "reason", "code"),
    [
        ({"credit": 4}, Bump.PATCH, "  ", "REASON_MISSING"),
        ({"credit": 4}, Bump.NONE, "because", "OVERRIDE"),
        ({"code": "CS102"}, Bump.PATCH, "because", "OVERRIDE"),
    ],
)
def test_a_bump_is_not_overridden_without_need(
    course: Course, fields: dict[str, Any], override: Bump, reason: str, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        preview(course, fields, override=override, reason=reason)

    assert caught.value.code == code


def test_nothing_that_differs_cannot_be_overridden_into_a_version(course: Course) -> None:
    shown = preview(course, {}, override=Bump.MAJOR, reason="I want one")

    assert shown.bump is Bump.NONE


# What is unusual ----------------------------------------------------------------------------


@pytest.mark.requirement("S1-1", "S1-98")
def test_what_is_unusual_is_said_and_in_strict_mode_refused(course: Course, settings: Any) -> None:
    odd = {"code": "101", "lecture_hours": 9}

    shown = preview(course, odd)
    settings.REGISTRAR = settings.REGISTRAR | {"CATALOGUE_STRICT": True}
    found = refused(course, **odd)

    assert [each.split(" ")[1] for each in shown.warnings] == ["code", "contact"]
    assert found.code == "INVALID"
    assert found.fields.keys() == {"code", "credit"}
    assert "135 hours" in found.fields["credit"]


@pytest.mark.requirement("S1-98")
def test_what_an_hour_counts_is_a_setting(course: Course, settings: Any) -> None:
    lab = {"credit": 4, "pratical_hours": 2}
    assert preview(course, lab).warnings

    settings.REGISTRAR = settings.REGISTRAR | {"HOUR_WEIGHTS": {"pratical_hours": 50}}

    assert preview(course, lab).warnings == ()

"""A course as tests of the catalogue make, change and are refused it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from courses.catalogue import create_course, create_new_version
from courses.lifecycle import State
from courses.models import Course
from courses.refusal import Refused
from courses.requirements import Passed, Record

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BY = "user:7"
FIELDS: dict[str, Any] = {
    "code": "CS101",
    "name": "Introduction to Computer Science",
    "credit": 3,
    "lecture_hours": 3,
    "syllabus": "Sets\nFunctions",
    "ref_books": "None.",
}


def begin(state: State = State.ACTIVE, **fields: Any) -> Course:
    """A first version, CS101 where nothing else is said."""
    return create_course(FIELDS | fields, actor=BY, now=NOW, state=state)


def change(course: Course, **fields: Any) -> Course:
    """The next version of a course."""
    return create_new_version(course, fields, actor=BY, now=NOW)


def needs(course: Course, *others: Course) -> Course:
    """The next version of the course, which needs these."""
    return change(course, pre_requisit_courses=[each.pk for each in others])


def passed(*completions: tuple[Course, str | None]) -> Record:
    """A student's record of what they passed, and with which grade."""
    return Record(
        {course.lineage: [Passed(course.version, grade)] for course, grade in completions}
    )


def refused(course: Course, **fields: Any) -> Refused:
    """Why there is no next version."""
    with pytest.raises(Refused) as caught:
        change(course, **fields)
    return caught.value

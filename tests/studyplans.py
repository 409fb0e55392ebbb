"""Study plans for tests, made by the operations that staff's pages call; all of it invented."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group

from courses.models import Course, CourseSlot, Curriculum, Discipline, Programme, SlotType
from courses.plans.batches import BatchFields, create_batch
from courses.plans.writing import SlotFields, add_slot, create_curriculum, put_course
from courses.refusal import Refused
from tests.callers import Caller
from tests.factories import make_course, make_student

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)
CLERK = "user:1"


def refusal(act: Callable[..., int], **said: Any) -> Refused:
    """Why nothing was written; fails when something was."""
    with pytest.raises(Refused) as refused:
        act(**said, actor=CLERK, now=NOW)
    return refused.value


def field(act: Callable[..., int], **said: Any) -> tuple[str, str]:
    """The one field that an act refuses, and the message beside it."""
    [found] = refusal(act, **said).fields.items()
    return found


def make_programme(name: str = "Astronautics", *disciplines: str) -> Programme:
    programme = Programme.objects.create(category="UG", name=name)
    for each in disciplines:
        programme.disciplines.add(Discipline.objects.get_or_create(name=each)[0])
    return programme


def make_plan(
    programme: Programme, name: str = "Astro", *, semesters: int = 2, needed: int = 6
) -> Curriculum:
    made = create_curriculum(
        programme=programme.pk,
        name=name,
        no_of_semester=semesters,
        min_credit=needed,
        actor=CLERK,
        now=NOW,
    )
    return Curriculum.objects.get(pk=made)


def make_slot(
    plan: Curriculum,
    semester: int = 1,
    name: str = "Core 1",
    *courses: Course,
    kind: str = SlotType.PROFESSIONAL_CORE,
) -> CourseSlot:
    fields = SlotFields(name, kind)
    made = add_slot(curriculum=plan.pk, semester_no=semester, slot=fields, actor=CLERK, now=NOW)
    slot = CourseSlot.objects.get(pk=made)
    for course in courses:
        put_course(slot=slot.pk, course=course.pk, actor=CLERK, now=NOW)
    return slot


def make_full_plan(programme: Programme, name: str, semesters: int, slots: int) -> Curriculum:
    """A plan with two courses to choose from in each of its slots."""
    plan = make_plan(programme, name, semesters=semesters)
    for semester in range(1, semesters + 1):
        for number in range(slots):
            make_slot(plan, semester, f"Slot {number}", make_course(), make_course())
    return plan


def make_batch(
    discipline: Discipline,
    plan: Curriculum | None = None,
    *,
    name: str = "Comets",
    year: int = 2026,
    seats: int = 60,
) -> int:
    fields = BatchFields(name, discipline.pk, year, None if plan is None else plan.pk, True, seats)
    return create_batch(batch=fields, actor=CLERK, now=NOW)


def supersede(old: Course) -> Course:
    """The next version of a course, as publishing one leaves both."""
    stays = {"latest_version": False, "working_course": False, "state": Course.State.DEPRECATED}
    Course.objects.filter(pk=old.pk).update(**stays)
    following = {"version": old.version + 1, "revision": old.revision + 1}
    return make_course(old.code, old.credit, lineage=old.lineage, **following)


def close(course: Course) -> None:
    """Not offered for the time being."""
    Course.objects.filter(pk=course.pk).update(working_course=False, state=Course.State.INACTIVE)


def caller(role: str) -> Caller:
    """Somebody of a role who calls the API."""
    calling = Caller(make_student())
    assert calling.student.user is not None
    calling.student.user.groups.add(Group.objects.get(name=role))
    return calling

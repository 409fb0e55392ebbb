"""Changing a study plan in place: its semesters, its slots, and the courses in them.

Each act is one transaction with its entry in the log. A plan that no student studies by any more
is not changed (`acts.locked`): a new version is made of the latest (`versions`).
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from courses.models import (
    Course,
    CourseSlot,
    CourseSlotCourse,
    Curriculum,
    CurriculumSemester,
    Discipline,
    Programme,
)
from courses.refusal import constraint, not_so, unknown
from registrar.audit.log import note

from .acts import locked, locked_slot

MOST_SEMESTERS = 20


class SlotFields(NamedTuple):
    """All that is said of a slot besides its courses; the limits are on students."""

    name: str
    type: str
    course_slot_info: str = ""
    duration: int = 1
    min_registration_limit: int = 0
    max_registration_limit: int = 1000


@transaction.atomic
def save_programme(
    *,
    category: str,
    name: str,
    disciplines: Iterable[int],
    actor: str,
    now: datetime,
    programme: int | None = None,
) -> int:
    """Write a programme, a new one unless it says which, with its disciplines (S1-41, S1-42)."""
    if category not in Programme.Category.values:
        raise not_so("category", f"A programme is one of {', '.join(Programme.Category.values)}.")
    wanted = sorted(set(disciplines))
    known = Discipline.objects.filter(pk__in=wanted).values_list("pk", flat=True)
    if strange := set(wanted) - set(known):
        raise not_so("disciplines", f"There is no discipline {min(strange)}.")
    found = Programme.objects.select_for_update(no_key=True).filter(pk=programme or 0).first()
    if programme is not None and found is None:
        raise unknown("programme")
    saved = found or Programme()
    saved.category, saved.name = category, name
    try:
        with transaction.atomic():
            saved.save()
    except IntegrityError as error:
        if constraint(error) != "programme_once_a_category":
            raise
        taken = f"There is a programme of this name in {category} already."
        raise not_so("name", taken) from error
    saved.disciplines.set(wanted)
    facts = {"category": category, "name": name, "disciplines": wanted}
    event = "programme_changed" if found else "programme_created"
    note(f"programme:{saved.pk}", event, actor, now, **facts)
    return saved.pk


@transaction.atomic
def create_curriculum(
    *,
    programme: int,
    name: str,
    no_of_semester: int,
    min_credit: int,
    actor: str,
    now: datetime,
    version: Decimal = Decimal("1.0"),
) -> int:
    """The first version of a plan, with its semesters 1 to `no_of_semester` (S1-43, S1-44)."""
    if not 1 <= no_of_semester <= MOST_SEMESTERS:
        raise not_so("no_of_semester", f"A plan has 1 to {MOST_SEMESTERS} semesters.")
    # Of two who give a plan the same name at the same moment, the second sees the first's.
    if not Programme.objects.select_for_update(no_key=True).filter(pk=programme).exists():
        raise unknown("programme")
    if Curriculum.objects.filter(programme=programme, name=name).exists():
        raise not_so("name", "There is a plan of this name already: make a new version of it.")
    facts = {"name": name, "no_of_semester": no_of_semester, "min_credit": min_credit}
    made = Curriculum.objects.create(programme_id=programme, version=version, **facts)
    CurriculumSemester.objects.bulk_create(
        CurriculumSemester(curriculum=made, semester_no=number)
        for number in range(1, no_of_semester + 1)
    )
    facts |= {"programme": programme, "version": str(version)}
    note(f"plan:{made.pk}", "curriculum_created", actor, now, **facts)
    return made.pk


@transaction.atomic
def change_needed(*, curriculum: int, min_credit: int, actor: str, now: datetime) -> int:
    """Correct the credits that a plan asks for."""
    plan = locked(curriculum)
    Curriculum.objects.filter(pk=plan.pk).update(min_credit=min_credit)
    facts = {"before": plan.min_credit, "after": min_credit}
    note(f"plan:{plan.pk}", "credits_needed_changed", actor, now, **facts)
    return plan.pk


@transaction.atomic
def add_semester(*, curriculum: int, actor: str, now: datetime) -> int:
    """The first semester that is missing; beyond the last, the plan becomes one longer."""
    plan = locked(curriculum)
    there = set(plan.semesters.values_list("semester_no", flat=True))
    number = min(set(range(1, len(there) + 2)) - there)
    if number > MOST_SEMESTERS:
        raise not_so("curriculum", f"A plan has no more than {MOST_SEMESTERS} semesters.")
    made = CurriculumSemester.objects.create(curriculum=plan, semester_no=number)
    longer = max(plan.no_of_semester, number)
    Curriculum.objects.filter(pk=plan.pk).update(no_of_semester=longer)
    note(f"plan:{plan.pk}", "semester_added", actor, now, semester=number)
    return made.pk


@transaction.atomic
def add_slot(
    *, curriculum: int, semester_no: int, slot: SlotFields, actor: str, now: datetime
) -> int:
    """A new slot in a semester (S1-30); its name and type are there once (S1-32)."""
    plan = locked(curriculum)
    semester = plan.semesters.filter(semester_no=semester_no).first()
    if semester is None:
        raise not_so("semester_no", f"This plan has no semester {semester_no}.")
    _check(semester.pk, slot)
    made = CourseSlot.objects.create(semester=semester, **slot._asdict())
    facts = {"slot": made.pk, "semester": semester_no, **slot._asdict()}
    note(f"plan:{plan.pk}", "slot_added", actor, now, **facts)
    return made.pk


@transaction.atomic
def change_slot(*, slot: int, to: SlotFields, actor: str, now: datetime) -> int:
    """What a slot is called, its type and its limits; its courses stay."""
    plan, found = locked_slot(slot)
    _check(found.semester_id, to, but=slot)
    before = {name: getattr(found, name) for name in SlotFields._fields}
    CourseSlot.objects.filter(pk=slot).update(**to._asdict())
    facts = {"slot": slot, "before": before, "after": to._asdict()}
    note(f"plan:{plan}", "slot_changed", actor, now, **facts)
    return slot


@transaction.atomic
def put_course(*, slot: int, course: int, actor: str, now: datetime) -> int:
    """A course may be taken in a slot from now on; an older version of it there makes place.

    Only what is offered and not superseded is put into a plan.
    """
    plan, found = locked_slot(slot)
    version = _to_put(course)
    inside = CourseSlotCourse.objects.filter(slot=found)
    if inside.filter(course=version).exists():
        raise not_so("course", f"{version.code} v{version.version} is in this slot already.")
    older = inside.filter(course__lineage=version.lineage)
    replaced = list(older.order_by("course").values_list("course", flat=True))
    older.delete()
    CourseSlotCourse.objects.create(slot=found, course=version)
    facts: dict[str, Any] = {"slot": slot, "course": course, "replaced": replaced}
    note(f"plan:{plan}", "course_put", actor, now, **facts)
    return slot


@transaction.atomic
def take_course(*, slot: int, course: int, actor: str, now: datetime) -> int:
    """A course may not be taken in a slot any more."""
    plan, found = locked_slot(slot)
    if not CourseSlotCourse.objects.filter(slot=found, course=course).delete()[0]:
        raise not_so("course", "This course is not in this slot.")
    note(f"plan:{plan}", "course_taken_out", actor, now, slot=slot, course=course)
    return slot


def _to_put(course: int) -> Course:
    version = Course.objects.filter(pk=course).first()
    if version is None:
        raise not_so("course", "There is no such course.")
    if not version.latest_version:
        newest = Course.objects.filter(lineage=version.lineage, latest_version=True).first()
        instead = f": put v{newest.version} in" if newest else ""
        raise not_so("course", f"{version.code} v{version.version} is superseded{instead}.")
    if not version.working_course:
        raise not_so("course", f"{version.code} is not offered: it is {version.state}.")
    return version


def _check(semester: int, slot: SlotFields, but: int = 0) -> None:
    if slot.min_registration_limit > slot.max_registration_limit:
        raise not_so("max_registration_limit", "The maximum cannot be below the minimum.")
    alike = CourseSlot.objects.filter(semester=semester, name=slot.name, type=slot.type)
    if alike.exclude(pk=but).exists():
        raise not_so("name", f"This semester has a slot {slot.name} of type {slot.type} already.")

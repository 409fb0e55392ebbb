"""A new version of a study plan: a copy that can change, while the old one stays as it is."""

from datetime import datetime

from django.db import transaction

from courses.models import (
    Course,
    CourseSlot,
    CourseSlotCourse,
    Curriculum,
    CurriculumSemester,
    Programme,
)
from courses.refusal import Refused, not_so, unknown
from courses.versioning import Bump, Overflow, next_version
from registrar.audit.log import note


@transaction.atomic
def new_version(*, curriculum: int, whole: bool, renew: bool, actor: str, now: datetime) -> int:
    """Copy the latest version of a plan: semesters, slots and courses, in one transaction.

    `whole` raises the version to the next integer, otherwise by 0.1. `renew` takes the latest
    version of each course that is offered, in the place of the one in the old plan. Batches stay
    with the version that they study by.
    """
    old = _latest(curriculum)
    try:
        version = next_version(old.version, Bump.MAJOR if whole else Bump.PATCH)
    except Overflow as error:
        raise not_so("version", "There is no higher version than this one.") from error
    Curriculum.objects.filter(pk=old.pk).update(latest_version=False)
    new = Curriculum.objects.create(
        name=old.name,
        programme_id=old.programme_id,
        version=version,
        no_of_semester=old.no_of_semester,
        min_credit=old.min_credit,
    )
    renewed = _copy_courses(old, _copy_slots(old, _copy_semesters(old, new)), renew=renew)
    note(f"plan:{old.pk}", "curriculum_superseded", actor, now, by=new.pk)
    facts = {"version": str(version), "copied_from": old.pk, "renewed": renewed}
    note(f"plan:{new.pk}", "curriculum_versioned", actor, now, **facts)
    return new.pk


def _latest(curriculum: int) -> Curriculum:
    """The plan, with its programme locked before it: as who makes a plan there does."""
    owner = Programme.objects.filter(curricula=curriculum)
    owner.select_for_update(no_key=True, of=("self",)).first()
    old = Curriculum.objects.select_for_update(no_key=True).filter(pk=curriculum).first()
    if old is None:
        raise unknown("plan")
    if not old.latest_version:
        remedy = "Make a version of the latest."
        raise Refused("PLAN_CLOSED", f"{old} is superseded.", remedy)
    return old


def _copy_semesters(old: Curriculum, new: Curriculum) -> dict[int, int]:
    """The new semester of each old one."""
    there = list(old.semesters.order_by("semester_no"))
    made = CurriculumSemester.objects.bulk_create(
        CurriculumSemester(curriculum=new, semester_no=each.semester_no) for each in there
    )
    return {before.pk: after.pk for before, after in zip(there, made, strict=True)}


def _copy_slots(old: Curriculum, semesters: dict[int, int]) -> dict[int, int]:
    """The new slot of each old one."""
    there = list(CourseSlot.objects.filter(semester__curriculum=old).order_by("pk"))
    made = CourseSlot.objects.bulk_create(
        CourseSlot(
            semester_id=semesters[each.semester_id],
            name=each.name,
            type=each.type,
            course_slot_info=each.course_slot_info,
            duration=each.duration,
            min_registration_limit=each.min_registration_limit,
            max_registration_limit=each.max_registration_limit,
        )
        for each in there
    )
    return {before.pk: after.pk for before, after in zip(there, made, strict=True)}


def _copy_courses(old: Curriculum, slots: dict[int, int], *, renew: bool) -> list[list[int]]:
    """Fill the new slots; which course took the place of which."""
    there = CourseSlotCourse.objects.filter(slot__semester__curriculum=old)
    offered = Course.objects.filter(latest_version=True, working_course=True)
    lineages = offered.filter(lineage__in=there.values("course__lineage"))
    latest = dict(lineages.values_list("lineage", "pk")) if renew else {}
    places, renewed = set(), set()
    for slot, course, lineage in there.values_list("slot", "course", "course__lineage"):
        taken = latest.get(lineage, course)
        places.add((slots[slot], taken))
        if taken != course:
            renewed.add((course, taken))
    CourseSlotCourse.objects.bulk_create(
        CourseSlotCourse(slot_id=slot, course_id=course) for slot, course in sorted(places)
    )
    return [list(pair) for pair in sorted(renewed)]

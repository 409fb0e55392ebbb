"""What staff do to departments and their plans (seed 002).

Each operation is one transaction that holds the department's row and writes its stream of the
audit, with the claim of who acts (`registrar.accounts.claims`). It raises Refused for what a
person can put right, and PermissionDenied for who has no claim; were it not for that, the
database would refuse.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import ProtectedError
from psycopg2.errorcodes import FOREIGN_KEY_VIOLATION

from courses.models import Course, Department, DepartmentCourseMap, DepartmentMember, Semester
from courses.refusal import Refused, constraint, not_so, unknown
from registrar.accounts.claims import ADMIN, claim
from registrar.accounts.models import User
from registrar.audit.log import note

_NOT_TAUGHT = (Course.State.DRAFT, Course.State.ARCHIVED)
_TAKEN: Mapping[str | None, tuple[str, str]] = {
    "departments_code_key": ("code", "There is a department with this code already."),
    "department_code_once": ("code", "There is a department with this code already."),
    "course_once_in_a_semester": ("course", "This course is in this semester already."),
    "department_member_once": ("user", "They belong to this department already."),
}


@contextmanager
def _writing(user: User) -> Iterator[None]:
    """All of it or nothing; what a constraint refuses, whoever else wrote meanwhile, in words."""
    try:
        with claim(user) as role:
            if role != ADMIN:
                raise PermissionDenied
            yield
    except ProtectedError as error:
        said = _still(error.protected_objects)
        raise Refused("IN_USE", said, "Give up these first, then try again.") from error
    except IntegrityError as error:
        if refused := _in_words(error):
            raise refused from error
        raise


def _in_words(error: IntegrityError) -> Refused | None:
    if taken := _TAKEN.get(constraint(error)):
        return not_so(*taken)
    if getattr(error.__cause__, "pgcode", None) == FOREIGN_KEY_VIOLATION:
        said = "What this refers to was changed meanwhile."
        return Refused("IN_USE", said, "Look at it again, then try again.")
    return None


# Departments --------------------------------------------------------------------------------


def add_department(user: User, name: str, code: str, now: datetime) -> Department:
    """A new department; its four years and eight semesters come with it (S2-13)."""
    with _writing(user):
        department = Department.objects.create(name=name.strip(), code=code.strip())
        _record(department.pk, "department_added", user, now, **_words(department))
    return department


def change_department(
    user: User, department: int, name: str, code: str, now: datetime
) -> Department:
    """Another name or code."""
    with _writing(user):
        found = _hold(department)
        before = _words(found)
        found.name, found.code = name.strip(), code.strip()
        found.save(update_fields=["name", "code"])
        if (after := _words(found)) != before:
            _record(department, "department_changed", user, now, before=before, after=after)
    return found


def remove_department(user: User, department: int, now: datetime) -> None:
    """The department with its years and semesters; refused while anything else belongs to it."""
    with _writing(user):
        found = _hold(department)
        _record(department, "department_removed", user, now, **_words(found))
        found.delete()


def _still(protected: set[Any]) -> str:
    """What keeps a department, in words."""
    kinds = Counter(type(each) for each in protected)
    counted = sorted(
        f"{count} {kind._meta.verbose_name if count == 1 else kind._meta.verbose_name_plural}"
        for kind, count in kinds.items()
    )
    return f"It still has {' and '.join(counted)}."


# Its plan -----------------------------------------------------------------------------------


def place_course(user: User, semester: int, course: int, now: datetime) -> DepartmentCourseMap:
    """Teach this course in that semester."""
    with _writing(user):
        place = Semester.objects.select_related("year").filter(pk=semester).first()
        if place is None:
            raise unknown("semester")
        department = _hold(place.year.department_id).pk
        check_place(semester, course)
        placed = DepartmentCourseMap.objects.create(
            department_id=department, year_id=place.year_id, semester=place, course_id=course
        )
        _record(department, "course_placed", user, now, semester=semester, course=course)
    return placed


def move_course(
    user: User, placed: DepartmentCourseMap, semester: int, course: int, now: datetime
) -> DepartmentCourseMap:
    """Teach it in another semester of the department, or another (version of a) course instead."""
    with _writing(user):
        department = _hold(placed.department_id).pk
        found = DepartmentCourseMap.objects.filter(pk=placed.pk).first()
        if found is None:
            raise unknown("place any more")
        place = Semester.objects.filter(pk=semester, year__department=department).first()
        if place is None:
            raise not_so("semester", "This is no semester of the same department.")
        check_place(semester, course, instead_of=found)
        before = {"semester": found.semester_id, "course": found.course_id}
        found.semester, found.year_id, found.course_id = place, place.year_id, course
        found.save()
        after = {"semester": semester, "course": course}
        if after != before:
            _record(department, "course_moved", user, now, before=before, after=after)
    return found


def take_out_course(user: User, placed: DepartmentCourseMap, now: datetime) -> None:
    """Teach it there no longer; the course itself stays. Doing it twice is no error."""
    with _writing(user):
        department = _hold(placed.department_id).pk
        gone, _ = DepartmentCourseMap.objects.filter(pk=placed.pk).delete()
        if gone:
            facts = {"semester": placed.semester_id, "course": placed.course_id}
            _record(department, "course_taken_out", user, now, **facts)


def check_place(semester: int, course: int, instead_of: DepartmentCourseMap | None = None) -> None:
    """Raises Refused when this version of a course has no place in that semester."""
    found = Course.objects.filter(pk=course).first()
    if found is None:
        raise not_so("course", "There is no such course.")
    stays = instead_of is not None and instead_of.course_id == course
    if not (found.latest_version or stays):
        raise not_so("course", f"{found.code} has a later version than {found.version}.")
    if found.state in _NOT_TAUGHT and not stays:
        raise not_so("course", f"{found.code} is {found.get_state_display().lower()}.")
    others = DepartmentCourseMap.objects.filter(semester=semester, course__lineage=found.lineage)
    if instead_of is not None:
        others = others.exclude(pk=instead_of.pk)
    if other := others.select_related("course").first():
        said = f"{other.course.code} is in this semester already, as version {other.course.version}"
        raise not_so("course", f"{said}.")


# Who belongs to it --------------------------------------------------------------------------


def add_member(user: User, department: int, member: User, now: datetime) -> DepartmentMember:
    """What their roles may do, they may do in this department."""
    with _writing(user):
        joined = DepartmentMember.objects.create(department=_hold(department), user=member)
        _record(department, "member_added", user, now, user=member.pk)
    return joined


def remove_member(user: User, membership: DepartmentMember, now: datetime) -> None:
    """They belong to it no longer. Doing it twice is no error."""
    with _writing(user):
        department = _hold(membership.department_id).pk
        gone, _ = DepartmentMember.objects.filter(pk=membership.pk).delete()
        if gone:
            _record(department, "member_removed", user, now, user=membership.user_id)


def _hold(department: int) -> Department:
    """One writer at a time of a department and of its stream."""
    found = Department.objects.select_for_update().filter(pk=department).first()
    if found is None:
        raise unknown("department")
    return found


def _words(department: Department) -> dict[str, str]:
    return {"name": department.name, "code": department.code}


def _record(department: int, event: str, actor: User, now: datetime, /, **facts: Any) -> None:
    note(f"department:{department}", event, actor.actor, now, **facts)

"""What staff do to departments: one act, one entry in the department's own stream."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from courses.departments import hierarchy, writing
from courses.models import Department, DepartmentCourseMap, DepartmentMember
from courses.refusal import Refused
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.audit.models import Entry
from tests.departments import as_role, make_department, member, semester
from tests.factories import make_course, make_user
from tests.races import Meeting, after, race, together

NOW = timezone.now()


@pytest.fixture
def registrar(database: None) -> User:
    return member(Role.REGISTRAR)


@pytest.fixture
def department(registrar: User) -> Department:
    return make_department()


def refusal(act: Callable[[], object]) -> dict[str, str]:
    """What is said of which field."""
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.fields


def story(department: int) -> list[tuple[str, dict[str, Any]]]:
    entries = Entry.objects.filter(stream=f"department:{department}").order_by("seq")
    return [(entry.event, json.loads(entry.body)) for entry in entries]


# Departments --------------------------------------------------------------------------------


@pytest.mark.requirement("S2-13")
def test_a_department_is_added_whole_by_the_webs_own_role(registrar: User) -> None:
    with as_role("reg_web"):
        added = writing.add_department(registrar, " Computer Science ", " CS ", NOW)

    seen = hierarchy.department(added.pk)
    assert seen is not None
    assert (seen.name, seen.code) == ("Computer Science", "CS")
    assert [len(year.semesters) for year in seen.years] == [2, 2, 2, 2]
    assert story(added.pk) == [
        ("department_added", {"code": "CS", "name": "Computer Science"}),
    ]
    assert Entry.objects.get().actor == f"user:{registrar.pk}"


@pytest.mark.parametrize("code", ["CS", "cs", " Cs "])
def test_a_code_is_one_departments(registrar: User, department: Department, code: str) -> None:
    again = refusal(lambda: writing.add_department(registrar, "Another", code, NOW))
    other = make_department("ME", "Mechanics")
    renamed = refusal(
        lambda: writing.change_department(registrar, other.pk, "Mechanics", code, NOW)
    )

    assert again == renamed == {"code": "There is a department with this code already."}
    assert Department.objects.count() == 2
    assert not Entry.objects.exists()


def test_of_two_who_add_the_same_department_at_once_one_is_told(registrar: User) -> None:
    add = partial(writing.add_department, registrar, "Computer Science", "CS", NOW)

    kinds = sorted(type(done).__name__ for done in race(add, add))

    assert kinds == ["Department", "Refused"]


def test_a_change_is_kept_with_what_was_before(registrar: User, department: Department) -> None:
    with as_role("reg_web"):
        writing.change_department(registrar, department.pk, "Informatics", "CS", NOW)
        writing.change_department(registrar, department.pk, "Informatics", "CS", NOW)

    department.refresh_from_db()
    assert department.name == "Informatics"
    assert story(department.pk) == [
        (
            "department_changed",
            {
                "before": {"code": "CS", "name": "Computer Science"},
                "after": {"code": "CS", "name": "Informatics"},
            },
        ),
    ]


def test_a_department_that_nothing_belongs_to_goes_with_its_plan(
    registrar: User, department: Department
) -> None:
    writing.place_course(registrar, semester(department, 1).pk, make_course().pk, NOW)

    with as_role("reg_web"):
        writing.remove_department(registrar, department.pk, NOW)

    assert not Department.objects.exists()
    assert [event for event, _ in story(department.pk)] == ["course_placed", "department_removed"]


def test_what_keeps_a_department_is_counted(registrar: User, department: Department) -> None:
    make_course("CS1", department=department)
    make_course("CS2", department=department)
    writing.add_member(registrar, department.pk, make_user(), NOW)

    with pytest.raises(Refused, match="It still has 1 department member and 2 courses") as refused:
        writing.remove_department(registrar, department.pk, NOW)

    assert refused.value.code == "IN_USE"
    assert Department.objects.exists()
    assert [event for event, _ in story(department.pk)] == ["member_added"]


# Its plan -----------------------------------------------------------------------------------


@pytest.mark.requirement("S2-4")
def test_a_course_is_placed_moved_and_taken_out(registrar: User, department: Department) -> None:
    course, first, last = make_course("CS1"), semester(department, 1), semester(department, 8)

    with as_role("reg_web"):
        placed = writing.place_course(registrar, first.pk, course.pk, NOW)
        moved = writing.move_course(registrar, placed, last.pk, course.pk, NOW)
        writing.move_course(registrar, placed, last.pk, course.pk, NOW)
    assert (moved.semester, moved.year_id) == (last, last.year_id)
    with as_role("reg_web"):
        writing.take_out_course(registrar, moved, NOW)
        writing.take_out_course(registrar, moved, NOW)

    assert not DepartmentCourseMap.objects.exists()
    before = {"semester": first.pk, "course": course.pk}
    after = {"semester": last.pk, "course": course.pk}
    assert story(department.pk) == [
        ("course_placed", before),
        ("course_moved", {"before": before, "after": after}),
        ("course_taken_out", after),
    ]


@pytest.mark.requirement("S2-5")
def test_a_course_is_in_a_semester_once_whatever_its_version(
    registrar: User, department: Department
) -> None:
    old = make_course("CS1", latest_version=False)
    new = make_course("CS1", version=2, revision=2, lineage=old.lineage)
    first, second = semester(department, 1), semester(department, 2)
    DepartmentCourseMap.objects.create(
        department=department, year=first.year, semester=first, course=old
    )
    elsewhere = writing.place_course(registrar, second.pk, new.pk, NOW)

    acts: dict[str, Callable[[], object]] = {
        "CS1 is in this semester already, as version 1.0.": partial(
            writing.place_course, registrar, first.pk, new.pk, NOW
        ),
        "CS1 has a later version than 1.0.": partial(
            writing.place_course, registrar, second.pk, old.pk, NOW
        ),
        "There is no such course.": partial(writing.place_course, registrar, second.pk, 10**9, NOW),
    }

    for said, act in acts.items():
        assert refusal(act) == {"course": said}
    moved = refusal(lambda: writing.move_course(registrar, elsewhere, first.pk, new.pk, NOW))
    assert moved == {"course": "CS1 is in this semester already, as version 1.0."}
    assert len(story(department.pk)) == 1


@pytest.mark.parametrize("state", ["DRAFT", "ARCHIVED"])
def test_what_is_not_in_the_catalogue_has_no_place(
    registrar: User, department: Department, state: str
) -> None:
    course = make_course("CS1", state=state, working_course=False)

    place = semester(department, 1).pk
    refused = refusal(lambda: writing.place_course(registrar, place, course.pk, NOW))

    assert refused == {"course": f"CS1 is {state.lower()}."}


def test_a_later_version_takes_the_place_of_an_older_one(
    registrar: User, department: Department
) -> None:
    old = make_course("CS1", latest_version=False)
    new = make_course("CS1", version=2, revision=2, lineage=old.lineage)
    first = semester(department, 1)
    placed = DepartmentCourseMap.objects.create(
        department=department, year=first.year, semester=first, course=old
    )
    assert [course.later for course in taught(department, 1)] == ["2.0"]

    writing.move_course(registrar, placed, first.pk, new.pk, NOW)

    assert [(course.version, course.later) for course in taught(department, 1)] == [("2.0", None)]


def taught(department: Department, absolute_number: int) -> list[hierarchy.PlacedCourse]:
    seen = hierarchy.department(department.pk)
    assert seen is not None
    semesters = {s.absolute_number: s for year in seen.years for s in year.semesters}
    return semesters[absolute_number].courses


def test_a_course_stays_in_its_department(registrar: User, department: Department) -> None:
    course, other = make_course("CS1"), make_department("ME", "Mechanics")
    placed = writing.place_course(registrar, semester(department, 1).pk, course.pk, NOW)

    elsewhere = semester(other, 1).pk
    refused = refusal(lambda: writing.move_course(registrar, placed, elsewhere, course.pk, NOW))

    assert refused == {"semester": "This is no semester of the same department."}


def test_what_has_gone_meanwhile_is_said_to_be_gone(
    registrar: User, department: Department
) -> None:
    course, first = make_course("CS1"), semester(department, 1).pk
    placed = writing.place_course(registrar, first, course.pk, NOW)
    writing.take_out_course(registrar, placed, NOW)
    acts: list[Callable[[], object]] = [
        partial(writing.move_course, registrar, placed, first, course.pk, NOW),
        partial(writing.place_course, registrar, 10**9, course.pk, NOW),
        partial(writing.change_department, registrar, 10**9, "New", "NEW", NOW),
        partial(writing.remove_department, registrar, 10**9, NOW),
        partial(writing.add_member, registrar, 10**9, registrar, NOW),
    ]

    for act in acts:
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.code == "NOT_FOUND"
    assert [event for event, _ in story(department.pk)] == ["course_placed", "course_taken_out"]


def test_of_two_who_place_the_same_course_at_once_one_is_told(
    registrar: User, department: Department
) -> None:
    course, place = make_course("CS1"), semester(department, 1)
    put = partial(writing.place_course, registrar, place.pk, course.pk, NOW)

    kinds = sorted(type(done).__name__ for done in race(put, put))

    assert kinds == ["DepartmentCourseMap", "Refused"]
    assert [event for event, _ in story(department.pk)] == ["course_placed"]


@pytest.mark.concurrency
def test_a_departments_plan_has_one_writer_at_a_time(
    registrar: User, department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it not for the lock, both would write the same entry of the department's stream."""
    place = semester(department, 1)
    meeting = Meeting()
    after(monkeypatch, writing, "check_place", meeting)
    acts = [
        partial(writing.place_course, registrar, place.pk, make_course().pk, NOW) for _ in range(2)
    ]

    together(*acts)

    assert not meeting.met
    assert [event for event, _ in story(department.pk)] == ["course_placed"] * 2


# Members ------------------------------------------------------------------------------------


def test_members_come_once_and_go(registrar: User, department: Department) -> None:
    ada = make_user("ada")

    with as_role("reg_web"):
        joined = writing.add_member(registrar, department.pk, ada, NOW)
        again = refusal(lambda: writing.add_member(registrar, department.pk, ada, NOW))
        writing.remove_member(registrar, joined, NOW)
        writing.remove_member(registrar, joined, NOW)

    assert again == {"user": "They belong to this department already."}
    assert not DepartmentMember.objects.exists()
    assert story(department.pk) == [
        ("member_added", {"user": ada.pk}),
        ("member_removed", {"user": ada.pk}),
    ]


# Who may ------------------------------------------------------------------------------------

ACTS: dict[str, Callable[[User, Department, DepartmentCourseMap, DepartmentMember], object]] = {
    "add": lambda user, d, *_: writing.add_department(user, "New", "NEW", NOW),
    "change": lambda user, d, *_: writing.change_department(user, d.pk, "New", "NEW", NOW),
    "remove": lambda user, d, *_: writing.remove_department(user, d.pk, NOW),
    "place": lambda user, d, p, _: writing.place_course(user, p.semester_id, p.course_id, NOW),
    "move": lambda user, d, p, _: writing.move_course(user, p, semester(d, 2).pk, p.course_id, NOW),
    "take out": lambda user, d, p, _: writing.take_out_course(user, p, NOW),
    "add member": lambda user, d, *_: writing.add_member(user, d.pk, user, NOW),
    "remove member": lambda user, d, p, m: writing.remove_member(user, m, NOW),
}


@pytest.mark.requirement("S2-20")
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", [Role.DEPARTMENT_HEAD, Role.AUDITOR])
def test_who_has_no_claim_changes_nothing(
    registrar: User, department: Department, role: Role, act: str
) -> None:
    user = member(role)
    joined = writing.add_member(registrar, department.pk, user, NOW)
    place = semester(department, 1).pk
    placed = writing.place_course(registrar, place, make_course("CS1").pk, NOW)

    with as_role("reg_web"), pytest.raises(PermissionDenied):
        ACTS[act](user, department, placed, joined)

    assert len(story(department.pk)) == 2
    assert Department.objects.get() == department


@pytest.mark.parametrize("act", ACTS)
def test_the_admin_and_the_registrar_change_all_of_it(
    registrar: User, department: Department, act: str
) -> None:
    user = member(Role.ADMIN)
    joined = writing.add_member(registrar, department.pk, registrar, NOW)
    place = semester(department, 1).pk
    placed = writing.place_course(registrar, place, make_course("CS1").pk, NOW)
    entries = Entry.objects.count()
    if act == "place":
        writing.take_out_course(registrar, placed, NOW)
        entries += 1
    if act == "remove":
        writing.remove_member(registrar, joined, NOW)
        entries += 1

    with as_role("reg_web"):
        ACTS[act](user, department, placed, joined)

    assert Entry.objects.count() == entries + 1

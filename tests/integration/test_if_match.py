"""Who changes a course, a plan or a department may say which state of it they have seen."""

from typing import Any

import pytest

from courses.lifecycle import State
from courses.models import (
    Course,
    CourseSlot,
    Curriculum,
    CurriculumSemester,
    Programme,
    SlotType,
)
from registrar.accounts.roles import Role
from tests.callers import Reply
from tests.catalogue import begin, change
from tests.departments import make_department
from tests.integration.test_api_courses import COURSES, Person


@pytest.fixture
def registrar(database: None) -> Person:
    return Person(Role.REGISTRAR)


def send(person: Person, method: str, path: str, body: Any, etag: str) -> Reply:
    sent = getattr(person.client, method)(
        f"{COURSES}{path}", body, content_type="application/json", headers={"if-match": etag}
    )
    return Reply(sent)


def etag(person: Person, course: Course) -> str:
    return str(person.get(f"{course.pk}/").headers["ETag"])


CHANGES = {
    "patch": ("patch", "", {"credit": 4}, 201),
    "state": ("post", "state/", {"state": "INACTIVE", "reason": "why"}, 200),
    "rollback": ("post", "rollback/", {"reason": "why"}, 201),
}


@pytest.mark.parametrize("change_", list(CHANGES))
def test_a_change_of_what_was_seen_is_made(registrar: Person, change_: str) -> None:
    method, path, body, code = CHANGES[change_]
    course = begin()
    if change_ == "rollback":
        change(course, credit=9)

    sent = send(registrar, method, f"{course.pk}/{path}", body, etag(registrar, course))

    assert sent.status == code, sent.raw


@pytest.mark.parametrize("change_", list(CHANGES))
def test_a_change_of_what_was_not_seen_is_refused(registrar: Person, change_: str) -> None:
    method, path, body, _ = CHANGES[change_]
    course = begin()
    seen = etag(registrar, course)
    change(course, credit=9)
    versions = Course.objects.count()

    sent = send(registrar, method, f"{course.pk}/{path}", body, seen)

    assert (sent.status, sent.code) == (412, "PRECONDITION")
    assert sent.body["etag"] == etag(registrar, course) != seen
    assert Course.objects.count() == versions


def test_of_two_who_change_a_draft_the_second_is_told(registrar: Person) -> None:
    """Where nobody says what they have seen, the last one wins."""
    draft = begin(State.DRAFT)
    seen = etag(registrar, draft)

    first = send(registrar, "patch", f"{draft.pk}/", {"credit": 4}, seen)
    second = send(registrar, "patch", f"{draft.pk}/", {"name": "Mine"}, seen)
    third = send(registrar, "patch", f"{draft.pk}/", {"name": "Mine"}, first.headers["ETag"])
    last = registrar.send("patch", f"{draft.pk}/", {"credit": 5})

    assert [each.status for each in (first, second, third, last)] == [200, 412, 200, 200]


@pytest.mark.parametrize("sent", ["*", "W/{}", '"other", {}'])
def test_an_etag_is_recognised_in_every_form(registrar: Person, sent: str) -> None:
    course = begin()

    reply = send(
        registrar, "patch", f"{course.pk}/", {"credit": 4}, sent.format(etag(registrar, course))
    )

    assert reply.status == 201


def test_what_is_refused_for_itself_is_refused_as_ever(registrar: Person) -> None:
    course = begin()

    reply = send(registrar, "patch", f"{course.pk}/", {"credit": -1}, etag(registrar, course))

    assert reply.code == "INVALID"
    assert Course.objects.count() == 1


# Plans and departments --------------------------------------------------------------------------


def other(person: Person, method: str, path: str, body: Any, seen: str) -> Reply:
    sent = getattr(person.client, method)(
        f"/api/catalog/{path}", body, content_type="application/json", headers={"if-match": seen}
    )
    return Reply(sent)


@pytest.fixture
def slot(database: None) -> CourseSlot:
    programme = Programme.objects.create(name="BSc", category="UG")
    plan = Curriculum.objects.create(
        name="Plan", programme=programme, no_of_semester=1, min_credit=3
    )
    semester = CurriculumSemester.objects.create(curriculum=plan, semester_no=1)
    return CourseSlot.objects.create(semester=semester, name="Core", type=SlotType.OTHERS)


def test_a_plan_is_changed_as_it_was_seen_or_not_at_all(
    registrar: Person, slot: CourseSlot
) -> None:
    """A slot, a course in it, the credits: all of it is the plan that was seen."""
    course = begin()
    plan = f"curricula/{slot.semester.curriculum_id}/"
    seen = Reply(registrar.client.get(f"/api/catalog/{plan}")).headers["ETag"]
    place = f"slots/{slot.pk}/courses/{course.pk}/"

    first = other(registrar, "patch", f"slots/{slot.pk}/", {"name": "Choice"}, seen)
    assert first.status == 200, first.raw
    assert first.headers["ETag"] != seen

    for method, path, body in [
        ("patch", f"slots/{slot.pk}/", {"name": "Mine"}),
        ("put", place, {}),
        ("delete", place, {}),
        ("patch", plan, {"min_credit": 9}),
    ]:
        late = other(registrar, method, path, body, seen)
        assert (late.status, late.code) == (412, "PRECONDITION"), late.raw
        assert late.body["etag"] == first.headers["ETag"]

    second = other(registrar, "put", place, {}, first.headers["ETag"])
    third = other(registrar, "delete", place, {}, second.headers["ETag"])
    fourth = other(registrar, "patch", plan, {"min_credit": 9}, third.headers["ETag"])
    assert [each.status for each in (second, third, fourth)] == [200, 200, 200], fourth.raw


def test_a_department_is_changed_as_it_was_seen_or_not_at_all(registrar: Person) -> None:
    path = f"departments/{make_department('MATH', 'Mathematics').pk}/"
    seen = Reply(registrar.client.get(f"/api/catalog/{path}")).headers["ETag"]

    first = other(registrar, "patch", path, {"name": "Maths"}, seen)
    late = other(registrar, "patch", path, {"name": "Mine"}, seen)
    gone = other(registrar, "delete", path, {}, seen)
    last = other(registrar, "delete", path, {}, first.headers["ETag"])

    assert [each.status for each in (first, late, gone, last)] == [200, 412, 412, 204]

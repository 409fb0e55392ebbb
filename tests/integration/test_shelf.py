"""What is kept of the catalogue, and that a change of any part of it is seen at once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from courses import shelf
from courses.models import (
    Course,
    CoursePrerequisite,
    CourseSlot,
    CourseSlotCourse,
    Curriculum,
    CurriculumSemester,
    Department,
    Discipline,
    Offering,
    Programme,
    SlotType,
)
from courses.shelf import epoch, kept
from registrar.accounts.claims import ADMIN, claim_role
from registrar.accounts.roles import Role
from tests.catalogue import begin, change
from tests.departments import make_department
from tests.factories import enroll, make_course, make_offering, make_student, make_term, open_window
from tests.integration.test_api_courses import Person
from tests.races import settle_all

pytestmark = pytest.mark.requirement("S1-107", "S1-108")


@pytest.fixture(autouse=True)
def _empty_shelf(database: None) -> None:
    caches["shelf"].clear()


class Reader:
    """Reads something that is kept, and counts how often it really did."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> list[str]:
        self.times += 1
        return list(Course.latest.order_by("code").values_list("code", flat=True))


def test_what_was_read_is_kept_until_the_catalogue_changes() -> None:
    read = Reader()
    begin(code="CS101")

    assert [kept("all", read) for _ in range(3)] == [["CS101"]] * 3
    assert read.times == 1

    begin(code="CS102")

    assert kept("all", read) == ["CS101", "CS102"]
    assert read.times == 2


def test_different_questions_are_kept_apart() -> None:
    begin(code="CS101")

    assert kept("one", lambda: 1) == 1
    assert kept("two", lambda: 2) == 2


def test_nothing_is_kept_longer_than_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's cache does the forgetting: that it is told to is seen with a time that is over."""
    read = Reader()
    begin(code="CS101")
    assert shelf.SECONDS == 3600
    monkeypatch.setattr(shelf, "SECONDS", 0)

    kept("all", read)
    kept("all", read)

    assert read.times == 2


def test_without_a_mark_nothing_is_kept() -> None:
    """A database that nothing was written to, or one whose owner took the marks away."""
    read = Reader()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalogue_epochs")

    assert epoch() == ""
    assert (kept("all", read), kept("all", read)) == ([], [])
    assert read.times == 2


def test_what_was_taken_back_is_not_seen() -> None:
    begin(code="CS101")
    read = Reader()

    with transaction.atomic():
        begin(code="CS102")
        assert kept("all", read) == ["CS101", "CS102"], "whoever writes sees what they wrote"
        transaction.set_rollback(True)

    assert kept("all", read) == ["CS101"]


def test_a_transaction_leaves_one_mark_however_much_it_writes() -> None:
    begin(code="CS101")
    with transaction.atomic():
        begin(code="CS102")
        first = epoch()
        begin(code="CS103")
        assert epoch() == first
    begin(code="CS104")

    assert epoch() != first


# Whatever a page is made of ---------------------------------------------------------------------


def writes() -> dict[str, Callable[[], Any]]:
    """A change of each table that a list of courses, or the page of one, is made of."""
    course, other = begin(code="CS101"), begin(code="CS102")
    programme = Programme.objects.create(name="BSc", category="UG")
    plan = Curriculum.objects.create(
        name="Plan", programme=programme, no_of_semester=1, min_credit=3
    )
    semester = CurriculumSemester.objects.create(curriculum=plan, semester_no=1)
    slot = CourseSlot.objects.create(semester=semester, name="Core", type=SlotType.OTHERS)
    place = CourseSlotCourse.objects.create(slot=slot, course=course)
    discipline = Discipline.objects.create(name="Logic")
    department = make_department("MATH", "Mathematics")

    def renamed() -> None:
        with claim_role(ADMIN):
            Department.objects.filter(pk=department.pk).update(name="Maths")

    return {
        "courses": lambda: change(course, credit=9),
        "courses_disciplines": lambda: change(other, disciplines=[discipline]),
        "disciplines": lambda: Discipline.objects.filter(pk=discipline.pk).update(name="Sets"),
        "departments": renamed,
        "course_prerequisites": lambda: CoursePrerequisite.objects.create(
            from_course=begin(code="ZZ9"), to_course=course
        ),
        "programmes": lambda: Programme.objects.filter(pk=programme.pk).update(name="BA"),
        "curricula": lambda: Curriculum.objects.filter(pk=plan.pk).update(min_credit=4),
        "curriculum_semesters": lambda: CurriculumSemester.objects.create(
            curriculum=plan, semester_no=2
        ),
        "course_slots": lambda: CourseSlot.objects.filter(pk=slot.pk).update(name="Choice"),
        "course_slot_courses": lambda: place.delete(),
    }


def test_a_change_of_anything_that_a_page_shows_is_another_epoch() -> None:
    seen = {}
    for table, write in writes().items():
        before = epoch()
        write()
        seen[table] = epoch() != before

    assert seen == dict.fromkeys(_watched(), True)


def _watched() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'catalogue_changed'"
        )
        return [table for (table,) in cursor.fetchall()]


def test_plain_sql_is_noticed_as_well() -> None:
    course = begin(code="CS101")
    before = epoch()

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE courses SET state = 'INACTIVE', working_course = false WHERE id = %s",
            [course.pk],
        )

    assert epoch() != before


def test_a_seat_is_none_of_the_catalogues_business() -> None:
    """A day of registration leaves the shelf as it is."""
    term = make_term()
    open_window(term)
    offering = make_offering(term)
    student = make_student(term)
    before = epoch()

    enroll(offering, [student])
    settle_all()

    assert Offering.objects.get().taken == 1
    assert epoch() == before


@pytest.mark.parametrize("role", ["reg_web", "reg_worker"])
def test_who_serves_pages_cannot_say_that_nothing_changed(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege "
            "WHERE has_table_privilege(%s, 'catalogue_epochs', privilege)",
            [role],
        )
        assert cursor.fetchall() == [("SELECT",)]


# Over HTTP ------------------------------------------------------------------------------------


def test_a_list_asked_for_again_costs_a_query_for_the_epoch_and_none_for_courses() -> None:
    student = Person(Role.STUDENT)
    make_course("CS101")
    first = student.get("")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        again = student.get("")

    assert again.raw == first.raw
    asked = [query["sql"] for query in queries if '"courses"' in query["sql"]]
    assert asked == []
    assert sum("catalogue_epochs" in query["sql"] for query in queries) == 1


def test_an_address_with_something_made_up_takes_no_place_on_the_shelf() -> None:
    student = Person(Role.STUDENT)
    make_course("CS101")
    keep = student.get("?code=cs&page_size=5")
    before = dict(shelf_of_this_process())

    made_up = [student.get(f"?code=cs&page_size=5&anything={n}") for n in range(3)]

    assert {len(each.body["results"]) for each in (keep, *made_up)} == {1}
    assert len(before) == 1
    assert shelf_of_this_process() == before


def shelf_of_this_process() -> dict[str, Any]:
    return caches["shelf"]._cache  # type: ignore[attr-defined,no-any-return]


def test_students_and_staff_are_never_given_each_others_list() -> None:
    student, registrar = Person(Role.STUDENT), Person(Role.REGISTRAR)
    idle = make_course("CS900")
    registrar.send("post", f"{idle.pk}/state/", {"state": "INACTIVE", "reason": "No teacher."})

    assert [row["code"] for row in registrar.get("").body["results"]] == ["CS900"]
    assert student.get("").body["results"] == []


def test_a_course_that_is_taken_away_is_gone_from_the_next_answer() -> None:
    student, registrar = Person(Role.STUDENT), Person(Role.REGISTRAR)
    course = make_course("CS101")
    before = student.get("")
    assert [row["code"] for row in before.body["results"]] == ["CS101"]

    registrar.send("post", f"{course.pk}/state/", {"state": "INACTIVE", "reason": "No teacher."})

    after = student.client.get(
        "/api/catalog/courses/", headers={"if-none-match": before.headers["ETag"]}
    )
    assert after.status_code == 200
    assert after.json()["results"] == []


def test_the_page_of_a_course_follows_the_plans_that_it_is_in() -> None:
    student = Person(Role.STUDENT)
    course = make_course("CS101")
    first = student.get(f"{course.pk}/")
    assert first.body["slots"] == []

    programme = Programme.objects.create(name="BSc", category="UG")
    plan = Curriculum.objects.create(
        name="Plan", programme=programme, no_of_semester=1, min_credit=3
    )
    semester = CurriculumSemester.objects.create(curriculum=plan, semester_no=1)
    slot = CourseSlot.objects.create(semester=semester, name="Core", type=SlotType.OTHERS)
    CourseSlotCourse.objects.create(slot=slot, course=course)

    assert [each["name"] for each in student.get(f"{course.pk}/").body["slots"]] == ["Core"]

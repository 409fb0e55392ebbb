"""A rehearsal's own term: written whole or not at all, and nobody else's is touched."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import authenticate
from django.db import connection

from courses.models import Course, Meeting, Offering, Section, Term
from enrollment.models import CartItem, Student, Window
from enrollment.rehearsal.keeping import leave_open
from enrollment.rehearsal.scenery import Occupied, Person, Scene, build
from enrollment.rehearsal.university import CoursePlan, SectionPlan
from registrar.accounts.models import User
from tests.factories import make_course, make_offering, make_student, make_term, open_window

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
MORNING = ((540, 590), (3420, 3470))
PEOPLE = (Person("1", "first year", "Ada", "Nettlewick"), Person("2", ""))


def course(code: str = "TID101", **changes: object) -> CoursePlan:
    plan = CoursePlan(
        code=code, name=f"Tides of {code}", credits=3, meets=MORNING, base_limit=30,
        section_limit=20, auto_create=True, open_threshold=5, max_sections=-1, waitlist_cap=10,
        sections=(),
    )  # fmt: skip
    return plan._replace(**changes)  # type: ignore[arg-type]


def scene(*courses: CoursePlan, tokens: bool = True, **more: object) -> Scene:
    return Scene(courses or (course(),), PEOPLE, 18, tokens, **more)  # type: ignore[arg-type]


def test_a_course_is_offered_as_it_was_planned(database: None) -> None:
    stage = build(scene(), NOW)

    offering = Offering.objects.get(pk=stage.offerings[0])
    assert (offering.course.code, offering.course.credit, offering.term.code) == (
        "TID101", 3, "R-20260901-080000",
    )  # fmt: skip
    assert (offering.base_limit, offering.section_limit, offering.open_threshold) == (30, 20, 5)
    assert (offering.max_sections, offering.waitlist_cap) == (None, 10)
    assert offering.base_meets == MORNING
    assert offering.term.credit_maximum == 18


def test_sections_that_exist_before_the_day_have_numbers_codes_and_times(database: None) -> None:
    sections = (SectionPlan(20, MORNING), SectionPlan(25, ((2000, 2060),)))

    stage = build(scene(course(base_limit=0, sections=sections)), NOW)

    made = Section.objects.order_by("section_number")
    assert [(s.code, s.enrollment_limit, s.meets) for s in made] == [
        ("TID101-SEC001", 20, MORNING),
        ("TID101-SEC002", 25, ((2000, 2060),)),
    ]
    assert Offering.objects.get(pk=stage.offerings[0]).next_number == 3
    assert Offering.objects.get(pk=stage.offerings[0]).base_meets == ()
    assert {(m.section_id, m.day, m.start, m.end) for m in Meeting.objects.all()} == {
        (made[0].pk, 0, 540, 590),
        (made[0].pk, 2, 540, 590),
        (made[1].pk, 1, 560, 620),
    }


def test_each_student_signs_in_with_a_token_of_their_own(database: None) -> None:
    stage = build(scene(), NOW)

    first, second = Student.objects.order_by("id").select_related("user")
    assert [first.pk, second.pk] == stage.students
    assert (first.number, first.cohort) == ("R-20260901-080000-1", "R-20260901-080000 first year")
    assert first.user is not None
    assert (first.user.first_name, first.user.last_name) == ("Ada", "Nettlewick")
    assert len(set(stage.tokens)) == 2
    assert authenticate(username=first.user.username, password="!") is None


def test_without_the_web_nobody_needs_a_login(database: None) -> None:
    stage = build(scene(tokens=False), NOW)

    assert stage.tokens == []
    assert len(stage.students) == 2
    assert not User.objects.exists()


def test_carts_are_filled_before_the_day(database: None) -> None:
    stage = build(scene(course("TID101"), course("TID102"), carts={1: (1, 0)}), NOW)

    items = CartItem.objects.order_by("id").values_list("student_id", "offering_id")
    assert list(items) == [(stage.students[1], stage.offerings[i]) for i in (1, 0)]


def test_a_second_rehearsal_offers_the_same_courses_in_a_term_of_its_own(database: None) -> None:
    one = build(scene(course("TID101"), course("TID102")), NOW)

    two = build(scene(course("tid102"), course("TID103")), NOW + timedelta(seconds=1))

    assert two.term != one.term
    assert two.courses[0] == one.courses[1]
    assert not set(two.offerings) & set(one.offerings)
    assert not set(two.students) & set(one.students)
    assert Course.objects.count() == 3


def test_courses_of_the_catalogue_and_other_terms_are_left_as_they_are(database: None) -> None:
    term = make_term()
    theirs = make_offering(term, code="TID101", credit=4, base_limit=7)
    student = make_student(term)
    before = (theirs.course.name, student.cohort)

    stage = build(scene(), NOW)

    theirs.refresh_from_db()
    student.refresh_from_db()
    assert stage.courses == [theirs.course_id]
    assert (theirs.course.name, student.cohort) == before
    assert theirs.base_limit == 7
    assert Offering.objects.filter(term=term).count() == 1


def test_its_cohorts_are_no_other_terms(database: None) -> None:
    stage = build(scene(), NOW)

    assert stage.cohorts == ["R-20260901-080000", "R-20260901-080000 first year"]
    assert set(Student.objects.values_list("cohort", flat=True)) == set(stage.cohorts)


def test_it_does_not_begin_where_its_students_could_take_real_seats(database: None) -> None:
    term = make_term("AUTUMN")
    make_offering(term, code="TID101")
    open_window(term)

    with pytest.raises(Occupied, match="TID101 is open to every student in term AUTUMN"):
        build(scene(), NOW)

    assert not Term.objects.filter(code__startswith="R-").exists(), "nothing was written"
    assert not Student.objects.exists()


def test_a_window_for_named_cohorts_is_in_nobodys_way(database: None) -> None:
    term = make_term()
    make_offering(term, code="TID101")
    open_window(term, cohorts=["first year"])

    assert build(scene(), NOW).offerings


def test_only_the_latest_version_of_a_course_is_offered(database: None) -> None:
    make_course("TID101", version="1.0", latest_version=False)
    latest = make_course("TID101", version="2.0")

    assert build(scene(), NOW).courses == [latest.pk]


def test_two_in_one_second_are_told_apart_by_being_refused(database: None) -> None:
    build(scene(), NOW)

    with pytest.raises(Occupied, match="this very second"):
        build(scene(), NOW)


def test_a_demo_that_is_kept_can_be_signed_in_to(database: None) -> None:
    stage = build(scene(), NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [now] = cursor.fetchone()

    left = leave_open(stage, now)
    again = leave_open(stage, now)

    admin = authenticate(username=again.admin.name, password=again.admin.password)
    student = authenticate(username=left.student.name, password=again.student.password)
    assert isinstance(admin, User)
    assert admin.is_superuser
    assert isinstance(student, User)
    assert student.student.pk in stage.students
    assert not student.is_staff
    assert Window.objects.filter(term=stage.term, cohorts=stage.cohorts, closes_at__gt=now).exists()

"""Who teaches what: teams, shares, loads by semester, and a history that stays."""

import json
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from courses import queries
from courses.models import Course, CourseInstructor, Meeting, Section, SemesterType, Term
from courses.teaching import assign, change_share, loads, team
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.audit.models import Entry
from tests.clerks import member
from tests.factories import make_course, make_offering, make_section, make_term, make_user
from tests.studyplans import CLERK, NOW, field, refusal, supersede

BY: dict[str, Any] = {"actor": CLERK, "now": NOW}
ODD = SemesterType.ODD


@pytest.fixture
def noether(database: None) -> User:
    user = member(Role.FACULTY)
    User.objects.filter(pk=user.pk).update(
        username="noether", first_name="Emmy", last_name="Noether"
    )
    return user


@pytest.fixture
def mechanics(database: None) -> Course:
    return make_course("AS101", lecture_hours=3, pratical_hours=1)


def name(course: Course, user: User, share: int = 100, **when: Any) -> int:
    said: dict[str, Any] = {"year": 2026, "semester_type": ODD, **when}
    return assign(course=course.pk, instructor=user.pk, share=share, **said, **BY)


def colleague(username: str) -> User:
    user = make_user(username)
    user.groups.set(User.objects.get(username="noether").groups.all())
    return user


# Teams --------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-23", "S1-95")
def test_several_people_teach_a_course_together(noether: User, mechanics: Course) -> None:
    name(mechanics, noether, 60)
    name(mechanics, colleague("hopper"), 40)

    found = team(Q(course=mechanics))

    assert [(each.name, each.share, each.team_share) for each in found] == [
        ("Emmy Noether", 60, 100),
        ("hopper", 40, 100),
    ]


def test_a_team_that_carries_more_than_the_whole_can_be_seen(
    noether: User, mechanics: Course
) -> None:
    name(mechanics, noether)
    name(mechanics, colleague("hopper"))
    name(mechanics, noether, year=2025)

    assert [each.team_share for each in team(Q(year=2026))] == [200, 200]
    assert [each.team_share for each in team(Q(year=2025))] == [100]


@pytest.mark.requirement("S1-23")
def test_the_year_is_the_current_one_unless_another_is_given(
    noether: User, mechanics: Course
) -> None:
    assign(course=mechanics.pk, instructor=noether.pk, semester_type=ODD, **BY)

    with connection.cursor() as cursor:
        cursor.execute("SELECT EXTRACT(YEAR FROM CURRENT_DATE)::int")
        [year] = cursor.fetchone()
    assert CourseInstructor.objects.get().year == year
    again = field(assign, course=mechanics.pk, instructor=noether.pk, semester_type=ODD)
    assert again == ("instructor", "They are named for this course and semester already.")


@pytest.mark.requirement("S1-23")
def test_a_person_is_named_for_a_course_once_a_semester(noether: User, mechanics: Course) -> None:
    name(mechanics, noether)
    said = {"course": mechanics.pk, "instructor": noether.pk, "year": 2026}

    assert field(assign, **said, semester_type=ODD)[0] == "instructor"
    name(mechanics, noether, semester_type=SemesterType.EVEN)
    name(mechanics, noether, year=2027)
    assert CourseInstructor.objects.count() == 3


def test_only_the_faculty_teach(noether: User, mechanics: Course) -> None:
    stranger = make_user("ada")
    left = colleague("hopper")
    User.objects.filter(pk=left.pk).update(is_active=False)

    for user in (stranger, left):
        said = {"course": mechanics.pk, "instructor": user.pk, "semester_type": ODD}
        assert field(assign, **said) == ("instructor", "They are not of the faculty.")
    assert field(assign, course=99, instructor=noether.pk, semester_type=ODD)[0] == "course"
    assert not CourseInstructor.objects.exists()


@pytest.mark.requirement("S1-23")
def test_a_share_changes_and_the_row_and_its_history_stay(noether: User, mechanics: Course) -> None:
    named = name(mechanics, noether)

    change_share(assignment=named, share=0, **BY)

    assert CourseInstructor.objects.get().share == 0
    entries = Entry.objects.filter(stream=f"teaching:{mechanics.pk}").order_by("seq")
    assert [each.event for each in entries] == ["instructor_named", "share_changed"]
    facts = json.loads(entries[1].body)
    assert (facts["instructor"], facts["before"], facts["after"]) == (noether.pk, 100, 0)


@pytest.mark.parametrize("share", [-1, 101])
def test_a_share_is_a_percentage(noether: User, mechanics: Course, share: int) -> None:
    named = name(mechanics, noether)

    assert field(change_share, assignment=named, share=share)[0] == "share"
    said = {"course": mechanics.pk, "instructor": noether.pk, "semester_type": ODD, "year": 2025}
    assert field(assign, **said, share=share)[0] == "share"
    assert refusal(change_share, assignment=99, share=1).code == "NOT_FOUND"


# Loads --------------------------------------------------------------------------------------


def section_of(course: Course, term: Term, user: User) -> Section:
    offering = make_offering(term)
    offering.course = course
    offering.save()
    section = make_section(offering, 10)
    Section.objects.filter(pk=section.pk).update(instructor=user)
    return section


@pytest.mark.requirement("S1-95")
def test_a_load_sums_the_hours_of_all_courses_by_share(noether: User, mechanics: Course) -> None:
    name(mechanics, noether, 50)
    name(make_course("AS102", lecture_hours=3), noether)
    name(make_course("AS103"), noether)

    [load] = loads(instructor=noether.pk)

    assert (load.name, load.year, load.semester_type) == ("Emmy Noether", 2026, "Odd Semester")
    assert str(load.hours) == "5.00"
    assert [(each.code, each.contact_hours, str(each.hours)) for each in load.courses] == [
        ("AS101", 4, "2.00"),
        ("AS102", 3, "3.00"),
        ("AS103", 0, "0.00"),
    ]


@pytest.mark.requirement("S1-95")
def test_every_section_that_names_somebody_is_taught(noether: User, mechanics: Course) -> None:
    term = make_term()  # Odd Semester 2026
    name(mechanics, noether)
    offering = section_of(mechanics, term, noether).offering
    second = make_section(offering, 10)
    Section.objects.filter(pk=second.pk).update(instructor=noether)
    make_section(offering, 10)

    [load] = loads(instructor=noether.pk)

    [taught] = load.courses
    assert taught.sections == ["AS101-SEC001", "AS101-SEC002"]
    assert str(load.hours) == "8.00"


def test_who_teaches_a_section_is_counted_without_being_named_for_the_course(
    noether: User, mechanics: Course
) -> None:
    section_of(mechanics, make_term(), noether)

    [load] = loads(instructor=noether.pk, year=2026, semester_type=ODD)

    assert (str(load.hours), load.courses[0].share) == ("4.00", 100)


def test_a_newer_version_of_a_course_is_no_second_course(noether: User, mechanics: Course) -> None:
    name(mechanics, noether, 50)
    section_of(supersede(mechanics), make_term(), noether)

    [load] = loads(instructor=noether.pk)

    assert len(load.courses) == 1
    assert str(load.hours) == "2.00"


@pytest.mark.requirement("S1-23", "S1-95")
def test_earlier_years_are_kept_and_asked_for_by_year_and_semester(
    noether: User, mechanics: Course
) -> None:
    for year in (2024, 2026, 2025):
        name(mechanics, noether, year=year)
    name(mechanics, noether, year=2025, semester_type=SemesterType.EVEN)

    def seen(**when: Any) -> list[tuple[int, str]]:
        return [(each.year, each.semester_type) for each in loads(instructor=noether.pk, **when)]

    assert seen() == [
        (2026, "Odd Semester"),
        (2025, "Even Semester"),
        (2025, "Odd Semester"),
        (2024, "Odd Semester"),
    ]
    assert seen(year=2025) == [(2025, "Even Semester"), (2025, "Odd Semester")]
    assert seen(semester_type=SemesterType.EVEN) == [(2025, "Even Semester")]
    assert seen(year=2020) == []


@pytest.mark.requirement("S1-106")
def test_many_loads_cost_as_many_queries_as_one(noether: User, mechanics: Course) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert loads(year=2026)
            assert team(Q(year=2026))
        return len(seen)

    name(mechanics, noether)
    few = queries()
    term = make_term()
    for number in range(6):
        user = colleague(f"teacher{number}")
        course = make_course(lecture_hours=2)
        name(course, user)
        section_of(course, term, user)

    assert queries() == few == 6
    assert len(loads(year=2026)) == 7


@pytest.mark.requirement("S1-96")
def test_a_section_says_its_room_and_its_times(noether: User, mechanics: Course) -> None:
    section = section_of(mechanics, make_term(), noether)
    planned = {"day": 0, "start": 9 * 60, "end": 10 * 60, "room": "Laboratory 2"}
    Meeting.objects.create(offering=section.offering, section=section, **planned)

    seen = queries.offering(section.offering_id)

    assert seen is not None
    [shown] = seen.sections
    assert shown.instructor == "Emmy Noether"
    assert shown.meetings == [queries.MeetingSeen("Mon", "09:00", "10:00", "Laboratory 2")]

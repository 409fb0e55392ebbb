"""The rest of the catalogue in and out by the admin's pages: plans, departments, who teaches."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from courses.models import (
    Batch,
    CourseInstructor,
    CourseSlot,
    Curriculum,
    CurriculumSemester,
    Department,
    DepartmentCourseMap,
    Discipline,
    Programme,
    Term,
)
from registrar.accounts.roles import Role
from tests.clerks import as_owner, signed_in
from tests.departments import make_department
from tests.factories import make_course, make_offering, make_section, make_term, make_user
from tests.filing import bring, out, preview, wrong

PLAN = {"category": "UG", "programme": "Astronautics", "curriculum": "Astro"}


@pytest.fixture
def registrar(database: None) -> Iterator[Client]:
    make_course("CS101", name="Introduction to Computing")
    make_department("CS")
    Discipline.objects.create(name="Computing", acronym="C")
    with signed_in(Role.REGISTRAR) as client:
        yield client


def test_disciplines_and_terms(registrar: Client) -> None:
    bring(registrar, "discipline", {"name": "Physics", "acronym": "P"}, {"name": "Computing"})
    term = {"code": "2027-ODD", "year": "2027", "semester_type": "Odd Semester"}
    bring(registrar, "term", term)
    bad = preview(registrar, "term", {**term, "semester_type": "Winter"})

    assert Discipline.objects.get(name="Physics").acronym == "P"
    assert Discipline.objects.get(name="Computing").acronym == "C"
    assert Term.objects.get(code="2027-ODD").year == 2027
    assert "semester_type" in wrong(bad)[0][1]
    assert out(registrar, "term")[0]["semester_type"] == "Odd Semester"


@pytest.fixture
def plan(registrar: Client) -> Client:
    bring(
        registrar,
        "programme",
        {"category": "UG", "name": "Astronautics", "disciplines": "Computing"},
    )
    bring(registrar, "curriculum", {**PLAN, "no_of_semester": "2", "min_credit": "6"})
    return registrar


def test_plans_come_in_from_programmes_down_to_courses_in_slots(plan: Client) -> None:
    slot = {**PLAN, "semester_no": "1", "name": "Core 1", "type": "Professional Core"}
    bring(plan, "curriculum", {**PLAN, "semester_no": "3"}, kind=1)
    bring(plan, "curriculum", {**slot, "courses": "cs101", "duration": "1"}, kind=2)

    assert [each.name for each in Programme.objects.get().disciplines.all()] == ["Computing"]
    assert Curriculum.objects.get().no_of_semester == 3
    assert CurriculumSemester.objects.count() == 3
    assert [each.code for each in CourseSlot.objects.get().courses.all()] == ["CS101"]
    for kind, count in ((0, 1), (1, 3), (2, 1)):
        rows = out(plan, "curriculum", kind=kind)
        assert len(rows) == count
        said = bring(plan, "curriculum", *rows, kind=kind)
        assert f"0 new, 0 updated, 0 deleted and {count} skipped" in said
    bring(plan, "curriculum", {**slot, "courses": ""}, kind=2)
    assert not CourseSlot.objects.get().courses.exists()


def test_a_plan_says_what_cannot_be(plan: Client) -> None:
    slot = {**PLAN, "semester_no": "1", "name": "Core 1", "type": "Professional Core"}
    wrongs = (
        (0, {**PLAN, "no_of_semester": "9", "min_credit": "6"}, "no_of_semester"),
        (0, {**PLAN, "programme": "Magic", "no_of_semester": "1", "min_credit": "6"}, "programme"),
        (1, {**PLAN, "semester_no": "5"}, "semester_no"),
        (2, {**slot, "semester_no": "9"}, "semester_no"),
        (2, {**slot, "type": "Fun"}, "type"),
        (2, {**slot, "courses": "CS404"}, "courses"),
        (2, {**slot, "min_registration_limit": "9", "max_registration_limit": "1"}, "max_"),
        (2, {**slot, "curriculum": "Nothing"}, "curriculum"),
    )
    for kind, row, column in wrongs:
        [(number, said)] = wrong(preview(plan, "curriculum", row, kind=kind))
        assert number == 1
        assert next(iter(said)).startswith(column), (row, said)


def test_batches_and_what_they_study_by(plan: Client) -> None:
    batch = {"name": "Comets", "discipline": "Computing", "year": "2026", **PLAN}
    bring(plan, "batch", {**batch, "running_batch": "yes", "total_seats": "40"})

    made = Batch.objects.get()
    assert (made.total_seats, made.running_batch) == (40, True)
    assert made.curriculum == Curriculum.objects.get()
    assert "1 skipped" in bring(plan, "batch", *out(plan, "batch"))
    bad = preview(plan, "batch", {**batch, "running_batch": "perhaps"})
    assert wrong(bad)[0][1] == {"running_batch": ["'perhaps' is neither yes nor no."]}


def test_departments_and_what_is_taught_in_them(registrar: Client) -> None:
    place = {"department": "cs", "year_number": "1", "semester_number": "2", "course": "cs101"}
    bring(registrar, "department", {"code": "PH", "name": "Physics"}, {"code": "cs", "name": "CS!"})
    bring(registrar, "department", place, kind=1)

    assert Department.objects.get(code="CS").name == "CS!"
    placed = DepartmentCourseMap.objects.get()
    assert (placed.course.code, placed.semester.absolute_number) == ("CS101", 2)
    assert "1 skipped" in bring(
        registrar, "department", *out(registrar, "department", kind=1), kind=1
    )
    assert len(out(registrar, "department", kind=2)) == 16
    bad = preview(registrar, "department", {**place, "year_number": "9"}, kind=1)
    assert "semester_number" in wrong(bad)[0][1]


def test_who_teaches_what(registrar: Client) -> None:
    with as_owner():
        make_user("ada").groups.add(Group.objects.get(name=Role.FACULTY))
    row = {"course": "CS101", "instructor": "ada", "year": "2026", "semester_type": "Odd Semester"}
    bring(registrar, "courseinstructor", {**row, "share": "60"})
    bring(registrar, "courseinstructor", {**row, "share": "40"})

    assert CourseInstructor.objects.get().share == 40
    for column, cell in (("instructor", "nobody"), ("semester_type", "Winter"), ("share", "101")):
        bad = preview(
            registrar, "courseinstructor", {**row, "share": "40", "year": "2027", column: cell}
        )
        assert list(wrong(bad)[0][1]) == [column]


def test_sections_are_exported_only(registrar: Client) -> None:
    with as_owner():
        make_section(make_offering(make_term("2026-ODD"), code="CS900"), 12)

    [row] = out(registrar, "section")

    assert (row["code"], row["enrollment_limit"], row["taken"]) == ("CS900-SEC001", "12", "0")
    assert registrar.get("/admin/courses/section/import/").status_code == 403

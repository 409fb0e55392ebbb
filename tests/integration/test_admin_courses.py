"""A course's pages in the admin: added, versioned with a preview, compared, gone back to."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from courses import catalogue
from courses.lifecycle import State
from courses.models import Course, DepartmentMember
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from tests.clerks import as_owner, form_of, held, page, send, signed_in, told
from tests.departments import make_department
from tests.factories import make_course, make_offering, make_term
from tests.integration.test_api_courses import NEW, NOW

ADD = "courses/course/add/"


@pytest.fixture
def course(database: None) -> Course:
    return make_course("CS101", name="Introduction to Computing")


@pytest.fixture
def registrar(course: Course) -> Iterator[Client]:
    with signed_in(Role.REGISTRAR) as client:
        yield client


def at(course: Course, action: str) -> str:
    return f"courses/course/{course.pk}/{action}/"


def errors(response: Any, field: str) -> list[str]:
    return list(response.context["form"].errors[field])


def test_a_course_is_added_with_each_mistake_beside_its_field(registrar: Client) -> None:
    wrong = send(registrar, ADD, **NEW, percent_quiz_1=11)
    taken = send(registrar, ADD, **(NEW | {"code": "cs101 "}))
    needs = send(registrar, ADD, **NEW, pre_requisit_courses="CS101, CS404")
    done = send(registrar, ADD, **NEW, pre_requisit_courses="cs101")

    [sums] = errors(wrong, "percent_quiz_1")
    assert sums == "Assessment percentages must sum to 100%, these sum to 101%."
    assert errors(taken, "code") == ["Another course has the code cs101."]
    assert errors(needs, "pre_requisit_courses") == ["There is no course with the code CS404."]
    assert told(done) == "PH101 - Physics - v1.0 is in the catalogue."
    made = Course.objects.get(code="PH101")
    assert [each.code for each in made.pre_requisit_courses.all()] == ["CS101"]


@pytest.mark.requirement("S1-79")
def test_a_draft_waits_to_be_activated(registrar: Client) -> None:
    send(registrar, ADD, **NEW, draft="on")
    draft = Course.objects.get(code="PH101")

    send(registrar, at(draft, "new_version"), credit=6)
    send(registrar, at(draft, "other_state"), state="ACTIVE", reason="Approved.")

    draft.refresh_from_db()
    assert (draft.state, draft.credit, str(draft.version)) == ("ACTIVE", 6, "1.0")


@pytest.mark.requirement("S1-57", "S1-66")
def test_a_new_version_is_shown_before_it_is_saved(registrar: Client, course: Course) -> None:
    with as_owner():
        term = make_term("2026-ODD")
        offering = make_offering(term, code="CS900")
        catalogue.create_course(NEW | {"pre_requisit_courses": [course]}, actor="user:1", now=NOW)

    shown = send(registrar, at(course, "new_version"), credit=4)
    said = shown.content.decode()
    assert "MINOR: version 2.0." in said
    assert "needed before PH101 - Physics - v1.0" in said
    assert str(offering) not in said
    assert Course.objects.filter(lineage=course.lineage).count() == 1

    saved = send(registrar, at(course, "new_version"), credit=4, save="1")

    assert told(saved).endswith("v2.0 follows CS101 - Introduction to Computing - v1.0.")
    new = Course.latest.get(lineage=course.lineage)
    assert (new.credit, str(new.version), new.revision) == (4, "2.0", 2)


def test_an_untouched_form_makes_no_version(registrar: Client, course: Course) -> None:
    shown = send(registrar, at(course, "new_version"))
    saved = send(registrar, at(course, "new_version"), save="1")

    assert "Nothing differs" in shown.content.decode()
    assert told(saved) == f"Nothing differs from {course}."
    assert Course.objects.count() == 1


def test_another_bump_is_decided_with_a_reason(registrar: Client, course: Course) -> None:
    values = {"credit": 4, "override": "PATCH", "save": "1"}

    refused = send(registrar, at(course, "new_version"), **values)
    send(registrar, at(course, "new_version"), **values, reason="It was a misprint.")

    assert errors(refused, "reason") == ["PATCH in the place of MINOR needs a reason."]
    assert str(Course.latest.get().version) == "1.1"


def test_who_comes_second_is_told_which_version_is_the_latest(
    registrar: Client, course: Course
) -> None:
    sent = form_of(registrar, at(course, "new_version")) | {"credit": 5, "save": "1"}
    send(registrar, at(course, "new_version"), credit=4, save="1")

    late = registrar.post(f"/admin/{at(course, 'new_version')}", sent)

    assert "2.0" in " ".join(late.context["form"].non_field_errors())
    assert Course.latest.get().credit == 4


def test_a_course_held_by_somebody_else_says_to_try_again(
    registrar: Client, course: Course
) -> None:
    with held(course):
        busy = send(registrar, at(course, "new_version"), credit=4, save="1")

    assert "Nothing was done: try again." in busy.content.decode()
    assert Course.objects.count() == 1


def test_a_state_is_changed_with_a_reason_along_the_table(
    registrar: Client, course: Course
) -> None:
    ways = page(registrar, at(course, "other_state"))
    assert "Inactive" in ways
    assert "Archived" not in ways

    nothing = send(registrar, at(course, "other_state"), state="INACTIVE", reason=" ")
    send(registrar, at(course, "other_state"), state="INACTIVE", reason="No teacher.")

    assert errors(nothing, "reason") == ["This field is required."]
    course.refresh_from_db()
    assert (course.state, course.working_course) == ("INACTIVE", False)


@pytest.mark.requirement("S1-67")
def test_the_history_compares_two_versions_and_goes_back(registrar: Client, course: Course) -> None:
    send(
        registrar,
        at(course, "new_version"),
        syllabus="Machines.",
        credit=4,
        reason="Grown.",
        save="1",
    )
    new = Course.latest.get()

    past = page(registrar, f"{at(new, 'history')}?old={course.pk}&new={new.pk}")
    assert "-As announced." in past
    assert "+Machines." in past
    assert "Grown." in past
    assert "Everything that was done to it" in page(registrar, f"{at(new, 'history')}?old=x&new=7")

    back = send(registrar, at(course, "go_back"), reason="Too much.")

    assert told(back).endswith("says what CS101 - Introduction to Computing - v1.0 said.")
    assert Course.latest.get().syllabus == "As announced."


def test_only_what_makes_sense_is_offered(registrar: Client, course: Course) -> None:
    send(registrar, at(course, "new_version"), credit=4, save="1")
    new = Course.latest.get()

    of_latest, of_old = page(registrar, at(new, "change")), page(registrar, at(course, "change"))

    assert ("New version" in of_latest, "Go back to this" in of_latest) == (True, False)
    assert ("New version" in of_old, "Go back to this" in of_old) == (False, True)


@pytest.mark.requirement("S1-99", "S1-100")
def test_faculty_version_their_department_s_courses_and_activate_no_draft(database: None) -> None:
    department = make_department("CS")
    own = make_course("CS202", department=department)
    other = make_course("MA1")
    draft = catalogue.create_course(
        NEW, actor="user:1", now=NOW, state=State.DRAFT, department=department
    )
    with signed_in(Role.FACULTY) as faculty:
        with as_owner():
            department.members.create(user_id=faculty.session["_auth_user_id"])

        send(faculty, at(own, "new_version"), credit=4, save="1")

        assert Course.latest.get(code="CS202").credit == 4
        assert faculty.get(f"/admin/{at(draft, 'other_state')}").status_code == 403
        assert faculty.get(f"/admin/{at(other, 'new_version')}").status_code == 403
        assert faculty.get(f"/admin/{ADD}").status_code == 403


@pytest.mark.requirement("S1-81")
def test_faculty_propose_a_change_from_the_page_of_their_course(database: None) -> None:
    ours, theirs = make_department("PH", "Physics"), make_department("MU", "Music")
    mine = make_course("PH1", department=ours)
    other = make_course("MU1", department=theirs)
    with signed_in(Role.FACULTY) as faculty:
        with as_owner():
            DepartmentMember.objects.create(
                department=ours, user=User.objects.get(username=Role.FACULTY)
            )
        shown = page(faculty, f"courses/course/{mine.pk}/change/")
        asked = faculty.get(f"/admin/courses/course/{mine.pk}/propose", follow=True)
        refused = faculty.get(f"/admin/courses/course/{other.pk}/propose", follow=True)

        assert "Propose a change" in shown
        assert "Propose a change" not in page(faculty, f"courses/course/{other.pk}/change/")
    assert f"Propose a change of {mine}" in asked.content.decode()
    assert refused.status_code == 403


def test_a_head_takes_a_course_off_the_list_and_archives_none(database: None) -> None:
    department = make_department("CS")
    own = make_course("CS202", department=department)
    with signed_in(Role.DEPARTMENT_HEAD) as head:
        with as_owner():
            department.members.create(user_id=head.session["_auth_user_id"])

        send(head, at(own, "other_state"), state="INACTIVE", reason="No teacher.")
        refused = send(head, at(own, "other_state"), state="ARCHIVED", reason="Gone.")

    [said] = errors(refused, "state")
    assert said == "You may not take it to ARCHIVED."
    own.refresh_from_db()
    assert own.state == "INACTIVE"


@pytest.mark.parametrize("action", ["new_version", "other_state", "go_back", "history"])
@pytest.mark.parametrize("object_id", ["0", "x", "99999999999999999999"])
def test_a_page_of_no_course_is_not_found_or_refused(
    registrar: Client, action: str, object_id: str
) -> None:
    response = registrar.get(f"/admin/courses/course/{object_id}/{action}/")

    assert response.status_code in (302, 403, 404)

"""Prerequisites in the admin: the queue of texts for a person, and how edges are meant."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from courses.models import Course, CoursePrerequisite, CourseRule
from registrar.accounts.roles import Role
from tests.catalogue import begin, change
from tests.clerks import as_owner, page, send, signed_in, told

QUEUE = "courses/courserule/"


@pytest.fixture
def art(database: None) -> Course:
    return begin(code="ART1", name="Drawing")


@pytest.fixture
def zoo(art: Course) -> Course:
    return begin(
        code="ZOO2",
        name="Animals",
        pre_requisit_courses=[art.pk],
        pre_requisits="LAW3. Own a <violin>.",
    )


@pytest.fixture
def committee(zoo: Course) -> Iterator[Client]:
    with signed_in(Role.CURRICULUM_COMMITTEE) as client:
        yield client


def text_of(course: Course) -> str:
    return f"{QUEUE}{CourseRule.objects.get(course=course).pk}/change/"


def needs(course: Course) -> str:
    return f"courses/course/{course.pk}/needs/"


def errors(response: Any) -> dict[str, list[str]]:
    return {name: list(said) for name, said in response.context["form"].errors.items()}


@pytest.mark.requirement("S1-10", "S1-12")
def test_the_queue_shows_what_waits_and_what_is_missing(committee: Client, zoo: Course) -> None:
    with as_owner():
        begin(code="LAW3", name="Statutes", pre_requisits="ART1")
        change(begin(code="OLD9", name="Old", pre_requisits="charm"), pre_requisits=None)

    shown = page(committee, QUEUE)

    assert "LAW3. Own a &lt;violin&gt;." in shown
    assert "Own a &lt;violin&gt;</td>" in shown.replace("\n", "").replace("  ", "")
    assert "OLD9" not in shown, "a text that no version says any more needs no answer"
    assert committee.get(f"/admin/{QUEUE}").context["cl"].result_count == 1


def test_a_text_is_answered_in_plainer_words(committee: Client, zoo: Course) -> None:
    said = send(committee, text_of(zoo), plainly="LAW3 and ART1", note="The violin is history.")

    assert told(said) == "The text of ZOO2 - Animals - v1.0 is reviewed."
    rule = CourseRule.objects.get(course=zoo)
    assert (rule.wording, rule.note, rule.rest) == ("LAW3 and ART1", "The violin is history.", [])
    assert said.context["cl"].result_count == 0, "it waits no longer"
    assert committee.get(f"/admin/{QUEUE}?review=reviewed").context["cl"].result_count == 1
    assert committee.get(f"/admin/{QUEUE}?review=all").context["cl"].result_count == 1
    assert "(in the words of a review)" in page(committee, text_of(zoo))


def test_an_answer_may_be_given_again(committee: Client, zoo: Course) -> None:
    send(committee, text_of(zoo), note="Ask the conservatory.")

    assert "Ask the conservatory." in page(committee, text_of(zoo))
    send(committee, text_of(zoo), plainly="LAW3")

    rule = CourseRule.objects.get(course=zoo)
    assert (rule.wording, rule.note) == ("LAW3", "Ask the conservatory.")


def test_what_is_wrong_with_an_answer_stands_beside_its_field(
    committee: Client, zoo: Course
) -> None:
    nothing = send(committee, text_of(zoo))
    vague = send(committee, text_of(zoo), plainly="LAW3 and a violin")
    long = send(committee, text_of(zoo), note="n" * 2001)

    assert list(errors(nothing)) == ["note"]
    assert errors(vague) == {
        "plainly": ["This is not understood either: “LAW3 and a violin”."],
    }
    assert errors(long) == {"note": ["A note has at most 2000 letters."]}
    assert CourseRule.objects.get(course=zoo).reviewed_at is None


def test_a_text_without_flaws_is_in_no_queue(committee: Client, zoo: Course) -> None:
    with as_owner():
        clear = begin(code="LAW3", name="Statutes", pre_requisits="ART1")

    assert committee.get(f"/admin/{text_of(clear)}").status_code == 404
    assert committee.get(f"/admin/{QUEUE}zoo/change/").status_code == 404


# Edges --------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-11")
def test_a_course_says_what_it_needs_and_how_that_is_meant(
    committee: Client, art: Course, zoo: Course
) -> None:
    with as_owner():
        change(art, credit=4)
        newest = Course.latest.get(lineage=art.lineage)
    shown = page(committee, needs(zoo))
    assert "ART1</a> Drawing" in shown
    assert f"/admin/{text_of(zoo)}" in shown, "its text waits"

    said = send(committee, needs(zoo), needed=newest.pk, kind="COREQUISITE", minimum_version="2.0")

    assert told(said) == "What ZOO2 - Animals - v1.0 needs is saved."
    assert "from version 2.0 on; may be taken in the same term" in said.content.decode()
    edge = CoursePrerequisite.objects.get(from_course=zoo)
    assert (edge.kind, str(edge.minimum_version)) == ("COREQUISITE", "2.0")


def test_a_version_that_there_is_not_is_told_beside_its_field(
    committee: Client, art: Course, zoo: Course
) -> None:
    missing = send(committee, needs(zoo), needed=art.pk, minimum_version="7.0")
    early = send(committee, needs(zoo), needed=art.pk, minimum_version="0.5")
    other = send(committee, needs(zoo), needed=zoo.pk)

    assert errors(missing) == {"minimum_version": ["ART1 has no version 7.0 or later."]}
    assert list(errors(early)) == ["minimum_version"]
    assert list(errors(other)) == ["needed"]


@pytest.mark.requirement("S1-21")
def test_a_circle_is_told_above_the_form(committee: Client, art: Course, zoo: Course) -> None:
    send(committee, needs(zoo), needed=art.pk, kind="COREQUISITE")
    with as_owner():
        drawing = change(art, pre_requisit_courses=[zoo.pk])

    said = send(committee, needs(zoo), needed=drawing.pk, kind="PREREQUISITE")

    assert errors(said) == {
        "__all__": ["These prerequisites go in a circle: ZOO2 → ART1 → ZOO2."],
    }


def test_a_course_that_needs_none_has_no_form(committee: Client, art: Course) -> None:
    assert "Save</button>" not in page(committee, needs(art))
    assert committee.post(f"/admin/{needs(art)}", {"needed": 1}).status_code == 200
    assert committee.get("/admin/courses/course/999/needs/").status_code == 404


@pytest.mark.requirement("S1-99")
@pytest.mark.parametrize("role", [Role.FACULTY, Role.DEPARTMENT_HEAD, Role.AUDITOR])
def test_others_see_neither_queue_nor_button(zoo: Course, role: Role) -> None:
    with signed_in(role) as client:
        course = page(client, f"courses/course/{zoo.pk}/change/")

        assert "/needs/" not in course
        assert client.get(f"/admin/{needs(zoo)}").status_code == 403
        assert client.get(f"/admin/{QUEUE}").status_code == 403
        assert client.get(f"/admin/{text_of(zoo)}").status_code == 403

"""Prerequisites over HTTP: what a course needs, what is meant, and who has looked at a text."""

from typing import Any

import pytest

from courses import requirements
from courses.models import Course
from registrar.accounts.roles import Role
from registrar.audit.models import Entry
from tests.catalogue import begin, change
from tests.integration.test_api_courses import Person

QUEUE = "/api/catalog/prerequisites/review/"


@pytest.fixture
def art(database: None) -> Course:
    return begin(code="ART1", name="Drawing")


@pytest.fixture
def zoo(art: Course) -> Course:
    """Needs ART1, and something that no grammar knows."""
    return begin(
        code="ZOO2",
        name="Animals",
        pre_requisit_courses=[art.pk],
        pre_requisits="LAW3 with a grade of B or better. Own a violin. (F,W)",
    )


@pytest.fixture
def committee(database: None) -> Person:
    return Person(Role.CURRICULUM_COMMITTEE)


@pytest.fixture
def student(database: None) -> Person:
    return Person(Role.STUDENT)


def of(course: Course, more: str = "") -> str:
    return f"{course.pk}/prerequisites/{more}"


def errors(reply: Any) -> dict[str, str]:
    return {each["field"]: each["message"] for each in reply.body["errors"]}


@pytest.mark.requirement("S1-11", "S1-12")
def test_a_student_reads_what_a_course_needs(student: Person, art: Course, zoo: Course) -> None:
    change(art, name="Drawing with pencils")
    newest = Course.latest.get(lineage=art.lineage)

    reply = student.get(of(zoo))

    assert reply.status == 200
    assert reply.body == {
        "course": zoo.pk,
        "code": "ZOO2",
        "version": "1.0",
        "edges": [
            {
                "course": newest.pk,
                "code": "ART1",
                "name": "Drawing with pencils",
                "kind": "PREREQUISITE",
                "minimum_version": None,
            }
        ],
        "text": "LAW3 with a grade of B or better. Own a violin. (F,W)",
        "verdict": "partly",
        "understood": "LAW3 with at least B",
        "tree": {"is": "course", "code": "LAW3", "minimum": "B", "concurrent": False},
        "by_hand": ["Own a violin"],
        "remarks": ["(F,W)"],
        "waits": True,
        "wording": "",
        "note": "",
        "reviewed_at": None,
    }


def test_what_is_known_already_is_not_sent_again(student: Person, zoo: Course) -> None:
    etag = student.get(of(zoo)).headers["ETag"]

    again = student.client.get(f"/api/catalog/courses/{of(zoo)}", headers={"if-none-match": etag})

    assert again.status_code == 304


def test_a_course_that_needs_nothing_says_so(student: Person, art: Course) -> None:
    body = student.get(of(art)).body

    assert (body["edges"], body["text"], body["verdict"], body["tree"]) == ([], "", "none", None)
    assert body["waits"] is False


def test_a_course_that_is_not_there_needs_nothing(student: Person, zoo: Course) -> None:
    assert student.get("999/prerequisites/").code == "NOT_FOUND"
    assert student.get(f"{2**70}/prerequisites/").code == "NOT_FOUND"


# The queue ----------------------------------------------------------------------------------


@pytest.mark.requirement("S1-10", "S1-12")
def test_texts_wait_in_the_queue_until_somebody_answers(committee: Person, zoo: Course) -> None:
    change(begin(code="LAW3", name="Statutes"), pre_requisits="ART1")

    [waiting] = committee.client.get(QUEUE).json()["results"]

    assert waiting == {
        "course": zoo.pk,
        "code": "ZOO2",
        "name": "Animals",
        "version": "1.0",
        "text": "LAW3 with a grade of B or better. Own a violin. (F,W)",
        "understood": "LAW3 with at least B",
        "by_hand": ["Own a violin"],
    }
    answered = committee.send("post", of(zoo, "review/"), {"note": "Ask the conservatory."})
    assert answered.status == 200
    assert answered.body["note"] == "Ask the conservatory."
    assert answered.body["by_hand"] == ["Own a violin"], "still looked at for every student"
    assert answered.body["waits"] is False
    assert answered.body["reviewed_at"]
    assert committee.client.get(QUEUE).json()["results"] == []


def test_plainer_words_hold_in_the_place_of_the_text(committee: Person, zoo: Course) -> None:
    reply = committee.send("post", of(zoo, "review/"), {"plainly": "LAW3 with at least B and ART1"})

    assert reply.body["understood"] == "LAW3 with at least B and ART1"
    assert (reply.body["by_hand"], reply.body["waits"]) == ([], False)
    assert reply.body["wording"] == "LAW3 with at least B and ART1"
    assert reply.body["text"].endswith("Own a violin. (F,W)"), "the version stays as it is"
    entry = Entry.objects.filter(stream=f"course:{zoo.lineage}").latest("seq")
    assert (entry.event, entry.actor) == ("prerequisites_reviewed", f"user:{committee.user.pk}")


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({}, "NOTE_MISSING", "note"),
        ({"plainly": "LAW3 and charm"}, "NOT_PLAIN", "plainly"),
        ({"note": "n" * 2001}, "NOTE_LONG", "note"),
        ({"note": ["n"]}, "INVALID", "note"),
        ({"comment": "n"}, "INVALID", "comment"),
    ],
)
def test_a_review_that_cannot_be_is_told_by_its_field(
    committee: Person, zoo: Course, said: dict[str, Any], code: str, field: str
) -> None:
    reply = committee.send("post", of(zoo, "review/"), said)

    assert (reply.code, reply.status) == (code, 422)
    assert list(errors(reply)) == [field]
    assert requirements.needs_of(zoo).waits


def test_there_is_nothing_to_review_without_a_text(committee: Person, art: Course) -> None:
    reply = committee.send("post", of(art, "review/"), {"note": "Fine."})

    assert (reply.code, reply.status) == ("NO_RULE", 409)


# Edges --------------------------------------------------------------------------------------


def test_an_edge_may_be_taken_along_or_ask_for_a_version(
    committee: Person, art: Course, zoo: Course
) -> None:
    change(art, credit=4)

    reply = committee.send(
        "post",
        of(zoo),
        {"needed": art.pk, "kind": "COREQUISITE", "minimum_version": "2.0"},
    )

    assert reply.status == 200
    [edge] = reply.body["edges"]
    assert (edge["kind"], edge["minimum_version"]) == ("COREQUISITE", "2.0")
    assert reply.body["version"] == "1.0", "what is meant is no change of the version"
    assert Entry.objects.filter(event="prerequisite_qualified").count() == 1


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"minimum_version": "7.0"}, "VERSION_UNKNOWN", "minimum_version"),
        ({"minimum_version": "0.5"}, "INVALID", "minimum_version"),
        ({"kind": "WISH"}, "INVALID", "kind"),
        ({"needed": 0}, "INVALID", "needed"),
        ({"needed": 999}, "INVALID", "needed"),
        ({"needed": 2**70}, "INVALID", "needed"),
        ({"needed": "zoo"}, "NO_SUCH_EDGE", None),
    ],
)
def test_an_edge_that_cannot_be_so_is_refused(
    committee: Person,
    art: Course,
    zoo: Course,
    said: dict[str, Any],
    code: str,
    field: str | None,
) -> None:
    sent = {"needed": art.pk, "kind": "PREREQUISITE", **said}
    if sent["needed"] == "zoo":
        sent["needed"] = zoo.pk

    reply = committee.send("post", of(zoo), sent)

    assert (reply.code, reply.status) == (code, 422)
    assert field is None or list(errors(reply)) == [field]


@pytest.mark.requirement("S1-21")
def test_a_circle_is_refused_and_named_however_it_comes_about(
    committee: Person, art: Course, zoo: Course
) -> None:
    """ART1 and ZOO2 may be each other's corequisite; not each other's prerequisite."""
    along = {"needed": art.pk, "kind": "COREQUISITE"}
    assert committee.send("post", of(zoo), along).status == 200
    drawing = change(art, pre_requisit_courses=[zoo.pk])

    before = committee.send("post", of(zoo), {"needed": drawing.pk, "kind": "PREREQUISITE"})
    registrar = Person(Role.REGISTRAR)
    law = {"pre_requisit_courses": [begin(code="LAW3", name="Law").pk, drawing.pk]}
    changed = registrar.send("patch", f"{zoo.pk}/", law)

    assert (before.code, before.status) == ("PREREQUISITE_CIRCLE", 422)
    assert before.body["circle"] == ["ZOO2", "ART1", "ZOO2"]
    assert changed.status == 201, "it stays a corequisite in the next version"


@pytest.mark.requirement("S1-99", "S1-100")
@pytest.mark.parametrize(
    "role", [Role.FACULTY, Role.DEPARTMENT_HEAD, Role.ACADEMIC_COUNCIL, Role.AUDITOR, Role.STUDENT]
)
def test_only_the_committee_and_the_office_review(zoo: Course, role: Role) -> None:
    person = Person(role)

    assert person.client.get(QUEUE).status_code == 403
    assert person.send("post", of(zoo, "review/"), {"note": "Fine."}).code == "FORBIDDEN"
    assert person.send("post", of(zoo), {}).code == "FORBIDDEN"

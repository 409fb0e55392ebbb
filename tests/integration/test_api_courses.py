"""Courses over HTTP: read by everybody, versioned by who may, and nobody's work lost."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from courses import catalogue
from courses.lifecycle import State
from courses.models import Course, Discipline
from registrar.accounts.roles import Role
from registrar.accounts.tokens import make_tokens
from tests.callers import Reply
from tests.clerks import member, signed_in
from tests.departments import make_department
from tests.factories import make_course, make_offering, make_term

NOW = datetime(2026, 8, 3, 9, tzinfo=UTC)
COURSES = "/api/catalog/courses/"
NEW: dict[str, Any] = {
    "code": "PH101",
    "name": "Physics",
    "credit": 4,
    "syllabus": "Motion",
    "ref_books": "None",
}


class Person:
    """Somebody with a token and a role."""

    def __init__(self, role: Role) -> None:
        self.user = member(role)
        [token] = make_tokens([self.user])
        self.client = Client(headers={"authorization": f"Token {token}"})

    def get(self, path: str) -> Reply:
        return Reply(self.client.get(f"{COURSES}{path}"))

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        sent = getattr(self.client, method)(
            f"{COURSES}{path}", body or {}, content_type="application/json"
        )
        return Reply(sent)


@pytest.fixture
def registrar(database: None) -> Person:
    return Person(Role.REGISTRAR)


@pytest.fixture
def student(database: None) -> Person:
    return Person(Role.STUDENT)


@pytest.fixture
def course(database: None) -> Course:
    return make_course("CS101", name="Introduction to Computing")


def codes(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.raw
    return [f"{row['code']} v{row['version']}" for row in reply.body["results"]]


# Reading ------------------------------------------------------------------------------------


def test_the_list_shows_the_latest_versions_and_students_those_that_are_offered(
    registrar: Person, student: Person, course: Course
) -> None:
    registrar.send("patch", f"{course.pk}/", {"credit": 4})
    idle = make_course("CS900")
    registrar.send("post", f"{idle.pk}/state/", {"state": "INACTIVE", "reason": "No teacher."})

    assert codes(registrar.get("")) == ["CS101 v2.0", "CS900 v1.0"]
    assert codes(student.get("")) == ["CS101 v2.0"]
    assert codes(student.get("?code=cs9")) == []


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("?code=ma", ["MA200 v1.0"]),
        ("?search=comput", ["CS101 v1.0"]),
        ("?department=MATH", ["MA200 v1.0"]),
        ("?discipline=Logic", ["MA200 v1.0"]),
        ("?credit=7", ["MA200 v1.0"]),
        ("?state=DRAFT", []),
        ("?page_size=1", ["CS101 v1.0"]),
    ],
)
def test_the_list_can_be_narrowed(
    registrar: Person, course: Course, asked: str, found: list[str]
) -> None:
    logic = Discipline.objects.create(name="Logic")
    catalogue.create_course(
        {**NEW, "code": "MA200", "name": "Sets", "credit": 7, "disciplines": [logic]},
        actor="user:1",
        now=NOW,
        department=make_department("MATH", "Mathematics"),
    )

    assert codes(registrar.get(asked)) == found


def test_a_course_is_shown_with_what_it_needs(student: Person) -> None:
    links = {
        "disciplines": [Discipline.objects.create(name="Computing")],
        "pre_requisit_courses": [make_course("MA1")],
    }
    course = catalogue.create_course(NEW | links, actor="user:1", now=NOW)

    seen = student.get(f"{course.pk}/").body

    assert (seen["code"], seen["version"], seen["percent_endsem"]) == ("PH101", "1.0", 30)
    assert [each["code"] for each in seen["prerequisites"]] == ["MA1"]
    assert seen["disciplines"] == ["Computing"]
    assert seen["lineage"] == str(course.lineage)


def test_what_a_reader_has_is_not_sent_again(student: Person, course: Course) -> None:
    first = student.get(f"{course.pk}/")

    again = student.client.get(
        f"{COURSES}{course.pk}/", headers={"if-none-match": first.headers["ETag"]}
    )

    assert again.status_code == 304


@pytest.mark.requirement("S1-99")
def test_a_version_that_is_not_current_is_not_there_for_a_student(
    registrar: Person, student: Person, course: Course
) -> None:
    registrar.send("patch", f"{course.pk}/", {"credit": 4})

    assert student.get(f"{course.pk}/").code == "NOT_FOUND"
    assert student.get("99999999999999999999/").code == "NOT_FOUND"
    assert registrar.get(f"{course.pk}/").body["state"] == "DEPRECATED"


# Writing ------------------------------------------------------------------------------------


def test_a_course_is_added_with_an_address_of_its_own(registrar: Person) -> None:
    made = registrar.send("post", "", NEW)

    assert made.status == 201
    course = Course.objects.get()
    assert made.headers["Location"] == f"{COURSES}{course.pk}/"
    assert (course.code, str(course.version), course.percent_endsem) == ("PH101", "1.0", 30)


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"percent_midsem": 21}, 422, "INVALID", "percent_quiz_1"),
        ({"credit": -1}, 422, "INVALID", "credit"),
        ({"credit": 1.5}, 422, "INVALID", "credit"),
        ({"code": "A" * 11}, 422, "INVALID", "code"),
        ({"name": ""}, 422, "INVALID", "name"),
        ({"lattice": 1}, 422, "INVALID", "lattice"),
        ({"disciplines": [12345]}, 422, "INVALID", "disciplines"),
        ({"disciplines": 7}, 422, "INVALID", "disciplines"),
        ({"disciplines": ["x"]}, 422, "INVALID", "disciplines"),
        ({"pre_requisit_courses": [None]}, 422, "INVALID", "pre_requisit_courses"),
        ({"syllabus": ["a"]}, 422, "INVALID", "syllabus"),
    ],
)
def test_what_cannot_be_used_is_named(
    registrar: Person, fields: dict[str, Any], status: int, code: str, field: str
) -> None:
    refused = registrar.send("post", "", NEW | fields)

    assert (refused.status, refused.code) == (status, code)
    assert [each["field"] for each in refused.body["errors"]] == [field]
    assert not Course.objects.exists()


def test_a_syllabus_is_longer_than_what_students_send(registrar: Person) -> None:
    made = registrar.send("post", "", NEW | {"syllabus": "A week on waves.\n" * 2000})

    assert made.status == 201


def test_a_change_is_previewed_and_then_made(registrar: Person, course: Course) -> None:
    make_offering(make_term("2026-ODD"), code="CS102")
    change = {"credit": 4, "name": "Introduction to Computng"}

    seen = registrar.send("post", f"{course.pk}/preview/", change)
    assert Course.objects.filter(lineage=course.lineage).count() == 1
    made = registrar.send("patch", f"{course.pk}/", change)

    assert (seen.body["bump"], seen.body["version"]) == ("MINOR", "2.0")
    by_field = {each["field"]: each["bump"] for each in seen.body["reasons"]}
    assert by_field == {"credit": "MINOR", "name": "PATCH"}
    assert seen.body["dependants"] == {"prerequisite_of": [], "slots": [], "offerings": []}
    assert (made.status, made.body["version"], made.body["latest_version"]) == (201, "2.0", True)


def test_nothing_that_differs_is_200_and_the_same_course(registrar: Person, course: Course) -> None:
    again = registrar.send("patch", f"{course.pk}/", {"credit": course.credit})

    assert (again.status, again.body["id"]) == (200, course.pk)


def test_who_edits_what_is_superseded_is_told_the_latest(registrar: Person, course: Course) -> None:
    registrar.send("patch", f"{course.pk}/", {"credit": 4})

    late = registrar.send("patch", f"{course.pk}/", {"credit": 5})

    assert (late.status, late.code) == (409, "STALE_VERSION")
    assert Course.latest.get().credit == 4


def test_another_bump_needs_a_reason(registrar: Person, course: Course) -> None:
    change = {"credit": 4, "override": "PATCH"}

    refused = registrar.send("patch", f"{course.pk}/", change)
    made = registrar.send("patch", f"{course.pk}/", change | {"reason": "A misprint."})
    odd = registrar.send("patch", f"{made.body['id']}/", {"credit": 5, "override": "HUGE"})

    assert (refused.code, made.body["version"], odd.code) == ("REASON_MISSING", "1.1", "INVALID")


def test_a_draft_is_changed_where_it_stands(registrar: Person, database: None) -> None:
    draft = catalogue.create_course(NEW, actor="user:1", now=NOW, state=State.DRAFT)

    changed = registrar.send("patch", f"{draft.pk}/", {"credit": 6})

    assert (changed.status, changed.body["credit"], changed.body["version"]) == (200, 6, "1.0")


def test_a_state_changes_with_a_reason_and_only_along_the_table(
    registrar: Person, course: Course
) -> None:
    def to(state: str, reason: str = "Decided.") -> Reply:
        return registrar.send("post", f"{course.pk}/state/", {"state": state, "reason": reason})

    assert to("INACTIVE").body["working_course"] is False
    wrong = to("DRAFT")
    assert (wrong.status, wrong.code) == (409, "TRANSITION")
    assert wrong.body["possible"] == ["ACTIVE", "ARCHIVED"]
    assert to("ARCHIVED").body["state"] == "ARCHIVED"
    assert to("NOWHERE").code == "INVALID"
    assert to("ACTIVE", " ").status == 422


def test_the_history_compares_and_goes_back(registrar: Person, course: Course) -> None:
    second = registrar.send("patch", f"{course.pk}/", {"code": "CS111", "syllabus": "Other."}).body
    rows = registrar.get(f"{second['id']}/versions/").body["results"]
    assert [(row["code"], row["version"], row["bump"]) for row in rows] == [
        ("CS101", "1.0", "NONE"),
        ("CS111", "2.0", "MAJOR"),
    ]

    compared = registrar.get(f"{course.pk}/compare/?to={second['id']}").body
    back = registrar.send("post", f"{course.pk}/rollback/", {"reason": "It was better."})

    by_field = {each["field"]: each for each in compared["differences"]}
    assert set(by_field) == {"code", "syllabus"}
    assert by_field["syllabus"]["diff"][1:] == ["-As announced.", "+Other."]
    assert (back.status, back.body["code"], back.body["version"]) == (201, "CS101", "3.0")


@pytest.mark.parametrize("to", ["", "x", "-1", "99999999999999999999"])
def test_a_comparison_with_nothing_is_refused(registrar: Person, course: Course, to: str) -> None:
    assert registrar.get(f"{course.pk}/compare/?to={to}").code == "INVALID"


def test_versions_of_two_courses_are_not_compared(registrar: Person, course: Course) -> None:
    other = make_course("MA1")

    assert registrar.get(f"{course.pk}/compare/?to={other.pk}").code == "INVALID"


# Who may ------------------------------------------------------------------------------------


@pytest.fixture
def faculty(database: None) -> Person:
    person = Person(Role.FACULTY)
    make_department("CS").members.create(user=person.user)
    return person


@pytest.mark.requirement("S1-99", "S1-100")
def test_faculty_version_the_courses_of_their_department_only(
    faculty: Person, course: Course
) -> None:
    own = make_course("CS202", department=faculty.user.departments.get().department)

    assert faculty.send("patch", f"{own.pk}/", {"credit": 4}).status == 201
    assert faculty.send("patch", f"{course.pk}/", {"credit": 4}).code == "FORBIDDEN"
    assert faculty.send("post", f"{course.pk}/preview/", {"credit": 4}).code == "FORBIDDEN"
    assert faculty.send("post", "", NEW).code == "FORBIDDEN"


def test_faculty_make_no_course_of_a_draft_and_archive_none(faculty: Person) -> None:
    department = faculty.user.departments.get().department
    draft = catalogue.create_course(
        NEW, actor="user:1", now=NOW, state=State.DRAFT, department=department
    )
    state = f"{draft.pk}/state/"

    for to in ("ACTIVE", "ARCHIVED"):
        assert faculty.send("post", state, {"state": to, "reason": "Mine."}).code == "FORBIDDEN"


def test_students_write_nothing_and_strangers_read_nothing(student: Person, course: Course) -> None:
    for method, path in (("post", ""), ("patch", f"{course.pk}/"), ("post", f"{course.pk}/state/")):
        assert student.send(method, path, {"credit": 9}).code == "FORBIDDEN"
    assert Reply(Client().get(f"{COURSES}{course.pk}/")).code == "SIGN_IN"


def test_the_web_s_own_database_role_can_do_all_of_it(course: Course) -> None:
    with signed_in(Role.REGISTRAR) as client:
        sent = client.patch(
            f"{COURSES}{course.pk}/", {"credit": 4}, content_type="application/json"
        )
        assert sent.status_code == 201, sent.content
        made = client.post(f"{COURSES}", NEW, content_type="application/json")
        assert made.status_code == 201, made.content

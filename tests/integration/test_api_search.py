"""The search over HTTP and in the administration."""

from typing import Any

import pytest
from django.test import Client

from courses.models import Course
from registrar.accounts.roles import Role
from tests.callers import Reply
from tests.catalogue import begin, change
from tests.clerks import as_owner, page, signed_in
from tests.departments import make_department
from tests.integration.test_api_courses import Person

pytestmark = pytest.mark.requirement("S1-54")
CARD = {"code": "CS101", "match": "words", "snippet": "Sorting, «searching», graphs"}


@pytest.fixture
def catalogue(database: None) -> None:
    begin(code="CS101", name="Algorithms", syllabus="Sorting, searching, graphs.")
    begin(code="CS102", name="Data Structures", syllabus="Lists, and algorithms.", credit=4)
    begin(code="MA201", name="Linear Algebra", syllabus="Matrices.")


@pytest.fixture
def student(catalogue: None) -> Person:
    return Person(Role.STUDENT)


@pytest.fixture
def registrar(catalogue: None) -> Person:
    return Person(Role.REGISTRAR)


def codes(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.raw
    return [row["code"] for row in reply.body["results"]]


def test_a_hit_says_how_it_was_found_and_what_the_course_says(student: Person) -> None:
    [row] = student.get("?search=searching").body["results"]

    assert {name: row[name] for name in CARD} == CARD
    assert row["version"] == "1.0"


def test_the_best_come_first_and_pages_follow(student: Person) -> None:
    assert codes(student.get("?search=algorithms")) == ["CS101", "CS102"]

    second = student.get("?search=algorithms&page_size=1&page=2")

    assert codes(second) == ["CS102"]
    assert second.body["count"] == 2
    assert second.body["next"] is None
    assert "search=algorithms" in second.body["previous"]


@pytest.mark.parametrize("page", ["3", "0", "-1", "x", "99999999999999999999"])
def test_a_page_that_is_not_there_is_a_problem(student: Person, page: str) -> None:
    assert student.get(f"?search=algorithms&page={page}").code == "NOT_FOUND"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("search=algorithms&credit=4", ["CS102"]),
        ("search=algorithms&code=CS101", ["CS101"]),
        ("search=algorithms&department=MATH", []),
        ("search=&credit=4", ["CS102"]),
        ("search=%00", []),
        ("search=%20", ["CS101", "CS102", "MA201"]),
        ("search=" + "x" * 3000, []),
    ],
)
def test_a_search_can_be_narrowed_as_the_list_can(
    student: Person, asked: str, found: list[str]
) -> None:
    assert codes(student.get(f"?{asked}")) == found


def test_students_find_what_is_offered(student: Person, registrar: Person) -> None:
    gone = Course.latest.get(code="CS102")
    registrar.send("post", f"{gone.pk}/state/", {"state": "INACTIVE", "reason": "No teacher."})

    assert codes(student.get("?search=algorithms")) == ["CS101"]
    assert "CS102" not in codes(student.get("?search=CS102"))
    assert codes(registrar.get("?search=algorithms")) == ["CS101", "CS102"]


def test_a_search_sees_what_was_written_just_before(student: Person, registrar: Person) -> None:
    assert codes(student.get("?search=topology")) == []
    course = Course.latest.get(code="MA201")

    registrar.send("patch", f"{course.pk}/", {"syllabus": "Topology."})

    assert codes(student.get("?search=topology")) == ["MA201"]


def test_an_answer_that_one_has_is_not_sent_again(student: Person) -> None:
    first = student.get("?search=algorithms")

    again = student.client.get(
        "/api/catalog/courses/?search=algorithms",
        headers={"if-none-match": first.headers["ETag"]},
    )

    assert again.status_code == 304


# In the administration ------------------------------------------------------------------------


def rows(client: Client, query: str) -> list[str]:
    response: Any = client.get(f"/admin/courses/course/?{query}")
    assert response.status_code == 200
    return [f"{each.code} v{each.version}" for each in response.context["cl"].result_list]


def test_staff_find_every_version_of_the_likeliest_course_first(catalogue: None) -> None:
    change(Course.latest.get(code="CS102"), credit=2)

    with signed_in(Role.REGISTRAR) as client:
        assert rows(client, "q=algorithms") == ["CS101 v1.0", "CS102 v2.0", "CS102 v1.0"]
        assert rows(client, "q=algoritms")[0] == "CS101 v1.0"
        assert rows(client, "q=algorithms&latest_version__exact=0") == ["CS102 v1.0"]
        assert rows(client, "q=algorithms&o=-1")[-1] == "CS101 v1.0"
        assert len(rows(client, "")) == 4
        assert "words of the name" in page(client, "courses/course/")


def test_a_filter_and_a_search_hold_together(catalogue: None) -> None:
    with signed_in(Role.REGISTRAR) as client:
        with as_owner():
            maths = make_department("MATH", "Mathematics")
            Course.objects.filter(code="MA201").update(department=maths)

        assert rows(client, f"q=algebra&department__id__exact={maths.pk}") == ["MA201 v1.0"]
        assert rows(client, f"q=algorithms&department__id__exact={maths.pk}") == []

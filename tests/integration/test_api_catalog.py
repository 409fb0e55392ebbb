"""The catalogue over HTTP: what a cart is filled from."""

import pytest
from django.test import Client

from courses.models import CoursePrerequisite, Meeting, Offering, Term
from courses.timetable import weekly
from tests import factories
from tests.callers import Caller, Reply, settle_all

OFFERINGS = "/api/catalog/offerings/"


@pytest.fixture
def term(database: None) -> Term:
    term = factories.make_term("2026-ODD")
    factories.open_window(term)
    return term


@pytest.fixture
def ada(term: Term) -> Caller:
    return Caller(factories.make_student(term))


def codes(reply: Reply) -> list[str]:
    return [each["code"] for each in reply.body["results"]]


# Terms --------------------------------------------------------------------------------------


def test_terms_say_how_much_they_offer(ada: Caller, term: Term) -> None:
    factories.make_offering(term)

    reply = ada.get("/api/catalog/terms/")

    assert reply.body["results"] == [
        {
            "id": term.pk,
            "code": "2026-ODD",
            "year": 2026,
            "semester_type": "Odd Semester",
            "credit_maximum": 24,
            "offerings": 1,
        }
    ]


# Lists --------------------------------------------------------------------------------------


def test_offerings_are_listed_by_code_with_their_seats(ada: Caller, term: Term) -> None:
    factories.make_offering(term, code="MA1")
    offering = factories.make_offering(term, code="CS1", base_limit=2)
    factories.make_section(offering, 3)
    ada.enroll(offering)
    settle_all()

    reply = ada.get(OFFERINGS)

    assert codes(reply) == ["CS1", "MA1"]
    assert reply.body["results"][0] == {
        "id": offering.pk,
        "term": "2026-ODD",
        "course": offering.course_id,
        "code": "CS1",
        "name": "Course CS1",
        "version": "1.0",
        "credits": 3,
        "status": "OPEN",
        "seats": {"limit": 5, "taken": 1, "free": 4},
        "waiting": 0,
        "sections": 1,
        "meets": "no fixed times",
    }


def test_pages_follow_each_other_and_miss_nobody(ada: Caller, term: Term) -> None:
    for number in range(5):
        factories.make_offering(term, code=f"CS{number}")

    seen, url = [], OFFERINGS + "?page_size=2"
    while url:
        page = ada.get(url.removeprefix("http://testserver"))
        seen += codes(page)
        url = page.body["next"]

    assert seen == ["CS0", "CS1", "CS2", "CS3", "CS4"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("code=cs", ["CS1", "CS2"]),
        ("search=algebra", ["MA1"]),
        ("search=ma1", ["MA1"]),
        ("term=2026-ODD&code=CS1", ["CS1"]),
        ("term=OTHER", ["SU1"]),
        ("open=true&code=CS", ["CS1"]),
        ("open=false", ["CS2"]),
        ("free=true&term=2026-ODD", ["CS1", "CS2"]),
        ("free=false", ["MA1"]),
        ("search=%25", []),
        ("code=';--", []),
    ],
)
def test_a_list_can_be_narrowed(ada: Caller, term: Term, query: str, found: list[str]) -> None:
    factories.make_offering(term, code="CS1")
    factories.make_offering(term, code="CS2", status="PAUSED")
    algebra = factories.make_course("MA1", name="Linear Algebra")
    Offering.objects.create(course=algebra, term=term, base_limit=0, auto_create=False)
    factories.make_offering(factories.make_term("OTHER"), code="SU1")

    assert codes(ada.get(f"{OFFERINGS}?{query}")) == found


def test_an_offering_at_its_cap_has_no_free_seat(ada: Caller, term: Term) -> None:
    offering = factories.make_offering(term, code="CS1", base_limit=5, total_cap=1)
    ada.enroll(offering)
    settle_all()

    assert codes(ada.get(OFFERINGS + "?free=true")) == []
    assert ada.get(OFFERINGS).body["results"][0]["seats"] == {"limit": 5, "taken": 1, "free": 0}


@pytest.mark.parametrize("query", ["open=maybe", "cursor=nonsense", "search=a%00b", "page_size=-1"])
def test_a_query_that_cannot_be_read_never_breaks_the_list(
    ada: Caller, term: Term, query: str
) -> None:
    assert ada.get(f"{OFFERINGS}?{query}").status in (200, 404, 422)


def test_a_list_that_has_not_changed_is_not_sent_again(ada: Caller, term: Term) -> None:
    factories.make_offering(term)
    first = ada.get(OFFERINGS)

    assert ada.get(OFFERINGS, if_none_match=first.headers["ETag"]).status == 304


# One ----------------------------------------------------------------------------------------


def test_an_offering_shows_its_sections_and_its_policy_in_words(ada: Caller, term: Term) -> None:
    offering = factories.make_offering(
        term,
        code="CS1",
        base_limit=0,
        auto_create=True,
        section_limit=1,
        max_sections=3,
        open_threshold=2,
        waitlist_cap=5,
        total_cap=40,
    )
    section = factories.make_section(offering, 1, (weekly(0, 540, 590),))
    section.instructor = factories.make_user("grace", first_name="Grace", last_name="Hopper")
    section.save()
    Meeting.objects.create(offering=offering, section=section, day=0, start=540, end=590, room="B1")
    needed = factories.make_course("MA0")
    CoursePrerequisite.objects.create(from_course=offering.course, to_course=needed)

    seen = ada.get(f"{OFFERINGS}{offering.pk}/").body

    assert seen["code"] == "CS1"
    assert seen["syllabus"] == "As announced."
    assert seen["prerequisites"] == ["MA0"]
    assert seen["base"] == {"limit": 0, "taken": 0, "free": 0}
    assert seen["sections"] == [
        {
            "number": 1,
            "code": "CS1-SEC001",
            "seats": {"limit": 1, "taken": 0, "free": 1},
            "meets": "Mon 09:00-09:50",
            "meetings": [{"day": "Mon", "start": "09:00", "end": "09:50", "room": "B1"}],
            "instructor": "Grace Hopper",
            "needs_assignment": False,
        }
    ]
    assert seen["policy"] == [
        "A new section of 1 seat opens when 2 students wait for a seat, 3 at the most.",
        "No more than 40 students in all.",
        "When it is full the waitlist takes 5 names.",
    ]


def test_a_course_without_sections_says_so(ada: Caller, term: Term) -> None:
    offering = factories.make_offering(term, base_limit=1, waitlist_cap=0)

    assert ada.get(f"{OFFERINGS}{offering.pk}/").body["policy"] == [
        "The course itself has 1 seat; they fill first.",
        "No sections are opened automatically.",
        "There is no waitlist.",
    ]


@pytest.mark.parametrize("id_", [0, 999, 10**30])
def test_an_unknown_offering_is_not_found(ada: Caller, id_: int) -> None:
    reply = ada.get(f"{OFFERINGS}{id_}/")

    assert reply.status == 404
    assert reply.code == "NOT_FOUND"


def test_the_catalogue_is_for_whoever_is_signed_in(term: Term) -> None:
    offering = factories.make_offering(term)

    for path in ("/api/catalog/terms/", OFFERINGS, f"{OFFERINGS}{offering.pk}/"):
        assert Client().get(path).status_code == 401


def test_a_clerk_reads_the_catalogue_too(term: Term) -> None:
    client = Client()
    client.force_login(factories.make_user("clerk"))

    assert client.get(OFFERINGS).status_code == 200


def test_the_list_costs_as_many_queries_however_long(
    ada: Caller, term: Term, django_assert_num_queries: object
) -> None:
    ada.get(OFFERINGS)
    for _ in range(30):
        factories.make_section(factories.make_offering(term), 1)

    # who asks, which, and what
    with django_assert_num_queries(3):  # type: ignore[operator]
        assert len(ada.get(OFFERINGS).body["results"]) == 30

    assert Offering.objects.count() == 30

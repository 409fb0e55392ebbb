"""The cart: filled before the window opens, asked for at once."""

import pytest
from django.conf import settings

from courses.models import Offering, Term
from enrollment.models import CartItem, Request
from tests import factories
from tests.callers import Caller, settle_all, settling

ENROLL = "enrollment/cart/enroll/"


@pytest.fixture
def term(database: None) -> Term:
    term = factories.make_term("2026-ODD")
    factories.open_window(term)
    return term


@pytest.fixture
def courses(term: Term) -> list[Offering]:
    return [factories.make_offering(term, code=f"CS{n}", base_limit=1) for n in (1, 2, 3)]


@pytest.fixture
def ada(term: Term) -> Caller:
    return Caller(factories.make_student(term))


def fill(caller: Caller, *codes: str) -> None:
    for code in codes:
        assert caller.send("put", f"cart/{code}/").status == 201


def listed(caller: Caller) -> list[str]:
    return [item["code"] for item in caller.get("cart/").body["results"]]


# Filling ------------------------------------------------------------------------------------


def test_a_course_is_put_into_the_cart_once(ada: Caller, courses: list[Offering]) -> None:
    first = ada.send("put", "cart/CS1/")
    again = ada.post("cart/cs1/")

    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body == ada.get("cart/").body
    assert first.body["results"] == [
        {
            "offering": courses[0].pk,
            "course": courses[0].course_id,
            "code": "CS1",
            "name": "Course CS1",
            "term": "2026-ODD",
            "credits": 3,
            "section": None,
        }
    ]


def test_the_cart_keeps_the_order_it_was_filled_in(ada: Caller, courses: list[Offering]) -> None:
    fill(ada, "CS3", "CS1", "CS2")

    assert listed(ada) == ["CS3", "CS1", "CS2"]


def test_a_course_is_taken_out_of_the_cart(ada: Caller, courses: list[Offering]) -> None:
    fill(ada, "CS1", "CS2")

    assert ada.send("delete", "cart/CS1/").status == 204
    assert ada.send("delete", "cart/CS1/").status == 204
    assert listed(ada) == ["CS2"]


def test_a_cart_is_its_students_own(ada: Caller, courses: list[Offering], term: Term) -> None:
    ben = Caller(factories.make_student(term))
    fill(ada, "CS1")

    assert ben.send("delete", "cart/CS1/").status == 204
    assert listed(ben) == []
    assert listed(ada) == ["CS1"]


def test_a_cart_item_may_name_its_section(ada: Caller, courses: list[Offering]) -> None:
    factories.make_section(courses[0], 3)

    put = ada.send("put", "cart/CS1/", {"section": "CS1-SEC001"})
    ada.post(ENROLL)

    assert put.body["results"][0]["section"] == "CS1-SEC001"
    assert Request.objects.get().body == {"offering": courses[0].pk, "section": 1}


@pytest.mark.parametrize("section", [0, 9, "CS1-SEC009", "CS2-SEC001"])
def test_a_section_that_does_not_exist_is_not_put_in(
    ada: Caller, courses: list[Offering], section: object
) -> None:
    reply = ada.send("put", "cart/CS1/", {"section": section})

    assert reply.status == 422
    assert reply.code == "SECTION_UNKNOWN"
    assert listed(ada) == []


def test_a_cart_holds_no_more_than_can_be_asked_for(
    ada: Caller, courses: list[Offering], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_OPEN", 2)
    fill(ada, "CS1", "CS2")

    reply = ada.send("put", "cart/CS3/")

    assert reply.status == 422
    assert reply.code == "CART_FULL"
    assert ada.send("put", "cart/CS2/").status == 200


def test_an_unknown_course_is_not_put_into_the_cart(ada: Caller, courses: list[Offering]) -> None:
    assert ada.send("put", "cart/NONE/").code == "COURSE_UNKNOWN"


# One by one ---------------------------------------------------------------------------------


@pytest.mark.requirement("S0-32")
def test_a_cart_becomes_a_request_for_each_course(ada: Caller, courses: list[Offering]) -> None:
    fill(ada, "CS1", "CS2")

    reply = ada.post(ENROLL)

    assert reply.status == 202
    asked = reply.body["requests"]
    assert [(each["kind"], each["course"]) for each in asked] == [
        ("ENROLL", "CS1"),
        ("ENROLL", "CS2"),
    ]
    assert reply.body["declined"] == []
    assert int(reply.headers["Retry-After"]) >= 1
    found = ada.get(reply.headers["Location"]).body["results"]
    assert {each["id"] for each in found} == {each["id"] for each in asked}


def test_what_was_had_leaves_the_cart_and_what_was_refused_stays(
    ada: Caller, courses: list[Offering], term: Term
) -> None:
    Offering.objects.filter(pk=courses[1].pk).update(status="CLOSED")
    fill(ada, "CS1", "CS2")
    ada.post(ENROLL)
    settle_all()

    assert listed(ada) == ["CS2"]
    fill(ada, "CS3")
    assert CartItem.objects.count() == 2


def test_an_empty_cart_asks_for_nothing(ada: Caller, courses: list[Offering]) -> None:
    reply = ada.post(ENROLL)

    assert reply.status == 422
    assert reply.code == "CART_EMPTY"


def test_a_course_for_which_nothing_is_accepted_says_why(
    ada: Caller, courses: list[Offering], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ada, "CS1", "CS2")
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_OPEN", 1)

    reply = ada.post(ENROLL)

    assert reply.status == 202
    assert [each["course"] for each in reply.body["requests"]] == ["CS1"]
    [declined] = reply.body["declined"]
    assert declined["course"] == "CS2"
    assert declined["code"] == "TOO_MANY_OPEN"
    assert declined["sentence"].endswith(".")
    assert declined["facts"]["limit"] == 1


def test_a_cart_of_which_nothing_is_accepted_is_a_problem(
    ada: Caller, courses: list[Offering], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ada, "CS1", "CS2")
    monkeypatch.setitem(settings.REGISTRAR, "BACKLOG_SECONDS", -1.0)

    reply = ada.post(ENROLL)

    assert reply.status == 503
    assert reply.code == "BACKLOG"


def test_a_client_that_prefers_to_wait_gets_all_outcomes(
    ada: Caller, courses: list[Offering]
) -> None:
    fill(ada, "CS1", "CS2")

    with settling():
        reply = ada.post(ENROLL, prefer="wait=5")

    assert reply.status == 200
    assert reply.headers["Preference-Applied"] == "wait=5"
    assert {each["state"] for each in reply.body["requests"]} == {"ENROLLED"}


# All or nothing -----------------------------------------------------------------------------


def test_all_or_nothing_is_one_request(ada: Caller, courses: list[Offering]) -> None:
    fill(ada, "CS2", "CS1")

    reply = ada.post(ENROLL, {"all_or_nothing": True})
    settle_all()

    [asked] = reply.body["requests"]
    assert asked["kind"] == "BUNDLE"
    assert asked["courses"] == ["CS2", "CS1"]
    assert reply.headers["Location"] == f"/api/student/requests/{asked['id']}/"
    told = ada.outcome(asked["id"])
    assert told["state"] == "ENROLLED"
    assert told["outcome"]["sentence"] == "You have a seat in every course of your cart: CS2, CS1."
    assert told["outcome"]["facts"] == {"sections": {"CS2": None, "CS1": None}}


def test_all_or_nothing_names_every_course_in_the_way(
    ada: Caller, courses: list[Offering], term: Term
) -> None:
    Caller(factories.make_student(term)).enroll(courses[1])
    fill(ada, "CS1", "CS2")

    asked = ada.post(ENROLL, {"all_or_nothing": True}).body["requests"][0]["id"]
    settle_all()

    outcome = ada.outcome(asked)["outcome"]
    assert outcome["code"] == "BUNDLE_BLOCKED"
    [blocking] = outcome["facts"]["blocking"]
    assert blocking["course"] == "CS2"
    assert blocking["code"] == "FULL"
    assert blocking["sentence"].endswith(".")
    assert listed(ada) == ["CS1", "CS2"]


def test_all_or_nothing_cannot_ask_for_sections(ada: Caller, courses: list[Offering]) -> None:
    factories.make_section(courses[0], 3)
    ada.send("put", "cart/CS1/", {"section": 1})

    reply = ada.post(ENROLL, {"all_or_nothing": True})

    assert reply.status == 422
    assert reply.code == "CART_PINNED"


def test_all_or_nothing_is_of_one_term(ada: Caller, courses: list[Offering]) -> None:
    summer = factories.make_term("SUMMER")
    factories.open_window(summer)
    other = factories.make_offering(summer, code="SU1")
    fill(ada, "CS1")
    CartItem.objects.create(student=ada.student, offering=other)

    assert ada.post(ENROLL, {"all_or_nothing": True}).code == "CART_TERMS"
    assert len(ada.post(ENROLL).body["requests"]) == 2


@pytest.mark.parametrize("said", [1, "true", None])
def test_all_or_nothing_is_true_or_false(
    ada: Caller, courses: list[Offering], said: object
) -> None:
    fill(ada, "CS1")

    assert ada.post(ENROLL, {"all_or_nothing": said}).code == "INVALID"


# The same again -----------------------------------------------------------------------------


@pytest.mark.parametrize("together", [False, True])
def test_the_same_key_answers_the_same_requests_whatever_is_in_the_cart_now(
    ada: Caller, courses: list[Offering], together: bool
) -> None:
    fill(ada, "CS1", "CS2")
    order = {"all_or_nothing": together}
    first = ada.post(ENROLL, order, idempotency_key="k")
    settle_all()
    fill(ada, "CS3")

    again = ada.post(ENROLL, order, idempotency_key="k")

    assert again.status == 200
    assert again.headers["Location"] == first.headers["Location"]
    assert [each["id"] for each in again.body["requests"]] == [
        each["id"] for each in first.body["requests"]
    ]
    assert Request.objects.count() == (1 if together else 2)


def test_a_carts_key_cannot_change_its_mind(ada: Caller, courses: list[Offering]) -> None:
    fill(ada, "CS1", "CS2")
    ada.post(ENROLL, {"all_or_nothing": True}, idempotency_key="k")

    reply = ada.post(ENROLL, {"all_or_nothing": False}, idempotency_key="k")

    assert reply.status == 422
    assert reply.code == "KEY_REUSED"


def test_a_double_click_on_the_cart_is_one_request_a_course(
    ada: Caller, courses: list[Offering]
) -> None:
    fill(ada, "CS1", "CS2")

    first, again = ada.post(ENROLL), ada.post(ENROLL)

    assert [each["id"] for each in first.body["requests"]] == [
        each["id"] for each in again.body["requests"]
    ]
    assert Request.objects.count() == 2

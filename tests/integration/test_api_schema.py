"""The API's description: valid, complete, and true of what is answered."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from courses.models import Offering, Term
from tests import factories
from tests.callers import Caller, settle_all


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    out = StringIO()
    call_command("spectacular", format="openapi-json", validate=True, fail_on_warn=True, stdout=out)
    described: dict[str, Any] = json.loads(out.getvalue())
    return described


def addresses(resolver: URLResolver, before: str = "/") -> list[str]:
    found = []
    for each in resolver.url_patterns:
        path = before + str(each.pattern)
        if isinstance(each, URLResolver):
            found += addresses(each, path)
        elif isinstance(each, URLPattern):
            found.append(path)
    return found


def test_the_description_is_valid_and_without_warnings(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")


def test_every_address_of_the_api_is_described(schema: dict[str, Any]) -> None:
    ours = {
        path.replace("<str:", "{").replace("<int:", "{").replace(">", "}")
        for path in addresses(get_resolver())
        if path.startswith("/api/") and path not in ("/api/schema/", "/api/docs/")
    }

    assert ours == set(schema["paths"])


def test_every_operation_says_what_is_refused(schema: dict[str, Any]) -> None:
    for path, operations in schema["paths"].items():
        if path.startswith("/api/student/"):
            for operation in operations.values():
                assert {"401", "403"} <= set(operation["responses"]), path
                assert operation["summary"], path


def test_a_post_that_registers_describes_both_answers(schema: dict[str, Any]) -> None:
    post = schema["paths"]["/api/student/courses/{course_id}/enroll/"]["post"]

    assert {"200", "202", "401", "403", "404", "422", "429", "503"} == set(post["responses"])
    assert {each["name"] for each in post["parameters"]} == {
        "course_id",
        "Idempotency-Key",
        "Prefer",
    }


def required(schema: dict[str, Any], name: str) -> set[str]:
    return set(schema["components"]["schemas"][name]["properties"])


@pytest.fixture
def term(database: None) -> Term:
    term = factories.make_term()
    factories.open_window(term)
    return term


@pytest.fixture
def offering(term: Term) -> Offering:
    return factories.make_offering(term, code="CS101", base_limit=1)


def test_what_is_answered_has_the_fields_described(
    schema: dict[str, Any], term: Term, offering: Offering
) -> None:
    ada, ben = (Caller(factories.make_student(term)) for _ in range(2))
    ada.send("put", "cart/CS101/")
    item = ada.get("cart/").body["results"][0]
    request = ada.enroll(offering)
    ben.enroll(offering)
    settle_all()
    told = ada.outcome(request)

    assert set(item) == required(schema, "CartItem")
    assert set(told) == required(schema, "RegistrationRequest")
    assert set(told["outcome"]) == required(schema, "Outcome")
    assert set(ada.get("enrollments/").body["results"][0]) == required(schema, "HeldSeat")
    assert set(ben.get("waitlist/").body["results"][0]) == required(schema, "WaitPlace")
    assert set(ada.get("windows/").body["results"][0]) == required(schema, "WindowSeen")
    assert set(ada.get("/api/catalog/terms/").body["results"][0]) == required(schema, "Term")
    one = ada.get(f"/api/catalog/offerings/{offering.pk}/").body
    assert set(one) == required(schema, "OfferingDetail")
    card = ada.get("/api/catalog/offerings/").body["results"][0]
    assert set(card) == required(schema, "OfferingCard")


def test_the_description_and_its_page_are_served_to_anybody(database: None) -> None:
    described = Client().get("/api/schema/?format=json")
    page = Client().get("/api/docs/")

    assert described.status_code == 200
    assert described.json()["info"]["title"] == "Registrar"
    assert page.status_code == 200
    assert b"swagger-ui" in page.content
    assert b"//cdn" not in page.content

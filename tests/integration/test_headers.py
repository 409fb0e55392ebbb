"""What every reply says to browsers, and what a program with a token is spared."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from registrar.middleware import ContentSecurityPolicy
from tests import factories
from tests.callers import Caller

POLICY = {
    "default-src 'self'",
    "frame-ancestors 'none'",
    "img-src 'self' data:",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
}
SAID = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
PATHS = ["/healthz", "/admin/login/", "/api/schema/", "/api/student/cart/", "/api/x/", "/x"]


def headers_of(response: object) -> dict[str, str]:
    return dict(response.headers)  # type: ignore[attr-defined]


@pytest.mark.requirement("S1-105")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", ["", "Token nobodys", "token nobodys", "Basic eDp5"])
def test_every_reply_has_the_headers_of_security(database: None, path: str, token: str) -> None:
    client = Client(headers={"authorization": token} if token else {})

    for method in (client.get, client.post):
        found = headers_of(method(path))
        assert {name: found.get(name) for name in SAID} == SAID
        assert set(found["Content-Security-Policy"].split("; ")) == POLICY


def test_a_request_that_was_accepted_has_them_too(database: None) -> None:
    term = factories.make_term()
    factories.open_window(term)
    factories.make_offering(term, code="CS101")

    reply = Caller(factories.make_student(term)).post("courses/CS101/enroll/")

    assert reply.status == 202
    assert {name: reply.headers.get(name) for name in SAID} == SAID
    assert set(reply.headers["Content-Security-Policy"].split("; ")) == POLICY
    assert "Set-Cookie" not in reply.headers
    assert "Cookie" not in reply.headers.get("Vary", "")


def test_a_page_of_people_knows_its_session_whatever_token_comes_with_it(database: None) -> None:
    user = factories.make_user()
    user.is_staff = user.is_superuser = True
    user.save()
    client = Client(headers={"authorization": "Token nobodys"})
    client.force_login(user)

    assert client.get("/admin/").status_code == 200


def answered_with(response: HttpResponse, request: HttpRequest) -> str:
    return headers_of(ContentSecurityPolicy(lambda _: response)(request))["Content-Security-Policy"]


def test_a_response_with_a_policy_of_its_own_keeps_it() -> None:
    own = HttpResponse()
    own._csp_update = {"img-src": "https://example.org"}  # type: ignore[attr-defined]

    assert "https://example.org" in answered_with(own, RequestFactory().get("/"))
    assert "https://example.org" not in answered_with(HttpResponse(), RequestFactory().get("/"))


def test_a_header_that_a_view_has_set_stays() -> None:
    own = HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"})

    assert answered_with(own, RequestFactory().get("/")) == "default-src 'none'"

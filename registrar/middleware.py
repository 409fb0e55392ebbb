"""Django's and django-csp's middleware, passed by or done once where it comes to the same."""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

_ITS_OWN = frozenset(
    f"_csp_{what}{suffix}"
    for what in ("config", "update", "replace", "exempt")
    for suffix in ("", "_ro")
)
"""What django-csp's decorators leave on a response."""


class ContentSecurityPolicy(CSPMiddleware):
    """The policy's text is built once, and again only for a response with one of its own.

    django-csp builds it twice for every response, which costs a third of a small one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        self._usual = build_policy()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if "_csp_nonce" in vars(request) or not _ITS_OWN.isdisjoint(vars(response)):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self._usual)
        return response


class _ForPeople:
    """Passed by where a token says who asks: no cookie is read then and none is set."""

    def __call__(self, request: HttpRequest) -> Any:
        token = request.META.get("HTTP_AUTHORIZATION", "")[:6].lower() == "token "
        if token and request.path_info.startswith("/api/"):
            return self.get_response(request)  # type: ignore[attr-defined]
        return super().__call__(request)  # type: ignore[misc]


class Sessions(_ForPeople, SessionMiddleware):
    """Django's, for people."""


class SignedIn(_ForPeople, AuthenticationMiddleware):
    """Django's, for people."""


class Messages(_ForPeople, MessageMiddleware):
    """Django's, for people."""


class _Around(BaseHandler):
    """All of the middleware, with nothing in the middle."""

    def _get_response(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


@cache
def _around() -> _Around:
    handler = _Around()
    handler.load_middleware()
    return handler


_ASKED = ("HTTP_HOST", "HTTP_X_FORWARDED_PROTO", "wsgi.url_scheme", "SERVER_NAME", "SERVER_PORT")
"""What the middleware goes by, of a request to the API with a token and without a session."""


def said_to(environ: Mapping[str, Any]) -> Mapping[str, str] | None:
    """What it adds to the answer of such a request; None where it has an answer of its own.

    It is asked once for all who come by the same name and the same protocol.
    """
    return _said_to(tuple(environ.get(name, "") for name in _ASKED))


@lru_cache(maxsize=64)
def _said_to(asked: tuple[str, ...]) -> Mapping[str, str] | None:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/",
        "HTTP_AUTHORIZATION": "Token ",
        "wsgi.input": BytesIO(),
        **{name: value for name, value in zip(_ASKED, asked, strict=True) if value},
    }
    response = _around().get_response(WSGIRequest(environ))
    if response.status_code != HTTPStatus.OK:
        return None
    of_a_body = ("Content-Type", "Content-Length")
    return {name: value for name, value in response.items() if name not in of_a_body}

"""How the API says no: problem+json (RFC 9457), with a stable code and a remedy.

A handler raises `Problem`; `problem` turns that, and everything the framework raises, into an
answer. `STATUS` is the one place that knows the HTTP status of a code.
"""

import json
from collections.abc import Mapping
from math import ceil
from random import uniform
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.views import defaults
from rest_framework import exceptions, status

BODY_BYTES = 16 * 1024
"""Of a request to the API, unless an address takes more."""

STATUS: Mapping[str, int] = {
    # what came in cannot be used
    "BAD_REQUEST": 400,
    "BODY_NOT_JSON": 400,
    "BODY_TOO_SLOW": 408,
    "LENGTH_REQUIRED": 411,
    "BODY_TOO_LARGE": 413,
    "MEDIA_TYPE": 415,
    "INVALID": 422,
    # who asks
    "SIGN_IN": 401,
    "CREDENTIALS": 401,
    "FORBIDDEN": 403,
    "NOT_A_STUDENT": 403,
    # what is asked for
    "NOT_FOUND": 404,
    "COURSE_UNKNOWN": 404,
    "REQUEST_UNKNOWN": 404,
    "METHOD": 405,
    "NOT_ACCEPTABLE": 406,
    "IN_USE": 409,
    "PLAN_CLOSED": 409,
    # what registration says before it has accepted anything
    "WINDOW_CLOSED": 403,
    "SECTION_UNKNOWN": 422,
    "SAME_COURSE": 422,
    "CART_EMPTY": 422,
    "CART_FULL": 422,
    "CART_PINNED": 422,
    "CART_TERMS": 422,
    "NOT_CANCELLABLE": 422,
    "KEY_REUSED": 422,
    "PRECONDITION": 412,
    "IF_MATCH_NEEDED": 428,
    "TOO_MANY_OPEN": 429,
    "TOO_MANY_PER_MINUTE": 429,
    "TOO_MANY_GUESSES": 429,
    "TOO_MANY": 429,
    # what is said of courses and their versions
    "STALE_VERSION": 409,
    "NOT_VERSIONABLE": 409,
    "NOT_A_DRAFT": 409,
    "CODE_IN_USE": 409,
    "TRANSITION": 409,
    "SUPERSEDED": 409,
    "VERSION_OVERFLOW": 409,
    "NOT_ITS_VERSION": 422,
    "OVERRIDE": 422,
    "REASON_MISSING": 422,
    "BAD_FILE": 422,
    # what is said of prerequisites
    "PREREQUISITE_CIRCLE": 422,
    "NO_SUCH_EDGE": 422,
    "VERSION_UNKNOWN": 422,
    "NO_RULE": 409,
    "NOT_PLAIN": 422,
    "NOTE_MISSING": 422,
    "NOTE_LONG": 422,
    # what is said of proposals
    "WRONG_STAGE": 409,
    "NOT_THE_AUTHOR": 403,
    "OWN_PROPOSAL": 403,
    "NOT_YOUR_ROLE": 403,
    "OTHER_DEPARTMENT": 403,
    "REMARKS_NEEDED": 422,
    "NOT_EDITABLE": 409,
    "DEPARTMENT_NEEDED": 422,
    "OPEN_ALREADY": 409,
    "STALE_COURSE": 409,
    "NOTHING_PROPOSED": 422,
    "NOT_CURRENT": 409,
    "CHANGED_SINCE": 409,
    "NOT_DELEGABLE": 403,
    "NOT_STAFF": 422,
    "DELEGATION_TIMES": 422,
    "PROPOSAL_MOVED": 409,
    # what we cannot do now
    "BACKLOG": 503,
    "BUSY": 503,
    "UNAVAILABLE": 503,
    "INTERNAL": 500,
}

_TEXTS: Mapping[str, tuple[str, str]] = {
    "BAD_REQUEST": ("This request cannot be read.", "Check how it is built and send it again."),
    "BODY_NOT_JSON": ("The body is not JSON.", "Send one JSON object, in UTF-8."),
    "LENGTH_REQUIRED": (
        "The body does not say how long it is.",
        "Send Content-Length; a body in chunks is not read.",
    ),
    "BODY_TOO_LARGE": ("The body is too large.", "Send no more than the limit, in bytes."),
    "BODY_TOO_SLOW": (
        "The body did not arrive in time.",
        "Send it again, within the limit, in seconds.",
    ),
    "MEDIA_TYPE": ("The body is of a kind that is not read here.", "Send application/json."),
    "INVALID": ("Something in this request cannot be used.", "Correct the fields named."),
    "SIGN_IN": ("You are not signed in.", "Send a token from /api/login/, or sign in first."),
    "CREDENTIALS": ("No such user name and password.", "Check both and try again."),
    "FORBIDDEN": ("You may not do this.", "Ask the registrar's office if you should be able to."),
    "NOT_A_STUDENT": (
        "Only students register for courses.",
        "Sign in as a student; staff act for students in the administration.",
    ),
    "NOT_FOUND": ("There is no such thing here.", "Check the address."),
    "IN_USE": ("Something still belongs to it.", "Give up what the detail names, then try again."),
    "IF_MATCH_NEEDED": (
        "This may only be changed by who says which state of it they have seen.",
        "Send the ETag that you were given as If-Match.",
    ),
    "PRECONDITION": (
        "It was changed since you have seen it.",
        "Read it again, and send the change with the ETag that it has then.",
    ),
    "METHOD": ("This address does not take that method.", "Use one that the Allow header names."),
    "NOT_ACCEPTABLE": (
        "There is no such form or version of this answer.",
        "Accept application/json, version 1.",
    ),
    "TOO_MANY_GUESSES": (
        "Too many wrong passwords for this user name.",
        "Wait as long as Retry-After says; a session or a token that is open goes on meanwhile.",
    ),
    "TOO_MANY": ("Too many requests.", "Wait as long as Retry-After says."),
    "BUSY": ("Too many people are here at once.", "Wait as long as Retry-After says."),
    "UNAVAILABLE": (
        "The registrar's database is not answering.",
        "Wait as long as Retry-After says and send it again, with the same Idempotency-Key.",
    ),
    "INTERNAL": ("An error on our side.", "Try again; it has been reported."),
}
"""Title and remedy of the codes that are raised here; others bring their own."""

_FAULTS = frozenset({"UNAVAILABLE", "INTERNAL"})


class Problem(Exception):
    """An answer other than the one asked for: a code of `STATUS`, and the facts that led to it.

    `title` and `remedy` are the code's own; `detail` is what only this occurrence can say.
    """

    def __init__(
        self, code: str, title: str = "", remedy: str = "", *, detail: str = "", **facts: Any
    ) -> None:
        super().__init__(code)
        self.code = code
        self.title, self.remedy = (title, remedy) if title else _TEXTS[code]
        self.detail = detail
        self.facts = facts


def invalid(fields: Mapping[str, str]) -> Problem:
    """The fields that cannot be used, and why."""
    return Problem("INVALID", errors=[{"field": name, "message": m} for name, m in fields.items()])


def problem(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """The answer to whatever a handler raised; None for a fault of ours, which is raised on."""
    found = _as_problem(error)
    if found is None:
        return None
    response = render(found)
    if challenge := getattr(error, "auth_header", ""):
        response["WWW-Authenticate"] = challenge
    return response


def render(found: Problem) -> HttpResponse:
    """A problem as a response."""
    code = STATUS[found.code]
    body = {
        "type": f"urn:registrar:problem:{found.code.lower().replace('_', '-')}",
        "title": found.title,
        "status": code,
        "code": found.code,
        "remedy": found.remedy,
        **({"detail": found.detail} if found.detail else {}),
        **found.facts,
    }
    wait = found.facts.get("retry_after")
    if wait is not None:
        body["retry_after"] = wait = ceil(wait)
    response = HttpResponse(json.dumps(body), status=code, content_type="application/problem+json")
    response["Cache-Control"] = "no-store"
    # A refusal is an answer; only what is wrong on our side is worth a line in the log.
    response._has_been_logged = found.code not in _FAULTS  # type: ignore[attr-defined]
    if wait is not None:
        response["Retry-After"] = str(wait)
    return response


def _as_problem(error: Exception) -> Problem | None:
    match error:
        case Problem():
            return error
        case exceptions.ValidationError():
            return invalid(dict(_flat(error.detail)))
        case exceptions.APIException():
            return _of_framework(error)
        case Http404():
            return Problem("NOT_FOUND")
        case PermissionDenied():
            return Problem("FORBIDDEN")
        case RequestDataTooBig():
            return Problem("BODY_TOO_LARGE", limit=BODY_BYTES)
        case SuspiciousOperation() | UnreadablePostError():
            return Problem("BAD_REQUEST")
        case OperationalError() | InterfaceError():
            return Problem("UNAVAILABLE", retry_after=uniform(1, 4))
    return None


_CODES = {
    status.HTTP_400_BAD_REQUEST: "BODY_NOT_JSON",
    status.HTTP_401_UNAUTHORIZED: "SIGN_IN",
    status.HTTP_403_FORBIDDEN: "FORBIDDEN",
    status.HTTP_404_NOT_FOUND: "NOT_FOUND",
    status.HTTP_405_METHOD_NOT_ALLOWED: "METHOD",
    status.HTTP_406_NOT_ACCEPTABLE: "NOT_ACCEPTABLE",
    status.HTTP_415_UNSUPPORTED_MEDIA_TYPE: "MEDIA_TYPE",
    status.HTTP_429_TOO_MANY_REQUESTS: "TOO_MANY",
}


def _of_framework(error: exceptions.APIException) -> Problem | None:
    code = _CODES.get(error.status_code)
    if code is None:
        return None
    wait = getattr(error, "wait", None)
    facts = {} if wait is None else {"retry_after": wait}
    return Problem(code, detail=str(error.detail), **facts)


def _flat(detail: Any, name: str = "") -> list[tuple[str, str]]:
    """A serializer's errors, however deep, as (field, message)."""
    if isinstance(detail, Mapping):
        return [
            found
            for key, value in detail.items()
            for found in _flat(value, f"{name}.{key}" if name else str(key))
        ]
    if isinstance(detail, list):
        return [found for value in detail for found in _flat(value, name)]
    return [(name or "body", str(detail))]


# Where no handler was reached -------------------------------------------------------------


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return render(Problem("NOT_FOUND"))
    return defaults.page_not_found(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return render(Problem("FORBIDDEN"))
    return defaults.permission_denied(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return render(Problem("BAD_REQUEST"))
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if _is_api(request):
        return render(Problem("INTERNAL"))
    return defaults.server_error(request)


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")

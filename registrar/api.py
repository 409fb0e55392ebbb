"""How the API reads what it is sent and writes what it answers; how it says no: `problems`."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from types import NoneType
from typing import Any, NoReturn, Protocol

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, set_response_etag
from rest_framework import status
from rest_framework.request import Request

from .problems import BODY_BYTES, Problem, invalid


class Sent(Protocol):
    """As much of a request as reading it takes."""

    @property
    def META(self) -> Mapping[str, Any]: ...

    @property
    def body(self) -> bytes: ...

    @property
    def content_type(self) -> str | None: ...


def read_body(request: Sent, allowed: Collection[str], limit: int = BODY_BYTES) -> dict[str, Any]:
    """The JSON object of a request of `limit` bytes at the most; empty where there is no body.

    A field that is not `allowed` is refused, not ignored: who misspells "section" must not be
    given any section.
    """
    length = request.META.get("CONTENT_LENGTH") or "0"
    if "HTTP_TRANSFER_ENCODING" in request.META and length == "0":
        # WSGI would show it as empty, and what it asks for would be forgotten.
        raise Problem("LENGTH_REQUIRED")
    if not length.isdecimal() or len(length) > 9 or int(length) > limit:
        raise Problem("BODY_TOO_LARGE", limit=limit)
    raw = request.body
    if not raw.strip():
        return {}
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem("MEDIA_TYPE", sent=kind)
    try:
        body = _json.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        raise Problem("BODY_NOT_JSON") from error
    if not isinstance(body, dict):
        raise invalid({"body": "must be a JSON object"})
    unknown = body.keys() - set(allowed)
    if unknown:
        raise invalid(dict.fromkeys(sorted(unknown), "is not a field of this request"))
    return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_json = json.JSONDecoder(parse_constant=_refuse_constant)


OWN = {"Content-Type": "application/json", "Cache-Control": "private, no-cache"}
"""Said of every answer: what is a student's own is kept by nobody on the way."""


def answer(data: Any, *, code: int = 200, headers: Mapping[str, str] = {}) -> HttpResponse:
    """Plain values as JSON."""
    return HttpResponse(written(data), status=code, headers={**OWN, **headers})


def written(data: Any) -> str:
    """Plain values as JSON."""
    return json.dumps(plain(data))


def unless_known(request: HttpRequest | Request, response: HttpResponse) -> HttpResponse:
    """304 in the place of what the client has already; when to look again is said all the same.

    Raises Problem where If-Match asks for another state than this one.
    """
    set_response_etag(response)
    told = get_conditional_response(request, etag=response["ETag"], response=response) or response
    if told.status_code == status.HTTP_412_PRECONDITION_FAILED:
        raise Problem("PRECONDITION", etag=response["ETag"])
    if "Retry-After" in response:
        told["Retry-After"] = response["Retry-After"]
    return told


def plain(value: Any) -> Any:
    """Named tuples as objects, times as ISO 8601, down to the last list."""
    if isinstance(value, (str, int, float, NoneType)):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    return [plain(each) for each in value]

"""If-Match: who changes something says which state of it they have seen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction
from django.http import HttpResponse
from django.utils.cache import set_response_etag
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request

from registrar.problems import Problem

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of what you have seen; where it is not so any more, nothing is changed.",
)
CHANGED = {412: OpenApiResponse(description="It is not as If-Match says; `etag` says how it is.")}


@contextmanager
def as_seen(
    request: Request, lock: Callable[[], object], show: Callable[[], HttpResponse]
) -> Iterator[None]:
    """What is done within is done to what the client has seen, if If-Match says what that was.

    `lock` keeps others from changing it until the end; `show` is the answer that a GET would get.
    Raises Problem (PRECONDITION).
    """
    seen = parse_etags(request.headers.get("If-Match", ""))
    if not seen:
        yield
        return
    with transaction.atomic():
        lock()
        current = set_etag(show())["ETag"]
        if "*" not in seen and current not in {each.removeprefix("W/") for each in seen}:
            raise Problem("PRECONDITION", etag=current)
        yield


def set_etag(response: HttpResponse) -> HttpResponse:
    """The same answer, with what it is to be called next time."""
    set_response_etag(response)
    return response

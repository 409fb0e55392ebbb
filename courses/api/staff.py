"""What endpoints for staff have in common: who asks, what they send, what they have seen."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request

from registrar.accounts.models import User
from registrar.api import read_body
from registrar.problems import Problem, invalid

BIGGEST_ID = 2**63 - 1
TEXT_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
"""A syllabus is longer than anything a student sends; the gate lets no more than this through."""


def who(request: Request) -> User:
    """The person signed in."""
    assert isinstance(request.user, User)
    return request.user


def by(request: Request) -> dict[str, Any]:
    """Who acts and when, for an operation."""
    return {"actor": who(request).actor, "now": timezone.now()}


def read(
    request: Request, kind: type[serializers.Serializer[None]], *, partial: bool = False
) -> dict[str, Any]:
    """The fields of the body in this form; of a partial one, those that it names.

    Raises Problem or ValidationError.
    """
    given = kind(data=read_body(request, kind().fields, TEXT_BYTES), partial=partial)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def sane(number: int) -> int:
    """An id that the database can be asked about. Raises Problem for one that nothing has."""
    if number > BIGGEST_ID:
        raise Problem("NOT_FOUND")
    return number


def if_match(request: Request) -> int:
    """The revision that whoever writes has seen. Raises Problem."""
    sent = request.headers.get("If-Match", "").strip()
    if not sent:
        raise Problem("IF_MATCH_NEEDED")
    revision = sent.removeprefix("W/").strip('"')
    if not (revision.isascii() and revision.isdigit() and len(revision) < 10):
        raise invalid({"If-Match": "is not an ETag of this kind of record"})
    return int(revision)

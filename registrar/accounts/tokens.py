"""Tokens: who sends a request, found by one prepared query.

They are knox's: random, many to a user, and only their digest is stored.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    connection,
)
from django.db.models import Model
from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.crypto import hash_token
from knox.models import AuthToken, get_digest_token
from knox.settings import CONSTANTS
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from registrar import prepared
from registrar.audit.arrays import text_array

from .models import User

PREFIX = "Token"
_LOWER_PREFIX = PREFIX.lower()


class InvalidToken(AuthenticationFailed):
    """Nobody is known by this token."""

    auth_header = PREFIX


class Bearer(NamedTuple):
    """Who sends a request, by their token."""

    digest: str
    user: tuple[Any, ...]
    """`_USER_COLUMNS`, the id first."""
    student: tuple[Any, ...] | None
    """`_STUDENT_COLUMNS`, the id first; None for one who is none."""


def bearer(authorization: str) -> Bearer | None:
    """Who is known by an `Authorization` header; None when it holds no token of ours.

    Raises InvalidToken when it holds one that is good for nobody.
    """
    digest = digest_in(authorization)
    if digest is None:
        return None
    found = bearers([digest]).get(digest)
    if found is None:
        raise InvalidToken("This token is not valid, or not any more.")
    return found


def digest_in(authorization: str) -> str | None:
    """What the token in an `Authorization` header is known by; None when it holds none of ours.

    Raises InvalidToken for one that cannot be anybody's.
    """
    prefix, _, token = authorization.partition(" ")
    return _digest(token.strip()) if prefix.lower() == _LOWER_PREFIX else None


def bearers(digests: Sequence[str]) -> dict[str, Bearer]:
    """Those of the tokens with these digests that are good now, each with whose they are."""
    cut = len(_USER_COLUMNS)
    return {
        digest: Bearer(digest, tuple(row[:cut]), None if row[cut] is None else tuple(row[cut:]))
        for digest, *row in _find_rows(digests)
    }


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token …`: sets the user, with the student they are (or are not) at hand."""

    def authenticate(self, request: HttpRequest | Request) -> tuple[User, str] | None:
        found = bearer(request.META.get("HTTP_AUTHORIZATION", ""))
        return None if found is None else (_as_user(found), found.digest)

    def authenticate_header(self, request: Request) -> str:
        return PREFIX


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's description names it."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": f"`{PREFIX} ` followed by what `/api/login/` answered.",
        }


def make_tokens(users: Sequence[User], expiry: datetime | None = None) -> list[str]:
    """A new token for each user, in one statement: how a rehearsal signs thousands in."""
    made = [get_digest_token() for _ in users]
    AuthToken.objects.bulk_create(
        [
            AuthToken(
                digest=digest,
                token_key=token[: CONSTANTS.TOKEN_KEY_LENGTH],
                user=user,
                expiry=expiry,
            )
            for user, (digest, token) in zip(users, made, strict=True)
        ],
        batch_size=5_000,
    )
    return [token for _, token in made]


def open_session(token: str, until: datetime) -> str:
    """A token that ends, for one that does not; one that ends is not good for another.

    Raises InvalidToken.
    """
    found = AuthToken.objects.select_related("user").filter(
        digest=_digest(token), expiry=None, user__is_active=True
    )
    for known in found:
        [session] = make_tokens([known.user], until)
        return session
    raise InvalidToken("This token is not valid, or does not open sessions.")


def forget_token(digest: str) -> None:
    """The token is good no more."""
    AuthToken.objects.filter(digest=digest).delete()


def _digest(token: str) -> str:
    try:
        digest: str = hash_token(token)
    except UnicodeEncodeError:
        raise InvalidToken("A token is made of plain letters and digits.") from None
    return digest


# The student is joined by the table's name: `accounts` knows nothing of `enrollment`. For the
# meaning of OFFSET 0 see `registrar.prepared`. In the order of the models' fields: `from_db` goes
# by their places, not by their names.
_USER_COLUMNS = ("id", "is_superuser", "username", "is_staff", "is_active")
_STUDENT_COLUMNS = ("id", "user_id", "number", "cohort")
_FIND = f"""
SELECT asked.digest, {", ".join(f"u.{name}" for name in _USER_COLUMNS)},
       {", ".join(f"s.{name}" for name in _STUDENT_COLUMNS)}
FROM unnest(%s::text[]) AS asked (digest)
CROSS JOIN LATERAL (SELECT user_id FROM knox_authtoken WHERE digest = asked.digest
                    AND (expiry IS NULL OR expiry > clock_timestamp()) OFFSET 0) AS t
CROSS JOIN LATERAL (SELECT * FROM users WHERE id = t.user_id AND is_active OFFSET 0) AS u
LEFT JOIN LATERAL (SELECT * FROM students WHERE user_id = u.id OFFSET 0) AS s ON true
"""


def _as_user(found: Bearer) -> User:
    user = User.from_db(DEFAULT_DB_ALIAS, _USER_COLUMNS, found.user)
    student = None
    if found.student is not None:
        student = _student_model().from_db(DEFAULT_DB_ALIAS, _STUDENT_COLUMNS, found.student)
    User._meta.get_field("student").set_cached_value(user, student)
    return user


@cache
def _student_model() -> type[Model]:
    model: type[Model] = User._meta.get_field("student").related_model
    return model


def _find_rows(digests: Sequence[str]) -> list[tuple[Any, ...]]:
    """The rows, asked for a second time where the connection turns out to be dead.

    Planning these joins costs three times what running them does: hence a plan that is kept.
    This being the first query of a request, it is also the check that the connection lives:
    Django would ask `SELECT 1` before it, which costs as much again.
    """
    connection.health_check_done = True  # type: ignore[attr-defined]
    values = (text_array(digests),)
    try:
        return prepared.fetch(_FIND, values=values)
    except (OperationalError, InterfaceError):
        connection.close()
        return prepared.fetch(_FIND, values=values)

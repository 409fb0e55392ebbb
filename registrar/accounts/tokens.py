"""Tokens: who sends a request, found by one prepared query.

They are knox's: random, many to a user, and only their digest is stored.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any
from weakref import WeakSet

from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
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
from psycopg2.errorcodes import DUPLICATE_PREPARED_STATEMENT, INVALID_SQL_STATEMENT_NAME
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .models import User

PREFIX = "Token"


class InvalidToken(AuthenticationFailed):
    """Nobody is known by this token."""

    auth_header = PREFIX


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token …`: sets the user, with the student they are (or are not) at hand."""

    def authenticate(self, request: HttpRequest | Request) -> tuple[User, str] | None:
        prefix, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if prefix.lower() != PREFIX.lower():
            return None
        digest = _digest(token.strip())
        user = _find_user(digest)
        if user is None:
            raise InvalidToken("This token is not valid, or not any more.")
        return user, digest

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


def make_tokens(users: Sequence[User]) -> list[str]:
    """A new token for each user, in one statement: how a rehearsal signs thousands in."""
    made = [get_digest_token() for _ in users]
    AuthToken.objects.bulk_create(
        [
            AuthToken(digest=digest, token_key=token[: CONSTANTS.TOKEN_KEY_LENGTH], user=user)
            for user, (digest, token) in zip(users, made, strict=True)
        ],
        batch_size=5_000,
    )
    return [token for _, token in made]


def forget_token(digest: str) -> None:
    """The token is good no more."""
    AuthToken.objects.filter(digest=digest).delete()


def _digest(token: str) -> str:
    try:
        digest: str = hash_token(token)
    except UnicodeEncodeError:
        raise InvalidToken("A token is made of plain letters and digits.") from None
    return digest


# The student is joined by the table's name: `accounts` knows nothing of `enrollment`.
_USER_COLUMNS = ("id", "username", "is_active", "is_staff", "is_superuser")
_STUDENT_COLUMNS = ("id", "user_id", "number", "cohort")
_FIND = f"""
SELECT {", ".join(f"u.{name}" for name in _USER_COLUMNS)},
       {", ".join(f"s.{name}" for name in _STUDENT_COLUMNS)}
FROM knox_authtoken t
JOIN users u ON u.id = t.user_id
LEFT JOIN students s ON s.user_id = u.id
WHERE t.digest = %s AND (t.expiry IS NULL OR t.expiry > clock_timestamp()) AND u.is_active
"""
_PREPARE = "PREPARE find_user (text) AS " + _FIND.replace("%s", "$1")
_NOT_THIS_SESSION = {INVALID_SQL_STATEMENT_NAME, DUPLICATE_PREPARED_STATEMENT}
_prepared: WeakSet[Any] = WeakSet()


def _find_user(digest: str) -> User | None:
    row = _find_row(digest)
    if row is None:
        return None
    cut = len(_USER_COLUMNS)
    user = User.from_db(DEFAULT_DB_ALIAS, _USER_COLUMNS, row[:cut])
    related = User._meta.get_field("student")
    student = None
    if row[cut] is not None:
        student = _student_model().from_db(DEFAULT_DB_ALIAS, _STUDENT_COLUMNS, row[cut:])
    related.set_cached_value(user, student)
    return user


@cache
def _student_model() -> type[Model]:
    model: type[Model] = User._meta.get_field("student").related_model
    return model


def _find_row(digest: str) -> tuple[Any, ...] | None:
    """The row, asked for a second time where the connection turns out to be dead.

    This being the first query of a request, it is also the check that the connection lives:
    Django would ask `SELECT 1` before it, which costs as much again.
    """
    connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        return _ask(digest)
    except (OperationalError, InterfaceError):
        connection.close()
        return _ask(digest)


def _ask(digest: str) -> tuple[Any, ...] | None:
    """Prepared once a connection: planning these joins costs three times what running them does.

    Behind a pooler the session may be another one than it was: then the plain query is as good.
    """
    with connection.cursor() as cursor:
        try:
            if connection.connection not in _prepared:
                cursor.execute(_PREPARE)
                _prepared.add(connection.connection)
            cursor.execute("EXECUTE find_user (%s)", [digest])
        except DatabaseError as error:
            if getattr(error.__cause__, "pgcode", None) not in _NOT_THIS_SESSION:
                raise
            cursor.execute(_FIND, [digest])
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row

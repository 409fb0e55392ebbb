"""Signing in and out of the API: a password is exchanged for a token once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import uniform
from threading import BoundedSemaphore

from django.conf import settings
from django.contrib.auth import authenticate, logout
from django.contrib.auth.models import update_last_login
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registrar.api import read_body
from registrar.problems import Problem

from .guesses import TooManyGuesses
from .models import User
from .tokens import InvalidToken, forget_token, make_tokens, open_session

SESSION = timedelta(hours=12)
_PATIENCE_SECONDS = 5
# A password's hash costs a tenth of a second of processor by design: a crowd that signs in must
# leave processors and threads for those who already have. A quarter of the threads may hash, and
# as many wait for that.
_hashing = BoundedSemaphore(max(1, settings.REGISTRAR["WEB_THREADS"] // 4))
_signing_in = BoundedSemaphore(max(1, settings.REGISTRAR["WEB_THREADS"] // 2))


class Credentials(serializers.Serializer[None]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=256, trim_whitespace=False)


class Token(serializers.Serializer[None]):
    token = serializers.CharField(max_length=150, help_text="Send it as `Authorization: Token …`.")


class Login(APIView):
    """Exchange a user name and a password for a token."""

    # Nobody is signed in by a cookie here, so there is nothing a forged form could use.
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(tags=["account"], operation_id="login", request=Credentials, responses=Token)
    def post(self, request: Request) -> Response:
        given = Credentials(data=read_body(request, ("username", "password")))
        given.is_valid(raise_exception=True)
        user = _check(request, **given.validated_data)
        [token] = make_tokens([user])
        update_last_login(None, user)  # type: ignore[arg-type]
        return Response({"token": token})


def _check(request: Request, username: str, password: str) -> User:
    try:
        with _turn(_signing_in, 0), _turn(_hashing, _PATIENCE_SECONDS):
            user = authenticate(request._request, username=username, password=password)
    except TooManyGuesses as refused:
        raise Problem("TOO_MANY_GUESSES", retry_after=refused.seconds) from refused
    if not isinstance(user, User):
        raise Problem("CREDENTIALS")
    return user


@contextmanager
def _turn(places: BoundedSemaphore, seconds: float) -> Iterator[None]:
    """Hold one of the places. Raises Problem when none comes free within so many seconds."""
    if not places.acquire(timeout=seconds):
        raise Problem("BUSY", retry_after=uniform(1, _PATIENCE_SECONDS))
    try:
        yield
    finally:
        places.release()


class Opened(serializers.Serializer[None]):
    token = serializers.CharField(help_text="Send it as `Authorization: Token …`.")
    expires_at = serializers.DateTimeField()


class Session(APIView):
    """Exchange a token for one that ends: what a sign-on elsewhere hands out stays at home.

    No password, so no hash to wait for: a crowd that comes at once is let in at once.
    """

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(tags=["account"], operation_id="open_session", request=Token, responses=Opened)
    def post(self, request: Request) -> Response:
        given = Token(data=read_body(request, ("token",)))
        given.is_valid(raise_exception=True)
        until = timezone.now() + SESSION
        try:
            token = open_session(given.validated_data["token"], until)
        except InvalidToken as error:
            raise Problem("SIGN_IN") from error
        return Response({"token": token, "expires_at": until})


class Logout(APIView):
    """Forget the token sent with this request, or end the session."""

    @extend_schema(
        tags=["account"],
        operation_id="logout",
        request=None,
        responses={204: OpenApiResponse(description="Signed out.")},
    )
    def post(self, request: Request) -> Response:
        if isinstance(request.auth, str):
            forget_token(request.auth)
        else:
            logout(request._request)
        return Response(status=204)

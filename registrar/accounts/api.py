"""Signing in and out of the API: a password is exchanged for a token once."""

from threading import BoundedSemaphore

from django.conf import settings
from django.contrib.auth import authenticate, logout
from django.contrib.auth.models import update_last_login
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registrar.api import Problem, read_body

from .models import User
from .tokens import forget_token, make_tokens

_PATIENCE_SECONDS = 5
# A password's hash costs a tenth of a second of processor by design: a crowd that signs in must
# leave threads for those who already have.
_hashing = BoundedSemaphore(max(1, settings.REGISTRAR["WEB_THREADS"] // 4))


class Credentials(serializers.Serializer[None]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=256, trim_whitespace=False)


class Token(serializers.Serializer[None]):
    token = serializers.CharField(help_text="Send it as `Authorization: Token …`.")


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
    if not _hashing.acquire(timeout=_PATIENCE_SECONDS):
        raise Problem("BUSY", retry_after=_PATIENCE_SECONDS)
    try:
        user = authenticate(request._request, username=username, password=password)
    finally:
        _hashing.release()
    if not isinstance(user, User):
        raise Problem("CREDENTIALS")
    return user


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

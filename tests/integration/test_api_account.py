"""Signing in: a token for programs, a session for browsers."""

import time
from datetime import datetime, timedelta

import psycopg2
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from courses.models import Offering
from enrollment.models import Request, Student
from registrar.accounts import api as accounts
from registrar.accounts.models import User
from registrar.accounts.tokens import make_tokens
from tests import factories
from tests.callers import Caller, Reply
from tests.races import together

ENROLL = "/api/student/courses/CS101/enroll/"
JSON = "application/json"


def user_of(student: Student) -> User:
    assert student.user is not None
    return student.user


@pytest.fixture
def ada(database: None) -> Student:
    student = factories.make_student()
    user = user_of(student)
    user.set_password("correct horse")
    user.save()
    return student


@pytest.fixture
def offering(database: None) -> Offering:
    term = factories.make_term()
    factories.open_window(term)
    return factories.make_offering(term, code="CS101")


def login(**credentials: object) -> Reply:
    client = Client(enforce_csrf_checks=True)
    return Reply(client.post("/api/login/", credentials, content_type="application/json"))


def signed_in(student: Student, *, csrf: bool) -> Client:
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(user_of(student))
    return client


# A crowd ------------------------------------------------------------------------------------


def test_a_crowd_that_signs_in_leaves_threads_for_those_who_already_have(ada: Student) -> None:
    """Nobody gets to hash: half of the threads may wait for it, the next one is told at once."""
    may_wait = settings.REGISTRAR["WEB_THREADS"] // 2
    credentials = {"username": user_of(ada).username, "password": "correct horse"}
    hashing = settings.REGISTRAR["WEB_THREADS"] // 4

    def sign_in() -> tuple[int, float]:
        begun = time.monotonic()
        return login(**credentials).status, time.monotonic() - begun

    for _ in range(hashing):
        accounts._hashing.acquire()
    try:
        told = together(*[sign_in] * (may_wait + 3))
    finally:
        for _ in range(hashing):
            accounts._hashing.release()

    assert [status for status, _ in told] == [503] * (may_wait + 3)
    assert sum(seconds < 2 for _, seconds in told) == 3
    assert login(**credentials).status == 200


# Tokens -------------------------------------------------------------------------------------


def test_a_password_is_exchanged_for_a_token(ada: Student, offering: Offering) -> None:
    reply = login(username=user_of(ada).username, password="correct horse")

    assert reply.status == 200
    client = Client(headers={"authorization": f"Token {reply.body['token']}"})
    assert client.post(ENROLL, content_type=JSON).status_code == 202
    assert User.objects.get(pk=user_of(ada).pk).last_login is not None


def test_a_wrong_password_and_a_wrong_name_answer_alike(ada: Student) -> None:
    wrong = login(username=user_of(ada).username, password="wrong")
    nobody = login(username="nobody", password="wrong")

    assert wrong.status == 401
    assert wrong.code == "CREDENTIALS"
    assert wrong.raw == nobody.raw
    assert AuthToken.objects.count() == 0


def test_who_was_shut_out_gets_no_token(ada: Student) -> None:
    User.objects.filter(pk=user_of(ada).pk).update(is_active=False)

    reply = login(username=user_of(ada).username, password="correct horse")

    assert reply.code == "CREDENTIALS"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "ada"},
        {"username": "", "password": ""},
        {"username": "a\x00b", "password": "x"},
        {"username": "\ud800", "password": "x"},
        {"username": ["ada"], "password": "x"},
        {"username": "a" * 151, "password": "x"},
        {"username": "ada", "password": "x", "is_staff": True},
    ],
)
def test_credentials_that_cannot_be_used_are_refused(
    database: None, body: dict[str, object]
) -> None:
    reply = login(**body)

    assert reply.status == 422
    assert reply.code == "INVALID"


def test_signing_out_ends_this_token_and_no_other(ada: Student) -> None:
    first, second = Caller(ada), Caller(ada)

    assert first.post("/api/logout/").status == 204

    assert first.get("requests/").code == "SIGN_IN"
    assert second.get("requests/").status == 200


def exchange(token: object) -> Reply:
    return Reply(Client().post("/api/session/", {"token": token}, content_type=JSON))


def test_a_token_is_exchanged_for_one_that_ends(ada: Student, offering: Offering) -> None:
    [token] = make_tokens([user_of(ada)])

    opened = exchange(token)

    assert opened.status == 200
    client = Client(headers={"authorization": f"Token {opened.body['token']}"})
    assert client.post(ENROLL, content_type=JSON).status_code == 202
    ends = AuthToken.objects.exclude(expiry=None).get().expiry
    assert ends.isoformat() == datetime.fromisoformat(opened.body["expires_at"]).isoformat()
    assert timedelta(hours=11) < ends - timezone.now() < timedelta(hours=13)


def test_what_ends_is_not_exchanged_for_what_ends_later(ada: Student) -> None:
    [token] = make_tokens([user_of(ada)])

    assert exchange(exchange(token).body["token"]).code == "SIGN_IN"


def test_a_token_that_is_nobodys_opens_nothing(ada: Student) -> None:
    [token] = make_tokens([user_of(ada)])
    User.objects.filter(pk=user_of(ada).pk).update(is_active=False)

    assert [exchange(given).code for given in (token, "nobody's", "\u20ac")] == ["SIGN_IN"] * 3
    assert [exchange(given).code for given in ("", ["x"])] == ["INVALID"] * 2


def test_a_token_ends_when_its_time_is_over(ada: Student) -> None:
    caller = Caller(ada)
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))

    assert caller.get("requests/").code == "SIGN_IN"


def test_a_token_ends_with_its_user(ada: Student) -> None:
    caller = Caller(ada)
    User.objects.filter(pk=user_of(ada).pk).update(is_active=False)

    assert caller.get("requests/").code == "SIGN_IN"


def test_tokens_are_made_for_many_at_once(
    database: None, django_assert_num_queries: object
) -> None:
    users = [factories.make_user() for _ in range(20)]

    # an insert, between the beginning and the end of its transaction
    with django_assert_num_queries(3):  # type: ignore[operator]
        tokens = make_tokens(users)

    assert len(set(tokens)) == 20
    stored = "".join(AuthToken.objects.values_list("digest", flat=True))
    assert not any(token in stored for token in tokens)


def test_a_token_finds_its_user_and_student_in_one_query(
    ada: Student, django_assert_num_queries: object
) -> None:
    caller = Caller(ada)
    caller.get("cart/")

    with django_assert_num_queries(2):  # type: ignore[operator]
        assert caller.get("cart/").status == 200


def test_a_session_that_forgot_the_prepared_query_is_served_all_the_same(ada: Student) -> None:
    caller = Caller(ada)
    caller.get("cart/")
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")

    assert caller.get("cart/").status == 200
    assert caller.get("cart/").status == 200


def test_a_connection_that_the_server_ended_is_not_the_students_trouble(ada: Student) -> None:
    caller = Caller(ada)
    caller.get("cart/")
    with psycopg2.connect(**connection.get_connection_params()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.get_backend_pid()])
    other.close()

    assert caller.get("cart/").status == 200


# Sessions -----------------------------------------------------------------------------------


def test_a_session_needs_the_csrf_token(ada: Student, offering: Offering) -> None:
    reply = Reply(signed_in(ada, csrf=True).post(ENROLL, content_type=JSON))

    assert reply.status == 403
    assert reply.code == "FORBIDDEN"
    assert reply.body["detail"].startswith("CSRF")
    assert Request.objects.count() == 0


def test_a_session_with_the_csrf_token_registers(ada: Student, offering: Offering) -> None:
    client = signed_in(ada, csrf=True)
    client.cookies["csrftoken"] = "a" * 32

    response = client.post(
        ENROLL,
        "{}",
        content_type="application/json; charset=utf-8",
        headers={"x-csrftoken": "a" * 32},
    )

    assert response.status_code == 202
    assert Request.objects.get().actor == f"user:{ada.user_id}"


def test_reading_with_a_session_needs_no_csrf_token(ada: Student) -> None:
    assert signed_in(ada, csrf=True).get("/api/student/cart/").status_code == 200


def test_a_token_needs_no_csrf_token(ada: Student, offering: Offering) -> None:
    caller = Caller(ada)
    caller.client.handler.enforce_csrf_checks = True

    assert caller.post("courses/CS101/enroll/").status == 202


def test_signing_out_ends_a_session(ada: Student) -> None:
    client = signed_in(ada, csrf=False)

    assert client.post("/api/logout/").status_code == 204
    assert client.get("/api/student/cart/").status_code == 401

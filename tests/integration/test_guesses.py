"""Wrong passwords: so many are taken for one name, and then none for a while."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.db import connection
from django.db.models import F
from django.test import Client

from registrar.accounts.models import FailedSignIns, User
from tests.callers import Caller, Reply
from tests.factories import make_student, make_user
from tests.processes import python
from tests.races import after

MOST: int = settings.REGISTRAR["SIGN_IN_FAILURES"]
MINUTES: int = settings.REGISTRAR["SIGN_IN_MINUTES"]
RIGHT, WRONG = "correct horse", "battery staple"
NOBODY = "nobody"


@pytest.fixture
def ada(database: None) -> User:
    return person("ada")


def person(name: str) -> User:
    user = make_user(name, is_staff=True)
    user.set_password(RIGHT)
    user.save()
    return user


def login(name: str, password: str) -> Reply:
    given = {"username": name, "password": password}
    return Reply(Client().post("/api/login/", given, content_type="application/json"))


def on_the_page(name: str, password: str, client: Client | None = None) -> str:
    """What the page says beside the password; empty when it lets in."""
    given = {"username": name, "password": password}
    response = (client or Client()).post("/admin/login/", given)
    if response.status_code == 302:
        return ""
    form = response.context["form"]
    said = [*form.errors.get("password", []), *form.non_field_errors()]
    assert said
    assert all(each in response.content.decode() for each in said)
    return " ".join(said)


def guess(name: str, times: int) -> list[str]:
    return [login(name, WRONG).code for _ in range(times)]


def pass_by(minutes: float) -> None:
    FailedSignIns.objects.update(ends_at=F("ends_at") - timedelta(minutes=minutes))


def test_after_so_many_wrong_passwords_none_is_taken_for_a_while(ada: User) -> None:
    assert guess("ada", MOST) == ["CREDENTIALS"] * MOST

    refused = login("ada", RIGHT)

    assert (refused.status, refused.code) == (429, "TOO_MANY_GUESSES")
    assert 60 * MINUTES - 30 < refused.body["retry_after"] <= 60 * MINUTES
    assert refused.headers["Retry-After"] == str(refused.body["retry_after"])
    pass_by(MINUTES)
    assert login("ada", RIGHT).status == 200


def test_what_is_refused_does_not_make_it_longer(ada: User) -> None:
    guess("ada", MOST)
    pass_by(MINUTES - 1)

    assert guess("ada", 3) == ["TOO_MANY_GUESSES"] * 3

    assert login("ada", WRONG).body["retry_after"] <= 60


def test_what_is_refused_costs_no_hash(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bool] = []
    after(monkeypatch, User, "check_password", lambda: hashed.append(True))
    guess("ada", MOST)

    assert guess("ada", 3) == ["TOO_MANY_GUESSES"] * 3
    assert len(hashed) == MOST


def test_the_page_says_so_beside_the_field(ada: User) -> None:
    for _ in range(MOST):
        assert on_the_page("ada", WRONG).startswith("Please enter the correct username and pass")
    pass_by(MINUTES - 1.5)

    told = "Too many wrong passwords for this user name. Try again in {}."
    assert on_the_page("ada", RIGHT) == told.format("2 minutes")
    pass_by(1)
    assert on_the_page("ada", RIGHT) == told.format("1 minute")
    pass_by(1)
    assert on_the_page("ada", RIGHT) == ""


def test_the_page_and_the_api_count_together_and_each_name_alone(ada: User) -> None:
    person("ben")
    guess("ada", MOST - 1)
    on_the_page("ada", WRONG)

    assert login("ada", RIGHT).code == "TOO_MANY_GUESSES"
    assert on_the_page("ada", RIGHT).startswith("Too many")
    assert login("ben", RIGHT).status == 200
    assert login("Ada", WRONG).code == "CREDENTIALS"


def test_a_name_that_nobody_has_and_one_that_was_shut_out_are_answered_alike(ada: User) -> None:
    User.objects.filter(pk=person("gone").pk).update(is_active=False)
    names = ["ada", "gone", NOBODY]

    told = [[(r.status, r.code) for r in answers(name, MOST + 2)] for name in names]

    assert told[0] == told[1] == told[2]
    assert told[0][-1] == (429, "TOO_MANY_GUESSES")
    assert len({on_the_page(name, WRONG) for name in names}) == 1


def answers(name: str, times: int) -> list[Reply]:
    return [login(name, WRONG) for _ in range(times)]


def test_who_is_signed_in_stays_so(ada: User) -> None:
    """Whoever guesses at somebody's password takes nothing from them but a new way in."""
    student = make_student()
    assert student.user is not None
    caller, browser = Caller(student), Client()
    browser.force_login(student.user)

    guess(student.user.username, MOST + 1)

    assert caller.get("cart/").status == 200
    assert browser.get("/api/student/cart/").status_code == 200
    opened = Client().post(
        "/api/session/", {"token": caller.token}, content_type="application/json"
    )
    assert opened.status_code == 200


def test_who_knows_the_password_begins_anew(ada: User) -> None:
    guess("ada", MOST - 1)

    assert login("ada", RIGHT).status == 200

    assert not FailedSignIns.objects.exists()
    assert guess("ada", MOST) == ["CREDENTIALS"] * MOST


def test_mistakes_that_lie_far_apart_are_not_added_up(ada: User) -> None:
    guess("ada", MOST - 1)
    pass_by(MINUTES)

    assert guess("ada", MOST) == ["CREDENTIALS"] * MOST


def test_no_name_is_kept_that_somebody_typed(ada: User) -> None:
    """It may be a password."""
    guess(RIGHT, 1)

    with connection.cursor() as cursor:
        cursor.execute("SELECT failed_sign_ins::text FROM failed_sign_ins")
        [(row,)] = cursor.fetchall()
    assert RIGHT not in row


def test_who_gives_no_password_is_nobody(ada: User) -> None:
    assert authenticate(username="ada") is None
    assert authenticate(password=RIGHT) is None
    assert not FailedSignIns.objects.exists()


ELSEWHERE = """
from django.test import Client

def login(password):
    given = {"username": "ada", "password": password}
    client = Client(SERVER_NAME="localhost")
    return client.post("/api/login/", given, content_type="application/json").status_code

print(login("correct horse"), *[login("wrong") for _ in range(5)], flush=True)
"""


def test_all_web_hosts_count_together_and_without_redis(ada: User) -> None:
    """As the web's own role."""
    nowhere = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    with python(ELSEWHERE, role="web", environ=nowhere) as process:
        process.says("200 401 401 401 401 401")

    assert guess("ada", MOST - 5) == ["CREDENTIALS"] * (MOST - 5)
    assert login("ada", RIGHT).code == "TOO_MANY_GUESSES"

"""Tokens, sessions and wrong passwords whose time is over: their rows go, and no others do."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from knox.models import AuthToken

from registrar.accounts import expired
from registrar.accounts.expired import Forgotten, forget
from registrar.accounts.models import FailedSignIns, User
from registrar.accounts.tokens import make_tokens
from tests.factories import make_user
from tests.processes import python

NOW = timezone.now()
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def user(database: None) -> User:
    return make_user()


def sessions(count: int, lasting: timedelta) -> list[str]:
    """Keys of new sessions that end then."""
    made = [SessionStore() for _ in range(count)]
    for session in made:
        session.set_expiry(lasting)
        session.create()
    keys = [str(session.session_key) for session in made]
    Session.objects.filter(pk__in=keys).update(expire_date=NOW + lasting)
    return keys


def test_what_expired_goes_and_what_lives_stays(user: User) -> None:
    for lasting in (-DAY, -SECOND, SECOND, DAY, None):
        make_tokens([user], None if lasting is None else NOW + lasting)
    sessions(2, -SECOND)
    living = {*sessions(1, SECOND), *sessions(1, DAY)}
    for name, lasting in (("over", -SECOND), ("not yet", SECOND)):
        FailedSignIns.objects.create(digest=name, failures=1, ends_at=NOW + lasting)

    assert forget(NOW) == Forgotten(tokens=2, sessions=2, failed_sign_ins=1)

    kept = AuthToken.objects.order_by("expiry").values_list("expiry", flat=True)
    assert list(kept) == [NOW + SECOND, NOW + DAY, None]
    assert set(Session.objects.values_list("pk", flat=True)) == living
    assert FailedSignIns.objects.get().digest == "not yet"
    assert forget(NOW) == Forgotten(tokens=0, sessions=0, failed_sign_ins=0)


def test_many_go_a_bounded_number_at_a_time(
    user: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: object
) -> None:
    """What is too much for one go is left for the next."""
    monkeypatch.setattr(expired, "AT_ONCE", 10)
    monkeypatch.setattr(expired, "STATEMENTS", 3)
    make_tokens([user] * 45, NOW - DAY)
    make_tokens([user] * 3)

    # tokens three times, the others once, each between the ends of a transaction of its own
    with django_assert_num_queries((3 + 2) * 3):  # type: ignore[operator]
        assert forget(NOW).tokens == 30
    assert forget(NOW).tokens == 15
    assert AuthToken.objects.count() == 3


BY_BEAT = """
from registrar.celery import app
app.loader.import_default_modules()
task = app.tasks[app.conf.beat_schedule["forget"]["task"]]
print(*task.run(), flush=True)
"""


def test_a_worker_forgets_when_beat_says_so(user: User) -> None:
    """As the worker's own role, by the database's clock."""
    make_tokens([user], NOW - DAY)
    make_tokens([user], NOW + DAY)
    sessions(1, -DAY)
    sessions(1, DAY)

    with python(BY_BEAT, role="worker") as process:
        process.says("1 1 0")

    assert (AuthToken.objects.count(), Session.objects.count()) == (1, 1)

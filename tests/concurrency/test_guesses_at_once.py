"""Two hundred guesses at one password, from many connections at the same time."""

import threading
from collections import Counter

import pytest
from django.conf import settings
from django.contrib.auth import authenticate

from registrar.accounts import guesses
from registrar.accounts.guesses import TooManyGuesses
from registrar.accounts.models import User
from tests.factories import make_user
from tests.races import PATIENCE, after, together

pytestmark = pytest.mark.concurrency

GUESSERS, EACH = 40, 5
MOST: int = settings.REGISTRAR["SIGN_IN_FAILURES"]
UNGUARDED = """
INSERT INTO failed_sign_ins AS known (digest, failures, ends_at)
VALUES (%s, 1, clock_timestamp() + %s * interval '1 minute')
ON CONFLICT (digest) DO UPDATE SET failures = known.failures + 1, ends_at = excluded.ends_at
WHERE %s > 0
RETURNING failures
"""


@pytest.fixture
def ada(database: None, settings: object) -> User:
    # How long a hash takes is not the matter here.
    settings.PASSWORD_HASHERS = [  # type: ignore[attr-defined]
        "django.contrib.auth.hashers.MD5PasswordHasher"
    ]
    user = make_user("ada")
    user.set_password("the last of them")
    user.save()
    return user


class Guessers:
    """All have looked, and none has counted, when the first of them goes on to its password."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._looked = threading.Barrier(GUESSERS)
        self._met = threading.Event()
        after(patch, guesses, "refuse", self._meet)

    def _meet(self) -> None:
        if not self._met.is_set():
            self._looked.wait(PATIENCE)
            self._met.set()

    def told(self) -> Counter[str]:
        return sum(together(*[self._guess] * GUESSERS), Counter[str]())

    def _guess(self) -> Counter[str]:
        return Counter(self._once(nth) for nth in range(EACH))

    def _once(self, nth: int) -> str:
        last = threading.current_thread().name == str(GUESSERS - 1) and nth == EACH - 1
        try:
            found = authenticate(username="ada", password="the last of them" if last else "wrong")
        except TooManyGuesses:
            return "refused"
        return "wrong" if found is None else "right"


def test_two_hundred_guesses_at_once_are_answered_no_more_often_than_any_others(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Guessers(monkeypatch).told() == {"wrong": MOST, "refused": GUESSERS * EACH - MOST}


def test_looking_alone_answers_all_who_looked_together(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: counting without looking again."""
    monkeypatch.setattr(guesses, "_COUNT", UNGUARDED)

    assert Guessers(monkeypatch).told()["wrong"] >= GUESSERS


def test_a_right_one_among_too_many_is_refused_like_the_others(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it was hashed, others have used up what there was."""
    told: list[str] = []

    def others() -> None:
        if not told:
            told.append("once")
            for _ in range(MOST):
                guesses.count("ada")

    after(monkeypatch, User, "check_password", others)

    with pytest.raises(TooManyGuesses):
        authenticate(username="ada", password="the last of them")

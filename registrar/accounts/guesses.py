"""How many wrong passwords are taken for one user name, and for how long no more are.

They are counted in a row, so all web hosts count together, and Redis is not needed. A name that
nobody has is counted like any other: being refused tells nothing about who has an account. Only a
digest of it is kept, because people type their password there by mistake.

A name is looked at before the password is hashed and again after it, and nothing is locked
meanwhile. So of any number of guesses at the same time no more are answered than are taken, and a
right one beyond them is refused as well.

Only signing in asks here: who has a session or a token goes on with it.
"""

from math import ceil
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.utils.crypto import salted_hmac

log = structlog.get_logger()


class TooManyGuesses(Exception):
    """So many passwords were wrong for this name that none is taken for some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    @property
    def minutes(self) -> int:
        return ceil(self.seconds / 60)


_LEFT = """
SELECT extract(epoch FROM ends_at - clock_timestamp())::float FROM failed_sign_ins
WHERE digest = %s AND failures >= %s AND ends_at > clock_timestamp()
"""
# The time begins anew with each that is counted; what is refused does not make it longer.
_COUNT = """
INSERT INTO failed_sign_ins AS known (digest, failures, ends_at)
VALUES (%s, 1, clock_timestamp() + %s * interval '1 minute')
ON CONFLICT (digest) DO UPDATE
SET failures = CASE WHEN known.ends_at > clock_timestamp() THEN known.failures + 1 ELSE 1 END,
    ends_at = excluded.ends_at
WHERE known.failures < %s OR known.ends_at <= clock_timestamp()
RETURNING failures
"""
_FORGET = "WITH gone AS (DELETE FROM failed_sign_ins WHERE digest = %s RETURNING 1) TABLE gone"


def refuse(name: str) -> None:
    """Raises TooManyGuesses while no password is taken for this name."""
    seconds = _ask(_LEFT, _digest(name), settings.REGISTRAR["SIGN_IN_FAILURES"])
    if seconds is not None:
        raise TooManyGuesses(seconds)


def count(name: str) -> None:
    """One more wrong password. Raises TooManyGuesses when it is one more than are taken."""
    most, minutes = settings.REGISTRAR["SIGN_IN_FAILURES"], settings.REGISTRAR["SIGN_IN_MINUTES"]
    failures = _ask(_COUNT, _digest(name), minutes, most)
    if failures is None:
        raise TooManyGuesses(60 * minutes)
    if failures == most:
        log.warning("sign_in.guessed", failures=failures, minutes=minutes)


def forget(name: str) -> None:
    """Who knew the password was not guessing."""
    _ask(_FORGET, _digest(name))


def _digest(name: str) -> str:
    return salted_hmac("registrar.accounts.guesses", name, algorithm="sha256").hexdigest()


def _ask(statement: str, *values: Any) -> Any:
    """The one value it answers; None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return row[0] if row else None

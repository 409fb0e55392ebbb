"""The role claim: as whom the catalogue's walled tables are written (S2-16, S2-18, T39).

Their policies let anybody read, and write whoever's transaction says `app.role` is `admin`. The
setting is local to a transaction, so that a connection handed to the next request or task holds
nobody's claim. It guards against our own mistakes: who can run SQL of their own as the web can set
it too.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction

from .models import User
from .roles import Role, roles_of

ADMIN = "admin"
NOBODY = ""
_ADMINS = frozenset({Role.ADMIN, Role.REGISTRAR})
"""The registrar counts as admin for the catalogue (T41)."""

_CLAIMED = "SELECT coalesce(current_setting('app.role', true), '')"
_CLAIM = "SELECT set_config('app.role', %s, true)"


@contextmanager
def claim(user: User | AnonymousUser) -> Iterator[str]:
    """A transaction that writes as this user's roles allow.

    Inside another transaction that one's claim holds again afterwards. Yields what is claimed.
    """
    role = claimed_by(user)
    with claim_role(role):
        yield role


@contextmanager
def claim_role(role: str) -> Iterator[None]:
    """The same for what nobody signed in does: a command of the owner's, a migration's data."""
    within_another = connection.in_atomic_block
    with transaction.atomic():
        before = _ask(_CLAIMED) if within_another else NOBODY
        _ask(_CLAIM, role)
        yield
        # An error undoes the claim with the rest; a savepoint that is released leaves it behind.
        if within_another:
            _ask(_CLAIM, before)


def claimed_by(user: User | AnonymousUser) -> str:
    """`ADMIN` for who may write the catalogue's walled tables, else `NOBODY`."""
    if isinstance(user, User) and user.is_active and user.is_superuser:
        return ADMIN
    return NOBODY if _ADMINS.isdisjoint(roles_of(user)) else ADMIN


def _ask(statement: str, *values: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        answer: str = cursor.fetchone()[0]
        return answer

"""What was read of the catalogue, kept until the catalogue changes (S1-107, S1-108).

Each transaction that writes what a course's page or a list is made of leaves another mark in
`catalogue_epochs`, by triggers of the database. The marks that are committed together are the
epoch: it is asked first, in a query of its own, and is part of every key. So what is found under
it was read after whatever it tells of was committed. Nobody has to be told that something
changed, and each process keeps its own; plain values only (T46).
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django.core.cache import caches
from django.db import connection

SECONDS = 3600
"""Nothing stays longer, changed or not."""

_EPOCH = "SELECT md5(string_agg(mark::text, ',' ORDER BY id)) FROM catalogue_epochs"


def epoch() -> str:
    """The catalogue as it is committed, in a word; empty while nothing was ever written."""
    with connection.cursor() as cursor:
        cursor.execute(_EPOCH)
        return cursor.fetchone()[0] or ""


def kept(name: str, read: Callable[[], Any]) -> Any:
    """What `read` answers, read again only when the catalogue is not what it was.

    `name` says all that the answer depends on besides the catalogue.
    """
    at = epoch()
    if not at:
        return read()
    key = sha256(f"{at} {name}".encode()).hexdigest()
    shelf = caches["shelf"]
    found = shelf.get(key)
    if found is None:
        found = read()
        shelf.set(key, found, SECONDS)
    return found

"""Writing down who read what is another person's (S1-104).

Read first, written before it is shown: a reading that cannot be written down is not answered.
"""

from collections.abc import Iterable
from datetime import datetime

from .models import Access

_ROUTE = 300


def record_reading(
    *, actor: str, what: str, whose: Iterable[str], route: str, at: datetime
) -> None:
    """A line for each person whose records were shown, once; one line where it was nobody's.

    `actor` and `whose` are ids (`user:7`, `student:12`), `what` a kind of record
    (`enrollment.request`), `route` the path that was asked for, with what was searched by.
    """
    Access.objects.bulk_create(
        Access(at=at, actor=actor, what=what, whose=each, route=route[:_ROUTE])
        for each in list(dict.fromkeys(whose)) or [""]
    )

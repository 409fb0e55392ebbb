"""Reading what a settlement decides on, under its locks and in its lock order.

What depends on a lock is read after it was granted, in a statement of its own: at READ COMMITTED
a statement sees what was committed when it began, so a statement that both locks and reads may
decide on what the previous holder had not yet written (rule 3). Plans are pinned with `unnest ...
CROSS JOIN LATERAL (... OFFSET 0)`: at a term's opening statistics are stale, and `= ANY(array)`
turns into a scan of the whole hot course. What is pinned like that throughout keeps its plan, and
what can be asked at once goes in one message: for a few requests planning, and going to and fro,
cost more than reading.
"""

from datetime import datetime

from django.db.backends.utils import CursorWrapper

from .lines import (
    Line,
    Offerings,
    Pending,
    Reach,
    load_lines,
    load_offerings,
    lock_offerings,
    may_be_served,
    reach,
    read_line,
    still_pending,
)
from .students import Known, load_holders, load_students, lock_students, stream

__all__ = [
    "Known",
    "Line",
    "Offerings",
    "Pending",
    "Reach",
    "database_now",
    "load_holders",
    "load_lines",
    "load_offerings",
    "load_students",
    "lock_offerings",
    "lock_students",
    "may_be_served",
    "reach",
    "read_line",
    "still_pending",
    "stream",
]


def database_now(cursor: CursorWrapper) -> datetime:
    """The one clock: PostgreSQL's, as it is at this moment."""
    cursor.execute("SELECT clock_timestamp()")
    now: datetime = cursor.fetchone()[0]
    return now

"""What staff change about a student in a term, outside any course: the credit maximum."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from registrar.audit.log import Draft, append, canonical

from . import mailbox, requests
from .requests import Accepted, Submission
from .vocabulary import Kind


class Raised(NamedTuple):
    """The maximum is raised; `rechecks` ask again wherever the student waits."""

    before: int
    rechecks: tuple[int, ...]


class NotRaised(NamedTuple):
    """Nothing was changed: the maximum already is `maximum`, which is as high or higher."""

    maximum: int


def raise_maximum(
    *, student: int, term: int, maximum: int, reason: str, actor: str, now: datetime
) -> Raised | NotRaised:
    """Raise a student's credit maximum for a term, and have every line they wait in look again.

    One transaction: the student's row is locked (a settlement that is deciding on it goes first),
    updated and audited, and a RECHECK is queued for each offering where the student waits. Without
    it a waiter who was passed over for credits would be forgotten for good (rule 13).
    """
    with transaction.atomic(), connection.cursor() as cursor:
        row, before = _lock(cursor, student, term)
        if maximum <= before:
            return NotRaised(before)
        cursor.execute("UPDATE student_terms SET max_credits = %s WHERE id = %s", [maximum, row])
        asked = [
            Submission(Kind.RECHECK, actor, student, term, (offering,), {"offering": offering})
            for offering in _waits(cursor, student, term)
        ]
        answers = requests.insert(asked)
        rechecks = tuple(answer.request for answer in answers if isinstance(answer, Accepted))
        facts: dict[str, Any] = {"student": student, "term": term}
        facts |= {"before": before, "after": maximum, "reason": reason, "rechecks": list(rechecks)}
        entry = Draft(f"student_term:{row}", "maximum_raised", actor, canonical(facts))
        append(cursor, [entry], at=now)
    mailbox.post(requests.queued(asked, answers))
    return Raised(before, rechecks)


# A student who has asked for nothing yet has no row; intake would make the same one.
_MAKE = """
INSERT INTO student_terms (student_id, term_id, credits, max_credits)
SELECT %(student)s, id, 0, credit_maximum FROM terms
WHERE id = %(term)s AND NOT EXISTS (
    SELECT FROM student_terms WHERE student_id = %(student)s AND term_id = %(term)s)
ON CONFLICT (student_id, term_id) DO NOTHING
"""
_LOCK = """
SELECT id, max_credits FROM student_terms
WHERE student_id = %(student)s AND term_id = %(term)s FOR NO KEY UPDATE
"""
_WAITS = """
SELECT offering_id FROM waitlist_entries
WHERE student_id = %s AND term_id = %s AND state = 'WAITING' ORDER BY offering_id
"""


def _lock(cursor: CursorWrapper, student: int, term: int) -> tuple[int, int]:
    """The row's id and maximum, under its lock."""
    names = {"student": student, "term": term}
    cursor.execute(_MAKE, names)
    cursor.execute(_LOCK, names)
    row: tuple[int, int] = cursor.fetchone()
    return row


def _waits(cursor: CursorWrapper, student: int, term: int) -> list[int]:
    """Where the student waits, read under the lock: a settlement that moves them holds it too."""
    cursor.execute(_WAITS, [student, term])
    return [row[0] for row in cursor.fetchall()]

"""Waitlists: the line is what it says, and no seat idles while somebody in it may have it."""

from collections.abc import Iterator
from datetime import datetime

from django.db.backends.utils import CursorWrapper

from enrollment.allocation import Undecidable, allocate
from enrollment.facts import load_lines, load_offerings, load_students
from enrollment.vocabulary import Ask, Event, Kind, State

from .finding import Check

CHECKS = (
    Check(
        "nobody-waits-for-what-they-hold",
        "A student who waits for an offering has no seat in it.",
        """
        SELECT concat('student ', w.student_id, ' waits for offering ', w.offering_id)
        FROM waitlist_entries w
        JOIN enrollments e ON e.student_id = w.student_id AND e.offering_id = w.offering_id
        WHERE w.state = 'WAITING' AND e.active
        """,
    ),
    Check(
        "one-place-in-a-line",
        "A student stands once at most in an offering's line, by a request of their own for it.",
        """
        SELECT concat('student ', student_id, ' stands ', count(*), ' times in line for offering ',
                      offering_id)
        FROM waitlist_entries WHERE state = 'WAITING'
        GROUP BY student_id, offering_id HAVING count(*) > 1
        UNION ALL
        SELECT concat('student ', w.student_id, ' waits for offering ', w.offering_id,
                      ' by request ', w.request_id)
        FROM waitlist_entries w LEFT JOIN requests r ON r.id = w.request_id
        WHERE (r.student_id = w.student_id AND w.offering_id = ANY(r.offerings)
               AND r.term_id = w.term_id) IS NOT TRUE
        """,
    ),
    Check(
        "waiting-is-counted",
        "What an offering counts as waiting is the length of its line.",
        """
        SELECT concat('offering ', o.id, ' counts ', o.waiting, ', in line ',
                      coalesce(line.waiting, 0))
        FROM offerings o
        LEFT JOIN (SELECT offering_id, count(*) AS waiting FROM waitlist_entries
                   WHERE state = 'WAITING' GROUP BY 1) AS line ON line.offering_id = o.id
        WHERE o.waiting <> coalesce(line.waiting, 0)
        """,
    ),
)

IDLE = "no-seat-idles"
IDLE_SENTENCE = (
    "No seat is free that somebody in line could have: neither a seat anywhere nor one in the "
    "section waited for."
)
_LINES = """
SELECT id FROM offerings o
WHERE waiting > 0 AND NOT EXISTS (SELECT FROM pending p WHERE p.offering_id = o.id)
ORDER BY id
"""


def idle(cursor: CursorWrapper, now: datetime) -> Iterator[str]:
    """Who would be seated if every line were looked at once more: nobody, when all is well.

    Asked of `allocate` itself, with a RECHECK for each offering. An offering with anything
    pending is left out: its waiters are looked at with it.
    """
    state = _lines(cursor)
    ids = [offering.id for offering in state.offerings]
    asks = [Ask(id_, Kind.RECHECK, 0, (id_,), {"offering": id_}, "system", 0) for id_ in ids]
    try:
        steps = allocate(state, asks, now).steps
    except Undecidable as error:
        yield f"the line of offering {error.request} cannot be looked at: {error.__cause__!r}"
        return
    for step in steps:
        if step.event is Event.PROMOTED:
            yield (
                f"student {step.student} waits for offering {step.offering}, which has a seat in "
                f"section {step.facts['section']}"
            )


def _lines(cursor: CursorWrapper) -> State:
    """Every offering that somebody waits for, its line, and the loads of those in it."""
    cursor.execute(_LINES)
    ids = [id_ for (id_,) in cursor.fetchall()]
    facts = load_offerings(cursor, ids).facts
    lines = load_lines(cursor, ids)
    students = load_students(
        cursor, {(w.student, facts[id_].term) for id_, line in lines.items() for w in line}
    )
    known = {student.id for student in students}
    offerings = tuple(
        facts[id_]._replace(
            waiters=tuple(w for w in lines[id_] if w.student in known),
            waiters_loaded=True,
            openings=0,  # a section that does not exist is no idle seat
        )
        for id_ in ids
    )
    return State(offerings, students)

"""What must be true after a round, in a few queries: a fast wrong answer is no answer.

`bin/manage verify` proves far more; these are cheap enough to ask after every round.
"""

import time

from django.db import connection


class Broken(Exception):
    """Something that must hold does not, or the work did not end: the figures mean nothing."""


TRUTHS = {
    "every request has one outcome, and none failed": """
        SELECT count(*) FROM requests r LEFT JOIN outcomes o ON o.request_id = r.id
        WHERE o.result IS NULL OR o.result = 'FAILED_INTERNAL'""",
    "nothing is pending": "SELECT count(*) FROM pending",
    "every request is audited once": """
        SELECT (SELECT count(*) FROM requests) - count(DISTINCT request)
        FROM audit_entries WHERE event = 'decided'""",
    "no section is over its limit": """
        SELECT count(*) FROM sections WHERE taken > enrollment_limit OR permits <> 0""",
    "a section's counter is its rows": """
        SELECT count(*) FROM sections s WHERE taken <> (
            SELECT count(*) FROM enrollments e WHERE e.section_id = s.id AND e.active)""",
    "an offering's counters are its rows": """
        SELECT count(*) FROM offerings o
        WHERE taken <> (SELECT count(*) FROM enrollments e WHERE e.offering_id = o.id AND e.active)
           OR waiting <> (SELECT count(*) FROM waitlist_entries w
                          WHERE w.offering_id = o.id AND w.state = 'WAITING')""",
    "a student's load is their seats, within the maximum": """
        SELECT count(*) FROM student_terms st
        WHERE credits > max_credits OR credits <> (
            SELECT coalesce(sum(e.credits), 0) FROM enrollments e
            WHERE e.student_id = st.student_id AND e.term_id = st.term_id AND e.active)""",
    "who is enrolled by outcome has a seat": """
        SELECT abs((SELECT count(*) FROM outcomes WHERE result = 'ENROLLED')
                   - (SELECT count(*) FROM enrollments
                      WHERE active AND request_id IS NOT NULL))""",
    "no student sits in two places at the same time": """
        SELECT count(*) FROM enrollments a JOIN enrollments b
            ON a.student_id = b.student_id AND a.term_id = b.term_id AND a.id < b.id
        WHERE a.active AND b.active AND a.meets && b.meets AND a.request_id IS NOT NULL""",
}
IN_ORDER = """
SELECT count(*) FROM (
    SELECT s.section_number < max(s.section_number) OVER (
        PARTITION BY e.offering_id ORDER BY e.request_id) AS late
    FROM enrollments e JOIN sections s ON s.id = e.section_id) AS seats
WHERE late
"""


def check(*, fill_in_order: bool) -> None:
    """Ask all of them. `fill_in_order`: a later request never sits in an earlier section, which
    holds where every section suits everybody. Raises Broken."""
    asked = dict(TRUTHS)
    if fill_in_order:
        asked["sections fill in the order of requests"] = IN_ORDER
    with connection.cursor() as cursor:
        for truth, question in asked.items():
            cursor.execute(question)
            offenders = cursor.fetchone()[0]
            if offenders:
                raise Broken(f"not true that {truth}: {offenders} offenders")


def until_decided(seconds: float) -> None:
    """Wait until nothing is pending. Raises Broken when that takes longer."""
    deadline = time.monotonic() + seconds
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT EXISTS (SELECT FROM pending)")
            if not cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise Broken(f"not everything is decided after {seconds:g} s")

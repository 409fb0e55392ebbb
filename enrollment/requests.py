"""The door: what is accepted gets a row, a place in line and an answer; the rest gets a reason.

Nothing is decided here about seats. A student's request is accepted when a window is open for
them at that instant by the database's clock, and when they do not have too many open already.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

from django.conf import settings
from django.db import connection

from registrar import prepared
from registrar.audit.arrays import array, text_array
from registrar.audit.log import canonical

from . import mailbox
from .vocabulary import STUDENT_KINDS, Kind


class Submission(NamedTuple):
    """A request on its way in; `offerings` is every offering it touches, sorted."""

    kind: Kind
    actor: str
    student: int | None
    term: int
    offerings: tuple[int, ...]
    body: dict[str, Any]
    key: str = ""
    """The caller's idempotency key; without one the server makes one and the natural guard
    against a double click applies."""

    @property
    def hash(self) -> bytes:
        return sha256(canonical([self.kind, self.offerings, self.body]).encode()).digest()


class Accepted(NamedTuple):
    """The request has its row, committed; `replayed` when it had it before."""

    request: int
    accepted_at: datetime
    replayed: bool


class Declined(NamedTuple):
    """Nothing was written; a code and the facts that the caller may pass on."""

    code: str
    facts: dict[str, Any] = {}


Answer: TypeAlias = Accepted | Declined


class _Row(NamedTuple):
    """A submission with its key and its hash."""

    submission: Submission
    key: str
    hash: bytes


def submit_now(submissions: Sequence[Submission]) -> list[Answer]:
    """Accept and queue in this thread: for staff actions and commands. Raises what the database
    raises."""
    answers = insert(submissions)
    mailbox.post(queued(submissions, answers))
    return answers


def queued(submissions: Sequence[Submission], answers: Sequence[Answer]) -> list[tuple[int, int]]:
    """The (offering, request) pairs that are new in the queue."""
    return [
        (offering, answer.request)
        for submission, answer in zip(submissions, answers, strict=True)
        if isinstance(answer, Accepted) and not answer.replayed
        for offering in submission.offerings
    ]


def insert(submissions: Sequence[Submission]) -> list[Answer]:
    """Accept submissions in one transaction, in their order; the answers are in that order too.

    All of it is one message: the transaction lives in the database alone, and a process that
    freezes in the middle holds nobody up.
    """
    if not submissions:
        return []
    twins, fresh = _twins(submissions)
    answers = dict(zip(fresh, _insert([_row(submissions[i]) for i in fresh]), strict=True))
    return [_as_replay(answers[twins.get(i, i)], i in twins) for i in range(len(submissions))]


def _as_replay(answer: Answer, twin: bool) -> Answer:
    return answer._replace(replayed=True) if twin and isinstance(answer, Accepted) else answer


def _twins(submissions: Sequence[Submission]) -> tuple[dict[int, int], list[int]]:
    """Double clicks within one batch: which repeats which, and the indices that do not repeat.

    A keyless request repeats the student's newest one on those offerings when it is the same; in
    ENROLL, DROP, ENROLL the third repeats nothing.
    """
    newest: dict[tuple[str, int], int] = {}
    twins: dict[int, int] = {}
    for i, submission in enumerate(submissions):
        touched = {newest.get((submission.actor, o)) for o in submission.offerings}
        last = touched.pop() if len(touched) == 1 else None
        if not submission.key and last is not None and _same(submissions[last], submission):
            twins[i] = last
            continue
        for offering in submission.offerings:
            newest[submission.actor, offering] = i
    return twins, [i for i in range(len(submissions)) if i not in twins]


def _same(one: Submission, other: Submission) -> bool:
    """Two keyless asks of a student for the same thing. One with a key may be the replay of
    something decided long ago, which a new wish must not vanish into."""
    return one[:6] == other[:6] and not one.key and one.kind in STUDENT_KINDS


def _row(submission: Submission) -> _Row:
    key = submission.key or f"server:{secrets.token_hex(12)}"
    return _Row(submission, key, submission.hash)


_INTAKE_LOCKS = 0x1E6
"""The class of intake's advisory locks: student ids fall in their own space."""
# They make the count of a student's open requests exact when two web processes take requests of
# the same student. Taken in sorted order and by intake alone, so that it never waits for a
# settlement (rule 14); in a statement before the one that counts, which then sees what the last
# holder wrote.
_LOCK = f"""
SELECT count(pg_advisory_xact_lock({_INTAKE_LOCKS}, student))
FROM (SELECT DISTINCT student::int
      FROM unnest(%(students)s::bigint[], %(staff)s::boolean[]) AS asked (student, staff)
      WHERE student <> 0 AND NOT staff ORDER BY 1) AS sorted
"""
# The window is tested in the statement that inserts, against the same instant that becomes
# `accepted_at`: there is no moment between the test and the insert (T35), and it is after the wait
# for the locks. Ids are drawn here, in the order of arrival: whoever was answered before another
# asked has the lower one. Rows go in sorted by their unique key, so that two batches with the same
# keys meet in one order.
_INSERT = """
WITH asked AS MATERIALIZED (
    SELECT nextval('requests_id_seq') AS id, v.*, offerings_text::bigint[] AS offerings
    FROM unnest(%(kinds)s::text[], %(actors)s::text[], %(keys)s::text[],
                %(hashes)s::bytea[], %(students)s::bigint[], %(terms)s::bigint[],
                %(offerings)s::text[], %(bodies)s::text[], %(staff)s::boolean[],
                %(keyless)s::boolean[])
         WITH ORDINALITY
         AS v (kind, actor, key, hash, student, term, offerings_text, body, staff, keyless, place)
), instant AS MATERIALIZED (
    SELECT clock_timestamp() AS now
), load AS (
    SELECT s.student,
           (SELECT count(DISTINCT request_id) FROM pending WHERE student_id = s.student) AS open,
           (SELECT count(*) FROM requests
            WHERE student_id = s.student AND window_id IS NOT NULL
              AND accepted_at > (SELECT now FROM instant) - interval '1 minute') AS recent
    FROM (SELECT DISTINCT student FROM asked WHERE NOT staff) AS s
), judged AS (
    SELECT asked.*, w.id AS window_id, twin.id AS twin, twin.accepted_at AS twin_accepted_at,
           load.open + row_number() OVER line AS open,
           load.recent + row_number() OVER line AS recent
    FROM asked
    LEFT JOIN load ON load.student = asked.student AND NOT asked.staff
    LEFT JOIN LATERAL (
        SELECT windows.id FROM windows JOIN students ON students.id = asked.student
        WHERE NOT asked.staff AND term_id = asked.term
          AND opens_at <= (SELECT now FROM instant) AND (SELECT now FROM instant) < closes_at
          -- A clock that steps back opens nothing again that has been announced as closed.
          AND closed_at IS NULL
          AND (actions = '{}'
               OR CASE asked.kind WHEN 'BUNDLE' THEN 'ENROLL' ELSE asked.kind END = ANY(actions))
          AND (cohorts = '{}' OR cohort = ANY(cohorts))
        ORDER BY closes_at DESC, windows.id LIMIT 1
    ) AS w ON true
    LEFT JOIN LATERAL (
        -- In this order and no other (OFFSET 0, see `registrar.prepared`): a plan made while nobody
        -- had asked for anything began with all of `requests`, or all who wait for the course.
        SELECT r.id, r.kind, r.body_hash, r.accepted_at
        FROM (
            SELECT max(request_id) AS id
            FROM (SELECT * FROM pending WHERE student_id = asked.student OFFSET 0) AS open
            WHERE asked.keyless AND offering_id = ANY(asked.offerings)
        ) AS newest
        CROSS JOIN LATERAL (
            SELECT * FROM requests
            WHERE requests.id = newest.id AND student_id = asked.student OFFSET 0
        ) AS r
    ) AS twin ON twin.kind = asked.kind AND twin.body_hash = asked.hash
    WINDOW line AS (PARTITION BY asked.student, asked.staff ORDER BY asked.id)
), inserted AS (
    INSERT INTO requests (id, kind, actor, key, body_hash, student_id, term_id, offerings, body,
                          window_id, accepted_at)
    SELECT id, kind, actor, key, hash, nullif(student, 0), term, offerings, body::jsonb,
           window_id, (SELECT now FROM instant)
    FROM judged
    WHERE staff OR (window_id IS NOT NULL AND twin IS NULL
                    AND open <= %(max_open)s AND recent <= %(per_minute)s)
    ORDER BY student, actor, key
    ON CONFLICT (actor, key) DO NOTHING
    RETURNING id, accepted_at
), queued AS (
    INSERT INTO pending (offering_id, request_id, student_id, cancels, wide)
    SELECT offering, judged.id, nullif(student, 0), kind = 'CANCEL', cardinality(offerings) > 1
    FROM judged JOIN inserted USING (id) CROSS JOIN LATERAL unnest(offerings) AS offering
), registered AS (
    INSERT INTO student_terms (student_id, term_id, credits, max_credits)
    SELECT DISTINCT judged.student, terms.id, 0, terms.credit_maximum
    FROM judged JOIN inserted USING (id) JOIN terms ON terms.id = judged.term
    WHERE judged.student <> 0 AND NOT EXISTS (
        SELECT FROM student_terms st WHERE st.student_id = judged.student AND st.term_id = terms.id)
    ON CONFLICT (student_id, term_id) DO NOTHING
)
SELECT judged.place, judged.id, inserted.accepted_at,
       judged.twin, judged.twin_accepted_at, judged.window_id,
       judged.open > %(max_open)s, judged.recent > %(per_minute)s, judged.staff
FROM judged LEFT JOIN inserted USING (id)
"""
_BY_KEY = """
SELECT v.place, r.id, r.accepted_at, r.kind = v.kind AND r.body_hash = v.hash
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bytea[])
     AS v (place, actor, key, kind, hash)
JOIN requests r ON r.actor = v.actor AND r.key = v.key
"""


def _insert(rows: Sequence[_Row]) -> list[Answer]:
    limits = settings.REGISTRAR
    values = {
        **_columns(rows),
        "max_open": limits["STUDENT_OPEN"],
        "per_minute": limits["STUDENT_PER_MINUTE"],
    }
    judged = prepared.fetch(_LOCK, _INSERT, values=values)
    answers: dict[int, Answer] = {
        place: Accepted(id_, accepted_at, replayed=False)
        for place, id_, accepted_at, *_ in judged
        if accepted_at is not None
    }
    losers = {place: row for place, row in enumerate(rows, 1) if place not in answers}
    if losers:
        # A key that was used before is answered first, even when the window has since closed.
        answers |= _by_key(losers)
        for place, _, _, *why in judged:
            if place not in answers:
                answers[place] = _why_not(*why)
    return [answers[place] for place in range(1, len(rows) + 1)]


def _columns(rows: Sequence[_Row]) -> dict[str, str]:
    asked = [row.submission for row in rows]
    return {
        "kinds": text_array(s.kind for s in asked),
        "actors": text_array(s.actor for s in asked),
        "keys": text_array(row.key for row in rows),
        "hashes": _bytes_array(row.hash for row in rows),
        "students": array(s.student or 0 for s in asked),
        "terms": array(s.term for s in asked),
        "offerings": text_array(array(s.offerings) for s in asked),
        "bodies": text_array(json.dumps(s.body) for s in asked),
        "staff": array(s.kind not in STUDENT_KINDS for s in asked),
        "keyless": array(not s.key and s.kind in STUDENT_KINDS for s in asked),
    }


def _bytes_array(values: Iterable[bytes]) -> str:
    return "{" + ",".join(f'"\\\\x{value.hex()}"' for value in values) + "}"


def _by_key(losers: Mapping[int, _Row]) -> dict[int, Answer]:
    """The loser of a key is read by a second statement: the first could not see its winner."""
    rows = losers.values()
    with connection.cursor() as cursor:
        cursor.execute(
            _BY_KEY,
            [
                array(losers),
                text_array(row.submission.actor for row in rows),
                text_array(row.key for row in rows),
                text_array(row.submission.kind for row in rows),
                _bytes_array(row.hash for row in rows),
            ],
        )
        found = cursor.fetchall()
    return {
        place: Accepted(request, accepted_at, replayed=True)
        if same
        else Declined("KEY_REUSED", {"request": request})
        for place, request, accepted_at, same in found
    }


def _why_not(
    twin: int | None,
    twin_accepted_at: datetime,
    window: int | None,
    too_many_open: bool,
    too_many_recent: bool,
    staff: bool,
) -> Answer:
    if twin is not None:
        return Accepted(twin, twin_accepted_at, replayed=True)
    if window is None and not staff:
        return Declined("WINDOW_CLOSED")
    if too_many_open:
        return Declined("TOO_MANY_OPEN", {"limit": settings.REGISTRAR["STUDENT_OPEN"]})
    if too_many_recent:
        limit = settings.REGISTRAR["STUDENT_PER_MINUTE"]
        return Declined("TOO_MANY_PER_MINUTE", {"limit": limit, "retry_after": 60})
    return Declined("KEY_REUSED")

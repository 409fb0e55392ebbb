"""The database refuses by itself what the code promises never to write (architecture 3.4).

Every statement is tried by the owner, whom no grant stops, on a small world: one course with a
base seat and a section, both taken, and somebody waiting.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import Error, connection, transaction

from tests.factories import (
    enroll,
    make_offering,
    make_section,
    make_student,
    make_term,
    open_window,
)
from tests.races import settle_all

MONDAY = ((540, 590),)


@pytest.fixture
def world(database: None) -> None:
    """Ids from 1 on: term 1; offerings 1 (full) and 2; section 1 of offering 1; students 1 (base
    seat), 2 (section) and 3 (waits); requests 1 to 3 in settlement 1, window 1."""
    term = make_term()
    open_window(term)
    full = make_offering(term, base_limit=1, base_meets=MONDAY, total_cap=2)
    make_section(full, limit=1)
    make_offering(term, base_limit=1, base_meets=MONDAY)
    students = [make_student(term) for _ in range(3)]
    enroll(full, students)
    settle_all()


@pytest.fixture
def owner(world: None) -> Iterator[None]:
    """One transaction, rolled back, in which deferred checks are made at once."""
    with transaction.atomic():
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        execute(
            "INSERT INTO access_entries (at, actor, what, whose, route) "
            "VALUES (now(), 'user:1', 'enrollment.student', 'student:1', '/')"
        )
        yield
        transaction.set_rollback(True)


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def answer(*statements: str) -> str:
    """The constraint that refuses, else what the refusal says; the statements are undone."""
    try:
        with transaction.atomic():
            for sql in statements:
                execute(sql)
            transaction.set_rollback(True)
    except Error as error:
        cause: Any = error.__cause__
        return str(cause.diag.constraint_name or cause.diag.message_primary)
    return "nothing: it was done"


SEAT = (
    "INSERT INTO enrollments (student_id, term_id, offering_id, section_id, credits, meets, active)"
    " VALUES "
)
WAIT = (
    "INSERT INTO waitlist_entries (request_id, student_id, term_id, offering_id, section_id, state,"
    " passed_over) VALUES "
)
SECTION = (
    "INSERT INTO sections (offering_id, course_id, term_id, section_number, code, enrollment_limit,"
    " taken, permits, schedule, meets, automatic, needs_assignment, created_at) VALUES "
)
REQUEST = (
    "INSERT INTO requests (kind, actor, key, body_hash, student_id, term_id, offerings, body,"
    " accepted_at) VALUES "
)
OUTCOME = "INSERT INTO outcomes (request_id, settlement_id, result, code, facts) VALUES "
ENTRY = "INSERT INTO audit_entries (stream, seq, at, actor, event, body, hash) VALUES "

REFUSED: dict[str, list[str]] = {
    # seats
    "offering_base_seats_not_oversold": [
        "UPDATE offerings SET base_taken = 2 WHERE id = 1",
        "UPDATE offerings SET base_limit = 0 WHERE id = 1",
    ],
    "offering_total_not_oversold": [
        "UPDATE offerings SET taken = 3 WHERE id = 1",
        "UPDATE offerings SET total_cap = 1 WHERE id = 1",
    ],
    "offering_base_within_total": ["UPDATE offerings SET taken = 0 WHERE id = 1"],
    "offering_open_threshold_from_1": ["UPDATE offerings SET open_threshold = 0"],
    "offering_status_known": ["UPDATE offerings SET status = 'AJAR'"],
    "section_not_oversold": [
        "UPDATE sections SET taken = 2",
        "UPDATE sections SET enrollment_limit = 0",
    ],
    "sections_taken_check": ["UPDATE sections SET taken = -1"],
    "offerings_waiting_check": ["UPDATE offerings SET waiting = -1"],
    # who sits where
    "enrollment_one_live_per_offering": [SEAT + "(1, 1, 1, NULL, 3, '{}', true)"],
    "enrollment_no_two_at_the_same_time": [
        SEAT + "(1, 1, 2, NULL, 3, '{[589,600)}', true)",
        SEAT + "(1, 1, 2, NULL, 3, '{[0,1),[540,541),[600,700)}', true)",
    ],
    "seat_in_a_section_of_its_offering": [SEAT + "(1, 1, 2, 1, 3, '{}', true)"],
    "seat_on_an_offering_of_its_term": [SEAT + "(1, 1, 99, NULL, 3, '{}', true)"],
    "seat_of_a_student_in_term": [
        SEAT + "(99, 1, 2, NULL, 3, '{}', true)",
        SEAT + "(1, 2, 2, NULL, 3, '{}', true)",
        SEAT + "(1, 1, 2, NULL, 3, '{}', true), (99, 1, 2, NULL, 3, '{}', true)",
    ],
    "seats_never_move": [
        "UPDATE enrollments SET section_id = NULL",
        "UPDATE enrollments SET student_id = 3 WHERE student_id = 1",
    ],
    "seats_keep_their_rows": [
        "DELETE FROM student_terms WHERE student_id = 1",
        "UPDATE student_terms SET student_id = 3 WHERE student_id = 1",
        "DELETE FROM sections",
        "UPDATE sections SET offering_id = 2",
        "UPDATE offerings SET id = 99 WHERE id = 1",
    ],
    "waitlist_one_place_per_offering": [WAIT + "(9, 3, 1, 1, NULL, 'WAITING', '')"],
    "waitlist_entries_pkey": [WAIT + "(3, 3, 1, 2, NULL, 'WAITING', '')"],
    "waitlist_state_known": [WAIT + "(9, 3, 1, 2, NULL, 'HOPING', '')"],
    "waitlist_entries_offering_id": [WAIT + "(9, 3, 1, 99, NULL, 'WAITING', '')"],
    "waitlist_entries_student_id": [WAIT + "(9, 99, 1, 2, NULL, 'WAITING', '')"],
    "waitlist_entries_section_id": [WAIT + "(9, 3, 1, 2, 99, 'WAITING', '')"],
    # what a student may hold
    "student_term_within_credit_maximum": [
        "UPDATE student_terms SET credits = max_credits + 1",
        "UPDATE student_terms SET max_credits = 2 WHERE student_id = 1",
    ],
    "student_terms_credits_check": ["UPDATE student_terms SET credits = -1"],
    "student_term_once": [
        "INSERT INTO student_terms (student_id, term_id, credits, max_credits) VALUES (1, 1, 0, 9)"
    ],
    "student_terms_student_id": [
        "INSERT INTO student_terms (student_id, term_id, credits, max_credits) VALUES (99, 1, 0, 9)"
    ],
    "student_terms_term_id": [
        "INSERT INTO student_terms (student_id, term_id, credits, max_credits) VALUES (1, 99, 0, 9)"
    ],
    # sections
    "section_number_once_per_offering": [
        SECTION + "(1, 1, 1, 1, 'X', 1, 0, 0, '{}', '{}', true, true, now())"
    ],
    "section_code_once_per_term": [
        SECTION
        + "(1, 1, 1, 2, (SELECT code FROM sections), 1, 0, 0, '{}', '{}', true, true, now())"
    ],
    "section_number_from_1": [
        SECTION + "(1, 1, 1, 0, 'X', 1, 0, 0, '{}', '{}', true, true, now())"
    ],
    "section_of_its_offering": [
        SECTION + "(1, 2, 1, 2, 'X', 1, 0, 0, '{}', '{}', true, true, now())"
    ],
    "offering_once_a_term": ["UPDATE offerings SET course_id = 1 WHERE id = 2"],
    # requests and how they ended
    "request_key_once_per_actor": [
        REQUEST + "('DROP', 'student:1', (SELECT key FROM requests WHERE id = 1), '', 1, 1, '{1}',"
        " '{}', now())"
    ],
    "request_kind_known": [REQUEST + "('BEG', 'student:1', 'k', '', 1, 1, '{1}', '{}', now())"],
    "requests_student_id": [REQUEST + "('DROP', 'x', 'k', '', 99, 1, '{1}', '{}', now())"],
    "pending_offering_id": [
        "INSERT INTO pending (offering_id, request_id, cancels) VALUES (99, 9, false)"
    ],
    "pending_pkey": [
        "INSERT INTO pending (offering_id, request_id, cancels) VALUES (1, 9, false), (1, 9, true)"
    ],
    "outcomes_pkey": [OUTCOME + "(1, 2, 'DROPPED', 'DROPPED', '{}')"],
    "outcome_result_known": [OUTCOME + "(9, 2, 'FORGOTTEN', 'X', '{}')"],
    "settlements_pkey": [
        "INSERT INTO settlements (id, decided_at, offerings, decided, worker, facts) "
        "VALUES (1, now(), '{1}', 1, 'w', '{}')"
    ],
    "window_opens_before_it_closes": ["UPDATE windows SET closes_at = opens_at"],
    # the audit
    "audit_entry_seq_in_stream": [ENTRY + "('offering:1', 1, now(), 'a', 'e', '{}', '')"],
    "audit_entry_seq_from_1": [ENTRY + "('offering:9', 0, now(), 'a', 'e', '{}', '')"],
}


@pytest.mark.requirement("S1-97")
@pytest.mark.usefixtures("owner")
def test_the_database_refuses_what_the_code_promises_never_to_write() -> None:
    said = {sql: (rule, answer(sql)) for rule, tried in REFUSED.items() for sql in tried}

    assert {sql: found for sql, (rule, found) in said.items() if not found.startswith(rule)} == {}


@pytest.mark.usefixtures("owner")
def test_seats_that_staff_permitted_are_not_refused() -> None:
    execute("UPDATE offerings SET base_taken = 2, base_permits = 1, taken = 3, total_permits = 1")
    execute("UPDATE sections SET taken = 2, permits = 1")


PIPELINE = [
    "offerings",
    "sections",
    "enrollments",
    "waitlist_entries",
    "student_terms",
    "requests",
    "pending",
    "outcomes",
    "settlements",
    "windows",
    "audit_entries",
]
_ALL = """
SELECT conname FROM pg_constraint
WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('c', 'u', 'x', 'f')
UNION SELECT indexrelid::regclass::text FROM pg_index
WHERE indrelid = ANY(%s::regclass[]) AND indisunique AND indpred IS NOT NULL
"""
# Columns that are not negative; keys that Django's beat, a course or an account is the other end
# of; and a key whose only use is that others can refer to it.
NOT_OURS = (
    "_check",
    "_task_id",
    "sections_instructor_id",
    "sections_offering_id",
    "offerings_course_id",
    "offerings_term_id",
    "windows_term_id",
    "offering_with_its_course_and_term",
)


@pytest.mark.usefixtures("world")
def test_every_constraint_of_the_pipeline_was_tried_here() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ALL, [PIPELINE, PIPELINE])
        names = [name for (name,) in cursor.fetchall()]

    untried = [
        name
        for name in names
        if not name.startswith(tuple(REFUSED)) and not any(part in name for part in NOT_OURS)
    ]

    assert untried == []


# History only grows ---------------------------------------------------------------------------

APPEND_ONLY = ("requests", "outcomes", "settlements", "audit_entries", "access_entries")
CHANGES = (
    "UPDATE {0} SET {1} = {1}",
    "DELETE FROM {0}",
    "TRUNCATE {0} CASCADE",
    "MERGE INTO {0} t USING (SELECT 1) v ON true WHEN MATCHED THEN DELETE",
)
A_REPLICA = "SET LOCAL session_replication_role = replica"


@pytest.mark.requirement("S1-101")
@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("disguise", ["SELECT", A_REPLICA])
def test_what_happened_cannot_be_changed(disguise: str) -> None:
    changes = [
        change.format(table, "request_id" if table == "outcomes" else "id")
        for table in APPEND_ONLY
        for change in CHANGES
    ]

    said = {change: answer(disguise, change) for change in changes}

    assert {change: words for change, words in said.items() if "is append-only" not in words} == {}


@pytest.mark.usefixtures("owner")
def test_a_trigger_that_is_not_enabled_always_lets_a_replica_change_what_happened() -> None:
    said = {
        answer(
            f"ALTER TABLE {table} ENABLE TRIGGER append_only_rows",
            A_REPLICA,
            f"DELETE FROM {table}",
        )
        for table in APPEND_ONLY
    }

    assert said == {"nothing: it was done"}

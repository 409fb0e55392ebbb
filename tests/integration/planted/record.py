"""Plants in what was written: entries, facts, outcomes, and seats that no entry gave."""

from typing import Any

import msgspec

from enrollment.vocabulary import State

from .forging import facts_rewritten, rewritten
from .plant import Plant, lifted, offering

_POPULAR, _TUESDAY = offering("POP"), offering("TUE")
_SOMEBODY_SEATED = f"""
INSERT INTO enrollments (student_id, term_id, offering_id, credits, meets, active, request_id,
                         settlement_id)
SELECT st.student_id, st.term_id, {_TUESDAY}, 3, o.base_meets, true, %s, %s
FROM student_terms st, offerings o
WHERE o.id = {_TUESDAY} AND st.id = (SELECT max(id) FROM student_terms)
"""
_AND_COUNTED = (
    f"UPDATE offerings SET taken = taken + 1, base_taken = base_taken + 1 WHERE id = {_TUESDAY}",
    "UPDATE student_terms SET credits = credits + 3, max_credits = max_credits + 3 "
    "WHERE id = (SELECT max(id) FROM student_terms)",
)


def _another_code(entry: dict[str, Any]) -> bool:
    if entry.get("code") != "NOT_ENROLLED":
        return False
    entry["told"]["code"] = "PAUSED"
    return True


def _half_a_swap(entry: dict[str, Any]) -> bool:
    if entry.get("kind") != "SWAP" or entry["result"] != "SWAPPED":
        return False
    entry["told"]["changes"] = [row for row in entry["changes"] if row[0] != "free"]
    return True


def _a_seat_for_somebody_else(entry: dict[str, Any]) -> bool:
    if entry["event"] != "decided" or not any(row[0] == "seat" for row in entry["changes"]):
        return False
    for row in entry["told"]["changes"]:
        row[3] += 1
    return True


def _one_more_seat_known(facts: dict[str, Any]) -> bool:
    """The base seats of the first offering that filled up, with a limit of one more."""
    state = msgspec.convert(facts["state"], State)
    for index, known in enumerate(state.offerings):
        if known.auto_create:
            facts["state"][0][index][15][0][1] += 1
            return True
    return False


def _one_more_waiting_known(facts: dict[str, Any]) -> bool:
    facts["state"][0][0][12] += 1
    return True


def _asked_in_reverse(facts: dict[str, Any]) -> bool:
    facts["asks"].reverse()
    return len(facts["asks"]) > 1


RECORD = (
    Plant(
        "chain-is-whole",
        "an entry edited",
        (
            lifted("audit_entries"),
            "UPDATE audit_entries SET actor = 'user:7' WHERE id = 2",
        ),
    ),
    Plant(
        "chain-is-whole",
        "an entry taken out",
        (lifted("audit_entries"), "DELETE FROM audit_entries WHERE id = 2"),
    ),
    Plant(
        "chain-is-whole",
        "an entry that is no JSON",
        (lifted("audit_entries"), "UPDATE audit_entries SET body = '{' WHERE id = 2"),
    ),
    Plant(
        "chain-is-whole",
        "a genesis that is none",
        (lifted("audit_entries"), "UPDATE audit_entries SET body = '{}' WHERE event = 'genesis'"),
    ),
    Plant(
        "facts-are-as-hashed",
        "other facts than were decided on",
        (
            lifted("settlements"),
            "UPDATE settlements SET facts = facts || ' ' WHERE id = 1",
        ),
    ),
    Plant(
        "facts-agree-with-history",
        "facts that nothing led to, with every hash made again",
        forge=facts_rewritten(_one_more_waiting_known),
    ),
    Plant(
        "facts-agree-with-history",
        "facts that are none",
        (lifted("settlements"), "UPDATE settlements SET facts = '[]' WHERE id = 1"),
    ),
    Plant(
        "audit-rebuilds-the-seats",
        "a seat given by hand, with every counter as it should be",
        ((_SOMEBODY_SEATED % (1, 1)), *_AND_COUNTED),
    ),
    Plant(
        "audit-rebuilds-the-seats",
        "a seat that history gave to somebody else, with every hash made again",
        forge=rewritten(_a_seat_for_somebody_else),
    ),
    Plant(
        "audit-rebuilds-the-seats",
        "a wait that ended otherwise",
        ("UPDATE waitlist_entries SET state = 'LEFT' WHERE state = 'PROMOTED'",),
    ),
    Plant(
        "audit-rebuilds-the-seats",
        "a limit that nobody set",
        (f"UPDATE offerings SET section_limit = 50 WHERE id = {_POPULAR}",),
    ),
    Plant(
        "every-seat-has-a-history",
        "a seat from nowhere, with every counter as it should be",
        ((_SOMEBODY_SEATED % ("NULL", "NULL")), *_AND_COUNTED),
    ),
    Plant(
        "deciding-again-decides-the-same",
        "another reason in the audit and in the outcome, with every hash made again",
        (
            lifted("outcomes"),
            "UPDATE outcomes SET code = 'PAUSED' WHERE request_id = ("
            "SELECT request FROM audit_entries WHERE position('NOT_ENROLLED' IN body) > 0 "
            "ORDER BY stream, seq LIMIT 1)",
        ),
        forge=rewritten(_another_code),
    ),
    Plant(
        "deciding-again-decides-the-same",
        "the last promotion cut off, which no chain shows",
        (
            lifted("audit_entries"),
            "DELETE FROM audit_entries WHERE id = (SELECT max(id) FROM audit_entries e "
            "WHERE event = 'promoted' AND NOT EXISTS (SELECT FROM audit_entries l "
            "WHERE l.stream = e.stream AND l.seq > e.seq))",
        ),
    ),
    Plant(
        "decided-in-order",
        "the last first, with every hash made again",
        forge=facts_rewritten(_asked_in_reverse),
    ),
    Plant(
        "outcomes-are-as-audited",
        "another outcome",
        (
            lifted("outcomes"),
            "UPDATE outcomes SET code = 'FULL' WHERE request_id = 1",
        ),
    ),
    Plant(
        "swaps-and-bundles-are-whole",
        "a swap that gave nothing up, with every hash made again",
        forge=rewritten(_half_a_swap),
    ),
    Plant(
        "sections-open-when-all-others-are-full",
        "a section opened by nobody",
        ("UPDATE sections SET opened_by = opened_by + 1 WHERE code = 'POP-SEC001'",),
    ),
    Plant(
        "sections-open-when-all-others-are-full",
        "a section opened beside a free seat, with every hash made again",
        forge=facts_rewritten(_one_more_seat_known),
    ),
    Plant(
        "rechecks-are-queued",
        "somebody forgotten",
        (lifted("requests"), "UPDATE requests SET key = 'x' WHERE kind = 'RECHECK'"),
    ),
)

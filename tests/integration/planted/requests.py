"""Plants among requests: lost, doubled, stuck, too early."""

from .plant import Plant, lifted, offering, without

_NARROW = offering("NAR")
_REQUEST_COLUMNS = "kind, actor, key, body_hash, student_id, term_id, offerings, body, accepted_at"

REQUESTS = (
    Plant(
        "accepted-is-settled-once",
        "an outcome is gone",
        (
            lifted("outcomes"),
            "DELETE FROM outcomes WHERE request_id = (SELECT min(request_id) FROM outcomes)",
        ),
    ),
    Plant(
        "accepted-is-settled-once",
        "a decided request is still in line",
        (
            "INSERT INTO pending (offering_id, request_id, student_id, cancels) "
            "SELECT offerings[1], id, student_id, false FROM requests "
            "WHERE id = (SELECT min(id) FROM requests WHERE kind = 'ENROLL')",
        ),
    ),
    Plant(
        "nothing-is-stuck",
        "a request that nobody settles",
        (
            f"INSERT INTO requests ({_REQUEST_COLUMNS}) SELECT 'RECHECK', 'system', 'stuck', '', "
            "student_id, term_id, offerings, body, clock_timestamp() - interval '30 seconds' "
            "FROM requests WHERE kind = 'ENROLL' LIMIT 1",
            "INSERT INTO pending (offering_id, request_id, student_id, cancels) "
            "SELECT offerings[1], id, student_id, false FROM requests WHERE key = 'stuck'",
        ),
    ),
    Plant(
        "lines-hold-requests",
        "a place in line without a request",
        (
            "INSERT INTO pending (offering_id, request_id, cancels) "
            f"VALUES ({_NARROW}, 999999, false)",
        ),
    ),
    Plant(
        "one-outcome-a-request",
        "an outcome of nothing",
        (
            "INSERT INTO outcomes (request_id, settlement_id, result, code, facts) "
            "VALUES (999999, 1, 'DROPPED', 'DROPPED', '{}')",
        ),
    ),
    Plant(
        "one-outcome-a-request",
        "a request decided twice",
        (
            without("outcomes", "outcomes_pkey"),
            "INSERT INTO outcomes (request_id, settlement_id, result, code, facts) "
            "SELECT request_id, settlement_id, result, code, facts FROM outcomes LIMIT 1",
        ),
    ),
    Plant(
        "decided-is-audited-once",
        "the last entry of a stream cut off, which no chain shows",
        (
            lifted("audit_entries"),
            "DELETE FROM audit_entries WHERE id = (SELECT max(id) FROM audit_entries e "
            "WHERE event = 'decided' AND NOT EXISTS (SELECT FROM audit_entries l "
            "WHERE l.stream = e.stream AND l.seq > e.seq))",
        ),
    ),
    Plant(
        "settlements-count-what-they-decided",
        "a settlement that claims one more",
        (
            lifted("settlements"),
            "UPDATE settlements SET decided = decided + 1 WHERE id = (SELECT 1)",
        ),
    ),
    Plant(
        "nobody-is-overtaken",
        "the first in line, decided last",
        (
            lifted("requests"),
            lifted("outcomes"),
            "UPDATE requests SET accepted_at = accepted_at - interval '1 minute' WHERE id = 1",
            "UPDATE outcomes SET settlement_id = (SELECT max(id) FROM settlements) "
            "WHERE request_id = 1",
        ),
    ),
    Plant(
        "cancels-are-as-their-targets",
        "a CANCEL that was told of a decision not made yet",
        (
            lifted("outcomes"),
            "UPDATE outcomes SET code = 'ALREADY_DECIDED', settlement_id = 0 "
            "WHERE request_id IN (SELECT id FROM requests WHERE kind = 'CANCEL')",
        ),
    ),
    Plant(
        "cancels-are-as-their-targets",
        "a request taken back that nobody wanted back",
        (
            lifted("outcomes"),
            "UPDATE outcomes SET result = 'CANCELLED' WHERE request_id = "
            "(SELECT min(request_id) FROM outcomes WHERE result = 'ENROLLED')",
        ),
    ),
    Plant(
        "window-effects-happen-once",
        "an opening announced twice",
        (
            "INSERT INTO audit_entries (stream, seq, at, actor, event, body, hash) "
            "SELECT 'window:999', n, now(), 'beat', 'window_opened', '{}', '' "
            "FROM generate_series(1, 2) AS n",
        ),
    ),
    Plant(
        "keys-are-used-once",
        "two requests of one key",
        (
            without("requests", "request_key_once_per_actor"),
            lifted("requests"),
            "UPDATE requests SET key = 'again', actor = 'user:1' WHERE id IN (1, 2)",
        ),
    ),
    Plant(
        "accepted-inside-a-window",
        "accepted before the window opened",
        (
            lifted("requests"),
            "UPDATE requests SET accepted_at = accepted_at - interval '2 hours' WHERE id = 1",
        ),
    ),
    Plant(
        "accepted-inside-a-window",
        "a window for others, and for something else",
        ("UPDATE windows SET cohorts = '{X}', actions = '{DROP}'",),
    ),
    Plant(
        "accepted-inside-a-window",
        "no window at all",
        (
            lifted("requests"),
            "UPDATE requests SET window_id = NULL WHERE id = 1",
        ),
    ),
)

"""Requests: everything accepted is decided once, by one settlement, and audited once."""

from .finding import Check

CHECKS = (
    Check(
        "accepted-is-settled-once",
        "Every request is either pending or decided: never neither, never both.",
        """
        SELECT concat('request ', r.id, CASE WHEN o.request_id IS NULL
                                             THEN ' is neither pending nor decided'
                                             ELSE ' is decided and still pending' END)
        FROM requests r
        LEFT JOIN outcomes o ON o.request_id = r.id
        LEFT JOIN (SELECT DISTINCT request_id FROM pending) p ON p.request_id = r.id
        WHERE (o.request_id IS NULL) = (p.request_id IS NULL)
        """,
    ),
    Check(
        "nothing-is-stuck",
        "No request waits undecided for longer than the patience asked for.",
        """
        SELECT concat('request ', r.id, ' has waited since ', r.accepted_at)
        FROM requests r
        WHERE r.accepted_at <= clock_timestamp() - make_interval(secs => %(patience)s)
          AND EXISTS (SELECT FROM pending p WHERE p.request_id = r.id)
        """,
    ),
    Check(
        "lines-hold-requests",
        "A request stands in the line of each offering it touches, and in no other.",
        """
        SELECT concat('request ', p.request_id, ' stands in the line of offering ', p.offering_id,
                      CASE WHEN r.id IS NULL THEN ' and does not exist'
                           ELSE ', which it does not touch as that student' END)
        FROM pending p LEFT JOIN requests r ON r.id = p.request_id
        WHERE r.id IS NULL OR p.offering_id <> ALL(r.offerings)
           OR p.student_id IS DISTINCT FROM r.student_id OR p.cancels <> (r.kind = 'CANCEL')
        UNION ALL
        SELECT concat('request ', r.id, ' stands in ', line.places, ' of ',
                      cardinality(r.offerings), ' lines')
        FROM (SELECT request_id, count(*) AS places FROM pending GROUP BY 1) AS line
        JOIN requests r ON r.id = line.request_id
        WHERE line.places <> cardinality(r.offerings)
        """,
    ),
    Check(
        "one-outcome-a-request",
        "An outcome belongs to a request, and a request has no second one.",
        """
        SELECT concat('request ', o.request_id, CASE WHEN r.id IS NULL
                                                     THEN ' has an outcome and does not exist'
                                                     ELSE ' has several outcomes' END)
        FROM (SELECT request_id, count(*) AS outcomes FROM outcomes GROUP BY 1) AS o
        LEFT JOIN requests r ON r.id = o.request_id
        WHERE r.id IS NULL OR o.outcomes > 1
        """,
    ),
    Check(
        "decided-is-audited-once",
        "Every outcome has exactly one audit entry that decided it, and the reverse.",
        """
        SELECT concat('request ', coalesce(o.request_id, a.request), ' has ',
                      count(DISTINCT o.settlement_id), ' outcomes and ',
                      coalesce(max(a.entries), 0), ' entries that decided it')
        FROM outcomes o
        FULL JOIN (SELECT request, count(*) AS entries FROM audit_entries
                   WHERE event = 'decided' GROUP BY 1) AS a ON a.request = o.request_id
        WHERE o.request_id IS NULL OR a.entries IS DISTINCT FROM 1
        GROUP BY o.request_id, a.request
        """,
    ),
    Check(
        "settlements-count-what-they-decided",
        "Every outcome and every entry names a settlement that exists, which counts the outcomes.",
        """
        SELECT concat('settlement ', coalesce(s.id, o.settlement_id), ' says ',
                      coalesce(s.decided::text, 'nothing'), ', has ', coalesce(o.decided, 0),
                      ' outcomes')
        FROM settlements s
        FULL JOIN (SELECT settlement_id, count(*) AS decided FROM outcomes GROUP BY 1) AS o
               ON o.settlement_id = s.id
        WHERE s.id IS NULL OR s.decided <> coalesce(o.decided, 0)
        UNION ALL
        SELECT concat('entry ', a.stream, ' #', a.seq, ' names settlement ', a.settlement)
        FROM audit_entries a
        WHERE a.settlement IS NOT NULL
          AND NOT EXISTS (SELECT FROM settlements s WHERE s.id = a.settlement)
        """,
    ),
    Check(
        "nobody-is-overtaken",
        "In an offering's line nobody is decided after one who came later: a request that was "
        "accepted 15 seconds before a settlement is not left out of it. A CANCEL stands in no "
        "line.",
        # Nobody knows when a request was committed, so what was accepted a moment before may have
        # come too late. The frame is the later ids, walked from the last, which costs one pass.
        """
        WITH line AS (
            SELECT r.id, r.accepted_at, o.settlement_id, offering,
                   min(o.settlement_id) OVER (
                       PARTITION BY offering ORDER BY r.id DESC
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS later
            FROM requests r JOIN outcomes o ON o.request_id = r.id
            CROSS JOIN LATERAL unnest(r.offerings) AS offering
            WHERE r.kind <> 'CANCEL'
        )
        SELECT concat('request ', line.id, ' was decided by settlement ', line.settlement_id,
                      ', a later one for offering ', line.offering, ' by settlement ', line.later)
        FROM line JOIN settlements s ON s.id = line.later
        WHERE line.later < line.settlement_id
          AND line.accepted_at < s.decided_at - interval '15 seconds'
        """,
    ),
    Check(
        "cancels-are-as-their-targets",
        "A CANCEL that was told its target is decided came no earlier than the decision; one that "
        "took it back did so in the same settlement, and nothing else is ever taken back.",
        """
        WITH told AS (
            SELECT c.id, o.settlement_id, o.code, (c.body ->> 'request')::bigint AS target
            FROM requests c JOIN outcomes o ON o.request_id = c.id WHERE c.kind = 'CANCEL'
        )
        SELECT concat('CANCEL ', told.id, ' ended ', told.code, ' in settlement ',
                      told.settlement_id, ', request ', told.target, ' ',
                      coalesce(t.code, 'undecided'), ' in ', t.settlement_id)
        FROM told LEFT JOIN outcomes t ON t.request_id = told.target
        WHERE CASE told.code
                WHEN 'ALREADY_DECIDED' THEN (t.settlement_id <= told.settlement_id) IS NOT TRUE
                WHEN 'DONE' THEN (t.result = 'CANCELLED'
                                  AND t.settlement_id = told.settlement_id) IS NOT TRUE
                ELSE false END
        UNION ALL
        SELECT concat('request ', o.request_id, ' was taken back by nobody')
        FROM outcomes o
        WHERE o.result = 'CANCELLED'
          AND NOT EXISTS (SELECT FROM told
                          WHERE told.target = o.request_id AND told.code = 'DONE')
        """,
    ),
    Check(
        "window-effects-happen-once",
        "What a window's opening, closing and end set off happens once, unless the window was "
        "saved anew in between.",
        """
        SELECT concat(stream, ': ', event, ' ', count(*), ' times')
        FROM (SELECT stream, event, count(*) FILTER (WHERE event = 'window_saved')
                                    OVER (PARTITION BY stream ORDER BY seq) AS saved
              FROM audit_entries WHERE stream LIKE 'window:%%') AS told
        WHERE event <> 'window_saved'
        GROUP BY stream, event, saved HAVING count(*) > 1
        """,
    ),
    Check(
        "keys-are-used-once",
        "One idempotency key of one actor stands for one request.",
        """
        SELECT concat('key ', key, ' of ', actor, ' stands for requests ',
                      array_agg(id ORDER BY id))
        FROM requests GROUP BY actor, key HAVING count(*) > 1
        """,
    ),
    Check(
        "accepted-inside-a-window",
        "A student's request was accepted inside a window, as it stood then, that admits the "
        "student and the action; staff and the system need none.",
        # A window's log says how it stood; one that was never saved through it stands as it is.
        # Whoever moves a window has a moment between reading the clock and the commit.
        """
        WITH saved AS (
            SELECT split_part(stream, ':', 2)::bigint AS id, body::jsonb AS told,
                   lag(at) OVER stream AS before, lead(at) OVER stream AS after, at
            FROM audit_entries WHERE stream LIKE 'window:%%' AND event = 'window_saved'
            WINDOW stream AS (PARTITION BY stream ORDER BY seq)
        ), stood AS (
            SELECT id, CASE WHEN before IS NULL THEN '-infinity' ELSE at END AS since,
                   coalesce(after + interval '10 seconds', 'infinity') AS until,
                   (told ->> 'term')::bigint AS term_id,
                   (told ->> 'opens_at')::timestamptz AS opens_at,
                   (told ->> 'closes_at')::timestamptz AS closes_at,
                   told -> 'actions' AS actions, told -> 'cohorts' AS cohorts
            FROM saved
            UNION ALL
            SELECT id, '-infinity', 'infinity', term_id, opens_at, closes_at, to_jsonb(actions),
                   to_jsonb(cohorts)
            FROM windows WHERE id NOT IN (SELECT id FROM saved)
        ), asked AS (
            SELECT r.*, st.cohort,
                   CASE r.kind WHEN 'BUNDLE' THEN 'ENROLL' ELSE r.kind END AS action,
                   r.kind IN ('ENROLL', 'DROP', 'SWAP', 'BUNDLE', 'LEAVE', 'CANCEL') AS by_student
            FROM requests r LEFT JOIN students st ON st.id = r.student_id
        )
        SELECT concat('request ', r.id, ' (', r.kind, ' at ', r.accepted_at, ') ',
                      CASE WHEN NOT by_student THEN 'names a window and needs none'
                           WHEN r.window_id IS NULL THEN 'has no window'
                           ELSE concat('lies outside window ', r.window_id) END)
        FROM asked r
        WHERE CASE WHEN by_student THEN NOT EXISTS (
            SELECT FROM stood w
            WHERE w.id = r.window_id AND w.term_id = r.term_id
              AND w.since <= r.accepted_at AND r.accepted_at < w.until
              AND w.opens_at <= r.accepted_at AND r.accepted_at < w.closes_at
              AND (jsonb_array_length(w.cohorts) = 0 OR w.cohorts ? r.cohort)
              AND (jsonb_array_length(w.actions) = 0 OR w.actions ? r.action))
        ELSE r.window_id IS NOT NULL END
        """,
    ),
)

"""Plants in the database itself: guards lifted, roles with a power too many."""

from .plant import Plant, without

DATABASE = (
    Plant(
        "history-only-grows",
        "a trigger that a session can pass",
        ("ALTER TABLE audit_entries ENABLE TRIGGER append_only_rows",),
    ),
    Plant(
        "history-only-grows",
        "a trigger that does nothing",
        (
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN NEW; END $$",
        ),
    ),
    Plant(
        "seats-refer-to-what-exists",
        "seats of nobody",
        ("DROP TRIGGER seats_have_their_rows ON enrollments",),
    ),
    Plant(
        "seats-refer-to-what-exists",
        "sections that may go",
        ("ALTER TABLE sections ENABLE TRIGGER seats_keep_their_rows",),
    ),
    Plant(
        "no-trigger-is-off",
        "foreign keys that check nothing",
        ("ALTER TABLE enrollments DISABLE TRIGGER ALL",),
    ),
    Plant("roles-own-nothing", "a web that makes databases", ("ALTER ROLE reg_web CREATEDB",)),
    Plant("roles-own-nothing", "a web that may act as a worker", ("GRANT reg_worker TO reg_web",)),
    Plant(
        "roles-own-nothing",
        "a worker with a table of its own",
        ("ALTER TABLE attempts OWNER TO reg_worker",),
    ),
    Plant(
        "departments-are-walled",
        "walls that the owner walks through",
        ("ALTER TABLE semesters NO FORCE ROW LEVEL SECURITY",),
    ),
    Plant(
        "departments-are-walled",
        "a door for everybody",
        ("CREATE POLICY anybody ON department_course_map FOR DELETE USING (true)",),
    ),
    Plant("only-settlements-seat", "a web that seats", ("GRANT INSERT ON enrollments TO reg_web",)),
    Plant(
        "only-settlements-seat",
        "a web that counts",
        ("GRANT UPDATE (taken) ON sections TO reg_web",),
    ),
    Plant(
        "only-settlements-seat",
        "a worker that forgets",
        ("GRANT DELETE ON audit_entries TO reg_worker",),
    ),
    Plant(
        "a-frozen-worker-is-cut-off",
        "no time limit",
        ("ALTER ROLE reg_worker RESET idle_in_transaction_session_timeout",),
    ),
    Plant(
        "numbers-are-drawn-one-by-one",
        "ids handed out by the score",
        ("ALTER SEQUENCE requests_id_seq CACHE 20",),
    ),
    Plant(
        "no-attempt-is-left-behind",
        "a settlement that died",
        (
            "INSERT INTO attempts (first_request, last_request, size, offerings, begun_at) "
            "VALUES (1, 2, 2, '{1}', clock_timestamp())",
        ),
    ),
    Plant(
        "constraints-are-in-force",
        "no exclusion",
        (without("enrollments", "enrollment_no_two_at_the_same_time"),),
    ),
    Plant(
        "constraints-are-in-force",
        "a check that is not valid",
        (
            without("sections", "section_not_oversold"),
            "ALTER TABLE sections ADD CONSTRAINT section_not_oversold "
            "CHECK (taken <= enrollment_limit + permits) NOT VALID",
        ),
    ),
    Plant(
        "constraints-are-in-force",
        "no foreign key",
        (
            "DO $$ BEGIN EXECUTE (SELECT 'ALTER TABLE waitlist_entries DROP CONSTRAINT ' || conname"
            " FROM pg_constraint WHERE conrelid = 'waitlist_entries'::regclass AND contype = 'f'"
            " LIMIT 1); END $$",
        ),
    ),
)

"""Plants among seats, sections and waitlists: oversold, miscounted, in two places."""

from .plant import Plant, offering, without

_POPULAR = offering("POP")

SEATS = (
    Plant(
        "counters-tell-the-truth",
        "a section that counts one less",
        ("UPDATE sections SET taken = taken - 1 WHERE code = 'POP-SEC001'",),
    ),
    Plant(
        "nothing-is-oversold",
        "a limit lowered under what is taken",
        (
            without("sections", "section_not_oversold"),
            "UPDATE sections SET enrollment_limit = 0 WHERE code = 'POP-SEC001'",
        ),
    ),
    Plant(
        "permits-are-used",
        "a permit that waits for somebody",
        ("UPDATE sections SET permits = 1 WHERE code = 'POP-SEC001'",),
    ),
    Plant(
        "one-seat-per-offering",
        "a second seat",
        (
            "DROP INDEX enrollment_one_live_per_offering",
            "INSERT INTO enrollments (student_id, term_id, offering_id, credits, meets, active) "
            "SELECT student_id, term_id, offering_id, credits, meets, active FROM enrollments "
            "WHERE active AND isempty(meets) LIMIT 1",
        ),
    ),
    Plant(
        "one-seat-per-course",
        "two courses that are versions of one",
        (
            "ALTER TABLE courses DISABLE TRIGGER course_stays",
            "UPDATE courses SET latest_version = false, state = 'DEPRECATED', "
            "working_course = false, revision = 100 + id, "
            "lineage = (SELECT lineage FROM courses WHERE code = 'TUE')",
        ),
    ),
    Plant(
        "credits-are-the-sum-of-seats",
        "credits that nothing gave",
        ("UPDATE student_terms SET credits = credits + 1 WHERE credits < max_credits",),
    ),
    Plant(
        "credits-are-the-sum-of-seats",
        "a maximum under what is held",
        (
            without("student_terms", "student_term_within_credit_maximum"),
            "UPDATE student_terms SET max_credits = 1",
        ),
    ),
    Plant(
        "nobody-is-in-two-places",
        "every course at one time",
        (
            without("enrollments", "enrollment_no_two_at_the_same_time"),
            "UPDATE enrollments SET meets = '{[0,60)}'",
        ),
    ),
    Plant(
        "a-seat-is-as-its-place",
        "a seat of more credits than its course",
        ("UPDATE enrollments SET credits = credits + 1 WHERE active",),
    ),
    Plant(
        "section-numbers-are-unique",
        "a next number that is taken",
        (f"UPDATE offerings SET next_number = 1 WHERE id = {_POPULAR}",),
    ),
    Plant(
        "section-codes-are-unique",
        "two sections of one code",
        (
            without("sections", "section_code_once_per_term"),
            "UPDATE sections SET code = 'POP-SEC001'",
        ),
    ),
    Plant(
        "section-codes-are-unique",
        "a code of another kind",
        ("UPDATE sections SET code = 'POP-1' WHERE code = 'POP-SEC001'",),
    ),
    Plant(
        "a-section-is-of-its-offering",
        "a section of another course",
        (
            without("sections", "section_of_its_offering"),
            "UPDATE sections SET course_id = (SELECT id FROM courses WHERE code = 'TUE')",
        ),
    ),
    Plant(
        "nobody-waits-for-what-they-hold",
        "a holder in line",
        (
            "INSERT INTO waitlist_entries (request_id, student_id, term_id, offering_id, state, "
            "passed_over) SELECT 999999, student_id, term_id, offering_id, 'WAITING', '' "
            "FROM enrollments WHERE active LIMIT 1",
        ),
    ),
    Plant(
        "one-place-in-a-line",
        "twice in line",
        (
            "DROP INDEX waitlist_one_place_per_offering",
            "INSERT INTO waitlist_entries (request_id, student_id, term_id, offering_id, state, "
            "passed_over) SELECT 999999, student_id, term_id, offering_id, state, '' "
            "FROM waitlist_entries WHERE state = 'WAITING' LIMIT 1",
        ),
    ),
    Plant(
        "waiting-is-counted",
        "one more counted than waits",
        (f"UPDATE offerings SET waiting = waiting + 1 WHERE id = {_POPULAR}",),
    ),
    Plant(
        "no-seat-idles",
        "a limit raised past the line",
        (f"UPDATE offerings SET base_limit = base_limit + 1 WHERE id = {_POPULAR}",),
    ),
)

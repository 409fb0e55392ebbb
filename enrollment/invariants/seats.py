"""Seats and sections: what is taken is what is held, within every limit."""

from .finding import Check

SEATS = (
    Check(
        "counters-tell-the-truth",
        "What is counted as taken is the number of live enrollments: in every section, on the "
        "course itself and in the offering as a whole.",
        """
        WITH live AS (
            SELECT offering_id, section_id, count(*) AS seats FROM enrollments
            WHERE active GROUP BY 1, 2
        ), totals AS (
            SELECT offering_id, sum(seats) AS seats,
                   coalesce(sum(seats) FILTER (WHERE section_id IS NULL), 0) AS base
            FROM live GROUP BY 1
        )
        SELECT concat('section ', s.code, ' counts ', s.taken, ', holds ', coalesce(live.seats, 0))
        FROM sections s LEFT JOIN live ON live.section_id = s.id
        WHERE s.taken <> coalesce(live.seats, 0)
        UNION ALL
        SELECT concat('offering ', o.id, ' counts ', o.base_taken, ' on the course itself, holds ',
                      coalesce(t.base, 0))
        FROM offerings o LEFT JOIN totals t ON t.offering_id = o.id
        WHERE o.base_taken <> coalesce(t.base, 0)
        UNION ALL
        SELECT concat('offering ', o.id, ' counts ', o.taken, ' in all, holds ',
                      coalesce(t.seats, 0))
        FROM offerings o LEFT JOIN totals t ON t.offering_id = o.id
        WHERE o.taken <> coalesce(t.seats, 0)
        """,
    ),
    Check(
        "nothing-is-oversold",
        "No more seats are taken than the limit and what staff permitted over it.",
        """
        SELECT concat('section ', code, ': ', taken, ' taken, limit ', enrollment_limit,
                      ', permitted ', permits)
        FROM sections WHERE taken > enrollment_limit + permits
        UNION ALL
        SELECT concat('offering ', id, ' on the course itself: ', base_taken, ' taken, limit ',
                      base_limit, ', permitted ', base_permits)
        FROM offerings WHERE base_taken > base_limit + base_permits
        UNION ALL
        SELECT concat('offering ', id, ' in all: ', taken, ' taken, cap ', total_cap,
                      ', permitted ', total_permits)
        FROM offerings WHERE taken > total_cap + total_permits
        """,
    ),
    Check(
        "permits-are-used",
        "A permit over a limit lasts as long as the seat over the limit: none is left to be "
        "taken by somebody else.",
        """
        SELECT concat('section ', code, ': ', permits, ' permitted, ',
                      greatest(0, taken - enrollment_limit), ' over the limit')
        FROM sections WHERE permits > greatest(0, taken - enrollment_limit)
        UNION ALL
        SELECT concat('offering ', id, ' on the course itself: ', base_permits, ' permitted, ',
                      greatest(0, base_taken - base_limit), ' over the limit')
        FROM offerings WHERE base_permits > greatest(0, base_taken - base_limit)
        UNION ALL
        SELECT concat('offering ', id, ' in all: ', total_permits, ' permitted, ',
                      greatest(0, taken - coalesce(total_cap, taken)), ' over the cap')
        FROM offerings WHERE total_permits > greatest(0, taken - coalesce(total_cap, taken))
        """,
    ),
    Check(
        "one-seat-per-offering",
        "A student holds one seat at most in an offering.",
        """
        SELECT concat('student ', student_id, ' holds ', count(*), ' seats in offering ',
                      offering_id)
        FROM enrollments WHERE active GROUP BY student_id, offering_id HAVING count(*) > 1
        """,
    ),
    Check(
        "one-seat-per-course",
        "A student holds one seat at most in a course in a term, whatever its version.",
        """
        SELECT concat('student ', e.student_id, ' holds ', array_agg(o.id ORDER BY o.id),
                      ', all versions of one course')
        FROM enrollments e
        JOIN offerings o ON o.id = e.offering_id JOIN courses c ON c.id = o.course_id
        WHERE e.active GROUP BY e.student_id, o.term_id, c.lineage
        HAVING count(DISTINCT o.id) > 1
        """,
    ),
    Check(
        "credits-are-the-sum-of-seats",
        "A student's credits in a term are the sum of their live enrollments, and within their "
        "maximum.",
        """
        WITH live AS (
            SELECT student_id, term_id, sum(credits) AS credits FROM enrollments
            WHERE active GROUP BY 1, 2
        )
        SELECT concat('student ', coalesce(st.student_id, live.student_id), ' in term ',
                      coalesce(st.term_id, live.term_id), ': ',
                      coalesce(st.credits::text, 'none'), ' counted, ',
                      coalesce(live.credits, 0), ' held, ', st.max_credits, ' allowed')
        FROM student_terms st
        FULL JOIN live ON live.student_id = st.student_id AND live.term_id = st.term_id
        WHERE st.id IS NULL OR st.credits <> coalesce(live.credits, 0)
           OR st.credits > st.max_credits
        """,
    ),
    Check(
        "nobody-is-in-two-places",
        "No two live enrollments of a student meet at the same time.",
        """
        SELECT concat('student ', a.student_id, ' in offerings ', a.offering_id, ' and ',
                      b.offering_id)
        FROM enrollments a
        JOIN enrollments b ON b.student_id = a.student_id AND b.term_id = a.term_id
                          AND b.id > a.id AND b.active AND b.meets && a.meets
        WHERE a.active AND NOT isempty(a.meets)
        """,
    ),
    Check(
        "a-seat-is-as-its-place",
        "A live enrollment has the term, the credits and the times of the place it is in, and its "
        "section is one of its offering.",
        """
        SELECT concat('student ', e.student_id, ' in offering ', e.offering_id, ': term ',
                      e.term_id, ', section ', e.section_id, ', ', e.credits, ' credits, ', e.meets)
        FROM enrollments e
        JOIN offerings o ON o.id = e.offering_id JOIN courses c ON c.id = o.course_id
        LEFT JOIN sections s ON s.id = e.section_id
        WHERE e.active AND (
            e.term_id <> o.term_id OR e.credits <> c.credit
            OR e.meets <> CASE WHEN e.section_id IS NULL THEN o.base_meets ELSE s.meets END
            OR (e.section_id IS NOT NULL AND s.offering_id IS DISTINCT FROM e.offering_id))
        """,
    ),
)

SECTIONS = (
    Check(
        "section-numbers-are-unique",
        "Section numbers count from 1, once each in an offering, below the next number.",
        """
        SELECT concat('offering ', s.offering_id, ' has ', count(*), ' sections number ',
                      s.section_number, ', next is ', o.next_number)
        FROM sections s JOIN offerings o ON o.id = s.offering_id
        GROUP BY s.offering_id, s.section_number, o.next_number
        HAVING count(*) > 1 OR s.section_number < 1 OR s.section_number >= o.next_number
        """,
    ),
    Check(
        "section-codes-are-unique",
        "A section's code is unique in its term; an automatic one is the course's code, -SEC and "
        "the number in three digits.",
        """
        SELECT concat('term ', term_id, ' has ', count(*), ' sections ', code)
        FROM sections GROUP BY term_id, code HAVING count(*) > 1
        UNION ALL
        SELECT concat('section ', s.section_number, ' of offering ', s.offering_id, ' is called ',
                      s.code)
        FROM sections s
        JOIN offerings o ON o.id = s.offering_id JOIN courses c ON c.id = o.course_id
        WHERE s.automatic AND s.code <> concat(c.code, '-SEC',
            lpad(s.section_number::text, greatest(3, length(s.section_number::text)), '0'))
        """,
    ),
    Check(
        "a-section-is-of-its-offering",
        "A section has the course and the term of its offering.",
        """
        SELECT concat('section ', s.code, ': course ', s.course_id, ' in term ', s.term_id,
                      ', offering ', s.offering_id)
        FROM sections s LEFT JOIN offerings o ON o.id = s.offering_id
        WHERE (o.course_id = s.course_id AND o.term_id = s.term_id) IS NOT TRUE
        """,
    ),
)

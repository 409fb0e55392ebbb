"""What the code promises, refused by the database itself: history only grows, one role seats."""

from django.db import migrations

GUARDS = """
SELECT make_append_only('requests');
SELECT make_append_only('outcomes');
SELECT make_append_only('settlements');

-- The web takes requests and reads; only a settlement seats, decides or forgets anything.
REVOKE INSERT, UPDATE, DELETE ON enrollments, waitlist_entries, attempts FROM reg_web;
REVOKE INSERT ON outcomes, settlements FROM reg_web;
REVOKE UPDATE, DELETE ON pending FROM reg_web;
REVOKE UPDATE ON pending FROM reg_worker;
REVOKE UPDATE, DELETE ON student_terms FROM reg_web;
GRANT UPDATE (max_credits) ON student_terms TO reg_web;
REVOKE DELETE ON enrollments, waitlist_entries, students, student_terms FROM reg_worker;

-- A queue: rows live for milliseconds, so dead ones must go long before the default 20%.
ALTER TABLE pending SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                         autovacuum_vacuum_cost_delay = 0);
ALTER TABLE student_terms SET (fillfactor = 70);
"""

REVERSE = """
DROP TRIGGER append_only_rows ON requests;
DROP TRIGGER append_only_table ON requests;
DROP TRIGGER append_only_rows ON outcomes;
DROP TRIGGER append_only_table ON outcomes;
DROP TRIGGER append_only_rows ON settlements;
DROP TRIGGER append_only_table ON settlements;
GRANT SELECT, INSERT, UPDATE, DELETE ON requests, outcomes, settlements, enrollments,
    waitlist_entries, attempts, pending, students, student_terms TO reg_web, reg_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0002_section_model"), ("audit", "0003_append_only")]
    operations = [migrations.RunSQL(GUARDS, REVERSE)]

"""Only the settlement's role writes seats and limits; the web's may describe a section."""

from django.db import migrations

GRANTS = """
REVOKE UPDATE, DELETE ON offerings FROM reg_web;
REVOKE INSERT, UPDATE, DELETE ON sections FROM reg_web;
GRANT UPDATE (instructor_id, schedule, needs_assignment) ON sections TO reg_web;
REVOKE DELETE ON courses, terms FROM reg_web, reg_worker;

-- Rewritten at every settlement: room on the page keeps the update off the indexes.
ALTER TABLE offerings SET (fillfactor = 60);
ALTER TABLE sections SET (fillfactor = 60);

-- The planner knows an empty table when a term opens, and foreign-key checks keep the plan they
-- were first given; workers own nothing, so a plain ANALYZE of theirs would be skipped.
CREATE FUNCTION analyze_sections() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
BEGIN
    ANALYZE public.sections;
END
$$;
REVOKE EXECUTE ON FUNCTION analyze_sections() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analyze_sections() TO reg_worker;
"""

REVERSE = """
DROP FUNCTION analyze_sections();
GRANT SELECT, INSERT, UPDATE, DELETE ON offerings, sections, courses, terms TO reg_web;
"""


class Migration(migrations.Migration):
    dependencies = [("courses", "0002_section_model")]
    operations = [migrations.RunSQL(GRANTS, REVERSE)]

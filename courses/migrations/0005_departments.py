"""Departments, years, semesters and what is taught in them (seed 002)."""

from typing import Any

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

# Django's own foreign keys do not cascade in the database, and the seed deletes by plain SQL (T37).
# The composite ones keep the map's four columns from disagreeing (T40). Courses stay: their key
# refuses.
CASCADES = """
ALTER TABLE years
    ADD CONSTRAINT year_of_a_department FOREIGN KEY (department_id)
        REFERENCES departments (id) ON DELETE CASCADE,
    ADD CONSTRAINT year_and_its_department UNIQUE (id, department_id);
ALTER TABLE semesters
    ADD CONSTRAINT semester_of_a_year FOREIGN KEY (year_id)
        REFERENCES years (id) ON DELETE CASCADE,
    ADD CONSTRAINT semester_and_its_year UNIQUE (id, year_id);
ALTER TABLE department_course_map
    ADD CONSTRAINT placed_in_a_department FOREIGN KEY (department_id)
        REFERENCES departments (id) ON DELETE CASCADE,
    ADD CONSTRAINT placed_in_a_year_of_the_department FOREIGN KEY (year_id, department_id)
        REFERENCES years (id, department_id) ON DELETE CASCADE,
    ADD CONSTRAINT placed_in_a_semester_of_the_year FOREIGN KEY (semester_id, year_id)
        REFERENCES semesters (id, year_id) ON DELETE CASCADE;
"""
UNDO_CASCADES = """
ALTER TABLE department_course_map
    DROP CONSTRAINT placed_in_a_semester_of_the_year,
    DROP CONSTRAINT placed_in_a_year_of_the_department,
    DROP CONSTRAINT placed_in_a_department;
ALTER TABLE semesters DROP CONSTRAINT semester_and_its_year, DROP CONSTRAINT semester_of_a_year;
ALTER TABLE years DROP CONSTRAINT year_and_its_department, DROP CONSTRAINT year_of_a_department;
"""

# The first two have the seed's names (S2-7, S2-10); the rest fill in what follows from the rest.
# All run as whoever writes, so none is a way past row-level security.
TRIGGERS = """
CREATE FUNCTION auto_create_years_for_department() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO years (department_id, year_number, year_name)
    VALUES (NEW.id, 1, '1st Year'), (NEW.id, 2, '2nd Year'),
           (NEW.id, 3, '3rd Year'), (NEW.id, 4, '4th Year')
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER auto_create_years AFTER INSERT ON departments
    FOR EACH ROW EXECUTE FUNCTION auto_create_years_for_department();

CREATE FUNCTION auto_create_semesters_for_year() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO semesters (year_id, semester_number, semester_name)
    VALUES (NEW.id, 1, 'Semester 1'), (NEW.id, 2, 'Semester 2')
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER auto_create_semesters AFTER INSERT ON years
    FOR EACH ROW EXECUTE FUNCTION auto_create_semesters_for_year();

CREATE FUNCTION name_of_year(number integer) RETURNS text LANGUAGE sql IMMUTABLE
RETURN number || CASE number WHEN 1 THEN 'st' WHEN 2 THEN 'nd' WHEN 3 THEN 'rd' ELSE 'th' END
       || ' Year';

CREATE FUNCTION name_year() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF coalesce(NEW.year_name, '') = ''
       OR (TG_OP = 'UPDATE' AND NEW.year_name = name_of_year(OLD.year_number)) THEN
        NEW.year_name := name_of_year(NEW.year_number);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER name_year BEFORE INSERT OR UPDATE ON years
    FOR EACH ROW EXECUTE FUNCTION name_year();

CREATE FUNCTION number_semester() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF coalesce(NEW.semester_name, '') = '' THEN
        NEW.semester_name := 'Semester ' || NEW.semester_number;
    END IF;
    -- Locked until the end: a year that gets another number meanwhile counts its semesters anew.
    SELECT (year_number - 1) * 2 + NEW.semester_number INTO NEW.absolute_number
    FROM years WHERE id = NEW.year_id FOR SHARE;
    -- No such year: the foreign key says so, in words that name it.
    NEW.absolute_number := coalesce(NEW.absolute_number, 0);
    RETURN NEW;
END
$$;
CREATE TRIGGER number_semester BEFORE INSERT OR UPDATE ON semesters
    FOR EACH ROW EXECUTE FUNCTION number_semester();

CREATE FUNCTION number_semesters_anew() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE semesters SET absolute_number = 0 WHERE year_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER number_semesters_anew AFTER UPDATE OF year_number ON years
    FOR EACH ROW WHEN (NEW.year_number <> OLD.year_number)
    EXECUTE FUNCTION number_semesters_anew();

CREATE FUNCTION place_course() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    moved boolean := TG_OP = 'UPDATE' AND NEW.semester_id IS DISTINCT FROM OLD.semester_id;
BEGIN
    IF NEW.year_id IS NULL OR (moved AND NEW.year_id = OLD.year_id) THEN
        SELECT year_id INTO NEW.year_id FROM semesters WHERE id = NEW.semester_id;
    END IF;
    IF NEW.department_id IS NULL OR (moved AND NEW.department_id = OLD.department_id) THEN
        SELECT department_id INTO NEW.department_id FROM years WHERE id = NEW.year_id;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER place_course BEFORE INSERT OR UPDATE ON department_course_map
    FOR EACH ROW EXECUTE FUNCTION place_course();
"""
UNDO_TRIGGERS = """
DROP TRIGGER place_course ON department_course_map;
DROP TRIGGER number_semesters_anew ON years;
DROP TRIGGER number_semester ON semesters;
DROP TRIGGER name_year ON years;
DROP TRIGGER auto_create_semesters ON years;
DROP TRIGGER auto_create_years ON departments;
DROP FUNCTION place_course();
DROP FUNCTION number_semesters_anew();
DROP FUNCTION number_semester();
DROP FUNCTION name_year();
DROP FUNCTION name_of_year(integer);
DROP FUNCTION auto_create_semesters_for_year();
DROP FUNCTION auto_create_years_for_department();
"""

# What was there before the triggers were gets what they would have made (S2-14).
BACKFILL = """
INSERT INTO years (department_id, year_number)
SELECT d.id, number FROM departments d CROSS JOIN generate_series(1, 4) AS number
ON CONFLICT DO NOTHING;
INSERT INTO semesters (year_id, semester_number)
SELECT y.id, number FROM years y CROSS JOIN generate_series(1, 2) AS number
ON CONFLICT DO NOTHING;
UPDATE semesters SET absolute_number = 0;
"""

# FORCE holds for the owner too. Foreign keys are checked, and cascade, whatever the policies say.
WALLS = """
DO $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY
        ARRAY['departments', 'years', 'semesters', 'department_course_map']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', named);
        EXECUTE format('CREATE POLICY %I ON %I FOR SELECT USING (true)',
                       'Anyone can view ' || named, named);
        EXECUTE format('CREATE POLICY %I ON %I FOR ALL
                        USING (current_setting(''app.role'', true) = ''admin'')
                        WITH CHECK (current_setting(''app.role'', true) = ''admin'')',
                       'Only admins can manage ' || named, named);
    END LOOP;
END
$$;
"""
UNDO_WALLS = """
DO $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY
        ARRAY['departments', 'years', 'semesters', 'department_course_map']
    LOOP
        EXECUTE format('DROP POLICY %I ON %I', 'Only admins can manage ' || named, named);
        EXECUTE format('DROP POLICY %I ON %I', 'Anyone can view ' || named, named);
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY',
                       named);
    END LOOP;
END
$$;
"""

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


def _of(model: str, related_name: str) -> "models.ForeignKey[Any, Any]":
    """A key whose constraint is written out above."""
    return models.ForeignKey(
        db_constraint=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name=related_name,
        to=f"courses.{model}",
    )


def _number(highest: int) -> "models.PositiveSmallIntegerField[Any, Any]":
    return models.PositiveSmallIntegerField(
        validators=[
            django.core.validators.MinValueValidator(1),
            django.core.validators.MaxValueValidator(highest),
        ]
    )


class Migration(migrations.Migration):
    dependencies = [
        ("courses", "0004_sections_in_fewer_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Department",
            fields=[
                ("id", ID.clone()),
                ("name", models.CharField(max_length=100)),
                ("code", models.CharField(max_length=20, unique=True)),
            ],
            options={
                "db_table": "departments",
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Upper(
                            django.db.models.functions.text.Trim("code")
                        ),
                        name="department_code_once",
                        violation_error_message="There is a department with this code already.",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="course",
            name="department",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="courses",
                to="courses.department",
            ),
        ),
        migrations.CreateModel(
            name="DepartmentMember",
            fields=[
                ("id", ID.clone()),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="members",
                        to="courses.department",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="departments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "department_members",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("department", "user"), name="department_member_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Year",
            fields=[
                ("id", ID.clone()),
                ("year_number", _number(10)),
                ("year_name", models.CharField(blank=True, db_default="", max_length=50)),
                ("department", _of("department", "years")),
            ],
            options={
                "db_table": "years",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("department", "year_number"),
                        name="year_number_once_in_a_department",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(year_number__gte=1, year_number__lte=10),
                        name="year_number_from_1_to_10",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Semester",
            fields=[
                ("id", ID.clone()),
                ("semester_number", _number(2)),
                ("semester_name", models.CharField(blank=True, db_default="", max_length=50)),
                (
                    "absolute_number",
                    models.PositiveSmallIntegerField(db_default=0, editable=False),
                ),
                ("year", _of("year", "semesters")),
            ],
            options={
                "db_table": "semesters",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("year", "semester_number"), name="semester_number_once_in_a_year"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(semester_number__in=(1, 2)),
                        name="semester_number_1_or_2",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DepartmentCourseMap",
            fields=[
                ("id", ID.clone()),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="placements",
                        to="courses.course",
                    ),
                ),
                ("department", _of("department", "placements")),
                ("semester", _of("semester", "placements")),
                ("year", _of("year", "placements")),
            ],
            options={
                "db_table": "department_course_map",
                "verbose_name": "course in the plan",
                "verbose_name_plural": "courses in the plan",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("semester", "course"), name="course_once_in_a_semester"
                    )
                ],
            },
        ),
        migrations.RunSQL(CASCADES, UNDO_CASCADES),
        migrations.RunSQL(TRIGGERS, UNDO_TRIGGERS),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
        migrations.RunSQL(WALLS, UNDO_WALLS),
    ]

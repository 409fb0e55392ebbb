"""States, revisions, and versions that stay as they were saved."""

import uuid
from decimal import Decimal

import django.core.validators
from django.contrib.postgres.functions import RandomUUID
from django.db import migrations, models
from django.db.models.functions import Now

# What was saved before there were states: the booleans say which it was.
KNOWN_BEFORE = """
UPDATE courses SET
    revision = numbered.nth,
    state = CASE WHEN NOT latest_version THEN 'DEPRECATED'
                 WHEN NOT working_course THEN 'INACTIVE' ELSE 'ACTIVE' END,
    working_course = latest_version AND working_course
FROM (
    SELECT id, row_number() OVER (PARTITION BY lineage ORDER BY version, id) AS nth FROM courses
) AS numbered
WHERE numbered.id = courses.id;
"""

# Two versions of a course in one term cannot both stay, and which of them goes is not ours to say.
LINEAGE_OF_OFFERINGS = """
UPDATE offerings SET lineage = courses.lineage FROM courses WHERE courses.id = course_id;
DO $$
DECLARE twice text;
BEGIN
    SELECT string_agg(named, '; ') INTO twice FROM (
        SELECT concat(max(c.code), ' in ', max(t.code), ' (offerings ',
                      string_agg(o.id::text, ', ' ORDER BY o.id), ')') AS named
        FROM offerings o JOIN courses c ON c.id = o.course_id JOIN terms t ON t.id = o.term_id
        GROUP BY o.lineage, o.term_id HAVING count(*) > 1
    ) AS found;
    IF twice IS NOT NULL THEN
        RAISE EXCEPTION 'two versions of one course are offered in one term: %', twice
            USING HINT = 'Give each of them a term of its own, then migrate again.';
    END IF;
END
$$;
"""

GUARDS = """
-- Plain SQL that was written for the seed's table says only the booleans: the state follows them.
-- Whoever says a state has the booleans from it.
CREATE FUNCTION course_is_born() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'ACTIVE' AND NOT NEW.latest_version THEN
        NEW.state := 'DEPRECATED';
    ELSIF NEW.state = 'ACTIVE' AND NOT NEW.working_course THEN
        NEW.state := 'INACTIVE';
    END IF;
    NEW.working_course := NEW.state = 'ACTIVE';
    RETURN NEW;
END
$$;
CREATE TRIGGER course_is_born BEFORE INSERT ON courses
    FOR EACH ROW EXECUTE FUNCTION course_is_born();
ALTER TABLE courses ENABLE ALWAYS TRIGGER course_is_born;

CREATE FUNCTION course_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.lineage, NEW.revision, NEW.version, NEW.bump_type, NEW.created_at)
        IS DISTINCT FROM
       (OLD.id, OLD.lineage, OLD.revision, OLD.version, OLD.bump_type, OLD.created_at)
    THEN
        RAISE EXCEPTION 'course % keeps its place among its versions', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'course_keeps_its_place';
    END IF;
    IF OLD.state <> 'DRAFT' AND
       (NEW.code, NEW.name, NEW.credit, NEW.lecture_hours, NEW.tutorial_hours, NEW.pratical_hours,
        NEW.discussion_hours, NEW.project_hours, NEW.pre_requisits, NEW.syllabus,
        NEW.percent_quiz_1, NEW.percent_midsem, NEW.percent_quiz_2, NEW.percent_endsem,
        NEW.percent_project, NEW.percent_lab_evaluation, NEW.percent_course_attendance,
        NEW.ref_books, NEW.max_seats)
        IS DISTINCT FROM
       (OLD.code, OLD.name, OLD.credit, OLD.lecture_hours, OLD.tutorial_hours, OLD.pratical_hours,
        OLD.discussion_hours, OLD.project_hours, OLD.pre_requisits, OLD.syllabus,
        OLD.percent_quiz_1, OLD.percent_midsem, OLD.percent_quiz_2, OLD.percent_endsem,
        OLD.percent_project, OLD.percent_lab_evaluation, OLD.percent_course_attendance,
        OLD.ref_books, OLD.max_seats)
    THEN
        RAISE EXCEPTION 'course % never changes: make a new version', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'course_version_never_changes';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('DRAFT', 'ACTIVE'), ('DRAFT', 'ARCHIVED'), ('ACTIVE', 'INACTIVE'),
        ('ACTIVE', 'DEPRECATED'), ('INACTIVE', 'ACTIVE'), ('INACTIVE', 'ARCHIVED'),
        ('DEPRECATED', 'ARCHIVED'))
    THEN
        RAISE EXCEPTION 'course % cannot go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'course_state_follows_the_table';
    END IF;
    IF NEW.latest_version AND NOT OLD.latest_version THEN
        RAISE EXCEPTION 'course % is superseded: an old version is restored as a new one', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'course_stays_superseded';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER course_stays BEFORE UPDATE ON courses
    FOR EACH ROW EXECUTE FUNCTION course_stays();
ALTER TABLE courses ENABLE ALWAYS TRIGGER course_stays;

CREATE FUNCTION course_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'course % is kept: archive it', OLD.id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'course_is_kept';
END
$$;
CREATE TRIGGER course_is_kept BEFORE DELETE ON courses
    FOR EACH ROW EXECUTE FUNCTION course_is_kept();
ALTER TABLE courses ENABLE ALWAYS TRIGGER course_is_kept;

-- A version's disciplines are written with it, in one transaction, and stay as they are.
CREATE FUNCTION course_disciplines_stay() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    concerned bigint := CASE WHEN TG_OP = 'INSERT' THEN NEW.course_id ELSE OLD.course_id END;
    free boolean;
BEGIN
    SELECT state = 'DRAFT' OR (TG_OP = 'INSERT' AND created_at >= transaction_timestamp())
    INTO free FROM courses WHERE id = concerned;
    IF NOT free THEN
        RAISE EXCEPTION 'course % never changes: make a new version', concerned
            USING ERRCODE = 'check_violation', CONSTRAINT = 'course_version_never_changes';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER course_disciplines_stay BEFORE INSERT OR UPDATE OR DELETE ON courses_disciplines
    FOR EACH ROW EXECUTE FUNCTION course_disciplines_stay();

CREATE FUNCTION offering_lineage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT lineage INTO NEW.lineage FROM courses WHERE id = NEW.course_id;
    RETURN NEW;
END
$$;
CREATE TRIGGER offering_lineage BEFORE INSERT OR UPDATE OF course_id, lineage ON offerings
    FOR EACH ROW EXECUTE FUNCTION offering_lineage();

CREATE INDEX course_name_fulltext ON courses USING gin (to_tsvector('english', name));
CREATE INDEX course_syllabus_fulltext ON courses USING gin (to_tsvector('english', syllabus));
CREATE INDEX course_pre_requisits_fulltext ON courses
    USING gin (to_tsvector('english', pre_requisits));
"""

UNGUARDED = """
DROP INDEX course_name_fulltext, course_syllabus_fulltext, course_pre_requisits_fulltext;
DROP TRIGGER offering_lineage ON offerings;
DROP TRIGGER course_disciplines_stay ON courses_disciplines;
DROP TRIGGER course_is_kept ON courses;
DROP TRIGGER course_stays ON courses;
DROP TRIGGER course_is_born ON courses;
DROP FUNCTION offering_lineage();
DROP FUNCTION course_disciplines_stay();
DROP FUNCTION course_is_kept();
DROP FUNCTION course_stays();
DROP FUNCTION course_is_born();
"""


class Migration(migrations.Migration):
    dependencies = [("courses", "0005_departments")]
    operations = [
        migrations.AddField(
            model_name="course",
            name="bump_type",
            field=models.CharField(
                choices=[
                    ("NONE", "First version"),
                    ("PATCH", "Patch"),
                    ("MINOR", "Minor"),
                    ("MAJOR", "Major"),
                ],
                db_default="NONE",
                default="NONE",
                editable=False,
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="course",
            name="created_at",
            field=models.DateTimeField(db_default=Now(), editable=False),
        ),
        migrations.AddField(
            model_name="course",
            name="revision",
            field=models.PositiveIntegerField(db_default=1, default=1, editable=False),
        ),
        migrations.AddField(
            model_name="course",
            name="state",
            field=models.CharField(
                choices=[
                    ("DRAFT", "Draft"),
                    ("ACTIVE", "Active"),
                    ("INACTIVE", "Inactive"),
                    ("DEPRECATED", "Deprecated"),
                    ("ARCHIVED", "Archived"),
                ],
                db_default="ACTIVE",
                default="ACTIVE",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="course",
            name="credit",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name="course",
            name="latest_version",
            field=models.BooleanField(db_default=True, default=True),
        ),
        # Taking the index off a column takes every index of that column alone, this one too.
        migrations.RemoveConstraint(
            model_name="course", name="course_one_latest_version_of_a_lineage"
        ),
        migrations.AlterField(
            model_name="course",
            name="lineage",
            field=models.UUIDField(db_default=RandomUUID(), default=uuid.uuid4, editable=False),
        ),
        migrations.AddConstraint(
            model_name="course",
            constraint=models.UniqueConstraint(
                condition=models.Q(latest_version=True),
                fields=("lineage",),
                name="course_one_latest_version_of_a_lineage",
            ),
        ),
        migrations.AlterField(
            model_name="course",
            name="max_seats",
            field=models.IntegerField(
                db_default=90,
                default=90,
                validators=[django.core.validators.MinValueValidator(0)],
                verbose_name="seats",
            ),
        ),
        migrations.AlterField(
            model_name="course",
            name="percent_course_attendance",
            field=models.PositiveIntegerField(db_default=5, default=5),
        ),
        migrations.AlterField(
            model_name="course",
            name="percent_endsem",
            field=models.PositiveIntegerField(db_default=30, default=30),
        ),
        migrations.AlterField(
            model_name="course",
            name="percent_lab_evaluation",
            field=models.PositiveIntegerField(db_default=10, default=10),
        ),
        migrations.AlterField(
            model_name="course",
            name="percent_midsem",
            field=models.PositiveIntegerField(db_default=20, default=20),
        ),
        migrations.AlterField(
            model_name="course",
            name="percent_project",
            field=models.PositiveIntegerField(db_default=15, default=15),
        ),
        migrations.AlterField(
            model_name="course",
            name="percent_quiz_1",
            field=models.PositiveIntegerField(db_default=10, default=10),
        ),
        migrations.AlterField(
            model_name="course",
            name="percent_quiz_2",
            field=models.PositiveIntegerField(db_default=10, default=10),
        ),
        migrations.AlterField(
            model_name="course",
            name="pratical_hours",
            field=models.PositiveIntegerField(
                blank=True, null=True, verbose_name="practical hours"
            ),
        ),
        migrations.AlterField(
            model_name="course",
            name="pre_requisits",
            field=models.TextField(blank=True, null=True, verbose_name="prerequisites in words"),
        ),
        migrations.AlterField(
            model_name="course",
            name="ref_books",
            field=models.TextField(verbose_name="reference books"),
        ),
        migrations.AlterField(
            model_name="course",
            name="version",
            field=models.DecimalField(
                db_default=Decimal("1.0"),
                decimal_places=1,
                default=Decimal("1.0"),
                max_digits=5,
                validators=[
                    django.core.validators.MinValueValidator(Decimal("1.0")),
                    django.core.validators.DecimalValidator(decimal_places=1, max_digits=5),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="course",
            name="working_course",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name="offering",
            name="lineage",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.RunSQL(KNOWN_BEFORE, migrations.RunSQL.noop),
        migrations.RunSQL(LINEAGE_OF_OFFERINGS, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="offering",
            name="lineage",
            field=models.UUIDField(editable=False),
        ),
        migrations.RemoveConstraint(model_name="offering", name="offering_once_a_term"),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.UniqueConstraint(
                fields=("lineage", "term"), name="offering_once_a_term"
            ),
        ),
        migrations.AddIndex(
            model_name="course",
            index=models.Index(fields=["code"], name="course_code"),
        ),
        migrations.AddIndex(
            model_name="course",
            index=models.Index(
                condition=models.Q(("working_course", True)),
                fields=["code"],
                name="course_code_working",
            ),
        ),
        migrations.AddIndex(
            model_name="course",
            index=models.Index(fields=["credit"], name="course_credit"),
        ),
        migrations.AddConstraint(
            model_name="course",
            constraint=models.UniqueConstraint(
                fields=("lineage", "revision"), name="course_revision_once_in_a_lineage"
            ),
        ),
        migrations.AddConstraint(
            model_name="course",
            constraint=models.CheckConstraint(
                condition=models.Q(("revision__gte", 1)), name="course_revision_from_1"
            ),
        ),
        migrations.AddConstraint(
            model_name="course",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["DRAFT", "ACTIVE", "INACTIVE", "DEPRECATED", "ARCHIVED"])
                ),
                name="course_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="course",
            constraint=models.CheckConstraint(
                condition=models.Q(("bump_type__in", ["NONE", "PATCH", "MINOR", "MAJOR"])),
                name="course_bump_type_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="course",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "ACTIVE"), ("working_course", True)),
                    models.Q(
                        models.Q(("state", "ACTIVE"), _negated=True), ("working_course", False)
                    ),
                    _connector="OR",
                ),
                name="course_works_while_active",
            ),
        ),
        migrations.AddConstraint(
            model_name="course",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("latest_version", True),
                    models.Q(("state__in", ["DRAFT", "ACTIVE"]), _negated=True),
                    _connector="OR",
                ),
                name="course_superseded_is_not_offered",
            ),
        ),
        migrations.RunSQL(GUARDS, UNGUARDED),
    ]

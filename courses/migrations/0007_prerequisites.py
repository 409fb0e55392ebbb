"""Prerequisites by lineage, and what text rules were understood to say."""

import django.core.validators
import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from courses.expressions import VERSION, as_json, parse

GUARD = """
-- At the commit, when a version's edges are all there; the lock is the one that
-- courses.requirements.graph takes, so that of two transactions one sees what the other wrote.
CREATE FUNCTION course_needs_no_circle() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    home uuid;
    closed boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(72101);
    SELECT lineage INTO home FROM courses WHERE id = NEW.from_course_id AND latest_version;
    WITH RECURSIVE reached (lineage) AS (
        SELECT needed.lineage
        FROM course_prerequisites edge JOIN courses needed ON needed.id = edge.to_course_id
        WHERE edge.from_course_id = NEW.from_course_id AND edge.kind = 'PREREQUISITE'
        UNION
        SELECT needed.lineage
        FROM reached
        JOIN courses latest ON latest.lineage = reached.lineage AND latest.latest_version
        JOIN course_prerequisites edge ON edge.from_course_id = latest.id
                                      AND edge.kind = 'PREREQUISITE'
        JOIN courses needed ON needed.id = edge.to_course_id
    )
    SELECT EXISTS (SELECT FROM reached WHERE lineage = home) INTO closed;
    IF closed THEN
        RAISE EXCEPTION 'the prerequisites of course % lead back to it', NEW.from_course_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'course_needs_no_circle';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER course_needs_no_circle AFTER INSERT OR UPDATE ON course_prerequisites
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION course_needs_no_circle();
ALTER TABLE course_prerequisites ENABLE ALWAYS TRIGGER course_needs_no_circle;
"""

UNGUARD = """
DROP TRIGGER course_needs_no_circle ON course_prerequisites;
DROP FUNCTION course_needs_no_circle();
"""


def understand_texts(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Texts from before there was anything to read them."""
    versions = apps.get_model("courses", "Course").objects.exclude(pre_requisits=None)
    rule = apps.get_model("courses", "CourseRule")
    for course in versions.only("pk", "pre_requisits").order_by("pk").iterator():
        text = course.pre_requisits or ""
        if text.strip():
            found = parse(text)
            rule.objects.create(
                course=course,
                verdict=found.verdict.value,
                tree=None if found.tree is None else as_json(found.tree),
                rest=list(found.rest),
                remarks=list(found.remarks),
                parser_version=VERSION,
            )


class Migration(migrations.Migration):
    dependencies = [
        ("courses", "0006_versions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField(
            model_name="courseprerequisite",
            name="kind",
            field=models.CharField(
                choices=[("PREREQUISITE", "Prerequisite"), ("COREQUISITE", "Corequisite")],
                db_default="PREREQUISITE",
                default="PREREQUISITE",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="courseprerequisite",
            name="minimum_version",
            field=models.DecimalField(
                blank=True,
                decimal_places=1,
                max_digits=5,
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddConstraint(
            model_name="courseprerequisite",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["PREREQUISITE", "COREQUISITE"])),
                name="course_prerequisite_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="courseprerequisite",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("minimum_version__isnull", True),
                    ("minimum_version__gte", 1),
                    _connector="OR",
                ),
                name="course_prerequisite_minimum_version_from_1",
            ),
        ),
        migrations.CreateModel(
            name="CourseRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("full", "Full"),
                            ("partly", "Partly"),
                            ("flagged", "Flagged"),
                            ("none", "None"),
                        ],
                        max_length=7,
                    ),
                ),
                ("tree", models.JSONField(null=True)),
                ("rest", models.JSONField(default=list)),
                ("remarks", models.JSONField(default=list)),
                ("parser_version", models.PositiveIntegerField()),
                ("reviewed_at", models.DateTimeField(null=True)),
                ("wording", models.TextField(blank=True, default="")),
                ("note", models.TextField(blank=True, default="")),
                (
                    "course",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rule",
                        to="courses.course",
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "prerequisite text",
                "db_table": "course_rules",
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("reviewed_at__isnull", True), ("verdict__in", ["partly", "flagged"])
                        ),
                        fields=["course"],
                        name="course_rule_to_review",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["full", "partly", "flagged", "none"])),
                        name="course_rule_verdict_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reviewed_at__isnull", True), ("reviewed_by__isnull", True)),
                            models.Q(
                                ("reviewed_at__isnull", False), ("reviewed_by__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="course_rule_reviewed_by_somebody_at_some_time",
                    ),
                ],
            },
        ),
        migrations.RunPython(understand_texts, migrations.RunPython.noop),
        migrations.RunSQL(GUARD, UNGUARD),
    ]

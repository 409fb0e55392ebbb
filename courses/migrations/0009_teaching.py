"""Teaching: shares and loads."""

import django.core.validators
from django.db import migrations, models

import courses.models.teaching

GRANTS = """
-- Who taught what is history; a share of 0 says that somebody did not (S1-23, T20).
REVOKE DELETE ON course_instructors FROM reg_web, reg_worker;
"""
REVERSE = "GRANT DELETE ON course_instructors TO reg_web, reg_worker"


class Migration(migrations.Migration):
    dependencies = [("courses", "0008_plans")]
    operations = [
        migrations.AddField(
            model_name="courseinstructor",
            name="share",
            field=models.PositiveSmallIntegerField(
                db_default=100,
                default=100,
                validators=[django.core.validators.MaxValueValidator(100)],
                verbose_name="share in percent",
            ),
        ),
        migrations.AlterField(
            model_name="courseinstructor",
            name="year",
            field=models.IntegerField(
                db_default=courses.models.teaching.CurrentYear(), db_index=True
            ),
        ),
        migrations.AddConstraint(
            model_name="courseinstructor",
            constraint=models.CheckConstraint(
                condition=models.Q(("share__lte", 100)), name="course_instructor_share_within_100"
            ),
        ),
        migrations.RunSQL(GRANTS, REVERSE),
    ]

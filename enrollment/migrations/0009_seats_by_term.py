"""Seats stand by their term, and in it by their student (decision 0042)."""

from django.db import migrations, models

NO_TWO = """
ALTER TABLE enrollments DROP CONSTRAINT enrollment_no_two_at_the_same_time;
ALTER TABLE enrollments ADD CONSTRAINT enrollment_no_two_at_the_same_time
    EXCLUDE USING gist ({} WITH =, {} WITH =, meets WITH &&)
    WHERE (active AND NOT isempty(meets));
"""


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0008_waits_by_student_alone")]

    operations = [
        migrations.RemoveConstraint(
            model_name="enrollment", name="enrollment_one_live_per_offering"
        ),
        migrations.AddConstraint(
            model_name="enrollment",
            constraint=models.UniqueConstraint(
                fields=["term_id", "student", "offering"],
                condition=models.Q(active=True),
                name="enrollment_one_live_per_offering",
            ),
        ),
        migrations.RunSQL(
            NO_TWO.format("term_id", "student_id"), NO_TWO.format("student_id", "term_id")
        ),
    ]

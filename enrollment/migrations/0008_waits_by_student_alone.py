"""Places in line are found by their student, or by the line: each by one index only.

A plan that is made while nobody waits may take any index of those who wait, and then reads all of
it: each says now what has to be asked for.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [
        ("courses", "0013_seed_views"),
        ("enrollment", "0007_requests_by_student_alone"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="waitlistentry", name="waitlist_one_place_per_offering"
        ),
        migrations.RemoveIndex(model_name="waitlistentry", name="waitlist_line"),
        migrations.AlterField(
            model_name="waitlistentry",
            name="offering",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="waitlist",
                to="courses.offering",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.UniqueConstraint(
                F("student"),
                F("offering") + 0,
                condition=Q(state="WAITING", student__isnull=False),
                name="waitlist_one_place_per_offering",
            ),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(
                fields=["offering", "request_id"],
                name="waitlist_line",
                condition=Q(state="WAITING", offering__isnull=False),
            ),
        ),
    ]

"""The index of students' requests without staff's.

A kept plan may take any index that holds the id, and of this one it would read all.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0006_seats_in_fewer_indexes")]

    operations = [
        migrations.RemoveIndex(model_name="request", name="request_by_student"),
        migrations.AddIndex(
            model_name="request",
            index=models.Index(
                fields=["student", "-id"],
                name="request_by_student",
                condition=models.Q(student__isnull=False),
            ),
        ),
    ]

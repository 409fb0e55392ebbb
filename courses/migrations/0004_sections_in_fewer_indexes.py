"""A section by its offering is the unique index with its number; nothing refers to both by id."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("courses", "0003_grants"),
        ("enrollment", "0006_seats_in_fewer_indexes"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="section", name="section_with_its_offering"),
        migrations.AlterField(
            model_name="section",
            name="offering",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sections",
                to="courses.offering",
            ),
        ),
    ]

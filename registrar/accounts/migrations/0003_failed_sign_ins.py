"""Wrong passwords by user name, for some minutes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_roles")]

    operations = [
        migrations.CreateModel(
            name="FailedSignIns",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("failures", models.PositiveIntegerField()),
                ("ends_at", models.DateTimeField()),
            ],
            options={"db_table": "failed_sign_ins"},
        ),
    ]

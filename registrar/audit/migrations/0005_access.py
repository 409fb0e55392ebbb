"""Who read what is another person's: a table that only grows, and that nothing refers to."""

from django.db import migrations, models

APPEND_ONLY = "SELECT make_append_only('access_entries')"
REVERSE = """
DROP TRIGGER append_only_rows ON access_entries;
DROP TRIGGER append_only_table ON access_entries;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_entries_in_fewer_indexes")]

    operations = [
        migrations.CreateModel(
            name="Access",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("actor", models.CharField(max_length=60)),
                ("what", models.CharField(max_length=60)),
                ("whose", models.CharField(blank=True, default="", max_length=60)),
                ("route", models.CharField(max_length=300)),
            ],
            options={
                "verbose_name": "access",
                "verbose_name_plural": "access log",
                "db_table": "access_entries",
                "indexes": [
                    models.Index(fields=["whose", "at"], name="access_by_whose"),
                    models.Index(fields=["actor", "at"], name="access_by_actor"),
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, REVERSE),
    ]

"""What other systems call the courses and sections that were imported from them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0010_proposals")]
    operations = [
        migrations.CreateModel(
            name="SourceCourse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=20)),
                ("key", models.CharField(max_length=60)),
                ("lineage", models.UUIDField(db_index=True)),
                ("code", models.CharField(max_length=10)),
                ("digest", models.CharField(blank=True, default="", max_length=32)),
            ],
            options={
                "db_table": "source_courses",
                "constraints": [
                    models.UniqueConstraint(fields=("source", "key"), name="source_course_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="SourceSection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=20)),
                ("key", models.CharField(max_length=60)),
                ("digest", models.CharField(max_length=32)),
                (
                    "section",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sources",
                        to="courses.section",
                    ),
                ),
            ],
            options={
                "db_table": "source_sections",
                "constraints": [
                    models.UniqueConstraint(fields=("source", "key"), name="source_section_once")
                ],
            },
        ),
    ]

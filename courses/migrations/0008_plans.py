"""Programmes, curricula, semesters, slots and batches."""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GRANTS = """
-- What students study by is history: it is superseded, not deleted (T20).
REVOKE DELETE ON programmes, curricula, curriculum_semesters, course_slots, batches
    FROM reg_web, reg_worker;
"""
REVERSE = """
GRANT DELETE ON programmes, curricula, curriculum_semesters, course_slots, batches
    TO reg_web, reg_worker;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("courses", "0007_prerequisites"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Programme",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("UG", "Undergraduate"),
                            ("PG", "Postgraduate"),
                            ("PHD", "Doctoral"),
                        ],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "disciplines",
                    models.ManyToManyField(
                        blank=True, related_name="programmes", to="courses.discipline"
                    ),
                ),
            ],
            options={
                "db_table": "programmes",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("category", "name"), name="programme_once_a_category"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("category__in", ["UG", "PG", "PHD"])),
                        name="programme_category_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Curriculum",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="curricula",
                        to="courses.programme",
                    ),
                ),
                (
                    "version",
                    models.DecimalField(
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
                (
                    "no_of_semester",
                    models.PositiveIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="number of semesters",
                    ),
                ),
                ("min_credit", models.PositiveIntegerField(verbose_name="credits needed")),
                ("latest_version", models.BooleanField(db_default=True, default=True)),
            ],
            options={
                "verbose_name_plural": "curricula",
                "db_table": "curricula",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name", "programme", "version"), name="curriculum_version_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("latest_version", True)),
                        fields=("name", "programme"),
                        name="curriculum_one_latest_version",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("version__gte", Decimal("1.0"))),
                        name="curriculum_version_at_least_1_0",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("no_of_semester__gte", 1)),
                        name="curriculum_has_a_semester",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CurriculumSemester",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "curriculum",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="semesters",
                        to="courses.curriculum",
                    ),
                ),
                (
                    "semester_no",
                    models.PositiveIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="semester",
                    ),
                ),
            ],
            options={
                "db_table": "curriculum_semesters",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("curriculum", "semester_no"), name="curriculum_semester_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("semester_no__gte", 1)),
                        name="curriculum_semester_from_1",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CourseSlot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "semester",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="slots",
                        to="courses.curriculumsemester",
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("Professional Core", "Professional Core"),
                            ("Professional Elective", "Professional Elective"),
                            ("Professional Lab", "Professional Lab"),
                            ("Engineering Science", "Engineering Science"),
                            ("Natural Science", "Natural Science"),
                            ("Humanities", "Humanities"),
                            ("Design", "Design"),
                            ("Manufacturing", "Manufacturing"),
                            ("Management Science", "Management Science"),
                            ("Open Elective", "Open Elective"),
                            ("Swayam", "Swayam"),
                            ("Project", "Project"),
                            ("Optional", "Optional"),
                            ("Backlog", "Backlog"),
                            ("Others", "Others"),
                        ],
                        max_length=70,
                    ),
                ),
                (
                    "course_slot_info",
                    models.TextField(blank=True, null=True, verbose_name="information"),
                ),
                (
                    "duration",
                    models.PositiveIntegerField(
                        db_default=1,
                        default=1,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("min_registration_limit", models.PositiveIntegerField(db_default=0, default=0)),
                (
                    "max_registration_limit",
                    models.PositiveIntegerField(db_default=1000, default=1000),
                ),
            ],
            options={
                "db_table": "course_slots",
                "indexes": [models.Index(fields=["type"], name="course_slot_type")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("semester", "name", "type"), name="course_slot_once_a_semester"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "type__in",
                                [
                                    "Professional Core",
                                    "Professional Elective",
                                    "Professional Lab",
                                    "Engineering Science",
                                    "Natural Science",
                                    "Humanities",
                                    "Design",
                                    "Manufacturing",
                                    "Management Science",
                                    "Open Elective",
                                    "Swayam",
                                    "Project",
                                    "Optional",
                                    "Backlog",
                                    "Others",
                                ],
                            )
                        ),
                        name="course_slot_type_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("min_registration_limit__lte", models.F("max_registration_limit"))
                        ),
                        name="course_slot_limits_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("duration__gte", 1)), name="course_slot_duration_from_1"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CourseSlotCourse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "slot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="places",
                        to="courses.courseslot",
                    ),
                ),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="places",
                        to="courses.course",
                    ),
                ),
            ],
            options={
                "db_table": "course_slot_courses",
                "constraints": [
                    models.UniqueConstraint(fields=("slot", "course"), name="course_once_in_a_slot")
                ],
            },
        ),
        migrations.AddField(
            model_name="courseslot",
            name="courses",
            field=models.ManyToManyField(
                blank=True,
                related_name="slots",
                through="courses.CourseSlotCourse",
                to="courses.course",
            ),
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "discipline",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to="courses.discipline",
                    ),
                ),
                ("year", models.PositiveIntegerField(db_index=True)),
                (
                    "curriculum",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to="courses.curriculum",
                    ),
                ),
                (
                    "running_batch",
                    models.BooleanField(db_default=True, default=True, verbose_name="running"),
                ),
                ("total_seats", models.PositiveIntegerField(db_default=60, default=60)),
            ],
            options={
                "verbose_name_plural": "batches",
                "db_table": "batches",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name", "discipline", "year"), name="batch_once_a_year"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BatchMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="members",
                        to="courses.batch",
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batch_place",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "batch_members",
                "constraints": [],
            },
        ),
        migrations.RunSQL(GRANTS, REVERSE),
    ]

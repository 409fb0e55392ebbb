"""Proposals on their way from faculty to the catalogue (S1-36 to S1-40)."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_append_only"),
        ("auth", "0001_initial"),
        ("courses", "0009_teaching"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Proposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("designation", models.CharField(max_length=100)),
                ("code", models.CharField(max_length=10)),
                ("name", models.CharField(max_length=100)),
                ("credit", models.PositiveIntegerField(default=3)),
                ("lecture_hours", models.PositiveIntegerField(blank=True, default=3, null=True)),
                ("tutorial_hours", models.PositiveIntegerField(blank=True, default=0, null=True)),
                ("pratical_hours", models.PositiveIntegerField(blank=True, default=0, null=True)),
                ("discussion_hours", models.PositiveIntegerField(blank=True, default=0, null=True)),
                ("project_hours", models.PositiveIntegerField(blank=True, default=0, null=True)),
                ("pre_requisits", models.TextField(blank=True, null=True)),
                ("syllabus", models.TextField()),
                ("max_seats", models.PositiveIntegerField(default=90)),
                ("percent_quiz_1", models.PositiveIntegerField(default=10)),
                ("percent_midsem", models.PositiveIntegerField(default=20)),
                ("percent_quiz_2", models.PositiveIntegerField(default=10)),
                ("percent_endsem", models.PositiveIntegerField(default=30)),
                ("percent_project", models.PositiveIntegerField(default=15)),
                ("percent_lab_evaluation", models.PositiveIntegerField(default=10)),
                ("percent_course_attendance", models.PositiveIntegerField(default=5)),
                ("ref_books", models.TextField()),
                ("subject", models.CharField(blank=True, default="", max_length=100)),
                ("description", models.CharField(blank=True, default="", max_length=400)),
                ("upload_date", models.DateTimeField()),
                ("is_read", models.BooleanField(default=False)),
                ("is_update", models.BooleanField(default=False)),
                ("is_archive", models.BooleanField(default=False)),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("DRAFT", "Draft"),
                            ("DEPARTMENT_REVIEW", "Department review"),
                            ("CURRICULUM_COMMITTEE", "Curriculum committee"),
                            ("ACADEMIC_COUNCIL", "Academic council"),
                            ("APPROVED", "Approved"),
                            ("ACTIVATED", "Activated"),
                            ("RETURNED", "Returned"),
                            ("REJECTED", "Rejected"),
                            ("WITHDRAWN", "Withdrawn"),
                            ("REVERSED", "Reversed"),
                        ],
                        default="DRAFT",
                        max_length=20,
                    ),
                ),
                ("round", models.PositiveIntegerField(default=1)),
                ("since", models.DateTimeField()),
                ("revision", models.PositiveIntegerField(default=1)),
                (
                    "became",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposed_by",
                        to="courses.course",
                    ),
                ),
                (
                    "course",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes_proposed",
                        to="courses.course",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
                        to="courses.department",
                    ),
                ),
                (
                    "disciplines",
                    models.ManyToManyField(
                        blank=True, db_table="proposal_disciplines", to="courses.discipline"
                    ),
                ),
                (
                    "uploader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "proposals",
            },
        ),
        migrations.CreateModel(
            name="ProposalPrerequisite",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="courses.course",
                    ),
                ),
                (
                    "proposal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="needs",
                        to="courses.proposal",
                    ),
                ),
            ],
            options={
                "db_table": "proposal_prerequisites",
            },
        ),
        migrations.AddField(
            model_name="proposal",
            name="pre_requisit_courses",
            field=models.ManyToManyField(
                blank=True,
                related_name="needed_by_proposals",
                through="courses.ProposalPrerequisite",
                to="courses.course",
            ),
        ),
        migrations.CreateModel(
            name="ProposalReminder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveIntegerField()),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("DRAFT", "Draft"),
                            ("DEPARTMENT_REVIEW", "Department review"),
                            ("CURRICULUM_COMMITTEE", "Curriculum committee"),
                            ("ACADEMIC_COUNCIL", "Academic council"),
                            ("APPROVED", "Approved"),
                            ("ACTIVATED", "Activated"),
                            ("RETURNED", "Returned"),
                            ("REJECTED", "Rejected"),
                            ("WITHDRAWN", "Withdrawn"),
                            ("REVERSED", "Reversed"),
                        ],
                        max_length=20,
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "proposal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reminders",
                        to="courses.proposal",
                    ),
                ),
            ],
            options={
                "db_table": "proposal_reminders",
            },
        ),
        migrations.CreateModel(
            name="ProposalTracking",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveIntegerField()),
                ("current_design", models.CharField(max_length=100)),
                ("receive_date", models.DateTimeField()),
                ("forward_date", models.DateTimeField(null=True)),
                ("remarks", models.CharField(blank=True, default="", max_length=250)),
                ("is_added", models.BooleanField(default=False)),
                ("is_submitted", models.BooleanField(default=False)),
                ("is_rejected", models.BooleanField(default=False)),
                ("sender_archive", models.BooleanField(default=False)),
                ("receiver_archive", models.BooleanField(default=False)),
                (
                    "current",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals_sent",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "disciplines",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="courses.discipline",
                    ),
                ),
                (
                    "proposal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hops",
                        to="courses.proposal",
                    ),
                ),
                (
                    "receive",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals_received",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "receive_design",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="auth.group",
                    ),
                ),
            ],
            options={
                "db_table": "proposal_tracking",
            },
        ),
        migrations.CreateModel(
            name="Delegation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("academic_council", "Academic council"),
                            ("curriculum_committee", "Curriculum committee"),
                            ("department_head", "Department head"),
                        ],
                        max_length=100,
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=250)),
                (
                    "delegate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="delegations_held",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "holder",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="delegations_given",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "proposal_delegations",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("starts_at__lt", models.F("ends_at"))),
                        name="delegation_starts_before_it_ends",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("holder", models.F("delegate")), _negated=True),
                        name="delegation_to_somebody_else",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "role__in",
                                ["academic_council", "curriculum_committee", "department_head"],
                            )
                        ),
                        name="delegation_of_a_reviewing_role",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProposalDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("round", models.PositiveIntegerField()),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("DRAFT", "Draft"),
                            ("DEPARTMENT_REVIEW", "Department review"),
                            ("CURRICULUM_COMMITTEE", "Curriculum committee"),
                            ("ACADEMIC_COUNCIL", "Academic council"),
                            ("APPROVED", "Approved"),
                            ("ACTIVATED", "Activated"),
                            ("RETURNED", "Returned"),
                            ("REJECTED", "Rejected"),
                            ("WITHDRAWN", "Withdrawn"),
                            ("REVERSED", "Reversed"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "to_stage",
                    models.CharField(
                        choices=[
                            ("DRAFT", "Draft"),
                            ("DEPARTMENT_REVIEW", "Department review"),
                            ("CURRICULUM_COMMITTEE", "Curriculum committee"),
                            ("ACADEMIC_COUNCIL", "Academic council"),
                            ("APPROVED", "Approved"),
                            ("ACTIVATED", "Activated"),
                            ("RETURNED", "Returned"),
                            ("REJECTED", "Rejected"),
                            ("WITHDRAWN", "Withdrawn"),
                            ("REVERSED", "Reversed"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("SUBMIT", "Submit"),
                            ("RESUBMIT", "Resubmit"),
                            ("APPROVE", "Approve"),
                            ("RETURN", "Return"),
                            ("REJECT", "Reject"),
                            ("WITHDRAW", "Withdraw"),
                            ("ACTIVATE", "Activate"),
                            ("REVERSE", "Reverse"),
                        ],
                        max_length=10,
                    ),
                ),
                ("role", models.CharField(max_length=100)),
                ("remarks", models.CharField(blank=True, default="", max_length=250)),
                ("rationale", models.TextField(blank=True, default="")),
                ("content", models.JSONField(null=True)),
                ("at", models.DateTimeField()),
                (
                    "acting_for",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposal_decisions_by_others",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposal_decisions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "proposal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="courses.proposal",
                    ),
                ),
            ],
            options={
                "db_table": "proposal_decisions",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("proposal", "number"), name="proposal_decision_numbered_once"
                    ),
                    models.UniqueConstraint(
                        fields=("proposal", "round", "stage"),
                        name="proposal_stage_left_once_a_round",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "action__in",
                                [
                                    "SUBMIT",
                                    "RESUBMIT",
                                    "APPROVE",
                                    "RETURN",
                                    "REJECT",
                                    "WITHDRAW",
                                    "ACTIVATE",
                                    "REVERSE",
                                ],
                            ),
                            (
                                "stage__in",
                                [
                                    "DRAFT",
                                    "DEPARTMENT_REVIEW",
                                    "CURRICULUM_COMMITTEE",
                                    "ACADEMIC_COUNCIL",
                                    "APPROVED",
                                    "ACTIVATED",
                                    "RETURNED",
                                    "REJECTED",
                                    "WITHDRAWN",
                                    "REVERSED",
                                ],
                            ),
                            (
                                "to_stage__in",
                                [
                                    "DRAFT",
                                    "DEPARTMENT_REVIEW",
                                    "CURRICULUM_COMMITTEE",
                                    "ACADEMIC_COUNCIL",
                                    "APPROVED",
                                    "ACTIVATED",
                                    "RETURNED",
                                    "REJECTED",
                                    "WITHDRAWN",
                                    "REVERSED",
                                ],
                            ),
                        ),
                        name="proposal_decision_known",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="proposalprerequisite",
            constraint=models.UniqueConstraint(
                fields=("proposal", "course"), name="proposal_prerequisite_once"
            ),
        ),
        migrations.AddIndex(
            model_name="proposal",
            index=models.Index(fields=["stage", "since"], name="proposal_by_stage"),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.UniqueConstraint(
                fields=("code", "uploader", "name", "round"), name="proposal_once_a_round"
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Upper(django.db.models.functions.text.Trim("code")),
                models.F("uploader"),
                condition=models.Q(
                    (
                        "stage__in",
                        [
                            "ACADEMIC_COUNCIL",
                            "APPROVED",
                            "CURRICULUM_COMMITTEE",
                            "DEPARTMENT_REVIEW",
                            "DRAFT",
                            "RETURNED",
                        ],
                    )
                ),
                name="proposal_one_open_of_a_code_and_author",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "stage__in",
                        [
                            "DRAFT",
                            "DEPARTMENT_REVIEW",
                            "CURRICULUM_COMMITTEE",
                            "ACADEMIC_COUNCIL",
                            "APPROVED",
                            "ACTIVATED",
                            "RETURNED",
                            "REJECTED",
                            "WITHDRAWN",
                            "REVERSED",
                        ],
                    )
                ),
                name="proposal_stage_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("course__isnull", False), ("is_update", True)),
                    models.Q(("course__isnull", True), ("is_update", False)),
                    _connector="OR",
                ),
                name="proposal_is_an_update_of_a_course",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("became__isnull", False), ("stage__in", ["ACTIVATED", "REVERSED"])),
                    models.Q(
                        models.Q(("stage__in", ["ACTIVATED", "REVERSED"]), _negated=True),
                        ("became__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="proposal_became_a_course_when_activated",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "percent_quiz_1",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.Value(100), "-", models.F("percent_midsem")
                                            ),
                                            "-",
                                            models.F("percent_quiz_2"),
                                        ),
                                        "-",
                                        models.F("percent_endsem"),
                                    ),
                                    "-",
                                    models.F("percent_project"),
                                ),
                                "-",
                                models.F("percent_lab_evaluation"),
                            ),
                            "-",
                            models.F("percent_course_attendance"),
                        ),
                    )
                ),
                name="proposal_assessment_percentages_sum_to_100",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposalreminder",
            constraint=models.UniqueConstraint(
                fields=("proposal", "round", "stage", "number"), name="proposal_reminded_once"
            ),
        ),
        migrations.AddIndex(
            model_name="proposaltracking",
            index=models.Index(
                fields=["is_submitted", "is_rejected"], name="proposal_tracking_status"
            ),
        ),
        migrations.AddConstraint(
            model_name="proposaltracking",
            constraint=models.UniqueConstraint(
                fields=("proposal", "current", "current_design", "disciplines", "round"),
                name="proposal_sent_once_a_round",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="proposaltracking",
            constraint=models.UniqueConstraint(
                condition=models.Q(("forward_date__isnull", True)),
                fields=("proposal",),
                name="proposal_on_one_desk",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposaltracking",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_added", True), ("is_rejected", True), _negated=True),
                name="proposal_not_added_and_rejected",
            ),
        ),
        migrations.RunSQL("SELECT make_append_only('proposal_decisions')", migrations.RunSQL.noop),
    ]

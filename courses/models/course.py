"""Courses as immutable versions, and what each needs.

Fields and constraints only: `courses.catalogue` writes them.
"""

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING

from django.contrib.postgres.functions import RandomUUID
from django.core.validators import DecimalValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Trim, Upper

from courses import lifecycle
from courses.versioning import HOURS, PERCENTAGES
from courses.workload import contact_hours

from .department import Department
from .prerequisite import circle_through

if TYPE_CHECKING:
    from .plan import CourseSlot


class Discipline(models.Model):
    """An academic discipline that courses belong to (S1-20)."""

    name = models.CharField(max_length=100, unique=True)
    acronym = models.CharField(max_length=10, blank=True, default="")

    class Meta:
        db_table = "disciplines"

    def __str__(self) -> str:
        return self.name


class ActiveCourses(models.Manager["Course"]):
    """Versions that are offered (S1-76)."""

    def get_queryset(self) -> models.QuerySet["Course"]:
        return super().get_queryset().filter(working_course=True)


class LatestCourses(models.Manager["Course"]):
    """The newest version of each course (S1-76)."""

    def get_queryset(self) -> models.QuerySet["Course"]:
        return super().get_queryset().filter(latest_version=True)


class Course(models.Model):
    """One version of a catalogue course; its versions share a `lineage`, whatever their code (D6).

    What a version says never changes once it is saved, drafts apart: a trigger sees to it, and a
    change is a new version with the next `revision`, by which versions are ordered (T3). `state`
    is its life; `working_course` and `latest_version` follow from it (T42). Columns have the
    defaults of the seed's table in the database too.
    """

    class State(models.TextChoices):
        DRAFT = "DRAFT"
        ACTIVE = "ACTIVE"
        INACTIVE = "INACTIVE"
        DEPRECATED = "DEPRECATED"
        ARCHIVED = "ARCHIVED"

    class Bump(models.TextChoices):
        NONE = "NONE", "First version"
        PATCH = "PATCH"
        MINOR = "MINOR"
        MAJOR = "MAJOR"

    lineage = models.UUIDField(default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    revision = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    bump_type = models.CharField(
        max_length=10, choices=Bump.choices, default=Bump.NONE, db_default="NONE", editable=False
    )
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.ACTIVE, db_default="ACTIVE"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    code = models.CharField(max_length=10)
    name = models.CharField(max_length=100)
    version = models.DecimalField(
        max_digits=5,
        decimal_places=1,
        default=Decimal("1.0"),
        db_default=Decimal("1.0"),
        validators=[
            MinValueValidator(Decimal("1.0")),
            DecimalValidator(max_digits=5, decimal_places=1),
        ],
    )
    credit = models.PositiveIntegerField(default=0, db_default=0)
    lecture_hours = models.PositiveIntegerField(null=True, blank=True)
    tutorial_hours = models.PositiveIntegerField(null=True, blank=True)
    # The seed spells it so, and reports written for its schema read this column (T45).
    pratical_hours = models.PositiveIntegerField("practical hours", null=True, blank=True)
    discussion_hours = models.PositiveIntegerField(null=True, blank=True)
    project_hours = models.PositiveIntegerField(null=True, blank=True)
    pre_requisits = models.TextField(  # noqa: DJ001 - nullable in the seed
        "prerequisites in words", null=True, blank=True
    )
    pre_requisit_courses = models.ManyToManyField(
        "self", through="CoursePrerequisite", symmetrical=False, blank=True
    )
    syllabus = models.TextField()
    percent_quiz_1 = models.PositiveIntegerField(default=10, db_default=10)
    percent_midsem = models.PositiveIntegerField(default=20, db_default=20)
    percent_quiz_2 = models.PositiveIntegerField(default=10, db_default=10)
    percent_endsem = models.PositiveIntegerField(default=30, db_default=30)
    percent_project = models.PositiveIntegerField(default=15, db_default=15)
    percent_lab_evaluation = models.PositiveIntegerField(default=10, db_default=10)
    percent_course_attendance = models.PositiveIntegerField(default=5, db_default=5)
    ref_books = models.TextField("reference books")
    working_course = models.BooleanField(default=True, db_default=True)
    latest_version = models.BooleanField(default=True, db_default=True)
    disciplines = models.ManyToManyField(Discipline, blank=True)
    department = models.ForeignKey(
        Department, null=True, blank=True, on_delete=models.PROTECT, related_name="courses"
    )
    max_seats = models.IntegerField(
        "seats", default=90, db_default=90, validators=[MinValueValidator(0)]
    )

    objects = models.Manager["Course"]()
    active = ActiveCourses()
    latest = LatestCourses()

    class Meta:
        db_table = "courses"
        constraints = [
            models.UniqueConstraint(
                Upper(Trim("code")), F("version"), name="course_code_and_version_unique"
            ),
            models.UniqueConstraint(
                Upper(Trim("code")),
                condition=Q(latest_version=True),
                name="course_one_latest_version_of_a_code",
            ),
            models.UniqueConstraint(
                fields=["lineage"],
                condition=Q(latest_version=True),
                name="course_one_latest_version_of_a_lineage",
            ),
            models.UniqueConstraint(
                fields=["lineage", "revision"], name="course_revision_once_in_a_lineage"
            ),
            models.CheckConstraint(condition=Q(revision__gte=1), name="course_revision_from_1"),
            models.CheckConstraint(
                condition=Q(state__in=["DRAFT", "ACTIVE", "INACTIVE", "DEPRECATED", "ARCHIVED"]),
                name="course_state_known",
            ),
            models.CheckConstraint(
                condition=Q(bump_type__in=["NONE", "PATCH", "MINOR", "MAJOR"]),
                name="course_bump_type_known",
            ),
            models.CheckConstraint(
                condition=Q(state="ACTIVE", working_course=True)
                | (~Q(state="ACTIVE") & Q(working_course=False)),
                name="course_works_while_active",
            ),
            models.CheckConstraint(
                condition=Q(latest_version=True) | ~Q(state__in=["DRAFT", "ACTIVE"]),
                name="course_superseded_is_not_offered",
            ),
            models.CheckConstraint(
                condition=Q(version__gte=Decimal("1.0")), name="course_version_at_least_1_0"
            ),
            models.CheckConstraint(condition=Q(max_seats__gte=0), name="course_max_seats_from_0"),
            models.CheckConstraint(
                condition=Q(
                    percent_quiz_1=100
                    - F("percent_midsem")
                    - F("percent_quiz_2")
                    - F("percent_endsem")
                    - F("percent_project")
                    - F("percent_lab_evaluation")
                    - F("percent_course_attendance")
                ),
                name="course_assessment_percentages_sum_to_100",
            ),
        ]
        indexes = [
            models.Index(fields=["code"], name="course_code"),
            models.Index(
                fields=["code"], condition=Q(working_course=True), name="course_code_working"
            ),
            models.Index(
                fields=["code", "id"], condition=Q(latest_version=True), name="course_code_latest"
            ),
            models.Index(fields=["credit"], name="course_credit"),
        ]

    def __str__(self) -> str:
        """`CS101 - Introduction to Computer Science - v1.0`, as the seed shows it (T48)."""
        return f"{self.code} - {self.name} - v{self.version}"

    def validate_assessment_percentages(self) -> bool:
        """Whether the parts of the assessment sum to 100 (S1-16, S1-77)."""
        parts: list[int] = [getattr(self, name) for name in PERCENTAGES]
        return sum(parts) == 100

    def can_transition_to(self, new_state: str) -> bool:
        """Whether this version may go straight to that state (S1-80)."""
        return new_state in lifecycle.TRANSITIONS[lifecycle.State(self.state)]

    @property
    def practical_hours(self) -> int | None:
        """`pratical_hours`, spelt as it should be (T45)."""
        return self.pratical_hours

    @property
    def total_contact_hours(self) -> int:
        """Hours a week of every kind together (S1-9)."""
        return contact_hours({name: getattr(self, name) for name in HOURS})

    @property
    def courseslots(self) -> "models.QuerySet[CourseSlot]":
        """The slots of study plans in which this version may be taken (S1-22)."""
        return self.slots.order_by("semester", "name", "pk")

    def check_prerequisite_cycles(self) -> bool:
        """Whether this version's prerequisites lead back to it (S1-78)."""
        return circle_through(self.pk) is not None

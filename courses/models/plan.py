"""The study plan: Programme, Curriculum, Semester, CourseSlot, Course (S1-87), and its batches.

These semesters are places in a plan: `semesters` belong to departments (seed 002), and the calendar
is `Term` (D2). Defaults are the database's own, as seed 001 has them. `courses.plans` writes.
"""

from decimal import Decimal

from django.conf import settings
from django.core.validators import DecimalValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from .course import Course, Discipline


class Programme(models.Model):
    """What a student takes a degree in (S1-41); of one or more disciplines (S1-42)."""

    class Category(models.TextChoices):
        UG = "UG", "Undergraduate"
        PG = "PG", "Postgraduate"
        PHD = "PHD", "Doctoral"

    category = models.CharField(max_length=10, choices=Category.choices)
    name = models.CharField(max_length=100)
    disciplines = models.ManyToManyField(Discipline, blank=True, related_name="programmes")

    class Meta:
        db_table = "programmes"
        constraints = [
            models.UniqueConstraint(fields=["category", "name"], name="programme_once_a_category"),
            models.CheckConstraint(
                condition=Q(category__in=["UG", "PG", "PHD"]), name="programme_category_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.category})"


class Curriculum(models.Model):
    """One version of a programme's study plan (S1-43); whoever began by it may stay with it."""

    name = models.CharField(max_length=100)
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="curricula")
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
    no_of_semester = models.PositiveIntegerField(
        "number of semesters", validators=[MinValueValidator(1)]
    )
    min_credit = models.PositiveIntegerField("credits needed")
    latest_version = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "curricula"
        verbose_name_plural = "curricula"
        constraints = [
            models.UniqueConstraint(
                fields=["name", "programme", "version"], name="curriculum_version_once"
            ),
            models.UniqueConstraint(
                fields=["name", "programme"],
                condition=Q(latest_version=True),
                name="curriculum_one_latest_version",
            ),
            models.CheckConstraint(
                condition=Q(version__gte=Decimal("1.0")), name="curriculum_version_at_least_1_0"
            ),
            models.CheckConstraint(
                condition=Q(no_of_semester__gte=1), name="curriculum_has_a_semester"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class CurriculumSemester(models.Model):
    """The n-th semester of a curriculum (S1-44)."""

    curriculum = models.ForeignKey(Curriculum, on_delete=models.CASCADE, related_name="semesters")
    semester_no = models.PositiveIntegerField("semester", validators=[MinValueValidator(1)])

    class Meta:
        db_table = "curriculum_semesters"
        constraints = [
            models.UniqueConstraint(
                fields=["curriculum", "semester_no"], name="curriculum_semester_once"
            ),
            models.CheckConstraint(
                condition=Q(semester_no__gte=1), name="curriculum_semester_from_1"
            ),
        ]

    def __str__(self) -> str:
        return f"semester {self.semester_no} of {self.curriculum_id}"


class SlotType(models.TextChoices):
    """What a slot asks of a student: the fifteen of the seed (S1-31, D11)."""

    PROFESSIONAL_CORE = "Professional Core"
    PROFESSIONAL_ELECTIVE = "Professional Elective"
    PROFESSIONAL_LAB = "Professional Lab"
    ENGINEERING_SCIENCE = "Engineering Science"
    NATURAL_SCIENCE = "Natural Science"
    HUMANITIES = "Humanities"
    DESIGN = "Design"
    MANUFACTURING = "Manufacturing"
    MANAGEMENT_SCIENCE = "Management Science"
    OPEN_ELECTIVE = "Open Elective"
    SWAYAM = "Swayam"
    PROJECT = "Project"
    OPTIONAL = "Optional"
    BACKLOG = "Backlog"
    OTHERS = "Others"


class CourseSlot(models.Model):
    """A place for one course in a semester; more than one course in it is a choice (S1-30).

    The limits are on how many students register through it; `duration` is in semesters.
    """

    semester = models.ForeignKey(CurriculumSemester, on_delete=models.CASCADE, related_name="slots")
    name = models.CharField(max_length=100)
    type = models.CharField(max_length=70, choices=SlotType.choices)
    course_slot_info = models.TextField("information", null=True, blank=True)  # noqa: DJ001 - as in the seed
    duration = models.PositiveIntegerField(
        default=1, db_default=1, validators=[MinValueValidator(1)]
    )
    min_registration_limit = models.PositiveIntegerField(default=0, db_default=0)
    max_registration_limit = models.PositiveIntegerField(default=1000, db_default=1000)
    courses = models.ManyToManyField(
        Course, through="CourseSlotCourse", blank=True, related_name="slots"
    )

    class Meta:
        db_table = "course_slots"
        constraints = [
            models.UniqueConstraint(
                fields=["semester", "name", "type"], name="course_slot_once_a_semester"
            ),
            models.CheckConstraint(
                condition=Q(type__in=SlotType.values), name="course_slot_type_known"
            ),
            models.CheckConstraint(
                condition=Q(min_registration_limit__lte=F("max_registration_limit")),
                name="course_slot_limits_in_order",
            ),
            models.CheckConstraint(
                condition=Q(duration__gte=1), name="course_slot_duration_from_1"
            ),
        ]
        indexes = [models.Index(fields=["type"], name="course_slot_type")]

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"


class CourseSlotCourse(models.Model):
    """A course version that may be taken in a slot (S1-33); the course cannot go away (T20)."""

    slot = models.ForeignKey(CourseSlot, on_delete=models.CASCADE, related_name="places")
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="places")

    class Meta:
        db_table = "course_slot_courses"
        constraints = [
            models.UniqueConstraint(fields=["slot", "course"], name="course_once_in_a_slot")
        ]

    def __str__(self) -> str:
        return f"{self.course_id} in {self.slot_id}"


class Batch(models.Model):
    """The students of a discipline who began in a year, and the plan they study by (S1-45)."""

    name = models.CharField(max_length=100)
    discipline = models.ForeignKey(Discipline, on_delete=models.PROTECT, related_name="batches")
    year = models.PositiveIntegerField(db_index=True)
    curriculum = models.ForeignKey(
        Curriculum, null=True, blank=True, on_delete=models.PROTECT, related_name="batches"
    )
    running_batch = models.BooleanField("running", default=True, db_default=True)
    total_seats = models.PositiveIntegerField(default=60, db_default=60)

    class Meta:
        db_table = "batches"
        verbose_name_plural = "batches"
        constraints = [
            models.UniqueConstraint(fields=["name", "discipline", "year"], name="batch_once_a_year")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.year}"


class BatchMember(models.Model):
    """Whose plan is whose (S1-88): a person studies in one batch at a time."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="members")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="batch_place"
    )

    class Meta:
        db_table = "batch_members"

    def __str__(self) -> str:
        return f"{self.user_id} in {self.batch_id}"

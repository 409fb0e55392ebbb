"""Departments, their years and semesters, and which courses are taught in them (seed 002).

All of it is also written by plain SQL: every default and cascade is the database's own (T37), and
so are the triggers that make years and semesters (D9). What Django cannot say of these tables is
in the migration `0005_departments`: foreign keys that cascade and cannot disagree (T40), and
row-level security (T39).
"""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Trim, Upper

LONGEST_YEARS = 10


class Department(models.Model):
    """An academic department, with four years of two semesters made by triggers (S2-7 to S2-13)."""

    name = models.CharField(max_length=100)
    code = models.CharField(max_length=20, unique=True)

    class Meta:
        db_table = "departments"
        constraints = [
            models.UniqueConstraint(
                Upper(Trim("code")),
                name="department_code_once",
                violation_error_message="There is a department with this code already.",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class DepartmentMember(models.Model):
    """A member of staff's department: what their roles hold for (S1-99, T41)."""

    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="departments"
    )

    class Meta:
        db_table = "department_members"
        constraints = [
            models.UniqueConstraint(fields=["department", "user"], name="department_member_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.department_id}"


class Year(models.Model):
    """A year of study in a department; named `1st Year` … by a trigger unless it has a name."""

    department = models.ForeignKey(
        Department, on_delete=models.CASCADE, related_name="years", db_constraint=False
    )
    year_number = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_YEARS)]
    )
    year_name = models.CharField(max_length=50, blank=True, db_default="")

    class Meta:
        db_table = "years"
        constraints = [
            models.UniqueConstraint(
                fields=["department", "year_number"], name="year_number_once_in_a_department"
            ),
            models.CheckConstraint(
                condition=Q(year_number__gte=1, year_number__lte=LONGEST_YEARS),
                name="year_number_from_1_to_10",
            ),
        ]

    def __str__(self) -> str:
        return self.year_name


class Semester(models.Model):
    """One of a year's two semesters (S2-1 to S2-3).

    `absolute_number` counts through the years, 1 to 8 in a department of four; a trigger keeps it
    at `(year_number - 1) * 2 + semester_number`, whatever is written (T38).
    """

    year = models.ForeignKey(
        Year, on_delete=models.CASCADE, related_name="semesters", db_constraint=False
    )
    semester_number = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(2)]
    )
    semester_name = models.CharField(max_length=50, blank=True, db_default="")
    absolute_number = models.PositiveSmallIntegerField(editable=False, db_default=0)

    class Meta:
        db_table = "semesters"
        constraints = [
            models.UniqueConstraint(
                fields=["year", "semester_number"], name="semester_number_once_in_a_year"
            ),
            models.CheckConstraint(
                condition=Q(semester_number__in=(1, 2)), name="semester_number_1_or_2"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year}, {self.semester_name}"


class DepartmentCourseMap(models.Model):
    """A course's place in a department's plan (S2-4 to S2-6).

    Year and department follow from the semester: a trigger fills in what is left out, composite
    foreign keys refuse what disagrees (T40). A course is never deleted with its places.
    """

    department = models.ForeignKey(
        Department, on_delete=models.CASCADE, related_name="placements", db_constraint=False
    )
    year = models.ForeignKey(
        Year, on_delete=models.CASCADE, related_name="placements", db_constraint=False
    )
    semester = models.ForeignKey(
        Semester, on_delete=models.CASCADE, related_name="placements", db_constraint=False
    )
    course = models.ForeignKey("Course", on_delete=models.PROTECT, related_name="placements")

    class Meta:
        db_table = "department_course_map"
        verbose_name = "course in the plan"
        verbose_name_plural = "courses in the plan"
        constraints = [
            models.UniqueConstraint(
                fields=["semester", "course"], name="course_once_in_a_semester"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.course} in {self.semester}"

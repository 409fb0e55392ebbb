"""Who teaches what, semester by semester."""

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Func, Q

from .course import Course
from .term import SemesterType


class CurrentYear(Func):
    """The year in which the database inserts a row: no process's start has a say in it (T35)."""

    template = "EXTRACT(YEAR FROM CURRENT_DATE)"
    output_field = models.IntegerField()


class CourseInstructor(models.Model):
    """Who teaches a course in a semester; several may, and the history is kept (S1-23).

    `share` is the part of the teaching that this person carries, in percent; 0 once somebody was
    named who does not teach it after all, since the row stays.
    """

    course = models.ForeignKey(Course, on_delete=models.PROTECT)
    instructor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    year = models.IntegerField(db_default=CurrentYear(), db_index=True)
    semester_type = models.CharField(max_length=20, choices=SemesterType.choices)
    share = models.PositiveSmallIntegerField(
        "share in percent", default=100, db_default=100, validators=[MaxValueValidator(100)]
    )

    class Meta:
        db_table = "course_instructors"
        constraints = [
            models.UniqueConstraint(
                fields=["course", "instructor", "year", "semester_type"],
                name="course_instructor_once_a_semester",
            ),
            models.CheckConstraint(
                condition=Q(semester_type__in=SemesterType.values),
                name="course_instructor_semester_type_known",
            ),
            models.CheckConstraint(
                condition=Q(share__lte=100), name="course_instructor_share_within_100"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.course_id} by {self.instructor_id} in {self.semester_type} {self.year}"

"""The academic calendar (D2)."""

from django.db import models
from django.db.models import Q


class SemesterType(models.TextChoices):
    """The three kinds of semester (S1-23, D11)."""

    ODD = "Odd Semester"
    EVEN = "Even Semester"
    SUMMER = "Summer Semester"


class Term(models.Model):
    """An academic calendar term: a year and a semester type (D2)."""

    code = models.CharField(max_length=40, unique=True)
    year = models.PositiveIntegerField()
    semester_type = models.CharField(max_length=20, choices=SemesterType.choices)
    credit_maximum = models.PositiveIntegerField(default=24)

    class Meta:
        db_table = "terms"
        constraints = [
            models.CheckConstraint(
                condition=Q(semester_type__in=SemesterType.values), name="term_semester_type_known"
            )
        ]

    def __str__(self) -> str:
        return self.code

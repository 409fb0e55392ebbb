"""What is offered of a course in a term: its seats, its sections and when they meet.

`enrollment.ledger` alone writes the counters and limits; the rest comes through the admin.
"""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from courses.fields import WeeklyMinutesField
from courses.timetable import MINUTES_PER_DAY

from .course import Course
from .term import Term


class Offering(models.Model):
    """A course version offered in a term: the unit that requests are settled by.

    Seats on the course itself (`base_limit`, section null) fill first, then sections in the order
    of their numbers. A limit of null means that there is none. `permits` are seats that staff
    allowed over a limit (D5): the CHECKs let nobody else exceed it.
    """

    class Status(models.TextChoices):
        OPEN = "OPEN"
        PAUSED = "PAUSED"
        CLOSED = "CLOSED"

    course = models.ForeignKey(Course, on_delete=models.PROTECT)
    # The course's own, filled in by a trigger: two versions of one course in a term would let a
    # student sit in both.
    lineage = models.UUIDField(editable=False)
    term = models.ForeignKey(Term, on_delete=models.PROTECT)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)

    base_limit = models.PositiveIntegerField(default=90)
    base_taken = models.PositiveIntegerField(default=0, editable=False)
    base_permits = models.PositiveIntegerField(default=0, editable=False)
    base_meets = WeeklyMinutesField(default=tuple, editable=False)

    auto_create = models.BooleanField(default=True)
    open_threshold = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    section_limit = models.PositiveIntegerField(default=90)
    max_sections = models.PositiveIntegerField(null=True, blank=True)
    next_number = models.PositiveIntegerField(default=1, editable=False)

    total_cap = models.PositiveIntegerField(null=True, blank=True)
    taken = models.PositiveIntegerField(default=0, editable=False)
    total_permits = models.PositiveIntegerField(default=0, editable=False)

    waitlist_cap = models.PositiveIntegerField(null=True, blank=True)
    waiting = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        db_table = "offerings"
        constraints = [
            models.UniqueConstraint(fields=["lineage", "term"], name="offering_once_a_term"),
            # Lets a section's foreign key say that its course and term are its offering's.
            models.UniqueConstraint(
                fields=["id", "course", "term"], name="offering_with_its_course_and_term"
            ),
            models.CheckConstraint(
                condition=Q(base_taken__lte=F("base_limit") + F("base_permits")),
                name="offering_base_seats_not_oversold",
            ),
            models.CheckConstraint(
                condition=Q(total_cap__isnull=True)
                | Q(taken__lte=F("total_cap") + F("total_permits")),
                name="offering_total_not_oversold",
            ),
            models.CheckConstraint(
                condition=Q(base_taken__lte=F("taken")), name="offering_base_within_total"
            ),
            models.CheckConstraint(
                condition=Q(open_threshold__gte=1), name="offering_open_threshold_from_1"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["OPEN", "PAUSED", "CLOSED"]), name="offering_status_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.course.code} in {self.term.code}"


class Section(models.Model):
    """A teaching group of an offering (S0-2 to S0-14).

    `code` is `{course code}-SEC{number:03d}`, unique in its term; numbers start at 001 in each
    offering and are never reused (D3). An automatic section is `needs_assignment` until staff
    confirm who teaches it and when (T31).
    """

    offering = models.ForeignKey(
        Offering, on_delete=models.PROTECT, related_name="sections", db_index=False
    )
    course = models.ForeignKey(
        Course, on_delete=models.PROTECT, related_name="sections", db_constraint=False
    )
    term = models.ForeignKey(
        Term, on_delete=models.PROTECT, db_constraint=False, related_name="+", db_index=False
    )
    section_number = models.PositiveIntegerField()
    code = models.CharField(max_length=20)
    instructor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT
    )
    schedule = models.JSONField(default=dict, blank=True)
    enrollment_limit = models.PositiveIntegerField()
    taken = models.PositiveIntegerField(default=0, editable=False)
    permits = models.PositiveIntegerField(default=0, editable=False)
    meets = WeeklyMinutesField(default=tuple, editable=False)
    automatic = models.BooleanField(default=False, editable=False)
    needs_assignment = models.BooleanField(default=False)
    opened_by = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "sections"
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "section_number"], name="section_number_once_per_offering"
            ),
            models.UniqueConstraint(fields=["term", "code"], name="section_code_once_per_term"),
            models.CheckConstraint(
                condition=Q(taken__lte=F("enrollment_limit") + F("permits")),
                name="section_not_oversold",
            ),
            models.CheckConstraint(
                condition=Q(section_number__gte=1), name="section_number_from_1"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def students(self) -> list[int]:
        """Ids of the students enrolled, in the order they were seated: a read-only view (S0-7)."""
        return list(
            self.enrollments.filter(active=True).order_by("id").values_list("student_id", flat=True)
        )

    @property
    def waitlist(self) -> list[int]:
        """Ids of the students who wait for this very section, in line: read-only (S0-9)."""
        return list(
            self.waiters.filter(state="WAITING")
            .order_by("request_id")
            .values_list("student_id", flat=True)
        )


def section_code(course_code: str, number: int) -> str:
    """`CS101-SEC001`; four digits where a thousand sections are needed (S0-14, D3)."""
    return f"{course_code}-SEC{number:03d}"


class Meeting(models.Model):
    """When and where a section (or the course itself, section null) meets every week.

    `start` and `end` are minutes of the day. What students' timetables are checked against is
    `meets` on the section or the offering, set when the times are confirmed.
    """

    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="meetings")
    section = models.ForeignKey(
        Section, null=True, blank=True, on_delete=models.CASCADE, related_name="meetings"
    )
    day = models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)])
    start = models.PositiveSmallIntegerField()
    end = models.PositiveSmallIntegerField()
    room = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        db_table = "meetings"
        constraints = [
            models.CheckConstraint(
                condition=Q(day__lte=6, start__lt=F("end"), end__lte=MINUTES_PER_DAY),
                name="meeting_within_one_day",
            )
        ]

    def __str__(self) -> str:
        return f"day {self.day}, {self.start}-{self.end}"

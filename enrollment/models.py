"""The pipeline's tables. Fields and constraints only: who writes what is in the docstrings.

Foreign keys are kept where they guard truth (who sits where); append-only rows and columns that
another key implies carry plain ids, because each deferred check costs as much as the insert.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django_celery_beat.models import PeriodicTask

from courses.fields import WeeklyMinutesField
from courses.models import Offering, Section, Term

from .vocabulary import STUDENT_KINDS, Kind, Result


class Student(models.Model):
    """Someone who registers. `number` is the university's; `cohort` is what windows admit by."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    number = models.CharField(max_length=40, unique=True)
    cohort = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        db_table = "students"

    def __str__(self) -> str:
        return self.number


class StudentTerm(models.Model):
    """A student's load in a term: the row that serializes all that is decided about them."""

    student = models.ForeignKey(Student, on_delete=models.PROTECT, db_index=False)
    term = models.ForeignKey(Term, on_delete=models.PROTECT, db_index=False)
    credits = models.PositiveIntegerField(default=0)
    max_credits = models.PositiveIntegerField()

    class Meta:
        db_table = "student_terms"
        constraints = [
            models.UniqueConstraint(fields=["student", "term"], name="student_term_once"),
            models.CheckConstraint(
                condition=Q(credits__lte=F("max_credits")),
                name="student_term_within_credit_maximum",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.student_id} in {self.term_id}"


class Window(models.Model):
    """When a group of students may do which actions: true by the database's clock (D10, T35).

    `opened_at`, `closed_at` and `reported_at` say when its effects ran, once each; admission
    looks only at `opens_at` and `closes_at`.
    """

    term = models.ForeignKey(Term, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    actions = ArrayField(
        models.CharField(max_length=10, choices=[(k, k) for k in sorted(STUDENT_KINDS)]),
        default=list,
        blank=True,
        help_text="What may be done in it; empty means everything.",
    )
    cohorts = ArrayField(
        models.CharField(max_length=40),
        default=list,
        blank=True,
        help_text="Whom it admits; empty means every student.",
    )
    opened_at = models.DateTimeField(null=True, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    reported_at = models.DateTimeField(null=True, editable=False)
    open_task = models.OneToOneField(
        PeriodicTask, null=True, editable=False, on_delete=models.SET_NULL, related_name="opens"
    )
    close_task = models.OneToOneField(
        PeriodicTask, null=True, editable=False, on_delete=models.SET_NULL, related_name="closes"
    )

    class Meta:
        db_table = "windows"
        constraints = [
            models.CheckConstraint(
                condition=Q(opens_at__lt=F("closes_at")), name="window_opens_before_it_closes"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.opens_at:%Y-%m-%d %H:%M} to {self.closes_at:%Y-%m-%d %H:%M})"


class Request(models.Model):
    """What a student or staff asked, as it was accepted. Never updated: the idempotency record.

    Written by `requests` (and by `ledger`, for a RECHECK). Its id is its place in line.
    """

    kind = models.CharField(max_length=10)
    actor = models.CharField(max_length=60)
    key = models.CharField(max_length=120)
    body_hash = models.BinaryField()
    student = models.ForeignKey(Student, null=True, on_delete=models.PROTECT, db_index=False)
    term_id = models.BigIntegerField()
    offerings = ArrayField(models.BigIntegerField())
    body = models.JSONField()
    window_id = models.BigIntegerField(null=True)
    accepted_at = models.DateTimeField()

    class Meta:
        db_table = "requests"
        constraints = [
            models.UniqueConstraint(fields=["actor", "key"], name="request_key_once_per_actor"),
            models.CheckConstraint(condition=Q(kind__in=list(Kind)), name="request_kind_known"),
        ]
        # Without the others it answers no question for an id alone: see `registrar.prepared`.
        indexes = [
            models.Index(
                fields=["student", "-id"],
                name="request_by_student",
                condition=Q(student__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Pending(models.Model):
    """A request still to be decided, once for each offering it touches: the queue's truth.

    `wide` marks those that touch several.

    Inserted with the request, deleted by the settlement that decides it.
    """

    pk = models.CompositePrimaryKey("offering_id", "request_id")
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, db_index=False)
    request_id = models.BigIntegerField()
    student_id = models.BigIntegerField(null=True)
    cancels = models.BooleanField(default=False)
    wide = models.BooleanField(db_default=False)

    class Meta:
        db_table = "pending"
        indexes = [
            models.Index(fields=["student_id"], name="pending_by_student"),
            models.Index(fields=["offering"], name="pending_cancels", condition=Q(cancels=True)),
            models.Index(fields=["offering"], name="pending_wide", condition=Q(wide=True)),
        ]

    def __str__(self) -> str:
        return f"request {self.request_id} at offering {self.offering_id}"


class Settlement(models.Model):
    """One batch: what it held, what it knew, and its number in the serial order (rule 8)."""

    decided_at = models.DateTimeField()
    offerings = ArrayField(models.BigIntegerField())
    decided = models.PositiveIntegerField()
    worker = models.CharField(max_length=120)
    facts = models.TextField()

    class Meta:
        db_table = "settlements"
        indexes = [models.Index(fields=["-decided_at"], name="settlement_by_time")]

    def __str__(self) -> str:
        return f"Settlement {self.pk}"


class Outcome(models.Model):
    """How a request ended. Its primary key is the exactly-once guard; never updated."""

    request_id = models.BigIntegerField(primary_key=True)
    settlement_id = models.BigIntegerField()
    result = models.CharField(max_length=20)
    code = models.CharField(max_length=40)
    facts = models.JSONField()

    class Meta:
        db_table = "outcomes"
        constraints = [
            models.CheckConstraint(
                condition=Q(result__in=list(Result)), name="outcome_result_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.code}"


class Attempt(models.Model):
    """A settlement that began and has not ended: what is left behind marks a poisoned range."""

    first_request = models.BigIntegerField()
    last_request = models.BigIntegerField()
    size = models.PositiveIntegerField()
    offerings = ArrayField(models.BigIntegerField())
    begun_at = models.DateTimeField()

    class Meta:
        db_table = "attempts"

    def __str__(self) -> str:
        return f"requests {self.first_request} to {self.last_request}"


class Enrollment(models.Model):
    """A seat held (active) or once held. Written by `ledger` alone.

    That its student has a load in this term and that its section, or its base seat, is of this
    offering and term, is asked by the database once a statement instead of by foreign keys
    (decision 0029).
    """

    student = models.ForeignKey(
        Student, on_delete=models.PROTECT, db_index=False, db_constraint=False
    )
    term_id = models.BigIntegerField()
    offering = models.ForeignKey(
        Offering,
        on_delete=models.PROTECT,
        related_name="enrollments",
        db_index=False,
        db_constraint=False,
    )
    section = models.ForeignKey(
        Section,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="enrollments",
        db_index=False,
        db_constraint=False,
    )
    credits = models.PositiveIntegerField()
    meets = WeeklyMinutesField(default=tuple)
    active = models.BooleanField(default=True)
    request_id = models.BigIntegerField(null=True)
    settlement_id = models.BigIntegerField(null=True)
    ended_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "enrollments"
        constraints = [
            # The term is the offering's, so it adds nothing but where a seat stands: those of the
            # term that is registered for stand together (decision 0042).
            models.UniqueConstraint(
                fields=["term_id", "student", "offering"],
                condition=Q(active=True),
                name="enrollment_one_live_per_offering",
            )
        ]
        indexes = [models.Index(fields=["offering", "section"], name="enrollment_by_section")]

    def __str__(self) -> str:
        return f"student {self.student_id} in offering {self.offering_id}"


class WaitlistEntry(models.Model):
    """A place in an offering's line (WAITING) or what became of it. Written by `ledger` alone."""

    class State(models.TextChoices):
        WAITING = "WAITING"
        PROMOTED = "PROMOTED"
        SEATED = "SEATED"
        LEFT = "LEFT"

    request_id = models.BigIntegerField(primary_key=True)
    student = models.ForeignKey(Student, on_delete=models.PROTECT, db_index=False)
    term_id = models.BigIntegerField()
    offering = models.ForeignKey(
        Offering, on_delete=models.PROTECT, related_name="waitlist", db_index=False
    )
    section = models.ForeignKey(
        Section,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="waiters",
        help_text="The section waited for; none where any will do.",
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    passed_over = models.CharField(max_length=40, blank=True, default="")
    ended_settlement_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "waitlist_entries"
        verbose_name_plural = "waitlist entries"
        # Neither is of any use to whoever does not ask for what it begins with, nor is the sum: see
        # `registrar.prepared`.
        constraints = [
            models.UniqueConstraint(
                F("student"),
                F("offering") + 0,
                condition=Q(state="WAITING", student__isnull=False),
                name="waitlist_one_place_per_offering",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["WAITING", "PROMOTED", "SEATED", "LEFT"]),
                name="waitlist_state_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["offering", "request_id"],
                name="waitlist_line",
                condition=Q(state="WAITING", offering__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"student {self.student_id} waits for offering {self.offering_id}"


class CartItem(models.Model):
    """A course a student means to ask for."""

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="cart")
    offering = models.ForeignKey(Offering, on_delete=models.CASCADE)
    section = models.ForeignKey(Section, null=True, blank=True, on_delete=models.CASCADE)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "cart_items"
        constraints = [
            models.UniqueConstraint(fields=["student", "offering"], name="cart_item_once")
        ]

    def __str__(self) -> str:
        return f"student {self.student_id} means to take offering {self.offering_id}"

"""Proposals: what should become of a course, who had a hand in it, and who is asked next.

Seed 001's NewProposalFile and Proposal_Tracking, with `round` in what is unique (T43).
`courses.proposals` writes them; a decision, once written, stays.
"""

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Trim, Upper

from courses.workflow import DELEGABLE, OPEN, Action, Stage

from .course import Course, Discipline
from .department import Department

REMARK_LETTERS = 250
STAGES = [(each.value, each.value.replace("_", " ").capitalize()) for each in Stage]
ACTIONS = [(each.value, each.value.capitalize()) for each in Action]
ROLES = [(each, each.replace("_", " ").capitalize()) for each in sorted(DELEGABLE)]
_OPEN = sorted(each.value for each in OPEN)
_STAGES = [each.value for each in Stage]
_ACTIONS = [each.value for each in Action]


class Proposal(models.Model):
    """A new course, or (`course` given) what a newer version of that version should say (S1-36).

    All of what is proposed is in its columns; `revision` counts everything that happened to the
    row, so that whoever decides says what they have seen. `is_read` is about the step it is at.
    """

    uploader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="proposals"
    )
    designation = models.CharField(max_length=100)
    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="proposals")
    course = models.ForeignKey(
        Course, null=True, blank=True, on_delete=models.PROTECT, related_name="changes_proposed"
    )
    code = models.CharField(max_length=10)
    name = models.CharField(max_length=100)
    credit = models.PositiveIntegerField(default=3)
    lecture_hours = models.PositiveIntegerField(null=True, blank=True, default=3)
    tutorial_hours = models.PositiveIntegerField(null=True, blank=True, default=0)
    pratical_hours = models.PositiveIntegerField(null=True, blank=True, default=0)
    discussion_hours = models.PositiveIntegerField(null=True, blank=True, default=0)
    project_hours = models.PositiveIntegerField(null=True, blank=True, default=0)
    pre_requisits = models.TextField(null=True, blank=True)  # noqa: DJ001 - nullable in the seed
    pre_requisit_courses = models.ManyToManyField(
        Course, through="ProposalPrerequisite", blank=True, related_name="needed_by_proposals"
    )
    syllabus = models.TextField()
    max_seats = models.PositiveIntegerField(default=90)
    percent_quiz_1 = models.PositiveIntegerField(default=10)
    percent_midsem = models.PositiveIntegerField(default=20)
    percent_quiz_2 = models.PositiveIntegerField(default=10)
    percent_endsem = models.PositiveIntegerField(default=30)
    percent_project = models.PositiveIntegerField(default=15)
    percent_lab_evaluation = models.PositiveIntegerField(default=10)
    percent_course_attendance = models.PositiveIntegerField(default=5)
    ref_books = models.TextField()
    disciplines = models.ManyToManyField(Discipline, blank=True, db_table="proposal_disciplines")
    subject = models.CharField(max_length=100, blank=True, default="")
    description = models.CharField(max_length=400, blank=True, default="")
    upload_date = models.DateTimeField()
    is_read = models.BooleanField(default=False)
    is_update = models.BooleanField(default=False)
    is_archive = models.BooleanField(default=False)

    stage = models.CharField(max_length=20, choices=STAGES, default=Stage.DRAFT.value)
    round = models.PositiveIntegerField(default=1)
    since = models.DateTimeField()
    revision = models.PositiveIntegerField(default=1)
    became = models.ForeignKey(
        Course, null=True, blank=True, on_delete=models.PROTECT, related_name="proposed_by"
    )

    class Meta:
        db_table = "proposals"
        constraints = [
            models.UniqueConstraint(
                fields=["code", "uploader", "name", "round"], name="proposal_once_a_round"
            ),
            models.UniqueConstraint(
                Upper(Trim("code")),
                F("uploader"),
                condition=Q(stage__in=_OPEN),
                name="proposal_one_open_of_a_code_and_author",
            ),
            models.CheckConstraint(condition=Q(stage__in=_STAGES), name="proposal_stage_known"),
            models.CheckConstraint(
                condition=Q(is_update=True, course__isnull=False)
                | Q(is_update=False, course__isnull=True),
                name="proposal_is_an_update_of_a_course",
            ),
            models.CheckConstraint(
                condition=Q(stage__in=["ACTIVATED", "REVERSED"], became__isnull=False)
                | (~Q(stage__in=["ACTIVATED", "REVERSED"]) & Q(became__isnull=True)),
                name="proposal_became_a_course_when_activated",
            ),
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
                name="proposal_assessment_percentages_sum_to_100",
            ),
        ]
        indexes = [models.Index(fields=["stage", "since"], name="proposal_by_stage")]

    def __str__(self) -> str:
        return f"{self.code} - {self.name}"


class ProposalPrerequisite(models.Model):
    """A course that the proposed one needs (S1-38)."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="needs")
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="+")

    class Meta:
        db_table = "proposal_prerequisites"
        constraints = [
            models.UniqueConstraint(
                fields=["proposal", "course"], name="proposal_prerequisite_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} needs {self.course_id}"


class ProposalDecision(models.Model):
    """One step of a proposal: who took it, in which role, for whom and why (S1-83).

    Append-only. Within a round a stage is left once: the database refuses a second decision even
    of one who forgot to lock. `content` is what was put before the reviewers, where it was.
    """

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="decisions")
    number = models.PositiveIntegerField()
    round = models.PositiveIntegerField()
    stage = models.CharField(max_length=20, choices=STAGES)
    to_stage = models.CharField(max_length=20, choices=STAGES)
    action = models.CharField(max_length=10, choices=ACTIONS)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="proposal_decisions"
    )
    role = models.CharField(max_length=100)
    acting_for = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="proposal_decisions_by_others",
    )
    remarks = models.CharField(max_length=REMARK_LETTERS, blank=True, default="")
    rationale = models.TextField(blank=True, default="")
    content = models.JSONField(null=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "proposal_decisions"
        constraints = [
            models.UniqueConstraint(
                fields=["proposal", "number"], name="proposal_decision_numbered_once"
            ),
            models.UniqueConstraint(
                fields=["proposal", "round", "stage"], name="proposal_stage_left_once_a_round"
            ),
            models.CheckConstraint(
                condition=Q(action__in=_ACTIONS, stage__in=_STAGES, to_stage__in=_STAGES),
                name="proposal_decision_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.proposal_id}"


class ProposalTracking(models.Model):
    """A proposal's way from one desk to the next (S1-39).

    The receiver is a role until somebody who has it takes the step; then `receive_id` says who,
    and `forward_date` when. The archive flags belong to the two people.
    """

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="hops")
    round = models.PositiveIntegerField()
    current = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="proposals_sent"
    )
    current_design = models.CharField(max_length=100)
    receive = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="proposals_received",
    )
    receive_design = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="+")
    disciplines = models.ForeignKey(
        Discipline, null=True, on_delete=models.PROTECT, related_name="+"
    )
    receive_date = models.DateTimeField()
    forward_date = models.DateTimeField(null=True)
    remarks = models.CharField(max_length=REMARK_LETTERS, blank=True, default="")
    is_added = models.BooleanField(default=False)
    is_submitted = models.BooleanField(default=False)
    is_rejected = models.BooleanField(default=False)
    sender_archive = models.BooleanField(default=False)
    receiver_archive = models.BooleanField(default=False)

    class Meta:
        db_table = "proposal_tracking"
        constraints = [
            models.UniqueConstraint(
                fields=["proposal", "current", "current_design", "disciplines", "round"],
                nulls_distinct=False,
                name="proposal_sent_once_a_round",
            ),
            models.UniqueConstraint(
                fields=["proposal"],
                condition=Q(forward_date__isnull=True),
                name="proposal_on_one_desk",
            ),
            models.CheckConstraint(
                condition=~Q(is_added=True, is_rejected=True),
                name="proposal_not_added_and_rejected",
            ),
        ]
        indexes = [
            models.Index(fields=["is_submitted", "is_rejected"], name="proposal_tracking_status")
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} to {self.receive_design_id}"


class Delegation(models.Model):
    """A role of `holder`'s that `delegate` may act in for a time; it cannot be passed on."""

    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_given"
    )
    delegate = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_held"
    )
    role = models.CharField(max_length=100, choices=ROLES)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=REMARK_LETTERS, blank=True, default="")

    class Meta:
        db_table = "proposal_delegations"
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")), name="delegation_starts_before_it_ends"
            ),
            models.CheckConstraint(
                condition=~Q(holder=F("delegate")), name="delegation_to_somebody_else"
            ),
            models.CheckConstraint(
                condition=Q(role__in=sorted(DELEGABLE)), name="delegation_of_a_reviewing_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.holder_id} to {self.delegate_id}"


class ProposalReminder(models.Model):
    """A step that took too long, recorded once in each period however often beat fires."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="reminders")
    round = models.PositiveIntegerField()
    stage = models.CharField(max_length=20, choices=STAGES)
    number = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "proposal_reminders"
        constraints = [
            models.UniqueConstraint(
                fields=["proposal", "round", "stage", "number"], name="proposal_reminded_once"
            )
        ]

    def __str__(self) -> str:
        return f"reminder {self.number} of {self.proposal_id} at {self.stage}"

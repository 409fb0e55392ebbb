"""The forms of what the API says and reads of proposals."""

from typing import Any

from rest_framework import serializers

from courses.models import Proposal
from courses.models.proposal import REMARK_LETTERS
from courses.proposals.boxes import Box
from courses.proposals.steps import RATIONALE_LETTERS
from courses.versioning import HOURS, PERCENTAGES, Bump
from courses.workflow import DELEGABLE, Action, Stage

from .staff import BIGGEST_ID

MOST = 2**31 - 1
STAGES = [each.value for each in Stage]
ACTIONS = [each.value for each in Action]


class _Id(serializers.IntegerField):
    """What may be an id."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=BIGGEST_ID, **kwargs)


class ProposalQuery(serializers.Serializer[None]):
    """What a list of proposals is narrowed by."""

    box = serializers.ChoiceField(
        [each.value for each in Box], default=Box.INBOX.value, help_text="Which list; the inbox."
    )
    stage = serializers.ChoiceField(STAGES, required=False)
    search = serializers.CharField(required=False, help_text="In the code or the name.")


class ProposalCard(serializers.Serializer[Proposal]):
    id = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()
    subject = serializers.CharField(allow_blank=True)
    is_update = serializers.BooleanField(help_text="A change of a course, not a new one.")
    department = serializers.CharField()
    author = serializers.CharField()
    stage = serializers.ChoiceField(STAGES)
    round = serializers.IntegerField()
    since = serializers.DateTimeField(help_text="When it came to this stage.")
    is_read = serializers.BooleanField()
    overdue = serializers.BooleanField()
    reminders = serializers.IntegerField(help_text="Given since it came to this stage.")


class ProposalDifference(serializers.Serializer[None]):
    field = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class ProposalStep(serializers.Serializer[None]):
    number = serializers.IntegerField()
    round = serializers.IntegerField()
    action = serializers.ChoiceField(ACTIONS)
    stage = serializers.ChoiceField(STAGES)
    to_stage = serializers.ChoiceField(STAGES)
    by = serializers.CharField()
    role = serializers.CharField()
    acting_for = serializers.CharField(allow_blank=True, help_text="Whose authority, if delegated.")
    remarks = serializers.CharField(allow_blank=True)
    rationale = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    changed = ProposalDifference(many=True, help_text="Since it was last submitted.")


class ProposalReason(serializers.Serializer[None]):
    field = serializers.CharField()
    bump = serializers.ChoiceField([each.value for each in Bump])
    why = serializers.CharField()


class ProposalDependants(serializers.Serializer[None]):
    prerequisite_of = serializers.ListField(child=serializers.CharField())
    slots = serializers.ListField(child=serializers.CharField())
    offerings = serializers.ListField(child=serializers.CharField())


class ProposalUnderstanding(serializers.Serializer[None]):
    verdict = serializers.CharField(help_text="full, partly, flagged or none.")
    rule = serializers.CharField(allow_blank=True, help_text="What would be enforced.")
    unread = serializers.ListField(child=serializers.CharField(), help_text="Left to a person.")


class ProposalHindrance(serializers.Serializer[None]):
    code = serializers.CharField()
    sentence = serializers.CharField()
    remedy = serializers.CharField()


class ProposalImpact(serializers.Serializer[None]):
    bump = serializers.ChoiceField([each.value for each in Bump])
    version = serializers.CharField(allow_blank=True)
    reasons = ProposalReason(many=True)
    differences = ProposalDifference(many=True)
    dependants = ProposalDependants()
    prerequisites = ProposalUnderstanding()
    warnings = serializers.ListField(child=serializers.CharField())
    hindered = ProposalHindrance(allow_null=True, help_text="What stands against activation now.")


class _Numbers(serializers.Serializer[None]):
    """The fields that are numbers, as in the seed."""

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        fields = dict(super().get_fields())
        for name in HOURS:
            fields[name] = serializers.IntegerField(
                min_value=0, max_value=MOST, allow_null=True, required=False
            )
        for name in PERCENTAGES:
            fields[name] = serializers.IntegerField(min_value=0, max_value=100, required=False)
        for name in ("credit", "max_seats"):
            fields[name] = serializers.IntegerField(min_value=0, max_value=MOST, required=False)
        return fields


class ProposalFields(_Numbers):
    """What is proposed; of a change, only what should be different has to be sent."""

    code = serializers.CharField(max_length=10, required=False)
    name = serializers.CharField(max_length=100, required=False)
    pre_requisits = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    syllabus = serializers.CharField(required=False)
    ref_books = serializers.CharField(required=False)
    disciplines = serializers.ListField(child=_Id(), required=False)
    pre_requisit_courses = serializers.ListField(child=_Id(), required=False)
    subject = serializers.CharField(max_length=100, required=False, allow_blank=True)
    description = serializers.CharField(max_length=400, required=False, allow_blank=True)


class NewProposal(ProposalFields):
    course = _Id(required=False, help_text="The latest version of the course to be changed.")
    department = _Id(required=False)


class ProposalDetail(ProposalCard):
    revision = serializers.IntegerField(help_text="The ETag; send it back as If-Match.")
    course = serializers.IntegerField(allow_null=True)
    became = serializers.IntegerField(allow_null=True)
    upload_date = serializers.DateTimeField()
    content = ProposalFields(help_text="Prerequisite courses by lineage.")
    waits_for = serializers.ListField(child=serializers.CharField())
    actions = serializers.ListField(
        child=serializers.ChoiceField(ACTIONS), help_text="What you may do to it now."
    )
    impact = ProposalImpact()
    history = ProposalStep(many=True)


class ProposalDecision(serializers.Serializer[None]):
    remarks = serializers.CharField(
        max_length=REMARK_LETTERS, required=False, allow_blank=True, default=""
    )
    rationale = serializers.CharField(
        max_length=RATIONALE_LETTERS, required=False, allow_blank=True, default=""
    )


class RebasedProposal(serializers.Serializer[None]):
    revision = serializers.IntegerField()
    both_changed = serializers.ListField(
        child=serializers.CharField(), help_text="Fields in which your words were kept."
    )


class NewDelegation(serializers.Serializer[None]):
    delegate = serializers.CharField(max_length=150, help_text="A user name.")
    role = serializers.ChoiceField(sorted(DELEGABLE))
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField(
        max_length=REMARK_LETTERS, required=False, allow_blank=True, default=""
    )


class DelegationSeen(serializers.Serializer[None]):
    id = serializers.IntegerField()
    holder = serializers.CharField()
    delegate = serializers.CharField()
    role = serializers.ChoiceField(sorted(DELEGABLE))
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField(allow_blank=True)


class DelegationList(serializers.Serializer[None]):
    results = DelegationSeen(many=True)

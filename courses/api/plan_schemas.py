"""Study plans as the API describes them: what is read, and what is sent."""

from rest_framework import serializers

from courses.models import Programme, SlotType
from courses.plans.credits import Reach
from courses.plans.writing import MOST_SEMESTERS

from .staff import BIGGEST_ID

BIGGEST = 2**31 - 1


class CreditSpan(serializers.Serializer[None]):
    least = serializers.IntegerField()
    most = serializers.IntegerField()


class PlanCourse(serializers.Serializer[None]):
    id = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    credits = serializers.IntegerField()
    state = serializers.CharField()
    superseded_by = serializers.IntegerField(
        allow_null=True, help_text="The latest version of the course, where this is not it."
    )
    flags = serializers.ListField(
        child=serializers.CharField(), help_text="What is wrong with its being there, in words."
    )


class PlanSlot(serializers.Serializer[None]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=SlotType.choices)
    information = serializers.CharField(allow_blank=True)
    duration = serializers.IntegerField(help_text="In semesters.")
    min_registration_limit = serializers.IntegerField()
    max_registration_limit = serializers.IntegerField()
    credits = CreditSpan()
    courses = PlanCourse(many=True)


class PlanSemester(serializers.Serializer[None]):
    number = serializers.IntegerField()
    credits = CreditSpan(help_text="One course of each slot.")
    slots = PlanSlot(many=True)


class Batch(serializers.Serializer[None]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    discipline = serializers.CharField()
    year = serializers.IntegerField()
    curriculum = serializers.IntegerField(allow_null=True)
    running = serializers.BooleanField()
    total_seats = serializers.IntegerField()
    members = serializers.IntegerField()


class BatchList(serializers.Serializer[None]):
    results = Batch(many=True)


class CurriculumCard(serializers.Serializer[None]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.CharField()
    latest = serializers.BooleanField()


class Curriculum(CurriculumCard):
    programme = serializers.IntegerField()
    programme_name = serializers.CharField()
    no_of_semester = serializers.IntegerField()
    min_credit = serializers.IntegerField()
    credits = CreditSpan()
    reach = serializers.ChoiceField(
        choices=[each.value for each in Reach],
        help_text="Whether the courses in it give `min_credit`.",
    )
    flagged = serializers.IntegerField()
    semesters = PlanSemester(many=True)
    batches = Batch(many=True)


class Programmes(serializers.Serializer[None]):
    id = serializers.IntegerField()
    category = serializers.ChoiceField(choices=Programme.Category.choices)
    name = serializers.CharField()
    disciplines = serializers.ListField(child=serializers.CharField())
    curricula = CurriculumCard(many=True)


class ProgrammeList(serializers.Serializer[None]):
    results = Programmes(many=True)


class ProgrammeDetail(Programmes):
    curricula = Curriculum(many=True)


class OwnPlan(serializers.Serializer[None]):
    batch = Batch()
    binding = serializers.BooleanField(
        help_text="Whether registration refuses what is not in the plan."
    )
    curriculum = Curriculum(allow_null=True)


# What is sent -------------------------------------------------------------------------------


def _id(text: str = "") -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=BIGGEST_ID, help_text=text)


class ProgrammeFields(serializers.Serializer[None]):
    category = serializers.ChoiceField(choices=Programme.Category.choices)
    name = serializers.CharField(max_length=100)
    disciplines = serializers.ListField(child=_id(), max_length=100, default=list)


class CurriculumFields(serializers.Serializer[None]):
    name = serializers.CharField(max_length=100)
    no_of_semester = serializers.IntegerField(min_value=1, max_value=MOST_SEMESTERS)
    min_credit = serializers.IntegerField(min_value=0, max_value=BIGGEST)


class CreditsNeeded(serializers.Serializer[None]):
    min_credit = serializers.IntegerField(min_value=0, max_value=BIGGEST)


class NewVersion(serializers.Serializer[None]):
    whole = serializers.BooleanField(
        default=True, help_text="To the next whole number; otherwise by 0.1."
    )
    renew = serializers.BooleanField(
        default=False, help_text="Take the latest version of each course."
    )


class SlotFields(serializers.Serializer[None]):
    name = serializers.CharField(max_length=100)
    type = serializers.ChoiceField(choices=SlotType.choices)
    course_slot_info = serializers.CharField(allow_blank=True, default="", max_length=4000)
    duration = serializers.IntegerField(min_value=1, max_value=MOST_SEMESTERS, default=1)
    min_registration_limit = serializers.IntegerField(min_value=0, max_value=BIGGEST, default=0)
    max_registration_limit = serializers.IntegerField(min_value=0, max_value=BIGGEST, default=1000)


class BatchFields(serializers.Serializer[None]):
    name = serializers.CharField(max_length=100)
    discipline = _id()
    year = serializers.IntegerField(min_value=1900, max_value=2200)
    curriculum = serializers.IntegerField(
        min_value=1, max_value=BIGGEST_ID, allow_null=True, default=None
    )
    running_batch = serializers.BooleanField(default=True)
    total_seats = serializers.IntegerField(min_value=0, max_value=BIGGEST, default=60)


class NewMember(serializers.Serializer[None]):
    user = _id("Who joins; out of the batch that they were in.")

"""Courses as they are sent and answered, for the API's description; the catalogue checks them."""

from rest_framework import serializers

from courses.lifecycle import State
from courses.models import Course
from courses.search import Match
from courses.versioning import HOURS, PERCENTAGES, VERSIONED, Bump


class CourseCard(serializers.ModelSerializer[Course]):
    """A version as a list shows it."""

    department = serializers.CharField(source="department.code", allow_null=True, default=None)

    class Meta:
        model = Course
        fields = (
            "id",
            "code",
            "name",
            "version",
            "credit",
            "max_seats",
            "state",
            "latest_version",
            "working_course",
            "department",
        )


class CourseListed(CourseCard):
    match = serializers.ChoiceField(
        choices=[match.name.lower() for match in Match],
        required=False,
        read_only=True,
        help_text="How a search found it; only there in the answer to one.",
    )
    snippet = serializers.CharField(required=False, read_only=True)

    class Meta(CourseCard.Meta):
        fields = (*CourseCard.Meta.fields, "match", "snippet")  # type: ignore[assignment]


class Slot(serializers.Serializer[None]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    type = serializers.CharField()
    semester = serializers.IntegerField()
    curriculum_id = serializers.IntegerField()
    curriculum = serializers.CharField()
    programme_id = serializers.IntegerField()
    programme = serializers.CharField()


class Needed(serializers.Serializer[None]):
    id = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()


class CourseDetail(CourseCard):
    lineage = serializers.UUIDField()
    disciplines = serializers.ListField(child=serializers.CharField())
    prerequisites = Needed(many=True)
    slots = Slot(many=True)

    class Meta(CourseCard.Meta):
        fields = (  # type: ignore[assignment]
            *CourseCard.Meta.fields,
            "lineage",
            "revision",
            "bump_type",
            "created_at",
            *HOURS,
            *PERCENTAGES,
            "pre_requisits",
            "syllabus",
            "ref_books",
            "disciplines",
            "prerequisites",
            "slots",
        )


class CourseFields(serializers.ModelSerializer[Course]):
    """What a version says. What is sent is checked by the catalogue itself."""

    disciplines = serializers.ListField(child=serializers.IntegerField(), help_text="Ids.")
    pre_requisit_courses = serializers.ListField(
        child=serializers.IntegerField(), help_text="Ids of courses that are needed before."
    )

    class Meta:
        model = Course
        fields = VERSIONED
        extra_kwargs = {name: {"required": False} for name in VERSIONED}


class Decided(serializers.Serializer[None]):
    """What a person decides about a change besides what it says."""

    override = serializers.ChoiceField(
        choices=[bump.value for bump in Bump if bump is not Bump.NONE],
        required=False,
        allow_null=True,
        default=None,
        help_text="Another bump than the rules call for; then `reason` is mandatory.",
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="")


class CourseChange(CourseFields, Decided):
    class Meta(CourseFields.Meta):
        fields = (*VERSIONED, "override", "reason")  # type: ignore[assignment]


class TypoTest(serializers.Serializer[None]):
    distance = serializers.IntegerField()
    length = serializers.IntegerField()
    by_rule = serializers.BooleanField()
    numbers_differ = serializers.BooleanField()


class BumpReason(serializers.Serializer[None]):
    field = serializers.CharField()
    bump = serializers.ChoiceField(choices=list(Bump))
    why = serializers.CharField()
    typo = TypoTest(allow_null=True)


class Dependants(serializers.Serializer[None]):
    prerequisite_of = serializers.ListField(child=serializers.CharField())
    slots = serializers.ListField(child=serializers.CharField())
    offerings = serializers.ListField(child=serializers.CharField())


class PreviewSeen(serializers.Serializer[None]):
    course = serializers.IntegerField()
    bump = serializers.ChoiceField(choices=list(Bump))
    proposed = serializers.ChoiceField(choices=list(Bump))
    reasons = BumpReason(many=True)
    version = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField())
    dependants = Dependants()


class VersionSeen(serializers.Serializer[None]):
    id = serializers.IntegerField()
    revision = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    bump = serializers.CharField()
    state = serializers.CharField()
    latest = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    by = serializers.CharField(allow_blank=True)
    comment = serializers.CharField(allow_blank=True)


class VersionList(serializers.Serializer[None]):
    results = VersionSeen(many=True)


class Difference(serializers.Serializer[None]):
    field = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    old = serializers.JSONField()
    new = serializers.JSONField()
    diff = serializers.ListField(child=serializers.CharField(), help_text="Of texts, in lines.")


class Comparison(serializers.Serializer[None]):
    old = CourseCard()
    new = CourseCard()
    differences = Difference(many=True)


class CourseToState(serializers.Serializer[None]):
    state = serializers.ChoiceField(choices=list(State))
    reason = serializers.CharField()


class Why(serializers.Serializer[None]):
    reason = serializers.CharField()

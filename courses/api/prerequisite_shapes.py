"""What is sent and answered about prerequisites."""

from typing import Any

from rest_framework import serializers

from courses.expressions import Verdict
from courses.models import Course, CoursePrerequisite
from courses.requirements import Needs, Waiting


class NeededCourse(serializers.Serializer[None]):
    course = serializers.IntegerField(help_text="Its latest version.")
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=CoursePrerequisite.Kind.choices)
    minimum_version = serializers.CharField(
        allow_null=True, help_text="From which version on; null where any will do."
    )


class Prerequisites(serializers.Serializer[None]):
    course = serializers.IntegerField()
    code = serializers.CharField()
    version = serializers.CharField()
    edges = NeededCourse(many=True, help_text="Every one of them is needed.")
    text = serializers.CharField(help_text="As the version says it.", allow_blank=True)
    verdict = serializers.ChoiceField(
        choices=list(Verdict), help_text="How much of the text was understood."
    )
    understood = serializers.CharField(allow_blank=True, help_text="`tree` in words.")
    tree = serializers.JSONField(
        allow_null=True,
        help_text=(
            "A node has `is`: `course`, `placement`, `condition`, `all` (every one of `of`) or "
            "`some` (`count` of `of`)."
        ),
    )
    by_hand = serializers.ListField(
        child=serializers.CharField(), help_text="What a person checks for every student."
    )
    remarks = serializers.ListField(
        child=serializers.CharField(), help_text="What asks for nothing."
    )
    waits = serializers.BooleanField(help_text="Whether somebody has to look at the text yet.")
    wording = serializers.CharField(
        allow_blank=True, help_text="The text in the plainer words that hold in its place."
    )
    note = serializers.CharField(allow_blank=True, help_text="Why it is checked by hand.")
    reviewed_at = serializers.DateTimeField(allow_null=True)


class Queued(serializers.Serializer[None]):
    course = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    text = serializers.CharField()
    understood = serializers.CharField(allow_blank=True)
    by_hand = serializers.ListField(child=serializers.CharField())


class Queue(serializers.Serializer[None]):
    results = Queued(many=True)


class Review(serializers.Serializer[None]):
    plainly = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        help_text="The same rule in words that are understood to the last one.",
    )
    note = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        help_text="Why a person goes on checking it.",
    )


class Qualification(serializers.Serializer[None]):
    needed = serializers.IntegerField(
        min_value=1, help_text="A version, any, of the course that is needed."
    )
    kind = serializers.ChoiceField(choices=CoursePrerequisite.Kind.choices)
    minimum_version = serializers.DecimalField(
        max_digits=5,
        decimal_places=1,
        min_value=1,
        required=False,
        allow_null=True,
        default=None,
        help_text="From which version on it counts; null for any.",
    )


def as_prerequisites(course: Course, needs: Needs) -> dict[str, Any]:
    """The form of `Prerequisites`."""
    about = {"course": course.pk, "code": course.code, "version": str(course.version)}
    edges = [{**each._asdict(), "minimum_version": _text(each[-1])} for each in needs.edges]
    return {**about, **needs._asdict(), "edges": edges, "waits": needs.waits}


def _text(version: object) -> str | None:
    return None if version is None else str(version)


def as_queued(waiting: Waiting) -> dict[str, Any]:
    """The form of `Queued`."""
    course = waiting.course
    return {
        "course": course.pk,
        "code": course.code,
        "name": course.name,
        "version": str(course.version),
        "text": waiting.text,
        "understood": waiting.understood,
        "by_hand": waiting.rest,
    }

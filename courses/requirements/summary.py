"""What a version needs, to be read by people: its edges, and what was understood of its text."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from courses.expressions import from_json, wording
from courses.models import Course, CoursePrerequisite

from .rules import kept_rule


class Needed(NamedTuple):
    """A course that is needed, as it is called now, and from which of its versions on."""

    course: int
    code: str
    name: str
    kind: CoursePrerequisite.Kind
    minimum_version: Decimal | None


class Needs(NamedTuple):
    """Everything that a version needs; `by_hand` is what a person checks for every student.

    `wording` and `note` are what somebody who reviewed the text made of it.
    """

    edges: tuple[Needed, ...]
    text: str
    verdict: str
    understood: str
    tree: dict[str, Any] | None
    by_hand: tuple[str, ...]
    remarks: tuple[str, ...]
    wording: str
    note: str
    reviewed_at: datetime | None

    @property
    def waits(self) -> bool:
        """Whether nobody has looked at what could not be understood."""
        return self.verdict in ("partly", "flagged") and self.reviewed_at is None


def needs_of(course: Course) -> Needs:
    """What this version needs."""
    rule = kept_rule(course)
    return Needs(
        tuple(_needed(course)),
        (course.pre_requisits or "").strip(),
        rule.verdict,
        "" if rule.tree is None else wording(from_json(rule.tree)),
        rule.tree,
        tuple(rule.rest),
        tuple(rule.remarks),
        rule.wording,
        rule.note,
        rule.reviewed_at,
    )


def _needed(course: Course) -> list[Needed]:
    rows = list(
        CoursePrerequisite.objects.filter(from_course=course)
        .select_related("to_course")
        .order_by("pk")
    )
    newest = {
        each.lineage: each
        for each in Course.latest.filter(lineage__in=[row.to_course.lineage for row in rows])
    }
    found = [(row, newest.get(row.to_course.lineage, row.to_course)) for row in rows]
    return [
        Needed(now.pk, now.code, now.name, CoursePrerequisite.Kind(row.kind), row.minimum_version)
        for row, now in found
    ]

"""What a proposal says, as plain values that can be compared, kept and shown."""

from typing import Any, NamedTuple

from courses.models import Course, Discipline, Proposal
from courses.versioning import CONTENT, LINKS, plain

Content = dict[str, Any]
"""`CONTENT` as it is, disciplines as ids, needed courses as lineages: versions of a course are
the same prerequisite (T16)."""


class Difference(NamedTuple):
    """A field as it is in the catalogue and as it is proposed, in words."""

    field: str
    label: str
    before: str
    after: str


def content_of(said: Course | Proposal) -> Content:
    """All of what a course says or a proposal would have it say."""
    content: Content = {name: plain(name, getattr(said, name)) for name in CONTENT}
    content["disciplines"] = sorted(each.pk for each in said.disciplines.all())
    content["pre_requisit_courses"] = sorted(
        {str(each.lineage) for each in said.pre_requisit_courses.all()}
    )
    return content


def differences(before: Content | None, after: Content) -> tuple[Difference, ...]:
    """Field by field what changes; all that is said, where there was nothing before."""
    words = _Words(before, after)
    return tuple(
        Difference(
            name, label(name), words.of(name, before[name]) if before else "", words.of(name, said)
        )
        for name, said in after.items()
        if before is None or before[name] != said
    )


def label(field: str) -> str:
    """A field's name as people say it; the seed's spelling stays in the database (T45)."""
    if field == "pre_requisit_courses":
        return "Courses needed before"
    return str(Course._meta.get_field(field).verbose_name).capitalize()  # type: ignore[union-attr]


class _Words:
    """Names for the ids in two contents, read once."""

    def __init__(self, *contents: Content | None) -> None:
        kept = [each for each in contents if each is not None]
        ids = {i for each in kept for i in each["disciplines"]}
        lineages = {i for each in kept for i in each["pre_requisit_courses"]}
        self._names: dict[Any, str] = dict(
            Discipline.objects.filter(pk__in=ids).values_list("pk", "name")
        )
        latest = Course.objects.filter(lineage__in=lineages, latest_version=True)
        self._names |= {str(lin): code for lin, code in latest.values_list("lineage", "code")}

    def of(self, name: str, value: Any) -> str:
        if name in LINKS:
            return ", ".join(sorted(self._names.get(each, str(each)) for each in value)) or "none"
        return "none" if value in (None, "") else str(value)

"""What is in the database that an import must agree with."""

from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F

from courses.models import Course, Offering, SourceCourse, SourceSection
from courses.versioning import CONTENT, normal_code

from . import own, rows
from .plan import Known, KnownCourse, KnownOffering, Place

COMPARED = ("code", "name", "credit", "syllabus", "ref_books", "pre_requisits")
"""The fields that sources speak of."""


def term_code(source: str, key: str) -> str:
    """A source's term among everybody's."""
    return f"{source}-{key}"


def load(source: str) -> Known:
    """All of it, in a handful of queries."""
    if source == own.SOURCE:
        return _everything()
    lineages = dict(SourceCourse.objects.filter(source=source).values_list("key", "lineage"))
    offerings = _offerings(source, set(lineages.values()))
    sections = SourceSection.objects.filter(source=source).values_list("key", "digest")
    holders, used = _codes()
    return Known(
        _courses(source, offerings),
        offerings,
        dict(sections.iterator()),
        holders,
        used,
        rows.defaults(),
    )


def _everything() -> Known:
    """The catalogue as it stands, for files of its own: a course is known by its code."""
    holders, used = _codes()
    courses = {normal_code(each.code): _ours(each) for each in Course.latest.order_by("pk")}
    return Known(courses, {}, {}, holders, used, rows.defaults())


def _ours(course: Course) -> KnownCourse:
    content = {name: getattr(course, name) for name in CONTENT}
    return KnownCourse(
        course.lineage, course.revision, course.version, content, course.code, "other", ()
    )


def _courses(
    source: str, offerings: dict[tuple[UUID, str], KnownOffering]
) -> dict[str, KnownCourse]:
    taught: dict[UUID, list[tuple[str, int]]] = defaultdict(list)
    for (lineage, term), offering in sorted(offerings.items(), key=lambda each: each[0][1]):
        taught[lineage].append((term, offering.place.revision))
    sources = SourceCourse.objects.filter(source=source)
    latest = Course.latest.filter(lineage__in=sources.values("lineage"))
    now = {course.lineage: course for course in latest}
    return {
        row.key: _course(row, now[row.lineage], tuple(taught[row.lineage]))
        for row in sources
        if row.lineage in now
    }


def _course(row: SourceCourse, now: Course, taught: tuple[tuple[str, int], ...]) -> KnownCourse:
    content: dict[str, Any] = {name: getattr(now, name) for name in COMPARED}
    return KnownCourse(
        now.lineage, now.revision, now.version, content, row.code, row.digest, taught
    )


def _offerings(source: str, lineages: set[UUID]) -> dict[tuple[UUID, str], KnownOffering]:
    begins = term_code(source, "")
    found = Offering.objects.filter(term__code__startswith=begins).values_list(
        "lineage", "term__code", "pk", "course__revision", "course__code", "next_number", "status"
    )
    return {
        (lineage, term.removeprefix(begins)): KnownOffering(
            pk, Place(lineage, revision), code, number, status == Offering.Status.CLOSED
        )
        for lineage, term, pk, revision, code, number, status in found
        if lineage in lineages
    }


def _codes() -> tuple[dict[str, UUID], dict[str, dict[UUID, Decimal]]]:
    """Whose each code is now, and the highest version that each course had under it."""
    holders: dict[str, UUID] = {}
    used: dict[str, dict[UUID, Decimal]] = defaultdict(dict)
    found = Course.objects.values_list("code", "lineage", "version", "latest_version")
    for code, lineage, version, is_latest in found.order_by(F("version").asc()):
        plain = normal_code(code)
        used[plain][lineage] = version
        if is_latest:
            holders[plain] = lineage
    return holders, used

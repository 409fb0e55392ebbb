"""Which course needs which: an acyclic graph of lineages, as their latest versions say it.

Edges are written with the version that they belong to, by `courses.catalogue`. Whoever writes one
holds the catalogue's lock from before the check until the commit; a trigger takes the same lock
and checks again, for what is written in plain SQL (S1-21, T16).
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from courses.history import lock, stream
from courses.models import Course, CoursePrerequisite, circle_through
from courses.models.prerequisite import Circle, circle_if
from courses.refusal import Refused, constraint
from registrar.audit.log import note

CATALOGUE_LOCK = 72_101
"""The advisory lock under which edges are checked; the trigger in migration 0007 names it too."""


class Edge(NamedTuple):
    """What a version needs: any version of a course, from `minimum_version` on if one is given."""

    lineage: UUID
    code: str
    kind: CoursePrerequisite.Kind
    minimum_version: Decimal | None


def edges(course: Course) -> list[Edge]:
    """What this version needs, by the code that each course has now."""
    rows = CoursePrerequisite.objects.filter(from_course=course).select_related("to_course")
    found = [(row, row.to_course) for row in rows.order_by("pk")]
    newest = Course.latest.filter(lineage__in=[needed.lineage for _, needed in found])
    codes = dict(newest.values_list("lineage", "code"))
    return [
        Edge(
            needed.lineage,
            codes.get(needed.lineage, needed.code),
            CoursePrerequisite.Kind(row.kind),
            row.minimum_version,
        )
        for row, needed in found
    ]


def lock_catalogue() -> None:
    """Keep every other writer of edges out until the commit; what they wrote is seen from here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CATALOGUE_LOCK])


def refuse_circle(course: Course) -> None:
    """Raises Refused (PREREQUISITE_CIRCLE), naming it, when the version's edges close one.

    In a transaction, after its edges were written: the lock is held until the commit.
    """
    if not CoursePrerequisite.objects.filter(from_course=course).exists():
        return
    lock_catalogue()
    if circle := circle_through(course.pk):
        raise _in_a_circle(circle)


def foresee_circle(course: Course, needed: Collection[int]) -> None:
    """Raises the same, if the version after this one would need these; nothing is locked."""
    beside = CoursePrerequisite.objects.filter(
        from_course=course, kind=CoursePrerequisite.Kind.COREQUISITE
    )
    if circle := circle_if(course.pk, set(needed) - {edge.to_course_id for edge in beside}):
        raise _in_a_circle(circle)


@contextmanager
def committing_edges() -> Iterator[None]:
    """Around a transaction: what the trigger refuses at its end is told like any other circle."""
    try:
        yield
    except IntegrityError as error:
        if constraint(error) != "course_needs_no_circle":
            raise
        message = "These prerequisites go in a circle with what somebody else has just saved."
        raise Refused(
            "PREREQUISITE_CIRCLE",
            message,
            "Look at both courses, and take one of the prerequisites away.",
            fields={"pre_requisit_courses": message},
        ) from error


def _in_a_circle(circle: Circle) -> Refused:
    message = f"These prerequisites go in a circle: {circle}."
    return Refused(
        "PREREQUISITE_CIRCLE",
        message,
        "Take one of them away; courses that are taken together are corequisites.",
        fields={"pre_requisit_courses": message},
        circle=list(circle.codes),
    )


def qualify(
    course: Course,
    needed: Course,
    *,
    kind: CoursePrerequisite.Kind,
    minimum_version: Decimal | None,
    actor: str,
    now: datetime,
) -> CoursePrerequisite:
    """Say how an edge that the version has is meant: taken before or with it, from which version.

    Raises Refused: NO_SUCH_EDGE, VERSION_UNKNOWN, PREREQUISITE_CIRCLE.
    """
    with transaction.atomic():
        lock_catalogue()
        edge = _held(course, needed)
        _check_minimum(needed, minimum_version)
        before = _said(edge)
        edge.kind, edge.minimum_version = kind, minimum_version
        edge.save(update_fields=["kind", "minimum_version"])
        refuse_circle(course)
        said = {"course": course.pk, "needs": edge.to_course_id, **_change(before, edge)}
        note(stream(course.lineage), "prerequisite_qualified", actor, now, **said)
    return edge


def _held(course: Course, needed: Course) -> CoursePrerequisite:
    """The version's edge to whichever version of the other course, nobody else writing either."""
    lock(course.lineage)
    rows = CoursePrerequisite.objects.filter(from_course=course)
    edge = rows.filter(to_course__lineage=needed.lineage).order_by("pk").first()
    if edge is None:
        message = f"{course.code} v{course.version} does not need {needed.code}."
        raise Refused("NO_SUCH_EDGE", message, "Add it in a new version of the course.")
    return edge


def _check_minimum(needed: Course, minimum: Decimal | None) -> None:
    versions = Course.objects.filter(lineage=needed.lineage)
    if minimum is not None and not versions.filter(version__gte=minimum).exists():
        message = f"{needed.code} has no version {minimum} or later."
        raise Refused(
            "VERSION_UNKNOWN",
            message,
            "Name a version that there is.",
            fields={"minimum_version": message},
        )


def _said(edge: CoursePrerequisite) -> dict[str, str | None]:
    minimum = edge.minimum_version
    return {"kind": str(edge.kind), "minimum": None if minimum is None else str(minimum)}


def _change(before: dict[str, str | None], edge: CoursePrerequisite) -> dict[str, object]:
    return {"before": before, "after": _said(edge)}

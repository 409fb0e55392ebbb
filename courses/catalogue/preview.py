"""What a change would make, before it is made: the bump, why, and what depends on the course."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Max, QuerySet

from courses import requirements
from courses.history import content
from courses.lifecycle import VERSIONABLE, State
from courses.models import Course, CourseSlot, Offering, with_code
from courses.refusal import Refused
from courses.versioning import (
    FIRST,
    Bump,
    Overflow,
    Reason,
    greatest,
    next_version,
    reasons,
)

from .content import check, cleaned, same_edges, warnings
from .locking import code_in_use, newest


class Decision(NamedTuple):
    """What becomes of a change: everything that has to be known to write it."""

    content: dict[str, Any]
    reasons: tuple[Reason, ...]
    proposed: Bump
    bump: Bump
    version: Decimal


class Dependants(NamedTuple):
    """What refers to a course: it goes on referring to the version that it names."""

    prerequisite_of: list[str]
    """Latest versions of the courses that need it."""
    slots: list[str]
    offerings: list[str]
    """Those not closed."""


class Preview(NamedTuple):
    """A change as it would be saved; `bump` NONE means that nothing differs."""

    course: int
    bump: Bump
    proposed: Bump
    reasons: tuple[Reason, ...]
    version: Decimal
    warnings: tuple[str, ...]
    dependants: Dependants


def preview(
    course: Course,
    changes: Mapping[str, Any],
    *,
    override: Bump | None = None,
    reason: str = "",
) -> Preview:
    """What `create_new_version` would do with this; raises what that would, and writes nothing."""
    found = decide(newest(course), cleaned(changes), override, reason)
    requirements.foresee_circle(course, found.content["pre_requisit_courses"])
    return Preview(
        course.pk,
        found.bump,
        found.proposed,
        found.reasons,
        found.version,
        warnings(found.content),
        dependants(course),
    )


def decide(
    course: Course, given: Mapping[str, Any], override: Bump | None, reason: str
) -> Decision:
    """The next version of a course, from clean fields. Reads, and writes nothing.

    Raises Refused: NOT_VERSIONABLE, INVALID, OVERRIDE, REASON_MISSING, CODE_IN_USE,
    VERSION_OVERFLOW.
    """
    _versionable(course)
    before = content(course)
    given = same_edges(before, given)
    why = reasons(before, given)
    proposed = greatest(each.bump for each in why)
    bump = _overridden(proposed, override, reason, why)
    after = {**before, **given}
    if bump is not Bump.NONE:
        check(after)
    return Decision(after, why, proposed, bump, _next(course, after["code"], bump))


def _versionable(course: Course) -> None:
    if State(course.state) in VERSIONABLE:
        return
    if course.state == State.DRAFT:
        raise Refused(
            "NOT_VERSIONABLE", f"{course.code} is a draft.", "Edit the draft, or activate it first."
        )
    raise Refused(
        "NOT_VERSIONABLE",
        f"{course.code} v{course.version} is {course.state.lower()}: it takes no new version.",
        "What follows it is a course of its own.",
    )


def _overridden(
    proposed: Bump, override: Bump | None, reason: str, why: tuple[Reason, ...]
) -> Bump:
    """The bump that a person decided on; the rules' own where nobody did."""
    if proposed is Bump.NONE or override in (None, proposed):
        return proposed
    if override is Bump.NONE:
        said = "What differs makes a version."
        raise Refused("OVERRIDE", said, "Choose PATCH, MINOR or MAJOR.", fields={"override": said})
    if any(each.field == "code" and each.bump is Bump.MAJOR for each in why):
        said = "Another code is always a MAJOR version."
        raise Refused("OVERRIDE", said, "Leave it MAJOR.", fields={"override": said})
    if not reason.strip():
        said = f"{override} in the place of {proposed} needs a reason."
        raise Refused("REASON_MISSING", said, "Say why.", fields={"reason": said})
    return override


def first_version(code: str) -> Decimal:
    """Where a new course of this code begins; nothing is locked.

    Raises Refused: CODE_IN_USE, VERSION_OVERFLOW.
    """
    check_code_is_free(code)
    used = _highest_elsewhere(code)
    return FIRST if used is None else _number(code, used, Bump.MAJOR)


def _next(course: Course, code: str, bump: Bump) -> Decimal:
    above = None
    if bump is Bump.MAJOR:
        check_code_is_free(code, course)
        above = _highest_elsewhere(code, course)
    return _number(course.code, course.version, bump, above)


def _number(code: str, version: Decimal, bump: Bump, above: Decimal | None = None) -> Decimal:
    """The version that follows. Raises Refused (VERSION_OVERFLOW) past the last (T4)."""
    try:
        return next_version(version, bump, above)
    except Overflow as overflow:
        said = f"{code} cannot have another version: {overflow}."
        raise Refused("VERSION_OVERFLOW", said, "Begin a course of another code.") from overflow


def check_code_is_free(code: str, course: Course | None = None) -> None:
    """Raises Refused (CODE_IN_USE) when the latest version of another course has this code."""
    if _elsewhere(code, course).filter(latest_version=True).exists():
        raise code_in_use(code)


def _highest_elsewhere(code: str, course: Course | None = None) -> Decimal | None:
    """The highest version that another course had under a code which it gave up (S1-24)."""
    found: Decimal | None = _elsewhere(code, course).aggregate(top=Max("version"))["top"]
    return found


def _elsewhere(code: str, course: Course | None) -> QuerySet[Course]:
    same = with_code(Course.objects, code)
    return same.exclude(lineage=course.lineage) if course else same


def dependants(course: Course) -> Dependants:
    """What refers to any version of this course."""
    lineage = course.lineage
    needing = Course.latest.filter(pre_requisit_courses__lineage=lineage)
    slots = CourseSlot.objects.filter(courses__lineage=lineage).distinct().order_by("pk")
    offered = Offering.objects.filter(lineage=lineage).exclude(status=Offering.Status.CLOSED)
    return Dependants(
        [str(each) for each in needing.exclude(lineage=lineage).distinct().order_by("code")],
        [str(each) for each in slots],
        [str(each) for each in offered.select_related("course", "term").order_by("pk")],
    )

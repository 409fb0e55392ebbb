"""What a course was: its versions across changes of code, how two differ, and who did what.

Versions are rows; what was done, by whom and why is the course's stream of the audit log, which
nothing cascades away and whose entries keep plain copies (S1-71 to S1-74, T20).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from difflib import unified_diff
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from courses.models import Course, Discipline, with_code
from courses.versioning import (
    CONTENT,
    LINKS,
    TEXTS,
    VERSIONED,
    Bump,
    Reason,
    plain,
)
from registrar.audit.log import Draft, append, canonical
from registrar.audit.models import Entry

CREATE, UPDATE, DELETE, VERSION = "CREATE", "UPDATE", "DELETE", "VERSION"
"""What can be done to a course (S1-73). A course is never removed: DELETE is its archiving."""

_ABOUT = ("version", "revision", "bump_type", "state", "working_course", "latest_version")


def stream(lineage: UUID) -> str:
    """The course's stream in the audit log: one for all its versions and codes."""
    return f"course:{lineage}"


def content(course: Course) -> dict[str, Any]:
    """What makes the version what it is, in the forms that `versioning` compares."""
    fields = {name: plain(name, getattr(course, name)) for name in CONTENT}
    return fields | {name: _linked(course, name) for name in LINKS}


def _linked(course: Course, name: str) -> frozenset[int]:
    return frozenset(getattr(course, name).values_list("pk", flat=True))


def full_state(course: Course) -> dict[str, Any]:
    """Every field of a version as the audit keeps it (S1-74): JSON without fractions."""
    about = {name: getattr(course, name) for name in _ABOUT}
    state = {**content(course), **about, "department": course.department_id}
    return {name: _as_json(value) for name, value in state.items()}


def _as_json(value: Any) -> Any:
    match value:
        case Decimal():
            return str(value)
        case frozenset():
            return sorted(value)
    return value


# Writing ------------------------------------------------------------------------------------


def lock(*lineages: UUID) -> None:
    """Wait until nobody else writes these courses, and keep others away until the commit.

    In the order of ids, so that two who lock several never wait for each other. Read afterwards,
    in another statement: rows that came while this one waited are not among what it saw. Offerings
    may be made meanwhile (NO KEY). Whoever holds it is the only writer of the courses' streams.
    """
    rows = Course.objects.select_for_update(no_key=True).filter(lineage__in=lineages)
    list(rows.order_by("pk").values_list("pk", flat=True))


def log_course_change(
    course: Course,
    user: str,
    action: str,
    old_data: Mapping[str, Any] | None,
    new_data: Mapping[str, Any] | None,
    version_bump_type: Bump = Bump.NONE,
    comments: str = "",
    *,
    now: datetime,
    reasons: Sequence[Reason] = (),
    proposed: Bump | None = None,
) -> None:
    """Append what was done to a course to its stream, in the caller's transaction (S1-71).

    `user` is an actor, `user:7`. `old_data` and `new_data` are full states. `proposed` is the bump
    that the rules called for, where a person decided otherwise. Both verdicts of the typo test are
    kept wherever it ran (T8). The caller holds the lineage's lock, or has just made it.
    """
    about = About(course.lineage, course.pk, course.code, str(course.version))
    draft = draft_of_change(
        about, user, action, old_data, new_data, version_bump_type, comments, reasons, proposed
    )
    with connection.cursor() as cursor:
        append(cursor, [draft], at=now)


class About(NamedTuple):
    """Which version an entry is about."""

    lineage: UUID
    course: int
    code: str
    version: str


def draft_of_change(
    about: About,
    user: str,
    action: str,
    old_data: Mapping[str, Any] | None,
    new_data: Mapping[str, Any] | None,
    version_bump_type: Bump = Bump.NONE,
    comments: str = "",
    reasons: Sequence[Reason] = (),
    proposed: Bump | None = None,
) -> Draft:
    """The entry that `log_course_change` appends, for whoever appends many at once."""
    body = {
        "action": action,
        "course": about.course,
        "code": about.code,
        "version": about.version,
        "old": old_data,
        "new": new_data,
        "bump": version_bump_type,
        "proposed": proposed,
        "reasons": [_reason(each) for each in reasons],
        "comment": comments,
    }
    return Draft(stream(about.lineage), f"course_{action.lower()}", user, canonical(body))


def _reason(reason: Reason) -> dict[str, Any]:
    said: dict[str, Any] = {"field": reason.field, "bump": reason.bump, "why": reason.why}
    if reason.typo is not None:
        said["typo"] = {**reason.typo._asdict(), "verdict": reason.typo.verdict}
    return said


# Reading ------------------------------------------------------------------------------------


class Version(NamedTuple):
    """One version of a course in its history."""

    id: int
    revision: int
    code: str
    name: str
    version: Decimal
    bump: str
    state: str
    latest: bool
    created_at: datetime
    by: str
    """Who made it; empty for what is older than the log."""
    comment: str


class Change(NamedTuple):
    """An entry of the log: what was done to a course, and what it was before and after."""

    at: datetime
    by: str
    action: str
    course: int
    code: str
    version: str
    bump: str
    proposed: str | None
    reasons: list[dict[str, Any]]
    comment: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None


class Difference(NamedTuple):
    """A field in which two versions differ; `diff` has the lines of a unified diff for texts."""

    field: str
    label: str
    old: Any
    new: Any
    diff: list[str]


def lineage_of(code: str) -> UUID | None:
    """The course that has this code, else the last that had it; None when none ever did."""
    found = (
        with_code(Course.objects, code)
        .order_by("-latest_version", "-pk")
        .values_list("lineage", flat=True)
    )
    return found.first()


def versions(lineage: UUID) -> list[Version]:
    """Every version of a course, the first first, whatever its code was (T3, T14)."""
    made = {change.course: change for change in changes(lineage) if change.action in _MAKES}
    rows = Course.objects.filter(lineage=lineage).order_by("revision")
    return [_version(row, made.get(row.pk)) for row in rows]


_MAKES = frozenset({CREATE, VERSION})


def _version(row: Course, made: Change | None) -> Version:
    return Version(
        row.pk,
        row.revision,
        row.code,
        row.name,
        row.version,
        row.bump_type,
        row.state,
        row.latest_version,
        row.created_at,
        made.by if made else "",
        made.comment if made else "",
    )


def changes(lineage: UUID) -> list[Change]:
    """Everything that was done to a course, in order (S1-72)."""
    entries = Entry.objects.filter(stream=stream(lineage), event__startswith="course_")
    rows = entries.order_by("seq").values_list("at", "actor", "body")
    return [_change(at, actor, json.loads(body)) for at, actor, body in rows]


def _change(at: datetime, actor: str, body: dict[str, Any]) -> Change:
    return Change(at, actor, **{name: body[name] for name in Change._fields[2:]})


def compare(old: Course, new: Course) -> list[Difference]:
    """Two versions field by field, those that differ (S1-67)."""
    before, after = content(old), content(new)
    return [
        _difference(name, before[name], after[name])
        for name in VERSIONED
        if before[name] != after[name]
    ]


def _difference(name: str, old: Any, new: Any) -> Difference:
    label = str(Course._meta.get_field(name).verbose_name).capitalize()  # type: ignore[union-attr]
    if name in LINKS:
        return Difference(name, label, _names(name, old - new), _names(name, new - old), [])
    lines = _lines(old, new) if name in TEXTS else []
    return Difference(name, label, old, new, lines)


def _lines(old: str | None, new: str | None) -> list[str]:
    before, after = (old or "").splitlines(), (new or "").splitlines()
    # The first two lines name files, and there are none.
    return list(unified_diff(before, after, lineterm=""))[2:]


def _names(name: str, ids: frozenset[int]) -> list[str]:
    """What a person calls those that only one of the two versions has."""
    if name == "disciplines":
        return [str(each) for each in Discipline.objects.filter(pk__in=ids).order_by("name", "pk")]
    return [str(each) for each in Course.objects.filter(pk__in=ids).order_by("code", "pk")]

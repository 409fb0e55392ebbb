"""Versions: the first, the next, and an old one again."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from courses import requirements
from courses.history import CREATE, UPDATE, VERSION, content, full_state, lock, log_course_change
from courses.lifecycle import State, superseded, works
from courses.models import Course, CoursePrerequisite, Department
from courses.refusal import Refused
from courses.versioning import CONTENT, Bump, reasons

from .content import begun, check, cleaned, same_edges
from .locking import latest, locked, one_transaction
from .preview import Decision, check_code_is_free, decide, first_version


def create_course(
    fields: Mapping[str, Any],
    *,
    actor: str,
    now: datetime,
    state: State = State.ACTIVE,
    department: Department | None = None,
    comment: str = "",
) -> Course:
    """A new course, in its first version; DRAFT where somebody still has to approve it.

    It begins at 1.0, or beyond what another course reached under the same code before it gave
    that up. Raises Refused: INVALID, CODE_IN_USE, VERSION_OVERFLOW, PREREQUISITE_CIRCLE.
    """
    first = begun(fields)
    check(first)
    with one_transaction(first["code"]):
        _lock_edges(first)
        version = first_version(first["code"])
        course = _insert(first, state=state, version=version, department=department)
        log_course_change(
            course, actor, CREATE, None, full_state(course), comments=comment, now=now
        )
    return course


def edit_draft(
    course: Course, changes: Mapping[str, Any], *, actor: str, now: datetime, comment: str = ""
) -> Course:
    """Change a draft where it stands: it is under development, and nothing refers to it yet.

    Raises Refused: NOT_A_DRAFT, INVALID, CODE_IN_USE, PREREQUISITE_CIRCLE.
    """
    given = cleaned(changes)
    with one_transaction(given.get("code", course.code)):
        _lock_edges(given, course)
        draft = locked(course)
        if draft.state != State.DRAFT:
            said = f"{draft.code} v{draft.version} is no draft, and what is saved stays."
            raise Refused("NOT_A_DRAFT", said, "Make a new version.")
        before, old = full_state(draft), content(draft)
        given = same_edges(old, given)
        why = reasons(old, given)
        if why:
            check({**old, **given})
            check_code_is_free(given.get("code", draft.code), draft)
            _write(draft, {each.field: given[each.field] for each in why})
            after = full_state(draft)
            log_course_change(
                draft, actor, UPDATE, before, after, comments=comment, now=now, reasons=why
            )
    return draft


def create_new_version(
    course: Course,
    changes: Mapping[str, Any],
    *,
    actor: str,
    now: datetime,
    override: Bump | None = None,
    reason: str = "",
) -> Course:
    """The next version of a course, or the same one when nothing differs (S1-63 to S1-66).

    1. lock the lineage; `course`, the version that was edited, must be its latest still;
    2. compare the fields given, and decide on the bump and the number;
    3. take the flag from the old version, insert the new one, copy its links, log.

    `override` is another bump than the rules call for, with a `reason`. Raises Refused:
    STALE_VERSION, NOT_VERSIONABLE, INVALID, OVERRIDE, REASON_MISSING, CODE_IN_USE,
    VERSION_OVERFLOW, PREREQUISITE_CIRCLE.
    """
    given = cleaned(changes)
    with one_transaction(given.get("code", course.code)):
        _lock_edges(given, course)
        old = latest(course)
        decision = decide(old, given, override, reason)
        return _supersede(old, old, decision, actor, now, reason)


def roll_back(lineage: UUID, to: Course, *, actor: str, now: datetime, reason: str) -> Course:
    """A new version that says what an old one said; the same latest when it says that already.

    Raises Refused: REASON_MISSING, NOT_ITS_VERSION, and what `create_new_version` raises.
    """
    if not reason.strip():
        said = "Going back to an old version needs a reason."
        raise Refused("REASON_MISSING", said, "Say why.", fields={"reason": said})
    if to.lineage != lineage:
        said = f"{to.code} v{to.version} is a version of another course."
        raise Refused("NOT_ITS_VERSION", said, "Choose one of this course's versions.")
    with one_transaction(to.code):
        _lock_edges({}, to)
        lock(lineage)
        old = Course.latest.get(lineage=lineage)
        decision = decide(old, content(to), None, reason)
        comment = f"Back to version {to.version}: {reason}"
        return _supersede(old, to, decision, actor, now, comment)


def _supersede(
    old: Course, like: Course, decision: Decision, actor: str, now: datetime, comment: str
) -> Course:
    """Write the decision; prerequisites are taken over from `like` with all they say."""
    if decision.bump is Bump.NONE:
        return old
    before, state = full_state(old), State(old.state)
    left = superseded(state)
    Course.objects.filter(pk=old.pk).update(
        latest_version=False, state=left, working_course=works(left)
    )
    new = _insert(
        decision.content,
        state=state,
        version=decision.version,
        department=old.department,
        like=like,
        lineage=old.lineage,
        revision=old.revision + 1,
        bump_type=decision.bump,
    )
    log_course_change(
        new,
        actor,
        VERSION,
        before,
        full_state(new),
        decision.bump,
        comment,
        now=now,
        reasons=decision.reasons,
        proposed=decision.proposed,
    )
    return new


def _insert(
    said: Mapping[str, Any],
    *,
    state: State,
    version: Decimal,
    department: Department | None,
    like: Course | None = None,
    **place: Any,
) -> Course:
    columns = {name: said[name] for name in CONTENT}
    new = Course.objects.create(
        **columns,
        **place,
        state=state,
        working_course=works(state),
        version=version,
        department=department,
    )
    new.disciplines.set(said["disciplines"])
    _need(new, said["pre_requisit_courses"], like)
    requirements.settle(new)
    new.refresh_from_db()
    return new


def _write(draft: Course, said: Mapping[str, Any]) -> None:
    columns = {name: value for name, value in said.items() if name in CONTENT}
    if columns:
        Course.objects.filter(pk=draft.pk).update(**columns)
    if "disciplines" in said:
        draft.disciplines.set(said["disciplines"])
    if "pre_requisit_courses" in said:
        _need(draft, said["pre_requisit_courses"], draft)
    draft.refresh_from_db()
    requirements.settle(draft)


def _lock_edges(said: Mapping[str, Any], *like: Course) -> None:
    """The lock of whoever writes edges, where any will be: before the lineage's own, always."""
    if said.get("pre_requisit_courses") or (
        like and CoursePrerequisite.objects.filter(from_course__in=like).exists()
    ):
        requirements.lock_catalogue()


def _need(course: Course, wanted: Collection[int], like: Course | None) -> None:
    """Its prerequisites; those that `like` has too keep all that they say there."""
    known = {row.to_course_id: row for row in CoursePrerequisite.objects.filter(from_course=like)}
    rows = [known.get(each) or CoursePrerequisite(to_course_id=each) for each in sorted(wanted)]
    for row in rows:
        row.pk, row.from_course = None, course
    CoursePrerequisite.objects.filter(from_course=course).delete()
    CoursePrerequisite.objects.bulk_create(rows)

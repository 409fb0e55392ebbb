"""The life of a version, and whose it is: what may change of a version that is saved."""

from datetime import datetime

from django.db import transaction

from courses.history import DELETE, UPDATE, full_state, log_course_change
from courses.lifecycle import ONLY_LATEST, TRANSITIONS, State, can_transition, works
from courses.models import Course, Department
from courses.refusal import Refused

from .locking import latest, locked


def change_state(course: Course, to: State, *, actor: str, now: datetime, reason: str) -> Course:
    """Take a version to another state (S1-80, S1-85, S1-86); `reason` is mandatory.

    Archiving is logged as DELETE: it is all the removal there is (S1-73, T20). Raises Refused:
    REASON_MISSING, TRANSITION, SUPERSEDED.
    """
    if not reason.strip():
        said = "Another state needs a reason."
        raise Refused("REASON_MISSING", said, "Say why.", fields={"reason": said})
    with transaction.atomic():
        now_is = locked(course)
        _check(now_is, to)
        before = full_state(now_is)
        Course.objects.filter(pk=now_is.pk).update(state=to, working_course=works(to))
        now_is.refresh_from_db()
        action = DELETE if to is State.ARCHIVED else UPDATE
        after = full_state(now_is)
        log_course_change(now_is, actor, action, before, after, comments=reason, now=now)
    return now_is


def _check(course: Course, to: State) -> None:
    state = State(course.state)
    if not can_transition(state, to):
        ways = sorted(TRANSITIONS[state])
        raise Refused(
            "TRANSITION",
            f"{course.code} v{course.version} is {state} and cannot become {to}.",
            f"From {state} a version can become {' or '.join(ways)}." if ways else "It stays so.",
            state=state,
            possible=ways,
        )
    if to in ONLY_LATEST and not course.latest_version:
        raise Refused(
            "SUPERSEDED",
            f"{course.code} v{course.version} was superseded and cannot become {to}.",
            "Go back to it: that makes a new version which says the same.",
        )


def assign_department(
    course: Course, department: Department | None, *, actor: str, now: datetime, reason: str = ""
) -> Course:
    """Whose the course is: no part of what it says, so no version is made.

    Raises Refused (STALE_VERSION) when `course` is not the latest any more.
    """
    with transaction.atomic():
        owned = latest(course)
        before = full_state(owned)
        owned.department = department
        owned.save(update_fields=["department"])
        after = full_state(owned)
        log_course_change(owned, actor, UPDATE, before, after, comments=reason, now=now)
    return owned

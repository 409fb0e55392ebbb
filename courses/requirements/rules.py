"""What was understood of each version's text, and the queue of what a person must look at."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from courses.expressions import (
    VERSION,
    Node,
    Verdict,
    as_json,
    from_json,
    parse,
    wording,
)
from courses.history import lock, stream
from courses.models import Course, CourseRule
from courses.refusal import Refused
from registrar.accounts.models import User
from registrar.audit import log

NOTE_LETTERS = 2000


class Rule(NamedTuple):
    """How a version's text is applied: `by_hand` is what a person checks for every student."""

    tree: Node | None
    by_hand: tuple[str, ...] = ()


class Waiting(NamedTuple):
    """A text in the queue: what was understood, and what was not."""

    course: Course
    text: str
    understood: str
    rest: tuple[str, ...]


def understand(course: Course) -> CourseRule | None:
    """Read the version's text and keep what was understood; None where there is no text.

    In the transaction that saves the version. A review of the same text is taken over from the
    version before: nobody has to repeat it because the credits changed.
    """
    text = (course.pre_requisits or "").strip()
    if not text:
        CourseRule.objects.filter(course=course).delete()
        return None
    before = _reviewed_before(course)
    kept = _taken_over(before) if before else {**understood(text), **_NOT_REVIEWED}
    rule, _ = CourseRule.objects.update_or_create(course=course, defaults=kept)
    return rule


def _reviewed_before(course: Course) -> CourseRule | None:
    rules = CourseRule.objects.filter(
        course__lineage=course.lineage,
        course__pre_requisits=course.pre_requisits,
        reviewed_at__isnull=False,
    )
    return rules.order_by("-course__revision").first()


_KEPT = (
    *("verdict", "tree", "rest", "remarks", "parser_version"),
    *("reviewed_by_id", "reviewed_at", "wording", "note"),
)
_NOT_REVIEWED = {"reviewed_by": None, "reviewed_at": None, "wording": "", "note": ""}


def _taken_over(rule: CourseRule) -> dict[str, object]:
    return {name: getattr(rule, name) for name in _KEPT}


def understood(text: str) -> dict[str, object]:
    """What a rule keeps of a text that nobody has reviewed, by column."""
    found = parse(text)
    return {
        "verdict": found.verdict.value,
        "tree": None if found.tree is None else as_json(found.tree),
        "rest": list(found.rest),
        "remarks": list(found.remarks),
        "parser_version": VERSION,
    }


def kept_rule(course: Course) -> CourseRule:
    """What was understood of the version's text; read now, and not saved, where it never was."""
    rule = CourseRule.objects.filter(course=course).first()
    return rule or CourseRule(course=course, **understood(course.pre_requisits or ""))


def rule_of(course: Course) -> Rule:
    """How the version's text is applied."""
    rule = kept_rule(course)
    tree = None if rule.tree is None else from_json(rule.tree)
    return Rule(tree, tuple(rule.rest))


def flagged() -> QuerySet[CourseRule]:
    """Texts of latest versions that were not understood to the end, reviewed or not."""
    rules = CourseRule.objects.filter(
        course__latest_version=True, verdict__in=[Verdict.PARTLY, Verdict.FLAGGED]
    ).exclude(course__state=Course.State.ARCHIVED)
    return rules.select_related("course")


def to_review() -> list[Waiting]:
    """Texts of latest versions that nobody has looked at, by code (T17)."""
    rules = flagged().filter(reviewed_at__isnull=True)
    return [_waiting(rule) for rule in rules.order_by("course__code")]


def _waiting(rule: CourseRule) -> Waiting:
    tree = "" if rule.tree is None else wording(from_json(rule.tree))
    return Waiting(rule.course, rule.course.pre_requisits or "", tree, tuple(rule.rest))


def review(
    course: Course, *, user: User, now: datetime, plainly: str = "", note: str = ""
) -> CourseRule:
    """A person's answer to a text: the same rule in plainer words, or why it stays by hand.

    `plainly` must be understood to the last word, and replaces what was read of the text. With a
    `note` alone what was read stays, and its rest is checked by hand. The text itself, being the
    version's, does not change. Raises Refused: NO_RULE, NOT_PLAIN, NOTE_MISSING, NOTE_LONG.
    """
    plainly, note = plainly.strip(), note.strip()
    _check_said(plainly, note)
    with transaction.atomic():
        rule = _locked(course)
        rule.reviewed_by, rule.reviewed_at = user, now
        rule.wording, rule.note = plainly, note
        if plainly:
            rule.tree, rule.rest = _plain_tree(plainly), []
        rule.save()
        said = {"course": course.pk, "plainly": plainly, "note": note, "tree": rule.tree}
        log.note(stream(course.lineage), "prerequisites_reviewed", user.actor, now, **said)
    return rule


def _check_said(plainly: str, note: str) -> None:
    if not plainly and not note:
        raise Refused(
            "NOTE_MISSING",
            "Nothing was said about this text.",
            "Put the rule in plainer words, or note why it is checked by hand.",
            fields={"note": "Say why it stays by hand, or put the rule in plainer words."},
        )
    if len(note) > NOTE_LETTERS:
        message = f"A note has at most {NOTE_LETTERS} letters."
        raise Refused("NOTE_LONG", message, "Shorten it.", fields={"note": message})


def _locked(course: Course) -> CourseRule:
    """The version's rule, and the lineage: the stream has one writer at a time."""
    lock(course.lineage)
    rule = CourseRule.objects.filter(course=course).first()
    if rule is None:
        message = f"{course.code} v{course.version} has no prerequisites in words."
        raise Refused("NO_RULE", message, "Write them in a new version of the course.")
    return rule


def _plain_tree(plainly: str) -> dict[str, object] | None:
    found = parse(plainly)
    if found.rest:
        message = f"This is not understood either: {_quoted(found.rest)}."
        raise Refused(
            "NOT_PLAIN",
            message,
            "Name courses, grades and scores with “and”, “or” and parentheses.",
            fields={"plainly": message},
        )
    return None if found.tree is None else as_json(found.tree)


def _quoted(rest: Sequence[str]) -> str:
    return ", ".join(f"“{clause}”" for clause in rest)

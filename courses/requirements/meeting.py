"""Whether a student has what a course needs: its edges, and what was understood of its text.

Registration does not ask it yet: a student's record of completed courses is not kept here.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models import Value
from django.db.models.functions import Replace, Upper

from courses import expressions
from courses.expressions import Answer, Done, Judged, best, codes, key, satisfied, together
from courses.models import Course, CoursePrerequisite

from .graph import Edge, edges
from .rules import rule_of


class Passed(NamedTuple):
    """One completion of a course: in which version, and with which grade if one is known."""

    version: Decimal
    grade: str | None = None


class Record(NamedTuple):
    """What a student has done, by lineage, whatever the courses were called then (T16)."""

    passed: Mapping[UUID, Sequence[Passed]] = {}
    taking: frozenset[UUID] = frozenset()
    """In the same term."""
    placements: Mapping[str, int] = {}


def check(course: Course, record: Record) -> Answer:
    """Whether the record has all that the version needs: yes, no, or a person has to look.

    Completing any version of a needed course counts, from an edge's minimum on (S1-69, S1-92).
    """
    structured = together(_edge(edge, record) for edge in edges(course))
    rule = rule_of(course)
    words = satisfied(rule.tree, _done(codes(rule.tree), record))
    if rule.by_hand:
        # What could not be read may be an alternative: the rest must not refuse by itself.
        words = Answer(Judged.UNKNOWN, words.missing, (*words.to_check, *rule.by_hand))
    return together([structured, words])


def _edge(edge: Edge, record: Record) -> Answer:
    attempts = record.passed.get(edge.lineage, ())
    least = edge.minimum_version
    counts = [each.grade for each in attempts if least is None or each.version >= least]
    name = edge.code if least is None else f"{edge.code} from v{least} on"
    wanted = expressions.Course(name, concurrent=edge.kind == CoursePrerequisite.Kind.COREQUISITE)
    taken = frozenset({name}) if edge.lineage in record.taking else frozenset()
    return satisfied(wanted, Done({name: best(counts)} if counts else {}, taken))


def _done(named: Iterable[str], record: Record) -> Done:
    """The record by the codes that a text names."""
    known = _lineages({key(code) for code in named})
    grades = {
        code: best(each.grade for each in record.passed[lineage])
        for code, lineage in known.items()
        if lineage is not None and record.passed.get(lineage)
    }
    return Done(
        grades,
        frozenset(code for code, lineage in known.items() if lineage in record.taking),
        record.placements,
        frozenset(code for code, lineage in known.items() if lineage is None),
    )


def _lineages(keys: set[str]) -> dict[str, UUID | None]:
    """The course that has each code, else the only one that ever had it; else None (D6)."""
    plain = Upper(Replace("code", Value(" ")))
    rows = Course.objects.annotate(plain=plain).filter(plain__in=keys)
    now: dict[str, UUID] = {}
    ever: dict[str, set[UUID]] = {}
    for code, lineage, latest in rows.values_list("plain", "lineage", "latest_version"):
        ever.setdefault(code, set()).add(lineage)
        if latest:
            now[code] = lineage
    only = {code: next(iter(found)) for code, found in ever.items() if len(found) == 1}
    return {code: now.get(code, only.get(code)) for code in keys}

"""What a version needs: other courses, and a text of which it is kept what was understood.

`courses.requirements` writes both. Edges join courses, not versions: whichever version of the
needed course was passed will do, from `minimum_version` on (T16).
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import connection, models
from django.db.models import F, Q


class CoursePrerequisite(models.Model):
    """`from_course` needs `to_course`: an edge of a directed acyclic graph (T1, S1-35).

    A corequisite may be taken in the same term instead, so two courses may be each other's: it is
    no edge of the graph. A trigger refuses, at the commit, what makes a circle.
    """

    class Kind(models.TextChoices):
        PREREQUISITE = "PREREQUISITE"
        COREQUISITE = "COREQUISITE"

    from_course = models.ForeignKey(
        "courses.Course", on_delete=models.CASCADE, related_name="needs"
    )
    to_course = models.ForeignKey(
        "courses.Course", on_delete=models.PROTECT, related_name="needed_by"
    )
    kind = models.CharField(
        max_length=12, choices=Kind.choices, default=Kind.PREREQUISITE, db_default="PREREQUISITE"
    )
    minimum_version = models.DecimalField(
        max_digits=5, decimal_places=1, null=True, blank=True, validators=[MinValueValidator(1)]
    )

    class Meta:
        db_table = "course_prerequisites"
        constraints = [
            models.UniqueConstraint(
                fields=["from_course", "to_course"], name="course_prerequisite_once"
            ),
            models.CheckConstraint(
                condition=~Q(from_course=F("to_course")), name="course_not_its_own_prerequisite"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["PREREQUISITE", "COREQUISITE"]),
                name="course_prerequisite_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(minimum_version__isnull=True) | Q(minimum_version__gte=1),
                name="course_prerequisite_minimum_version_from_1",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_course_id} needs {self.to_course_id}"


class CourseRule(models.Model):
    """What was understood of a version's text (T17), and what a person made of the rest.

    `tree` is an expression as `courses.expressions` writes it, null where nothing could be read.
    `rest` holds the clauses that could not be: until somebody has reviewed them the text is
    checked by hand for every student. `wording` is the reviewer's own, plainer text, which `tree`
    was then read from.
    """

    class Verdict(models.TextChoices):
        FULL = "full"
        PARTLY = "partly"
        FLAGGED = "flagged"
        NONE = "none"

    course = models.OneToOneField("courses.Course", on_delete=models.CASCADE, related_name="rule")
    verdict = models.CharField(max_length=7, choices=Verdict.choices)
    tree = models.JSONField(null=True)
    rest = models.JSONField(default=list)
    remarks = models.JSONField(default=list)
    parser_version = models.PositiveIntegerField()

    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True)
    wording = models.TextField(blank=True, default="")
    note = models.TextField(blank=True, default="")

    class Meta:
        db_table = "course_rules"
        verbose_name = "prerequisite text"
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["full", "partly", "flagged", "none"]),
                name="course_rule_verdict_known",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by__isnull=True, reviewed_at__isnull=True)
                | Q(reviewed_by__isnull=False, reviewed_at__isnull=False),
                name="course_rule_reviewed_by_somebody_at_some_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["course"],
                condition=Q(verdict__in=["partly", "flagged"], reviewed_at__isnull=True),
                name="course_rule_to_review",
            )
        ]

    def __str__(self) -> str:
        return f"rule of {self.course_id}: {self.verdict}"


class Circle(NamedTuple):
    """Courses of which each needs the next, and the last the first again."""

    lineages: tuple[UUID, ...]
    codes: tuple[str, ...]

    def __str__(self) -> str:
        return " → ".join(self.codes)


# Every edge that can be followed from a version: its own, then those of latest versions. UNION
# drops what was seen before, so an edge is walked once however many ways lead to it.
_REACHED = """
WITH RECURSIVE reached (source, target) AS (
    SELECT mine.lineage, needed.lineage
    FROM courses mine JOIN courses needed ON needed.id = ANY(%(needed)s)
    WHERE mine.id = %(course)s
    UNION
    SELECT latest.lineage, needed.lineage
    FROM reached
    JOIN courses latest ON latest.lineage = reached.target AND latest.latest_version
    JOIN course_prerequisites edge ON edge.from_course_id = latest.id
                                  AND edge.kind = 'PREREQUISITE'
    JOIN courses needed ON needed.id = edge.to_course_id
    WHERE latest.lineage <> (SELECT lineage FROM courses WHERE id = %(course)s)
)
SELECT source, target FROM reached
"""

_CODES = """
SELECT DISTINCT ON (lineage) lineage, code FROM courses
WHERE lineage = ANY(%s) ORDER BY lineage, latest_version DESC, revision DESC
"""


def circle_through(course: int) -> Circle | None:
    """The shortest circle of prerequisites that this version closes, if it closes one (S1-21)."""
    edges = CoursePrerequisite.objects.filter(
        from_course=course, kind=CoursePrerequisite.Kind.PREREQUISITE
    )
    return circle_if(course, edges.values_list("to_course_id", flat=True))


def circle_if(course: int, needed: Iterable[int]) -> Circle | None:
    """The same, if what this version needed were these (versions of) courses."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT lineage, code FROM courses WHERE id = %s", [course])
        home, code = cursor.fetchone()
        cursor.execute(_REACHED, {"course": course, "needed": list(needed)})
        way = _way_back(home, cursor.fetchall())
        if way is None:
            return None
        cursor.execute(_CODES, [list(way)])
        codes = {**dict(cursor.fetchall()), home: code}
    return Circle(way, tuple(codes[each] for each in (*way, home)))


def _way_back(home: UUID, edges: list[tuple[UUID, UUID]]) -> tuple[UUID, ...] | None:
    """Breadth first from home until an edge leads home again."""
    onward: dict[UUID, list[UUID]] = {}
    for source, target in edges:
        onward.setdefault(source, []).append(target)
    ways: list[tuple[UUID, ...]] = [(home,)]
    seen = {home}
    for way in ways:
        for target in onward.get(way[-1], ()):
            if target == home:
                return way
            if target not in seen:
                seen.add(target)
                ways.append((*way, target))
    return None

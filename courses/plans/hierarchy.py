"""The whole hierarchy as plain values, in as many queries for a hundred plans as for one (S1-106).

Programme, curriculum, semester, slot, course version (S1-87): a query for each floor, put together
here.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from courses.models import (
    Batch,
    BatchMember,
    Course,
    CourseSlot,
    CourseSlotCourse,
    Curriculum,
    CurriculumSemester,
    Programme,
)

from .credits import of_slot, reach, total
from .values import (
    BatchSeen,
    CourseSeen,
    CurriculumCard,
    CurriculumSeen,
    OwnPlan,
    ProgrammeDetail,
    ProgrammeSeen,
    SemesterSeen,
    SlotSeen,
)


def programmes() -> list[ProgrammeSeen]:
    """Every programme, with the versions of its plans; two queries."""
    plans: dict[int, list[CurriculumCard]] = defaultdict(list)
    listed = Curriculum.objects.order_by("name", "-version", "pk")
    for owner, pk, name, version, latest in listed.values_list(
        "programme_id", "pk", "name", "version", "latest_version"
    ):
        plans[owner].append(CurriculumCard(pk, name, str(version), latest))
    return [ProgrammeSeen(*row, plans[row[0]]) for row in _programmes(Programme.objects.all())]


def programme(programme_id: int) -> ProgrammeDetail | None:
    """One programme down to its courses; None where there is none. Six queries."""
    for row in _programmes(Programme.objects.filter(pk=programme_id)):
        return ProgrammeDetail(*row, curricula(Q(programme=programme_id)))
    return None


def curriculum(curriculum_id: int) -> CurriculumSeen | None:
    """One version of a plan down to its courses; None where there is none. Five queries."""
    found = curricula(Q(pk=curriculum_id))
    return found[0] if found else None


def own_plan(user: int) -> OwnPlan | None:
    """What this person studies by (S1-88); None for who is in no batch. Six queries.

    It is shown and not enforced: registration does not ask for it.
    """
    for batch in batches(Q(members__user=user)):
        plan = None if batch.curriculum is None else curriculum(batch.curriculum)
        return OwnPlan(batch, False, plan)
    return None


def batches(wanted: Q) -> list[BatchSeen]:
    """Batches, the youngest first; one query."""
    members = BatchMember.objects.filter(batch=OuterRef("pk")).order_by().values("batch")
    rows = (
        Batch.objects.filter(wanted)
        .annotate(taken=Subquery(members.annotate(n=Count("pk")).values("n")))
        .order_by("-year", "name", "pk")
    )
    return [
        BatchSeen._make((*row[:-1], row[-1] or 0))
        for row in rows.values_list(
            "pk",
            "name",
            "discipline__name",
            "year",
            "curriculum_id",
            "running_batch",
            "total_seats",
            "taken",
        )
    ]


def curricula(wanted: Q) -> list[CurriculumSeen]:
    """These plans in full, by name and the latest first; five queries however many they are."""
    rows = list(
        Curriculum.objects.filter(wanted)
        .order_by("name", "-version", "pk")
        .values_list(
            "pk",
            "name",
            "version",
            "latest_version",
            "programme_id",
            "programme__name",
            "no_of_semester",
            "min_credit",
        )
    )
    ids = [row[0] for row in rows]
    semesters = _semesters(ids)
    studied = _by_curriculum(batches(Q(curriculum__in=ids)))
    found = []
    for pk, name, version, latest, owner, owner_name, planned, needed in rows:
        inside = semesters[pk]
        credits = total(semester.credits for semester in inside)
        found.append(
            CurriculumSeen(
                *(pk, name, str(version), latest, owner, owner_name, planned, needed),
                credits,
                reach(credits, needed),
                _flagged(inside),
                inside,
                studied[pk],
            )
        )
    return found


def _programmes(wanted: QuerySet[Programme]) -> list[tuple[int, str, str, list[str]]]:
    names = ArrayAgg("disciplines__name", order_by="disciplines__name", default=[])
    rows = (
        wanted.annotate(of=names)
        .order_by("category", "name", "pk")
        .values_list("pk", "category", "name", "of")
    )
    # An outer join without a partner is a null in the array.
    return [(pk, category, name, [n for n in of if n]) for pk, category, name, of in rows]


def _by_curriculum(found: Iterable[BatchSeen]) -> dict[int, list[BatchSeen]]:
    sorted_in: dict[int, list[BatchSeen]] = defaultdict(list)
    for batch in found:
        if batch.curriculum is not None:
            sorted_in[batch.curriculum].append(batch)
    return sorted_in


def _flagged(semesters: Iterable[SemesterSeen]) -> int:
    places = (place for semester in semesters for slot in semester.slots for place in slot.courses)
    return sum(1 for place in places if place.flags)


def _semesters(curricula: Sequence[int]) -> dict[int, list[SemesterSeen]]:
    slots = _slots(curricula)
    found: dict[int, list[SemesterSeen]] = defaultdict(list)
    rows = CurriculumSemester.objects.filter(curriculum__in=curricula).order_by("semester_no")
    for pk, owner, number in rows.values_list("pk", "curriculum_id", "semester_no"):
        inside = slots[pk]
        found[owner].append(SemesterSeen(number, total(slot.credits for slot in inside), inside))
    return found


def _slots(curricula: Sequence[int]) -> dict[int, list[SlotSeen]]:
    """The slots of each semester."""
    courses = _courses(curricula)
    found: dict[int, list[SlotSeen]] = defaultdict(list)
    rows = CourseSlot.objects.filter(semester__curriculum__in=curricula)
    listed = rows.order_by("name", "type", "pk").values_list(
        "semester_id",
        "pk",
        "name",
        "type",
        "course_slot_info",
        "duration",
        "min_registration_limit",
        "max_registration_limit",
    )
    for owner, pk, name, kind, text, duration, least, most in listed:
        inside = courses[pk]
        credits = of_slot(kind, [course.credits for course in inside])
        found[owner].append(
            SlotSeen(pk, name, kind, text or "", duration, least, most, credits, inside)
        )
    return found


def _courses(curricula: Sequence[int]) -> dict[int, list[CourseSeen]]:
    """The courses of each slot."""
    latest = Course.objects.filter(lineage=OuterRef("course__lineage"), latest_version=True)
    rows = (
        CourseSlotCourse.objects.filter(slot__semester__curriculum__in=curricula)
        .annotate(
            latest=Subquery(latest.values("pk")[:1]),
            latest_is=Subquery(latest.values("version")[:1]),
            credits=F("course__credit"),
        )
        .order_by("course__code", "course__version", "pk")
    )
    found: dict[int, list[CourseSeen]] = defaultdict(list)
    for slot, pk, code, name, version, credits, state, newest, newest_is in rows.values_list(
        "slot_id",
        "course_id",
        "course__code",
        "course__name",
        "course__version",
        "credits",
        "course__state",
        "latest",
        "latest_is",
    ):
        superseded = newest if newest != pk else None
        flags = [] if state == "ACTIVE" else [_STATES[state]]
        if superseded is not None:
            flags = [f"superseded by v{newest_is}"]
        found[slot].append(
            CourseSeen(pk, code, name, str(version), credits, state, superseded, flags)
        )
    return found


_STATES = {
    "DRAFT": "a draft still",
    "INACTIVE": "not offered now",
    "DEPRECATED": "on its way out",
    "ARCHIVED": "discontinued",
}
"""What is said of a course in a plan that is not offered."""

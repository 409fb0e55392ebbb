"""Programmes, plans with their semesters and slots, and batches, in and out."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Max, QuerySet

from courses.models import (
    Batch,
    CourseSlot,
    CourseSlotCourse,
    Curriculum,
    CurriculumSemester,
    Discipline,
    Programme,
    SlotType,
)
from courses.plans import batches, writing

from .base import ByOperation, Row, invalid, joined, listed, number, one, truth
from .courses import course_of


def _disciplines(cell: str) -> list[int]:
    named = listed(cell)
    known = dict(Discipline.objects.filter(name__in=named).values_list("name", "pk"))
    if strange := [each for each in named if each not in known]:
        raise invalid("disciplines", f"There is no discipline {', '.join(strange)}.")
    return [known[each] for each in named]


def _names(programme: Programme) -> str:
    return joined(sorted(each.name for each in programme.disciplines.all()))


class Programmes(ByOperation):
    name, model, key = "Programmes", Programme, ("category", "name")
    columns = {
        "category": lambda programme: programme.category,
        "name": lambda programme: programme.name,
        "disciplines": _names,
    }

    def records(self, chosen: QuerySet[Programme]) -> QuerySet[Programme]:
        return chosen.prefetch_related("disciplines")

    def find(self, row: Row) -> Programme | None:
        return Programme.objects.filter(category=row["category"], name=row["name"]).first()

    def write(self, found: Programme | None, row: Row) -> Programme:
        self.demand("change" if found else "add", found or Programme())
        category, name, cell = row["category"], row["name"], row.get("disciplines", "")
        if len(name) > 100:
            raise invalid("name", "A name has at most 100 letters.")
        if found is not None and (not cell or cell == _names(found)):
            return found
        saved = writing.save_programme(
            category=category,
            name=name,
            disciplines=_disciplines(cell),
            programme=found.pk if found else None,
            **self.acting,
        )
        return Programme.objects.get(pk=saved)


PLAN = ("category", "programme", "curriculum", "version")


def plan_columns(plan_of: Any) -> dict[str, Any]:
    """The columns that say which version of which plan."""
    return {
        "category": lambda record: plan_of(record).programme.category,
        "programme": lambda record: plan_of(record).programme.name,
        "curriculum": lambda record: plan_of(record).name,
        "version": lambda record: str(plan_of(record).version),
    }


def plans_named(row: Row) -> QuerySet[Curriculum]:
    """The version that a row names; the latest of the plan where it names none. Raises Refused."""
    plans = Curriculum.objects.filter(
        programme__category=row["category"],
        programme__name=row["programme"],
        name=row["curriculum"],
    )
    cell = row.get("version", "")
    return plans.filter(version=version(cell)) if cell else plans.filter(latest_version=True)


def version(cell: str) -> Decimal:
    """Raises Refused."""
    try:
        found = Decimal(cell)
    except InvalidOperation:
        raise invalid("version", f"{cell!r} is no version.") from None
    if not found.is_finite() or not 1 <= found < 10_000 or found != round(found, 1):
        raise invalid("version", f"{cell!r} is no version.")
    return found


class Plans(ByOperation):
    """Versions of plans. A new plan begins at its first version; a page makes the ones after."""

    name, model, key = "Plans", Curriculum, PLAN[:3]
    columns = {
        **plan_columns(lambda plan: plan),
        "no_of_semester": lambda plan: plan.no_of_semester,
        "min_credit": lambda plan: plan.min_credit,
    }

    def records(self, chosen: QuerySet[Curriculum]) -> QuerySet[Curriculum]:
        return chosen.select_related("programme")

    def find(self, row: Row) -> Curriculum | None:
        return plans_named(row).first()

    def write(self, found: Curriculum | None, row: Row) -> Curriculum:
        self.demand("change" if found else "add", found or Curriculum())
        if found is None:
            return self._begin(row)
        if number(row, "no_of_semester", found.no_of_semester) != found.no_of_semester:
            said = "Semesters are added one by one, by the file of semesters or on the page."
            raise invalid("no_of_semester", said)
        needed = number(row, "min_credit", found.min_credit)
        if needed != found.min_credit:
            writing.change_needed(curriculum=found.pk, min_credit=needed, **self.acting)
        return Curriculum.objects.get(pk=found.pk)

    def _begin(self, row: Row) -> Curriculum:
        named = Programme.objects.filter(category=row["category"], name=row["programme"])
        if len(row["curriculum"]) > 100:
            raise invalid("curriculum", "A name has at most 100 letters.")
        made = writing.create_curriculum(
            programme=one(named, "programme", row["programme"]).pk,
            name=row["curriculum"],
            no_of_semester=number(row, "no_of_semester"),
            min_credit=number(row, "min_credit"),
            version=version(row.get("version") or "1.0"),
            **self.acting,
        )
        return Curriculum.objects.get(pk=made)


def _plan(row: Row) -> Curriculum:
    found: Curriculum = one(plans_named(row), "curriculum", row["curriculum"])
    return found


class PlanSemesters(ByOperation):
    """The semesters of plans: one that is missing is added, in the order of their numbers."""

    name, model = "Semesters of plans", CurriculumSemester
    key = (*PLAN[:3], "semester_no")
    columns = {
        **plan_columns(lambda semester: semester.curriculum),
        "semester_no": lambda semester: semester.semester_no,
    }

    def records(self, chosen: QuerySet[Any]) -> QuerySet[CurriculumSemester]:
        found = CurriculumSemester.objects.filter(curriculum__in=chosen.order_by().values("pk"))
        return found.select_related("curriculum__programme").order_by("curriculum", "semester_no")

    def find(self, row: Row) -> CurriculumSemester | None:
        return _plan(row).semesters.filter(semester_no=number(row, "semester_no")).first()

    def write(self, found: CurriculumSemester | None, row: Row) -> CurriculumSemester:
        if found is not None:
            return found
        plan = _plan(row)
        if not self.who.has_perm("courses.change_curriculum", plan):
            raise invalid("curriculum", "You may not change this plan.")
        wanted = number(row, "semester_no")
        last = plan.semesters.aggregate(last=Max("semester_no"))["last"] or 0
        if wanted > last + 1:
            raise invalid("semester_no", f"Semester {last + 1} comes first.")
        made = writing.add_semester(curriculum=plan.pk, **self.acting)
        return CurriculumSemester.objects.get(pk=made)


class Slots(ByOperation):
    """The slots of plans with the courses in them; a row's courses are all that the slot has."""

    name, model = "Slots of plans", CourseSlot
    key = (*PLAN[:3], "semester_no", "name", "type")
    columns = {
        **plan_columns(lambda slot: slot.semester.curriculum),
        "semester_no": lambda slot: slot.semester.semester_no,
        "name": lambda slot: slot.name,
        "type": lambda slot: slot.type,
        "course_slot_info": lambda slot: slot.course_slot_info,
        "duration": lambda slot: slot.duration,
        "min_registration_limit": lambda slot: slot.min_registration_limit,
        "max_registration_limit": lambda slot: slot.max_registration_limit,
        "courses": lambda slot: joined(sorted({each.code for each in slot.courses.all()})),
    }

    def records(self, chosen: QuerySet[Any]) -> QuerySet[CourseSlot]:
        found = CourseSlot.objects.filter(semester__curriculum__in=chosen.order_by().values("pk"))
        found = found.select_related("semester__curriculum__programme").prefetch_related("courses")
        return found.order_by("semester__curriculum", "semester__semester_no", "name", "type")

    def find(self, row: Row) -> CourseSlot | None:
        places = CourseSlot.objects.filter(semester__curriculum=_plan(row))
        here = places.filter(semester__semester_no=number(row, "semester_no"))
        return here.filter(name=row["name"], type=row["type"]).first()

    def write(self, found: CourseSlot | None, row: Row) -> CourseSlot:
        self.demand("change" if found else "add", found or CourseSlot())
        wanted = self._fields(found or CourseSlot(), row)
        if found is None:
            slot = writing.add_slot(
                curriculum=_plan(row).pk,
                semester_no=number(row, "semester_no"),
                slot=wanted,
                **self.acting,
            )
        else:
            slot = found.pk
            if any(getattr(found, name) != value for name, value in wanted._asdict().items()):
                writing.change_slot(slot=slot, to=wanted, **self.acting)
        if "courses" in row:
            self._courses(slot, row["courses"])
        return CourseSlot.objects.get(pk=slot)

    def _fields(self, like: CourseSlot, row: Row) -> writing.SlotFields:
        if row["type"] not in SlotType.values:
            raise invalid("type", f"Write one of {', '.join(SlotType.values)}.")
        if len(row["name"]) > 100:
            raise invalid("name", "A name has at most 100 letters.")
        limits = ("duration", "min_registration_limit", "max_registration_limit")
        return writing.SlotFields(
            row["name"],
            row["type"],
            row.get("course_slot_info") or like.course_slot_info or "",
            *(number(row, name, getattr(like, name)) for name in limits),
        )

    def _courses(self, slot: int, cell: str) -> None:
        """What is named is put in, what is not is taken out; an older version may stay."""
        wanted = {course_of(code, "courses").lineage: code for code in listed(cell)}
        there = CourseSlotCourse.objects.filter(slot=slot).select_related("course")
        known = {place.course.lineage for place in there}
        for place in there:
            if place.course.lineage not in wanted:
                writing.take_course(slot=slot, course=place.course_id, **self.acting)
        for lineage, code in wanted.items():
            if lineage not in known:
                writing.put_course(slot=slot, course=course_of(code).pk, **self.acting)


class Batches(ByOperation):
    """Batches and what they study by; who is in them is not in this file."""

    name, model, key = "Batches", Batch, ("name", "discipline", "year")
    columns = {
        "name": lambda batch: batch.name,
        "discipline": lambda batch: batch.discipline.name,
        "year": lambda batch: batch.year,
        "category": lambda batch: batch.curriculum and batch.curriculum.programme.category,
        "programme": lambda batch: batch.curriculum and batch.curriculum.programme.name,
        "curriculum": lambda batch: batch.curriculum and batch.curriculum.name,
        "version": lambda batch: batch.curriculum and str(batch.curriculum.version),
        "running_batch": lambda batch: batch.running_batch,
        "total_seats": lambda batch: batch.total_seats,
    }

    def records(self, chosen: QuerySet[Batch]) -> QuerySet[Batch]:
        return chosen.select_related("discipline", "curriculum__programme")

    def find(self, row: Row) -> Batch | None:
        found = Batch.objects.filter(name=row["name"], discipline__name=row["discipline"])
        return found.filter(year=number(row, "year")).first()

    def write(self, found: Batch | None, row: Row) -> Batch:
        self.demand("change" if found else "add", found or Batch())
        wanted = self._fields(found or Batch(), row)
        if found is None:
            made = batches.create_batch(batch=wanted, **self.acting)
            return Batch.objects.get(pk=made)
        if wanted != batches.fields_of(found):
            batches.change_batch(batch=found.pk, to=wanted, **self.acting)
        return found

    def _fields(self, like: Batch, row: Row) -> batches.BatchFields:
        named = Discipline.objects.filter(name=row["discipline"])
        curriculum = like.curriculum_id
        if row.get("curriculum"):
            if not (row.get("category") and row.get("programme")):
                raise invalid("programme", "A plan is named with its category and programme.")
            curriculum = _plan(row).pk
        return batches.BatchFields(
            row["name"],
            one(named, "discipline", row["discipline"]).pk,
            number(row, "year"),
            curriculum,
            truth(row, "running_batch", like.running_batch),
            number(row, "total_seats", like.total_seats),
        )

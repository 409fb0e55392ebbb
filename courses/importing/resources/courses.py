"""Courses and disciplines, in and out."""

from typing import Any

from django.db.models import Model, QuerySet

from courses import bulk, catalogue
from courses.models import Course, Department, Discipline, with_code
from courses.versioning import HOURS, PERCENTAGES

from .base import ByOperation, Row, invalid, joined, one


def course_of(code: str, column: str = "course") -> Course:
    """The latest version of the course that has this code. Raises Refused."""
    found: Course = one(with_code(Course.latest, code), column, code)
    return found


def _column(name: str) -> Any:
    return lambda course: getattr(course, name)


class Courses(ByOperation):
    """Latest versions: a row that changes one makes the version after it.

    An empty cell leaves its field as it is, `none` empties it. `version`, where it is given, is
    the version that the row was written for; `new_code` renames.
    """

    name, model, key = "Courses", Course, ("code",)
    given = ("new_code",)
    columns = {
        "code": _column("code"),
        "version": lambda course: str(course.version),
        "name": _column("name"),
        "department": lambda course: course.department.code if course.department else "",
        "state": _column("state"),
        **{name: _column(name) for name in ("credit", *HOURS, "max_seats")},
        "disciplines": lambda course: joined(
            sorted(each.name for each in course.disciplines.all())
        ),
        "pre_requisit_courses": lambda course: joined(
            sorted({each.code for each in course.pre_requisit_courses.all()})
        ),
        **{name: _column(name) for name in ("pre_requisits", "syllabus", "ref_books")},
        **{name: _column(name) for name in PERCENTAGES},
    }

    def records(self, chosen: QuerySet[Course]) -> QuerySet[Course]:
        latest = chosen.filter(latest_version=True).select_related("department")
        return latest.prefetch_related("disciplines", "pre_requisit_courses")

    def find(self, row: Row) -> Course | None:
        return with_code(Course.latest, row["code"]).first()

    def write(self, found: Course | None, row: Row) -> Course:
        said = {name: cell for name, cell in row.items() if name not in ("department", "state")}
        changes = bulk.changes_of(said)
        department = self._department(row)
        if found is None:
            return self._begin({**changes, "code": row["code"]}, department)
        self._check(found, row)
        changed = catalogue.create_new_version(found, changes, reason="import", **self.acting)
        if changed.pk != found.pk:
            self.demand("version", found)
        if department is not None and department.pk != found.department_id:
            self.demand("change", found)
            return catalogue.assign_department(changed, department, **self.acting)
        return changed

    def _begin(self, fields: dict[str, Any], department: Department | None) -> Course:
        self.demand("add", Course(department=department))
        # What is left out of a new course has the catalogue's default.
        said = {name: value for name, value in fields.items() if value is not None}
        return catalogue.create_course(said, department=department, comment="import", **self.acting)

    def _check(self, found: Course, row: Row) -> None:
        bulk.check_written_for(row.get("version", ""), found.code, found.version)
        state = row.get("state")
        if state and state.upper() != found.state:
            said = f"{found.code} is {found.state}: states are changed on the course's page."
            raise invalid("state", said)

    def _department(self, row: Row) -> Department | None:
        cell = row.get("department", "")
        if not cell:
            return None
        found: Department = one(with_code(Department.objects, cell), "department", cell)
        return found


class Versions(Courses):
    """Every version that was chosen, for whoever wants the history; nothing is imported by it."""

    name = "Courses, every version (to be read)"
    columns = {
        **Courses.columns,
        "revision": _column("revision"),
        "bump_type": _column("bump_type"),
        "latest_version": _column("latest_version"),
    }

    def records(self, chosen: QuerySet[Course]) -> QuerySet[Course]:
        found = chosen.select_related("department").order_by("lineage", "revision")
        return found.prefetch_related("disciplines", "pre_requisit_courses")


class Disciplines(ByOperation):
    name, model, key = "Disciplines", Discipline, ("name",)
    columns = {"name": _column("name"), "acronym": _column("acronym")}

    def find(self, row: Row) -> Discipline | None:
        return Discipline.objects.filter(name=row["name"]).first()

    def write(self, found: Discipline | None, row: Row) -> Discipline:
        saved = found or Discipline(name=row["name"])
        self.demand("change" if found else "add", saved)
        saved.acronym = row.get("acronym") or saved.acronym
        cleanly(saved)
        return saved


def cleanly(record: Model) -> None:
    """Save what no operation writes, as its form would. Raises ValidationError."""
    record.full_clean()
    record.save()

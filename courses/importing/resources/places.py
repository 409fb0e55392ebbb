"""Departments and their plans, terms, sections, and who teaches what, in and out."""

from typing import Any

from django.db.models import QuerySet

from courses import teaching
from courses.departments import writing
from courses.models import (
    CourseInstructor,
    Department,
    DepartmentCourseMap,
    Section,
    Semester,
    SemesterType,
    Term,
    with_code,
)
from courses.timetable import describe
from registrar.accounts.models import User

from .base import ByOperation, Row, invalid, number, one
from .courses import cleanly, course_of


class Departments(ByOperation):
    """Departments; the database gives a new one its years and semesters."""

    name, model, key = "Departments", Department, ("code",)
    columns = {
        "code": lambda department: department.code,
        "name": lambda department: department.name,
    }

    def find(self, row: Row) -> Department | None:
        return with_code(Department.objects, row["code"]).first()

    def write(self, found: Department | None, row: Row) -> Department:
        self.demand("change" if found else "add", found or Department())
        name = row.get("name") or (found.name if found else "")
        if not name or len(name) > 100 or len(row["code"]) > 20:
            said = "A name has 1 to 100 letters, a code at most 20."
            raise invalid("name", said)
        if found is None:
            return writing.add_department(self.who, name, row["code"], self.when)
        if name != found.name:
            writing.change_department(self.who, found.pk, name, found.code, self.when)
        return found


class Placements(ByOperation):
    """Which course is taught in which semester of a department."""

    name, model = "Courses in departments' semesters", DepartmentCourseMap
    key = ("department", "year_number", "semester_number", "course")
    columns = {
        "department": lambda placed: placed.department.code,
        "year_number": lambda placed: placed.year.year_number,
        "semester_number": lambda placed: placed.semester.semester_number,
        "course": lambda placed: placed.course.code,
    }

    def records(self, chosen: QuerySet[Any]) -> QuerySet[DepartmentCourseMap]:
        found = DepartmentCourseMap.objects.filter(department__in=chosen.order_by().values("pk"))
        found = found.select_related("department", "year", "semester", "course")
        return found.order_by("department__code", "semester__absolute_number", "course__code")

    def find(self, row: Row) -> DepartmentCourseMap | None:
        lineage = course_of(row["course"]).lineage
        places = DepartmentCourseMap.objects.filter(semester=self._semester(row))
        return places.filter(course__lineage=lineage).first()

    def write(self, found: DepartmentCourseMap | None, row: Row) -> DepartmentCourseMap:
        if found is not None:
            return found
        self.demand("add", DepartmentCourseMap())
        course = course_of(row["course"])
        return writing.place_course(self.who, self._semester(row).pk, course.pk, self.when)

    def _semester(self, row: Row) -> Semester:
        cell = row["department"]
        department = one(with_code(Department.objects, cell), "department", cell)
        year, semester = number(row, "year_number"), number(row, "semester_number")
        places = Semester.objects.filter(year__department=department, year__year_number=year)
        said = f"{year}, {semester}"
        found: Semester = one(places.filter(semester_number=semester), "semester_number", said)
        return found


class DepartmentSemesters(ByOperation):
    """Years and semesters of departments, to be read: the database makes them."""

    name, model = "Departments' semesters (to be read)", Semester
    key = ("department", "year_number", "semester_number")
    columns = {
        "department": lambda semester: semester.year.department.code,
        "year_number": lambda semester: semester.year.year_number,
        "year_name": lambda semester: semester.year.year_name,
        "semester_number": lambda semester: semester.semester_number,
        "semester_name": lambda semester: semester.semester_name,
        "absolute_number": lambda semester: semester.absolute_number,
    }

    def records(self, chosen: QuerySet[Any]) -> QuerySet[Semester]:
        found = Semester.objects.filter(year__department__in=chosen.order_by().values("pk"))
        found = found.select_related("year__department")
        return found.order_by("year__department__code", "absolute_number")


class Terms(ByOperation):
    name, model, key = "Terms", Term, ("code",)
    columns = {
        "code": lambda term: term.code,
        "year": lambda term: term.year,
        "semester_type": lambda term: term.semester_type,
        "credit_maximum": lambda term: term.credit_maximum,
    }

    def find(self, row: Row) -> Term | None:
        return Term.objects.filter(code=row["code"]).first()

    def write(self, found: Term | None, row: Row) -> Term:
        term = found or Term(code=row["code"])
        self.demand("change" if found else "add", term)
        term.year = number(row, "year", term.year)
        term.semester_type = row.get("semester_type") or term.semester_type
        term.credit_maximum = number(row, "credit_maximum", term.credit_maximum)
        cleanly(term)
        return term


class Sections(ByOperation):
    """Sections with their seats, to be read: requests open them, in line with everybody's."""

    name, model, key = "Sections (to be read)", Section, ("term", "code")
    columns = {
        "term": lambda section: section.term.code,
        "code": lambda section: section.code,
        "course": lambda section: section.course.code,
        "version": lambda section: str(section.course.version),
        "instructor": lambda section: section.instructor.username if section.instructor else "",
        "enrollment_limit": lambda section: section.enrollment_limit,
        "taken": lambda section: section.taken,
        "meets": lambda section: describe(section.meets),
    }

    def records(self, chosen: QuerySet[Section]) -> QuerySet[Section]:
        return chosen.select_related("term", "course", "instructor")


class Instructors(ByOperation):
    """Who teaches a course in a semester, and how much of it."""

    name, model = "Who teaches what", CourseInstructor
    key = ("course", "instructor", "year", "semester_type")
    columns = {
        "course": lambda named: named.course.code,
        "instructor": lambda named: named.instructor.username,
        "year": lambda named: named.year,
        "semester_type": lambda named: named.semester_type,
        "share": lambda named: named.share,
    }

    def records(self, chosen: QuerySet[CourseInstructor]) -> QuerySet[CourseInstructor]:
        return chosen.select_related("course", "instructor")

    def find(self, row: Row) -> CourseInstructor | None:
        named = CourseInstructor.objects.filter(
            course__lineage=course_of(row["course"]).lineage,
            instructor=self._instructor(row),
            year=number(row, "year"),
            semester_type=row["semester_type"],
        )
        return named.order_by("-course__revision").first()

    def write(self, found: CourseInstructor | None, row: Row) -> CourseInstructor:
        course = course_of(row["course"])
        self.demand("change" if found else "add", found or CourseInstructor(course=course))
        share = number(row, "share", found.share if found else teaching.WHOLE)
        if found is not None:
            if share != found.share:
                teaching.change_share(assignment=found.pk, share=share, **self.acting)
            return found
        year, semester_type = number(row, "year"), row["semester_type"]
        if semester_type not in SemesterType.values:
            raise invalid("semester_type", f"Write one of {', '.join(SemesterType.values)}.")
        if not 1900 <= year <= 2200:
            raise invalid("year", "Write a year.")
        made = teaching.assign(
            course=course.pk,
            instructor=self._instructor(row).pk,
            year=year,
            semester_type=semester_type,
            share=share,
            **self.acting,
        )
        return CourseInstructor.objects.get(pk=made)

    def _instructor(self, row: Row) -> User:
        cell = row["instructor"]
        found: User = one(User.objects.filter(username=cell), "instructor", cell)
        return found

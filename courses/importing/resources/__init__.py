"""Every kind of record as CSV and Excel, in and out, through the catalogue's operations."""

from .base import MOST_ROWS, ByOperation
from .courses import Courses, Disciplines, Versions
from .places import (
    Departments,
    DepartmentSemesters,
    Instructors,
    Placements,
    Sections,
    Terms,
)
from .plans import Batches, Plans, PlanSemesters, Programmes, Slots

__all__ = [
    "MOST_ROWS",
    "Batches",
    "ByOperation",
    "Courses",
    "DepartmentSemesters",
    "Departments",
    "Disciplines",
    "Instructors",
    "Placements",
    "PlanSemesters",
    "Plans",
    "Programmes",
    "Sections",
    "Slots",
    "Terms",
    "Versions",
]

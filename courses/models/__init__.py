"""The catalogue's tables, a module for each thing they speak of.

Fields, constraints and managers only; what may be done to them is in `courses.catalogue`,
`courses.plans`, `courses.departments` and `courses.proposals`.
"""

from .code import with_code
from .course import Course, Discipline
from .department import Department, DepartmentCourseMap, DepartmentMember, Semester, Year
from .offering import Meeting, Offering, Section, section_code
from .plan import (
    Batch,
    BatchMember,
    CourseSlot,
    CourseSlotCourse,
    Curriculum,
    CurriculumSemester,
    Programme,
    SlotType,
)
from .prerequisite import Circle, CoursePrerequisite, CourseRule, circle_through
from .proposal import (
    Delegation,
    Proposal,
    ProposalDecision,
    ProposalPrerequisite,
    ProposalReminder,
    ProposalTracking,
)
from .source import SourceCourse, SourceSection
from .teaching import CourseInstructor
from .term import SemesterType, Term

__all__ = [
    "Batch",
    "BatchMember",
    "Circle",
    "Course",
    "CourseInstructor",
    "CoursePrerequisite",
    "CourseRule",
    "CourseSlot",
    "CourseSlotCourse",
    "Curriculum",
    "CurriculumSemester",
    "Delegation",
    "Department",
    "DepartmentCourseMap",
    "DepartmentMember",
    "Discipline",
    "Meeting",
    "Offering",
    "Programme",
    "Proposal",
    "ProposalDecision",
    "ProposalPrerequisite",
    "ProposalReminder",
    "ProposalTracking",
    "Section",
    "Semester",
    "SemesterType",
    "SlotType",
    "SourceCourse",
    "SourceSection",
    "Term",
    "Year",
    "circle_through",
    "section_code",
    "with_code",
]

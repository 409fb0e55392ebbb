"""What each role may do: one table, and what is not in it is refused (S1-99, S1-100, T41).

Printed in docs/roles.md; asked by `permissions` in the API, the admin and its pages alike. It is
the seed's matrix, corrected: the registrar's office may do in the catalogue what an administrator
may, all staff may look, the academic council approves too, and what faculty add is a proposal.
"""

from collections.abc import Iterable, Mapping
from enum import Flag, auto
from typing import NamedTuple

from .roles import Role


class Scope(Flag):
    """What a role's permission holds for; several of them hold for whatever one of them does."""

    NOTHING = 0
    EVERYTHING = auto()
    DEPARTMENT = auto()
    """What belongs to a department that the person is a member of."""
    MINE = auto()
    """What the person made, or what was sent to them."""
    CURRENT = auto()
    """The latest version of a course, while it is offered (T41: what students may read)."""


class Row(NamedTuple):
    """A permission and what it is given to; a cell for each of `COLUMNS`."""

    chapter: str
    permission: str
    cells: tuple[Scope, ...]

    def of(self, role: Role) -> Scope:
        return self.cells[COLUMNS.index(role)]


COLUMNS = (
    Role.STUDENT,
    Role.FACULTY,
    Role.DEPARTMENT_HEAD,
    Role.CURRICULUM_COMMITTEE,
    Role.ACADEMIC_COUNCIL,
    Role.REGISTRAR,
    Role.ADMIN,
    Role.AUDITOR,
)

_ = Scope.NOTHING
X = Scope.EVERYTHING
D = Scope.DEPARTMENT
M = Scope.MINE
C = Scope.CURRENT
DM = D | M

# chapter: application: verbs: of which models, and the cells in the order of COLUMNS
# fmt: off
_TABLE: Mapping[str, tuple[Scope, ...]] = {
    # student, faculty, head of department, committee, council, registrar, admin, auditor
    "Courses: courses: view: course":              (C, X,  X,  X, X, X, X, X),
    "Courses: courses: add: course":               (_, _,  _,  _, _, X, X, _),
    "Courses: courses: change: course":            (_, D,  D,  _, _, X, X, _),
    "Courses: courses: version: course":           (_, D,  _,  _, _, X, X, _),
    "Courses: courses: approve: course":           (_, _,  D,  X, X, _, _, _),
    "Courses: courses: delete: course":            (_, _,  _,  _, _, X, X, _),
    "Courses: courses: review: prerequisite":       (_, _,  _,  X, _, X, X, _),
    "Courses: courses: view: discipline":           (X, X,  X,  X, X, X, X, X),
    "Courses: courses: add change delete: discipline":
                                                   (_, _,  _,  _, _, X, X, _),
    "Proposals: courses: view: proposal":          (_, M,  DM, X, X, X, X, X),
    "Proposals: courses: add: proposal":           (_, D,  D,  _, _, X, X, _),
    "Proposals: courses: change delete: proposal": (_, M,  M,  _, _, M, M, _),
    "Proposals: courses: delegate: proposal":      (_, _,  D,  X, X, _, _, _),
    "Proposals: courses: reverse: proposal":       (_, _,  _,  _, X, X, X, _),
    "Study plans: courses: view: programme curriculum batch":
                                                   (X, X,  X,  X, X, X, X, X),
    "Study plans: courses: add change: programme curriculum courseslot":
                                                   (_, _,  _,  X, _, X, X, _),
    "Study plans: courses: add change delete: batch":
                                                   (_, _,  _,  _, _, X, X, _),
    "Departments: courses: view: department departmentcoursemap":
                                                   (X, X,  X,  X, X, X, X, X),
    "Departments: courses: add change delete: department departmentcoursemap":
                                                   (_, _,  _,  _, _, X, X, _),
    "Departments: courses: view: departmentmember":
                                                   (_, X,  X,  X, X, X, X, X),
    "Departments: courses: add change delete: departmentmember":
                                                   (_, _,  _,  _, _, X, X, _),
    "Study plans: courses: view: batchmember":     (_, _,  _,  _, _, X, X, X),
    "Study plans: courses: add change delete: batchmember":
                                                   (_, _,  _,  _, _, X, X, _),
    "Teaching: courses: view: courseinstructor":   (X, X,  X,  X, X, X, X, X),
    "Teaching: courses: view: load":               (_, _,  X,  _, _, X, X, X),
    "Teaching: courses: add change delete: courseinstructor":
                                                   (_, _,  D,  _, _, X, X, _),
    "Offerings: courses: view: term offering section meeting":
                                                   (X, X,  X,  X, X, X, X, X),
    "Offerings: courses: add change delete: term offering section meeting":
                                                   (_, _,  _,  _, _, X, X, _),
    "Registration: enrollment: view: request enrollment waitlistentry settlement attempt "
    "student studentterm window":                  (_, _,  _,  _, _, X, X, X),
    "Registration: enrollment: add change delete: student window":
                                                   (_, _,  _,  _, _, X, X, _),
    "Registration: enrollment: run: registration": (_, _,  _,  _, _, X, X, _),
    "Records: audit: view: entry":                 (_, _,  _,  _, _, X, X, X),
    "Records: audit: view: access":                (_, _,  _,  _, _, _, X, X),
    "People: accounts: view: user":                (_, _,  _,  _, _, X, X, _),
    "People: accounts: add change: user":          (_, _,  _,  _, _, _, X, _),
    "People: auth: view: group":                   (_, _,  _,  _, _, _, X, _),
    "Schedule: django_celery_beat: view: periodictask":
                                                   (_, _,  _,  _, _, X, X, _),
}
# fmt: on


def _rows() -> Iterable[Row]:
    for named, cells in _TABLE.items():
        chapter, app, verbs, models = named.split(": ")
        for model in models.split():
            for verb in verbs.split():
                yield Row(chapter, f"{app}.{verb}_{model}", cells)


ROWS: tuple[Row, ...] = tuple(_rows())

DEPARTMENT_OF: Mapping[str, str] = {
    "courses.department": "pk",
    "courses.courseinstructor": "course.department_id",
    "courses.offering": "course.department_id",
    "courses.section": "course.department_id",
}
"""Where a record's department is found, by its model; `department_id` where nothing is said."""

MADE_BY: Mapping[str, tuple[str, ...]] = {
    "courses.proposal": ("uploader_id",),
}
"""Whose a record is, by its model: any of these is the person's id."""

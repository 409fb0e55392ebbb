"""The roles of people (D7): Django groups by these names, made by the first migration."""

from enum import StrEnum

from .models import User


class Role(StrEnum):
    STUDENT = "student"
    FACULTY = "faculty"
    DEPARTMENT_HEAD = "department_head"
    CURRICULUM_COMMITTEE = "curriculum_committee"
    ACADEMIC_COUNCIL = "academic_council"
    REGISTRAR = "registrar"
    ADMIN = "admin"
    AUDITOR = "auditor"


RUN_REGISTRATION = frozenset({Role.REGISTRAR, Role.ADMIN})
"""Who runs registration: windows, seats, permits, pauses."""


def may_run_registration(user: User) -> bool:
    """Whether this user may change windows and seats."""
    if not user.is_active:
        return False
    return user.is_superuser or user.groups.filter(name__in=RUN_REGISTRATION).exists()

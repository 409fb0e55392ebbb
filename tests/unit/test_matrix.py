"""The matrix of roles, cell by cell where the seed says what a cell is."""

from collections.abc import Mapping

import pytest

from courses.workflow import REVIEWERS, TRANSITIONS, Action
from registrar.accounts.matrix import COLUMNS, ROWS, Row, Scope
from registrar.accounts.roles import Role

EVERYTHING, NOTHING = Scope.EVERYTHING, Scope.NOTHING
DEPARTMENT, CURRENT = Scope.DEPARTMENT, Scope.CURRENT
STAFF = tuple(role for role in Role if role is not Role.STUDENT)
OFFICE = (Role.REGISTRAR, Role.ADMIN)

COURSES: Mapping[str, Mapping[Role, Scope]] = {
    "view": {Role.STUDENT: CURRENT, **dict.fromkeys(STAFF, EVERYTHING)},
    "add": dict.fromkeys(OFFICE, EVERYTHING),
    "change": {
        Role.FACULTY: DEPARTMENT,
        Role.DEPARTMENT_HEAD: DEPARTMENT,
        **dict.fromkeys(OFFICE, EVERYTHING),
    },
    "delete": dict.fromkeys(OFFICE, EVERYTHING),
    "approve": {
        Role.DEPARTMENT_HEAD: DEPARTMENT,
        Role.CURRICULUM_COMMITTEE: EVERYTHING,
        Role.ACADEMIC_COUNCIL: EVERYTHING,
    },
    "version": {Role.FACULTY: DEPARTMENT, **dict.fromkeys(OFFICE, EVERYTHING)},
}
"""The seed's six rows, with the registrar, the council and the head's view added (T41)."""


def row(permission: str) -> Row:
    [found] = [row for row in ROWS if row.permission == permission]
    return found


@pytest.mark.requirement("S1-100")
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("verb", COURSES)
def test_a_cell_of_the_matrix_is_the_seeds_as_corrected(verb: str, role: Role) -> None:
    assert row(f"courses.{verb}_course").of(role) == COURSES[verb].get(role, NOTHING)


def test_every_role_is_a_column_and_every_row_as_wide() -> None:
    assert sorted(COLUMNS) == sorted(Role)
    assert {len(row.cells) for row in ROWS} == {len(Role)}


def test_no_permission_has_two_rows() -> None:
    named = [row.permission for row in ROWS]

    assert sorted(named) == sorted(set(named))


@pytest.mark.requirement("S1-99")
def test_students_and_auditors_write_nothing() -> None:
    looks = ("view_",)
    written = [
        row.permission
        for row in ROWS
        for role in (Role.STUDENT, Role.AUDITOR)
        if row.of(role) and not row.permission.split(".")[1].startswith(looks)
    ]

    assert written == []


@pytest.mark.requirement("S1-99")
def test_the_committee_writes_what_programmes_require_and_no_course() -> None:
    committee = {row.permission for row in ROWS if row.of(Role.CURRICULUM_COMMITTEE)}

    assert {f"courses.change_{each}" for each in ("curriculum", "courseslot")} <= committee
    assert not {f"courses.{verb}_course" for verb in ("add", "change", "version")} & committee


@pytest.mark.requirement("S1-99")
def test_the_registrar_may_in_the_catalogue_what_an_admin_may() -> None:
    differs = [
        row.permission
        for row in ROWS
        if row.permission.startswith("courses.") and row.of(Role.REGISTRAR) != row.of(Role.ADMIN)
    ]

    assert differs == []


@pytest.mark.requirement("S1-81", "S1-100")
def test_proposals_are_approved_by_whom_the_matrix_says() -> None:
    """The way of a proposal is a table of its own; the two must not drift apart."""
    reviews = [TRANSITIONS[stage, Action.APPROVE] for stage in REVIEWERS]
    by_department = {role for rule in reviews if rule.own_department for role in rule.roles}
    anywhere = {role for rule in reviews if not rule.own_department for role in rule.roles}

    assert by_department == who("courses.approve_course", DEPARTMENT)
    assert anywhere == who("courses.approve_course", EVERYTHING)


@pytest.mark.requirement("S1-84", "S1-100")
def test_decisions_are_reversed_by_whom_the_matrix_says() -> None:
    rules = [rule for (_, action), rule in TRANSITIONS.items() if action is Action.REVERSE]

    assert {rule.roles for rule in rules} == {who("courses.reverse_proposal", EVERYTHING)}


def who(permission: str, scope: Scope) -> frozenset[str]:
    return frozenset(role.value for role in Role if row(permission).of(role) == scope)


@pytest.mark.requirement("S1-105")
def test_what_students_did_is_seen_by_few() -> None:
    """No teacher, head or committee reads students' records; nor does one student another's."""
    private = {
        role
        for row in ROWS
        if row.permission.startswith("enrollment.")
        for role in COLUMNS
        if row.of(role)
    }

    assert private == {Role.REGISTRAR, Role.ADMIN, Role.AUDITOR}

"""The people a proposal passes, and the way it takes among them."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.auth.models import Group

from courses.models import Course, Department, DepartmentMember, Proposal
from courses.proposals.drafts import create
from courses.proposals.steps import Said, take
from courses.workflow import Action, Stage
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from tests.factories import make_user

BEGAN = datetime(2024, 3, 4, 9, tzinfo=UTC)
WHY = Said("The assessment is too heavy.", "See the minutes of the meeting.")


class People(NamedTuple):
    """Ada proposes; Ben heads her department, Cam sits on the committee, Dee in the council."""

    physics: Department
    music: Department
    ada: User
    ben: User
    cam: User
    dee: User
    reg: User


def cast() -> People:
    physics = Department.objects.create(name="Physics", code="PHY")
    music = Department.objects.create(name="Music", code="MUS")
    return People(
        physics,
        music,
        staff("ada", Role.FACULTY, physics),
        staff("ben", Role.DEPARTMENT_HEAD, physics),
        staff("cam", Role.CURRICULUM_COMMITTEE),
        staff("dee", Role.ACADEMIC_COUNCIL),
        staff("reg", Role.REGISTRAR),
    )


def staff(name: str, role: str, *departments: Department) -> User:
    user = make_user(name, is_staff=True, first_name=name.capitalize(), last_name="Example")
    user.groups.add(Group.objects.get(name=role))
    for department in departments:
        DepartmentMember.objects.create(department=department, user=user)
    return user


def said(code: str = "PHY210", **fields: Any) -> dict[str, Any]:
    """What a proposal has to say at least."""
    return {
        "code": code,
        "name": "Optics",
        "syllabus": "Light and lenses.",
        "ref_books": "None.",
        **fields,
    }


def draft(people: People, *, course: Course | None = None, **fields: Any) -> Proposal:
    """Ada's draft: of a new course, or of a change of one."""
    values = fields if course else said(**fields)
    return create(people.ada, values, course=course, now=BEGAN)


def decider(people: People, proposal: Proposal) -> User:
    """Who takes its next step."""
    return {
        Stage.DRAFT: people.ada,
        Stage.RETURNED: people.ada,
        Stage.DEPARTMENT_REVIEW: people.ben,
        Stage.CURRICULUM_COMMITTEE: people.cam,
        Stage.ACADEMIC_COUNCIL: people.dee,
        Stage.APPROVED: people.reg,
        Stage.ACTIVATED: people.reg,
        Stage.REJECTED: people.dee,
    }[Stage(proposal.stage)]


def step(
    people: People, proposal: Proposal, action: Action, *, by: User | None = None, **given: Any
) -> Proposal:
    """One step, by whoever's it is, a day after the last one."""
    return take(
        proposal.pk,
        action,
        user=by or decider(people, proposal),
        expected=given.pop("expected", proposal.revision),
        said=given.pop("said", WHY),
        now=given.pop("now", proposal.since + timedelta(days=1)),
    )


ONWARD = {
    Stage.DRAFT: Action.SUBMIT,
    Stage.RETURNED: Action.RESUBMIT,
    Stage.DEPARTMENT_REVIEW: Action.APPROVE,
    Stage.CURRICULUM_COMMITTEE: Action.APPROVE,
    Stage.ACADEMIC_COUNCIL: Action.APPROVE,
    Stage.APPROVED: Action.ACTIVATE,
}


def bring(people: People, proposal: Proposal, to: Stage) -> Proposal:
    """Take it onward until it is at this stage."""
    while Stage(proposal.stage) is not to:
        proposal = step(people, proposal, ONWARD[Stage(proposal.stage)])
    return proposal

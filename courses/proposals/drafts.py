"""Writing what is proposed: as a draft, or when it was returned for changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from courses import catalogue, workflow
from courses.models import Course, Department, DepartmentMember, Proposal, with_code
from courses.refusal import Refused, constraint
from courses.versioning import CONTENT, LINKS, PERCENTAGES
from courses.workflow import EDITABLE, FACULTY, HEAD, Stage
from registrar.accounts.models import User
from registrar.accounts.roles import roles_of

from .content import Content, content_of
from .held import locked, record
from .refusals import REFUSALS, refused

EXTRAS = ("subject", "description")
"""What a proposal says beside what the course would say."""
REQUIRED = ("code", "name", "syllabus", "ref_books")


def create(
    uploader: User,
    values: Mapping[str, Any],
    *,
    course: Course | None = None,
    department: int | None = None,
    now: datetime,
) -> Proposal:
    """A draft: of a new course, or of what a newer version of `course` should say.

    What `values` leaves out is the course's own, or the seed's default. Raises Refused:
    NOT_CURRENT, DEPARTMENT_NEEDED, INVALID, CODE_IN_USE, OPEN_ALREADY.
    """
    if course is not None and not course.latest_version:
        raise refused("NOT_CURRENT")
    said = {**(content_of(course) if course else {}), **_cleaned(values)}
    if course is not None and "pre_requisit_courses" not in values:
        said["pre_requisit_courses"] = [each.pk for each in course.pre_requisit_courses.all()]
    proposal = Proposal(
        uploader=uploader,
        designation=_designation(uploader),
        department=_department(uploader, course, department),
        course=course,
        is_update=course is not None,
        upload_date=now,
        since=now,
        **{name: said[name] for name in (*CONTENT, *EXTRAS) if name in said},
    )
    _check(proposal)
    with transaction.atomic():
        _save(proposal, said)
        record(proposal, "proposal.drafted", uploader.actor, now, **content_of(proposal))
    return proposal


def edit(
    proposal_id: int, values: Mapping[str, Any], *, user: User, expected: int, now: datetime
) -> Proposal:
    """Change what it says. Raises Refused, Overtaken or Proposal.DoesNotExist."""
    with transaction.atomic():
        proposal = _editable(proposal_id, user, expected)
        before = content_of(proposal)
        said = _cleaned(values)
        for name in (*CONTENT, *EXTRAS):
            if name in said:
                setattr(proposal, name, said[name])
        _check(proposal)
        proposal.revision += 1
        _save(proposal, said)
        after = content_of(proposal)
        changed = {
            name: [before[name], said] for name, said in after.items() if before[name] != said
        }
        record(proposal, "proposal.edited", user.actor, now, **changed)
    return proposal


def rebase(proposal_id: int, *, user: User, expected: int, now: datetime) -> tuple[str, ...]:
    """Move a change to the newest version of its course; the fields that both sides changed.

    In those the proposal's own words stay, for its author to look at. Raises Refused, Overtaken
    or Proposal.DoesNotExist.
    """
    with transaction.atomic():
        proposal = _editable(proposal_id, user, expected)
        newest = newer_version(proposal)
        if newest is None or proposal.course is None:
            raise refused("NOT_CURRENT")
        moved = workflow.rebase(
            (*CONTENT, *LINKS),
            content_of(proposal.course),
            content_of(proposal),
            content_of(newest),
            together=PERCENTAGES,
        )
        said = dict(moved.values)
        if said["pre_requisit_courses"] == content_of(proposal)["pre_requisit_courses"]:
            del said["pre_requisit_courses"]
        else:
            said["pre_requisit_courses"] = [each.pk for each in newest.pre_requisit_courses.all()]
        for name in CONTENT:
            setattr(proposal, name, said[name])
        proposal.course = newest
        proposal.revision += 1
        _save(proposal, said)
        facts = {"course": newest.pk, "both_changed": list(moved.both_changed)}
        record(proposal, "proposal.rebased", user.actor, now, **facts)
    return moved.both_changed


def newer_version(proposal: Proposal) -> Course | None:
    """The version that has taken the place of the one it was drafted against, if one has."""
    if proposal.course is None:
        return None
    latest = Course.objects.filter(lineage=proposal.course.lineage, latest_version=True)
    return latest.exclude(pk=proposal.course.pk).first()


def code_in_use(proposal: Proposal) -> bool:
    """Whether another course than the one it changes has its code now."""
    latest = with_code(Course.latest, proposal.code)
    if proposal.course is not None:
        latest = latest.exclude(lineage=proposal.course.lineage)
    return latest.exists()


# Its parts ----------------------------------------------------------------------------------


def next_round(proposal: Proposal) -> int:
    """One more than any round of this code, author and name: the seed's uniqueness with `round`."""
    same = Proposal.objects.filter(
        code=proposal.code, uploader_id=proposal.uploader_id, name=proposal.name
    )
    highest = same.exclude(pk=proposal.pk).aggregate(found=Max("round"))["found"] or 0
    return max(highest, proposal.round if proposal.pk else 0) + 1


def _editable(proposal_id: int, user: User, expected: int) -> Proposal:
    proposal = locked(proposal_id, expected)
    if proposal.uploader_id != user.pk:
        raise refused("NOT_THE_AUTHOR")
    if Stage(proposal.stage) not in EDITABLE:
        raise refused("NOT_EDITABLE")
    return proposal


def _cleaned(values: Mapping[str, Any]) -> Content:
    """As it is stored: what a course would say in the catalogue's own forms. Raises Refused."""
    said = {name: value for name, value in values.items() if name not in EXTRAS}
    about = {name: str(values[name]).strip() for name in EXTRAS if name in values}
    return {**catalogue.cleaned(said), **about}


def _check(proposal: Proposal) -> None:
    wrong = {name: "This field is required." for name in REQUIRED if not getattr(proposal, name)}
    total = sum(getattr(proposal, name) for name in PERCENTAGES)
    if total != 100:
        message = f"Assessment percentages must sum to 100%, these sum to {total}%."
        wrong[PERCENTAGES[0]] = message
    if wrong:
        sentence = "Something in this proposal cannot be used."
        raise Refused("INVALID", sentence, "Correct the fields named.", fields=wrong)
    if code_in_use(proposal):
        raise refused("CODE_IN_USE", code=REFUSALS["CODE_IN_USE"][0])


def _save(proposal: Proposal, said: Content) -> None:
    """The row and its lists. Raises Refused for a second open proposal of the same code."""
    clash = Proposal.objects.filter(
        code=proposal.code,
        uploader_id=proposal.uploader_id,
        name=proposal.name,
        round=proposal.round,
    ).exclude(pk=proposal.pk)
    if clash.exists():
        proposal.round = next_round(proposal)
    try:
        with transaction.atomic():
            proposal.save()
    except IntegrityError as error:
        if constraint(error) in _ONE_OPEN:
            raise refused("OPEN_ALREADY", code=REFUSALS["OPEN_ALREADY"][0]) from error
        raise
    if "disciplines" in said:
        proposal.disciplines.set(said["disciplines"])
    if "pre_requisit_courses" in said:
        proposal.pre_requisit_courses.set(said["pre_requisit_courses"])


_ONE_OPEN = frozenset({"proposal_one_open_of_a_code_and_author", "proposal_once_a_round"})


def _designation(uploader: User) -> str:
    roles = roles_of(uploader)
    return next((each for each in (FACULTY, HEAD, *sorted(roles)) if each in roles), "staff")


def _department(uploader: User, course: Course | None, wanted: int | None) -> Department:
    """The course's own; else the one wanted, or the only one that the author belongs to.

    Either way one for which the matrix lets them propose.
    """
    belongs = DepartmentMember.objects.filter(user=uploader).select_related("department")
    own = [each.department for each in belongs]
    found = course.department if course is not None else None
    if found is None and wanted is not None:
        found = Department.objects.filter(pk=wanted).first()
    elif found is None and len(own) == 1:
        [found] = own
    if found is not None and uploader.has_perm("courses.add_proposal", found):
        return found
    message = REFUSALS["DEPARTMENT_NEEDED"][0]
    raise refused("DEPARTMENT_NEEDED", department=message)

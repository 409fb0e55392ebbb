"""From faculty to activation against the real database: what each step writes, and refuses."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import Error, connection, transaction

from courses.models import (
    Course,
    DepartmentMember,
    Proposal,
    ProposalDecision,
    ProposalTracking,
)
from courses.proposals.drafts import edit
from courses.proposals.held import Overtaken
from courses.proposals.steps import NOTHING, archive, mark_read, take
from courses.refusal import Refused
from courses.workflow import Action, Stage
from registrar.accounts.roles import Role
from registrar.audit.models import Entry
from tests.factories import make_course
from tests.proposals import BEGAN, WHY, People, bring, draft, said, staff, step


def events(proposal: Proposal) -> list[str]:
    entries = Entry.objects.filter(stream=f"proposal:{proposal.pk}").order_by("seq")
    return [each.event for each in entries]


# The way ------------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-81", "S1-85")
def test_a_proposal_becomes_an_active_course_through_four_approvals(people: People) -> None:
    proposal = bring(people, draft(people), Stage.ACTIVATED)

    made = Course.objects.get(code="PHY210")
    assert proposal.became == made
    assert (made.state, made.latest_version, made.working_course) == ("ACTIVE", True, True)
    assert (made.name, made.credit, made.department) == ("Optics", 3, people.physics)
    steps = proposal.decisions.order_by("number").values_list("action", "role", "actor")
    assert list(steps) == [
        ("SUBMIT", "faculty", people.ada.pk),
        ("APPROVE", "department_head", people.ben.pk),
        ("APPROVE", "curriculum_committee", people.cam.pk),
        ("APPROVE", "academic_council", people.dee.pk),
        ("ACTIVATE", "registrar", people.reg.pk),
    ]


@pytest.mark.requirement("S1-83")
def test_each_step_keeps_its_remarks_its_rationale_and_its_audit_entry(people: People) -> None:
    proposal = bring(people, draft(people), Stage.CURRICULUM_COMMITTEE)

    decided = proposal.decisions.get(action="APPROVE")
    assert (decided.remarks, decided.rationale) == (WHY.remarks, WHY.rationale)
    assert events(proposal) == ["proposal.drafted", "proposal.submit", "proposal.approve"]
    last = Entry.objects.filter(stream=f"proposal:{proposal.pk}").latest("seq")
    body = json.loads(last.body)
    assert last.actor == f"user:{people.ben.pk}"
    assert (body["from"], body["to"]) == ("DEPARTMENT_REVIEW", "CURRICULUM_COMMITTEE")
    assert body["rationale"] == WHY.rationale


@pytest.mark.requirement("S1-84")
def test_what_is_returned_is_changed_and_comes_back_in_a_new_round(people: People) -> None:
    at_committee = bring(people, draft(people), Stage.CURRICULUM_COMMITTEE)

    returned = step(people, at_committee, Action.RETURN)
    changed = edit(
        returned.pk,
        {"syllabus": "Light, lenses and lasers."},
        user=people.ada,
        expected=returned.revision,
        now=returned.since,
    )
    again = step(people, changed, Action.RESUBMIT)

    assert (returned.stage, returned.round) == ("RETURNED", 1)
    assert (again.stage, again.round) == ("DEPARTMENT_REVIEW", 2)
    submitted = again.decisions.exclude(content=None).order_by("number")
    assert list(submitted.values_list("content__syllabus", flat=True)) == [
        "Light and lenses.",
        "Light, lenses and lasers.",
    ]
    assert bring(people, again, Stage.ACTIVATED).became is not None


def test_a_rejected_proposal_makes_no_course_and_says_why(people: People) -> None:
    rejected = step(people, bring(people, draft(people), Stage.ACADEMIC_COUNCIL), Action.REJECT)

    assert rejected.stage == "REJECTED"
    assert rejected.decisions.latest("number").remarks == WHY.remarks
    assert not Course.objects.exists()


@pytest.mark.requirement("S1-84")
def test_a_wrong_rejection_is_reversed_and_goes_back_to_its_author(people: People) -> None:
    rejected = step(people, bring(people, draft(people), Stage.ACADEMIC_COUNCIL), Action.REJECT)

    reopened = step(people, rejected, Action.REVERSE, by=people.reg)

    assert reopened.stage == "RETURNED"
    assert bring(people, reopened, Stage.ACTIVATED).round == 2


def test_an_author_takes_a_proposal_back_whoever_has_it(people: People) -> None:
    approved = bring(people, draft(people), Stage.APPROVED)

    withdrawn = step(people, approved, Action.WITHDRAW, by=people.ada, said=NOTHING)

    assert withdrawn.stage == "WITHDRAWN"
    with pytest.raises(Refused, match="at this stage"):
        step(people, withdrawn, Action.ACTIVATE, by=people.reg)


def test_a_refused_step_writes_nothing(people: People) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    before = (events(proposal), ProposalDecision.objects.count(), ProposalTracking.objects.count())

    for user, code in [(people.cam, "NOT_YOUR_ROLE"), (people.ada, "NOT_YOUR_ROLE")]:
        with pytest.raises(Refused) as refusal:
            step(people, proposal, Action.APPROVE, by=user)
        assert refusal.value.code == code

    proposal.refresh_from_db()
    assert proposal.stage == "DEPARTMENT_REVIEW"
    assert before == (
        events(proposal),
        ProposalDecision.objects.count(),
        ProposalTracking.objects.count(),
    )


# Authority ----------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-99", "S1-100")
def test_a_head_of_another_department_decides_nothing_here(people: People) -> None:
    other = staff("eve", Role.DEPARTMENT_HEAD, people.music)
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    with pytest.raises(Refused) as refusal:
        step(people, proposal, Action.APPROVE, by=other)

    assert refusal.value.code == "OTHER_DEPARTMENT"


def test_nobody_approves_their_own_proposal_whatever_their_roles(people: People) -> None:
    for role in (Role.DEPARTMENT_HEAD, Role.CURRICULUM_COMMITTEE):
        people.ada.groups.add(_group(role))
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    with pytest.raises(Refused) as refusal:
        step(people, proposal, Action.APPROVE, by=people.ada)

    assert refusal.value.code == "OWN_PROPOSAL"


def test_a_role_that_was_taken_away_decides_nothing_any_more(people: People) -> None:
    """Although the person's own user object still remembers it."""
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    assert people.ben.has_perm("courses.approve_course")
    DepartmentMember.objects.filter(user=people.ben).delete()

    with pytest.raises(Refused) as refusal:
        step(people, proposal, Action.APPROVE)

    assert refusal.value.code == "OTHER_DEPARTMENT"


def test_who_has_left_decides_nothing(people: People) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    people.ben.is_active = False
    people.ben.save()

    with pytest.raises(Refused, match="do not include"):
        step(people, proposal, Action.APPROVE)


def _group(role: str) -> int:
    return Group.objects.get(name=role).pk


# Who was first ------------------------------------------------------------------------------------


def test_who_decides_about_an_older_state_is_told_who_was_first(people: People) -> None:
    seen = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    step(people, seen, Action.RETURN)

    with pytest.raises(Overtaken) as told:
        step(people, seen, Action.APPROVE)

    assert told.value.code == "PROPOSAL_MOVED"
    assert "Ben Example: return, at 2024-03-06 09:00 UTC." in told.value.sentence
    assert told.value.facts["stage"] == "RETURNED"
    assert told.value.facts["decided_by"] == "Ben Example"


def test_a_draft_edited_in_another_window_is_not_overwritten(people: People) -> None:
    opened = draft(people)
    edit(opened.pk, {"credit": 4}, user=people.ada, expected=opened.revision, now=BEGAN)

    with pytest.raises(Overtaken, match="was changed since"):
        edit(opened.pk, {"credit": 5}, user=people.ada, expected=opened.revision, now=BEGAN)

    opened.refresh_from_db()
    assert opened.credit == 4


def test_a_proposal_that_does_not_exist_is_missing_and_not_an_error(people: People) -> None:
    with pytest.raises(Proposal.DoesNotExist):
        take(999, Action.APPROVE, user=people.ben, expected=1, now=BEGAN)


# Its desks ----------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-39", "S1-82")
def test_the_tracking_shows_who_sent_it_who_received_it_and_when(people: People) -> None:
    proposal = bring(people, draft(people), Stage.ACTIVATED)

    rows = proposal.hops.order_by("pk").select_related("receive_design")
    assert [
        (
            each.current_id,
            each.current_design,
            each.receive_id,
            each.receive_design.name,
            each.is_submitted,
            each.is_added,
            each.is_rejected,
        )
        for each in rows
    ] == [
        (people.ada.pk, "faculty", people.ben.pk, "department_head", True, False, False),
        (
            people.ben.pk,
            "department_head",
            people.cam.pk,
            "curriculum_committee",
            True,
            False,
            False,
        ),
        (
            people.cam.pk,
            "curriculum_committee",
            people.dee.pk,
            "academic_council",
            True,
            False,
            False,
        ),
        (people.dee.pk, "academic_council", people.reg.pk, "registrar", False, True, False),
    ]
    for each in rows:
        assert each.forward_date == each.receive_date + timedelta(days=1)


@pytest.mark.requirement("S1-39")
def test_a_rejection_is_tracked_as_one_and_lies_on_no_desk(people: People) -> None:
    rejected = step(people, bring(people, draft(people), Stage.DEPARTMENT_REVIEW), Action.REJECT)

    [hop] = rejected.hops.all()
    assert (hop.is_rejected, hop.is_submitted, hop.is_added) == (True, False, False)
    assert hop.forward_date is not None


@pytest.mark.requirement("S1-40")
def test_it_comes_back_to_the_same_desk_in_another_round(people: People) -> None:
    """The seed's uniqueness forbids it; with the round it does not (T43)."""
    first = step(people, bring(people, draft(people), Stage.DEPARTMENT_REVIEW), Action.RETURN)
    bring(people, first, Stage.CURRICULUM_COMMITTEE)

    sent = ProposalTracking.objects.filter(current=people.ada, receive=people.ben)
    assert list(sent.order_by("round").values_list("round", flat=True)) == [1, 2]


@pytest.mark.requirement("S1-36")
def test_who_opens_it_first_has_read_it_until_it_moves_on(people: People) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    assert not mark_read(proposal.pk, user=people.cam, now=BEGAN)
    assert mark_read(proposal.pk, user=people.ben, now=BEGAN)
    assert not mark_read(proposal.pk, user=people.ben, now=BEGAN)

    proposal.refresh_from_db()
    assert proposal.is_read
    assert not step(people, proposal, Action.APPROVE).is_read


@pytest.mark.requirement("S1-36", "S1-39")
def test_each_puts_a_proposal_away_for_themselves_only(people: People) -> None:
    proposal = bring(people, draft(people), Stage.CURRICULUM_COMMITTEE)

    archive(proposal.pk, user=people.ben, archived=True)

    assert list(proposal.hops.order_by("pk").values_list("sender_archive", "receiver_archive")) == [
        (False, True),
        (True, False),
    ]
    assert not Proposal.objects.get().is_archive
    archive(proposal.pk, user=people.ada, archived=True)
    assert Proposal.objects.get().is_archive
    archive(proposal.pk, user=people.ben, archived=False)
    assert not proposal.hops.filter(receiver_archive=True).exists()


# What stays ---------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-83", "S1-101")
@pytest.mark.parametrize("role", ["reg_web", "reg_worker", ""])
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE proposal_decisions SET remarks = 'It was never rejected.'",
        "DELETE FROM proposal_decisions",
        "TRUNCATE proposal_decisions",
    ],
)
def test_a_decision_once_written_stays(people: People, role: str, sql: str) -> None:
    bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    with pytest.raises(Error, match=r"append-only|permission denied"):
        run_as(role, sql)

    assert ProposalDecision.objects.get().remarks == WHY.remarks


def run_as(role: str, sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        if role:
            cursor.execute(f"SET LOCAL ROLE {role}")
        cursor.execute(sql)


def test_the_web_role_can_take_every_step(people: People) -> None:
    """None of the tables asks for more than the role has."""
    course = make_course("PHY100", department=people.physics)
    changed = draft(people, course=course, credit=4)
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE reg_web")
    try:
        new = bring(people, draft(people, **said("PHY310")), Stage.ACTIVATED)
        changed = bring(people, changed, Stage.ACTIVATED)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")

    assert new.became is not None
    assert changed.became is not None
    assert changed.became.credit == 4

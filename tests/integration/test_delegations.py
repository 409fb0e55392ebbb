"""Acting for a colleague: for a time, in one role, and never for or through an author."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from courses.models import Delegation
from courses.proposals.delegations import current, delegate, revoke
from courses.refusal import Refused
from courses.workflow import Action, Stage
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.audit.models import Entry
from tests.factories import make_user
from tests.proposals import BEGAN, People, bring, draft, staff, step

WEEK = timedelta(days=7)
HEAD, COMMITTEE = "department_head", "curriculum_committee"


@pytest.fixture
def eve(people: People) -> User:
    """A colleague of Ada's and Ben's, with no say of her own."""
    return staff("eve", Role.FACULTY, people.physics)


def given(
    holder: User, to: User, role: str = HEAD, at: datetime = BEGAN, **times: Any
) -> Delegation:
    return delegate(
        holder,
        to,
        role,
        starts_at=times.get("starts_at", at),
        ends_at=times.get("ends_at", at + WEEK),
        now=at,
    )


@pytest.mark.requirement("S1-84")
def test_who_stands_in_decides_and_the_decision_says_for_whom(people: People, eve: User) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    given(people.ben, eve)

    moved = step(people, proposal, Action.APPROVE, by=eve)

    decision = moved.decisions.latest("number")
    assert (decision.actor, decision.acting_for, decision.role) == (eve, people.ben, HEAD)
    entry = Entry.objects.filter(stream=f"proposal:{proposal.pk}").latest("seq")
    assert entry.actor == f"user:{eve.pk}"
    assert f'"acting_for":{people.ben.pk}' in entry.body


@pytest.mark.parametrize(
    ("starts", "ends"), [(timedelta(days=5), timedelta(days=9)), (timedelta(0), timedelta(days=1))]
)
def test_a_delegation_holds_from_its_first_moment_to_its_last(
    people: People, eve: User, starts: timedelta, ends: timedelta
) -> None:
    """The step is taken two days after the beginning."""
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    given(people.ben, eve, starts_at=BEGAN + starts, ends_at=BEGAN + ends)

    with pytest.raises(Refused) as refusal:
        step(people, proposal, Action.APPROVE, by=eve)

    assert refusal.value.code == "NOT_YOUR_ROLE"


def test_a_delegation_ends_when_it_is_taken_back(people: People, eve: User) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    held = given(people.ben, eve)

    revoke(held.pk, user=people.ben, now=BEGAN)
    revoke(held.pk, user=people.ben, now=BEGAN + WEEK)

    held.refresh_from_db()
    assert held.revoked_at == BEGAN
    with pytest.raises(Refused):
        step(people, proposal, Action.APPROVE, by=eve)
    events = Entry.objects.filter(stream=f"delegation:{held.pk}").order_by("seq")
    assert [each.event for each in events] == ["delegation.given", "delegation.revoked"]


def test_it_is_not_for_a_stranger_to_take_back(people: People, eve: User) -> None:
    held = given(people.ben, eve)

    with pytest.raises(Refused):
        revoke(held.pk, user=people.cam, now=BEGAN)
    assert revoke(held.pk, user=eve, now=BEGAN).revoked_at == BEGAN


def test_a_delegation_is_worth_no_more_than_its_holders_role_is_now(
    people: People, eve: User
) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    given(people.ben, eve)
    people.ben.groups.clear()

    with pytest.raises(Refused):
        step(people, proposal, Action.APPROVE, by=eve)


def test_a_delegation_does_not_outlive_its_holders_time_here(people: People, eve: User) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    given(people.ben, eve)
    people.ben.is_active = False
    people.ben.save()

    with pytest.raises(Refused):
        step(people, proposal, Action.APPROVE, by=eve)


def test_what_was_delegated_is_not_delegated_further(people: People, eve: User) -> None:
    given(people.ben, eve)
    third = staff("fay", Role.FACULTY, people.physics)

    with pytest.raises(Refused) as refusal:
        given(eve, third)

    assert refusal.value.code == "NOT_DELEGABLE"


def test_a_chain_written_into_the_database_is_worth_nothing(people: People, eve: User) -> None:
    """Even if the second link were there: only a holder's own roles count."""
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    third = staff("fay", Role.FACULTY, people.physics)
    given(people.ben, eve)
    Delegation.objects.create(
        holder=eve, delegate=third, role=HEAD, starts_at=BEGAN, ends_at=BEGAN + WEEK
    )

    with pytest.raises(Refused):
        step(people, proposal, Action.APPROVE, by=third)


def test_an_author_is_not_let_in_through_a_delegation(people: People, eve: User) -> None:
    """Neither may the author act for the head, nor another act for an author who is the head."""
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    given(people.ben, people.ada)

    with pytest.raises(Refused) as refusal:
        step(people, proposal, Action.APPROVE, by=people.ada)
    assert refusal.value.code == "OWN_PROPOSAL"

    people.ada.groups.add(people.ben.groups.get())
    given(people.ada, eve)
    with pytest.raises(Refused) as refusal:
        step(people, proposal, Action.APPROVE, by=eve)
    assert refusal.value.code == "OWN_PROPOSAL"


@pytest.mark.parametrize(
    ("role", "code"),
    [("registrar", "NOT_DELEGABLE"), ("faculty", "NOT_DELEGABLE"), (COMMITTEE, "NOT_DELEGABLE")],
)
def test_only_a_reviewing_role_of_ones_own_is_delegated(
    people: People, eve: User, role: str, code: str
) -> None:
    with pytest.raises(Refused) as refusal:
        given(people.ben, eve, role)

    assert refusal.value.code == code


def test_authority_goes_to_staff_only(people: People, eve: User) -> None:
    student = make_user("sam")
    eve.is_staff = False

    for nobody in (student, people.ben, eve):
        with pytest.raises(Refused) as refusal:
            given(people.ben, nobody)
        assert refusal.value.code == "NOT_STAFF"


@pytest.mark.parametrize(
    ("starts", "ends"), [(BEGAN, BEGAN), (BEGAN, BEGAN - WEEK), (BEGAN - 2 * WEEK, BEGAN - WEEK)]
)
def test_a_delegation_ends_after_it_begins_and_after_today(
    people: People, eve: User, starts: datetime, ends: datetime
) -> None:
    with pytest.raises(Refused) as refusal:
        given(people.ben, eve, starts_at=starts, ends_at=ends)

    assert refusal.value.code == "DELEGATION_TIMES"
    assert "ends_at" in refusal.value.fields


def test_both_sides_see_a_delegation_until_it_is_over(people: People, eve: User) -> None:
    held = given(people.ben, eve)

    assert current(people.ben, BEGAN) == current(eve, BEGAN) == [held]
    assert current(people.cam, BEGAN) == []
    assert current(eve, BEGAN + WEEK) == []

"""What waits for whom, what they see of the rest, and who is reminded of it."""

from datetime import datetime, timedelta

import pytest

from courses.models import Proposal, ProposalReminder
from courses.overdue import remind
from courses.proposals.authority import deciders, visible_to
from courses.proposals.boxes import Box, Card, card, history, in_box, with_names
from courses.proposals.delegations import delegate
from courses.proposals.drafts import create
from courses.proposals.steps import archive, is_archived, mark_read
from courses.workflow import PATIENCE, REMIND_EVERY, Action, Stage
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.audit.models import Entry
from tests.factories import make_user
from tests.processes import python
from tests.proposals import BEGAN, People, bring, draft, said, staff, step

DAY = timedelta(days=1)


def ids(user: User, box: Box = Box.INBOX) -> list[int]:
    return [each.pk for each in in_box(user, box, BEGAN + 40 * DAY)]


def cards(user: User, now: datetime) -> list[Card]:
    return [card(each, now) for each in with_names(in_box(user, Box.INBOX, now))]


# Inbox --------------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-81", "S1-82")
def test_a_proposal_waits_for_whoever_decides_its_next_step_and_nobody_else(
    people: People,
) -> None:
    root = make_user("root", is_superuser=True)
    everybody = (people.ada, people.ben, people.cam, people.dee, people.reg, root)
    proposal = draft(people)
    waits = {}
    for stage in (
        Stage.DEPARTMENT_REVIEW,
        Stage.CURRICULUM_COMMITTEE,
        Stage.ACADEMIC_COUNCIL,
        Stage.APPROVED,
        Stage.ACTIVATED,
    ):
        proposal = bring(people, proposal, stage)
        waits[stage] = [each.username for each in everybody if ids(each)]
        told = [each.username for each in deciders(proposal, proposal.since)]
        assert told == waits[stage], "one table says whose inbox it is in and whom it names"

    assert waits == {
        Stage.DEPARTMENT_REVIEW: ["ben"],
        Stage.CURRICULUM_COMMITTEE: ["cam"],
        Stage.ACADEMIC_COUNCIL: ["dee"],
        Stage.APPROVED: ["reg", "root"],
        Stage.ACTIVATED: [],
    }


def test_what_was_returned_waits_for_its_author(people: People) -> None:
    step(people, bring(people, draft(people), Stage.DEPARTMENT_REVIEW), Action.RETURN)

    assert ids(people.ada) == [1]
    assert ids(people.ben) == []


@pytest.mark.requirement("S1-99")
def test_a_head_has_the_proposals_of_their_own_department_only(people: People) -> None:
    other = staff("eve", Role.DEPARTMENT_HEAD, people.music)
    bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    assert ids(other) == []
    assert ids(other, Box.ALL) == []


def test_a_head_has_no_proposal_of_their_own_in_their_inbox(people: People) -> None:
    people.ada.groups.add(people.ben.groups.get())
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    assert ids(people.ada) == []
    assert deciders(proposal, BEGAN) == [people.ben]


def test_who_stands_in_has_the_colleagues_proposals_and_sees_them(people: People) -> None:
    eve = staff("eve", Role.FACULTY, people.physics)
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    now = BEGAN + 40 * DAY
    assert not visible_to(eve, now).exists()

    delegate(people.ben, eve, "department_head", starts_at=now, ends_at=now + DAY, now=now)

    assert ids(eve) == [proposal.pk]
    assert deciders(proposal, now) == [people.ben, eve]
    step(people, proposal, Action.APPROVE, by=eve, now=now)
    assert ids(eve, Box.HANDLED) == [proposal.pk]


def test_the_longest_waiting_comes_first(people: People) -> None:
    first = bring(people, draft(people, code="PHY1"), Stage.DEPARTMENT_REVIEW)
    second = step(people, draft(people, code="PHY2"), Action.SUBMIT, now=BEGAN)

    assert ids(people.ben) == [second.pk, first.pk]


# Who sees what ------------------------------------------------------------------------------------


def test_a_draft_is_its_authors_alone(people: People) -> None:
    draft(people)

    assert ids(people.ada, Box.MINE) == [1]
    for user in (people.ben, people.cam, people.dee, people.reg):
        assert not visible_to(user, BEGAN).exists()


@pytest.mark.requirement("S1-99", "S1-100")
def test_faculty_see_their_own_proposals_and_heads_their_departments(people: People) -> None:
    eve = staff("eve", Role.FACULTY, people.physics)
    auditor = staff("pat", Role.AUDITOR)
    student = make_user("sam")
    bring(people, draft(people), Stage.CURRICULUM_COMMITTEE)

    sees = {
        each.username: visible_to(each, BEGAN).exists()
        for each in (people.ada, people.ben, people.cam, people.dee, people.reg, auditor, eve)
    }

    assert sees == {**dict.fromkeys(("ada", "ben", "cam", "dee", "reg", "pat"), True), "eve": False}
    assert not visible_to(student, BEGAN).exists()


def test_every_list_is_one_persons_own(people: People) -> None:
    proposal = bring(people, draft(people), Stage.CURRICULUM_COMMITTEE)

    lists = {box: ids(people.ben, box) for box in Box}
    assert lists == {
        Box.INBOX: [],
        Box.MINE: [],
        Box.HANDLED: [proposal.pk],
        Box.ALL: [proposal.pk],
        Box.ARCHIVE: [],
    }
    archive(proposal.pk, user=people.ben, archived=True)
    assert is_archived(proposal.pk, user=people.ben)
    assert (ids(people.ben, Box.HANDLED), ids(people.ben, Box.ARCHIVE)) == ([], [proposal.pk])
    assert ids(people.ada, Box.MINE) == [proposal.pk]
    archive(proposal.pk, user=people.ada, archived=True)
    assert (ids(people.ada, Box.MINE), ids(people.ada, Box.ARCHIVE)) == ([], [proposal.pk])


def test_what_is_archived_still_waits_in_the_inbox(people: People) -> None:
    """Putting it away does not make the step go away."""
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    archive(proposal.pk, user=people.ben, archived=True)

    assert ids(people.ben) == [proposal.pk]


@pytest.mark.requirement("S1-83")
def test_the_history_says_who_did_what_and_what_changed_between_rounds(people: People) -> None:
    returned = step(people, bring(people, draft(people), Stage.DEPARTMENT_REVIEW), Action.RETURN)
    Proposal.objects.filter(pk=returned.pk).update(credit=4)
    again = step(people, returned, Action.RESUBMIT)

    steps = history(again)

    assert [(each.action, each.by, each.round) for each in steps] == [
        (Action.SUBMIT, "Ada Example", 1),
        (Action.RETURN, "Ben Example", 1),
        (Action.RESUBMIT, "Ada Example", 1),
    ]
    assert [(each.label, each.before, each.after) for each in steps[2].changed] == [
        ("Credit", "3", "4")
    ]


def test_a_list_takes_the_same_queries_however_long_it_is(
    people: People, django_assert_num_queries: object
) -> None:
    for number in range(3):
        bring(people, draft(people, code=f"PHY{number}"), Stage.DEPARTMENT_REVIEW)
    found = with_names(in_box(people.ben, Box.INBOX, BEGAN))

    with django_assert_num_queries(1):  # type: ignore[operator]
        assert len([card(each, BEGAN) for each in found]) == 3


# Reminders ----------------------------------------------------------------------------------------


def test_a_step_that_nobody_may_take_waits_for_nobody(people: People) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    people.ben.groups.clear()

    assert deciders(proposal, BEGAN) == []


def test_a_reminder_is_given_once_in_each_period(people: People) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    in_time = proposal.since + PATIENCE[Stage.DEPARTMENT_REVIEW]
    late = in_time + DAY

    assert remind(in_time) == []
    first, second, third = remind(late), remind(late + DAY), remind(late + REMIND_EVERY)

    assert [(each.proposal, each.number) for each in first] == [(proposal.pk, 1)]
    assert second == []
    assert [each.number for each in third] == [2]
    assert ProposalReminder.objects.count() == 2
    events = Entry.objects.filter(stream=f"proposal:{proposal.pk}", event="proposal.reminded")
    assert [each.actor for each in events] == ["beat", "beat"]


def test_a_reminder_shows_in_the_inbox_until_the_step_is_taken(people: People) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    mark_read(proposal.pk, user=people.ben, now=BEGAN)
    late = proposal.since + PATIENCE[Stage.DEPARTMENT_REVIEW] + DAY

    remind(late)

    [line] = cards(people.ben, late)
    assert (line.overdue, line.reminders, line.is_read) == (True, 1, False)
    proposal.refresh_from_db()
    step(people, proposal, Action.APPROVE, now=late)
    [line] = cards(people.cam, late)
    assert (line.overdue, line.reminders) == (False, 0)


def test_an_author_is_reminded_of_what_was_returned_to_them(people: People) -> None:
    returned = step(people, bring(people, draft(people), Stage.DEPARTMENT_REVIEW), Action.RETURN)
    late = returned.since + PATIENCE[Stage.RETURNED] + DAY

    remind(late)

    [line] = cards(people.ada, late)
    assert (line.overdue, line.reminders) == (True, 1)


def test_nobody_is_reminded_of_a_draft_or_of_what_is_over(people: People) -> None:
    draft(people)
    eve = staff("eve", Role.FACULTY, people.physics)
    hers = create(eve, said("PHY310"), now=BEGAN)
    step(people, hers, Action.WITHDRAW, by=eve)

    assert remind(BEGAN + 1000 * DAY) == []


BY_BEAT = """
from registrar.celery import app
app.loader.import_default_modules()
task = app.tasks[app.conf.beat_schedule["remind"]["task"]]
print(len(task.run()), len(task.run()), flush=True)
"""


def test_a_worker_reminds_when_beat_says_so(people: People) -> None:
    """As the worker's own role; today is years after the proposal came."""
    bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    with python(BY_BEAT, role="worker") as process:
        process.says("1 0")

    assert ProposalReminder.objects.count() == 1

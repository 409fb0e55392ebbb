"""Two reviewers decide at once: exactly one wins, and the other is told who it was."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from courses import catalogue
from courses.models import Course, Proposal, ProposalReminder
from courses.overdue import remind
from courses.proposals import held, steps
from courses.proposals.drafts import create, edit
from courses.proposals.held import Overtaken
from courses.refusal import Refused
from courses.workflow import PATIENCE as BEFORE_A_REMINDER
from courses.workflow import Action, Stage
from registrar.accounts.roles import Role
from registrar.audit.models import Entry
from tests.catalogue import change
from tests.concurrency.conftest import Lift
from tests.factories import make_course
from tests.proposals import BEGAN, People, bring, draft, said, staff, step
from tests.races import PATIENCE, Meeting, after, blocked, race, until

pytestmark = pytest.mark.concurrency


def without_lock(proposal_id: int) -> Proposal:
    return Proposal.objects.get(pk=proposal_id)


def both_decide(people: People, proposal: Proposal) -> list[Proposal | Exception]:
    """Ben approves while Eve, who heads the same department, rejects."""
    eve = staff("eve", Role.DEPARTMENT_HEAD, people.physics)

    def decide(by: object, action: Action) -> Callable[[], Proposal]:
        return lambda: step(people, proposal, action, by=by)  # type: ignore[arg-type]

    return race(decide(people.ben, Action.APPROVE), decide(eve, Action.REJECT))


def test_exactly_one_of_two_reviewers_wins_and_the_other_is_told(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    meeting = Meeting()
    after(monkeypatch, steps, "locked", meeting)

    ended = both_decide(people, proposal)

    assert not meeting.met, "both held the proposal at once"
    [won] = [each for each in ended if isinstance(each, Proposal)]
    [lost] = [each for each in ended if isinstance(each, Exception)]
    assert isinstance(lost, Overtaken)
    winner = won.decisions.latest("number").actor.get_full_name()
    assert lost.facts["decided_by"] == winner
    assert winner in lost.sentence
    proposal.refresh_from_db()
    assert proposal.stage == won.stage
    assert proposal.decisions.count() == 2


def test_without_the_lock_both_would_win(
    people: People, monkeypatch: pytest.MonkeyPatch, lift: Lift
) -> None:
    """The control: neither the lock nor the database's own uniqueness is there."""
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    lift("proposal_decisions", "proposal_stage_left_once_a_round")
    lift("proposal_decisions", "proposal_decision_numbered_once")
    lift("audit_entries", "audit_entry_seq_in_stream")
    monkeypatch.setattr(held, "hold", without_lock)
    meeting = Meeting()
    after(monkeypatch, steps, "locked", meeting)

    ended = both_decide(people, proposal)

    assert meeting.met
    assert [each for each in ended if isinstance(each, Exception)] == []
    assert proposal.decisions.filter(stage="DEPARTMENT_REVIEW").count() == 2


def test_who_forgets_to_lock_is_stopped_by_the_database(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    monkeypatch.setattr(held, "hold", without_lock)
    after(monkeypatch, steps, "locked", Meeting())

    ended = both_decide(people, proposal)

    assert len([each for each in ended if isinstance(each, Proposal)]) == 1
    assert proposal.decisions.filter(stage="DEPARTMENT_REVIEW").count() == 1


def test_two_changes_of_one_course_activated_at_once_make_one_version(people: People) -> None:
    """The second is told that the course has moved on, and makes no version over the first."""
    course = make_course("PHY100", department=people.physics)
    eve = staff("eve", Role.FACULTY, people.physics)
    mine = bring(people, draft(people, course=course, credit=4), Stage.APPROVED)
    hers = create(eve, {"credit": 5}, course=course, now=BEGAN)
    hers = step(people, hers, Action.SUBMIT, by=eve)
    hers = bring(people, hers, Stage.APPROVED)

    ended = race(
        lambda: step(people, mine, Action.ACTIVATE), lambda: step(people, hers, Action.ACTIVATE)
    )

    [lost] = [each for each in ended if isinstance(each, Exception)]
    assert isinstance(lost, Refused)
    assert lost.code == "STALE_COURSE"
    assert Course.objects.filter(lineage=course.lineage).count() == 2
    assert sorted(Proposal.objects.values_list("stage", flat=True)) == ["ACTIVATED", "APPROVED"]


def test_what_is_changed_during_a_reversal_is_not_reversed_over(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = make_course("PHY100", department=people.physics)
    activated = bring(people, draft(people, course=course, credit=4), Stage.ACTIVATED)
    looked, roll_back = threading.Event(), catalogue.roll_back

    def while_somebody_changes_it(*args: Any, **given: Any) -> Course:
        looked.set()
        until(lambda: blocked() or Course.objects.count() > 2)
        return roll_back(*args, **given)

    def change_it() -> Course:
        assert activated.became is not None
        looked.wait(PATIENCE)
        return change(activated.became, max_seats=7)

    monkeypatch.setattr(catalogue, "roll_back", while_somebody_changes_it)
    _, late = race(lambda: step(people, activated, Action.REVERSE), change_it)

    assert isinstance(late, Refused)
    assert late.code == "STALE_VERSION"
    assert Course.objects.count() == 3


def test_a_double_click_on_a_new_proposal_makes_one(people: People) -> None:
    ended = race(*[lambda: create(people.ada, said(), now=BEGAN)] * 2)

    [lost] = [each for each in ended if isinstance(each, Exception)]
    assert isinstance(lost, Refused)
    assert lost.code == "OPEN_ALREADY"
    assert Proposal.objects.count() == 1


def test_an_edit_and_a_submission_at_once_are_one_after_the_other(people: People) -> None:
    """What the reviewers see is what was submitted, never half of an edit."""
    proposal = draft(people)

    ended = race(
        lambda: step(people, proposal, Action.SUBMIT),
        lambda: edit(
            proposal.pk, {"credit": 4}, user=people.ada, expected=proposal.revision, now=BEGAN
        ),
    )

    [lost] = [each for each in ended if isinstance(each, Exception)]
    assert isinstance(lost, Overtaken)
    proposal.refresh_from_db()
    [credit] = proposal.decisions.values_list("content__credit", flat=True) or [proposal.credit]
    assert credit == proposal.credit


def test_two_beats_remind_once(people: People) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    late = proposal.since + BEFORE_A_REMINDER[Stage.DEPARTMENT_REVIEW] * 1.5

    race(*[lambda: remind(late)] * 4)

    assert ProposalReminder.objects.count() == 1
    reminded = Entry.objects.filter(event="proposal.reminded", stream=f"proposal:{proposal.pk}")
    assert reminded.count() == 1

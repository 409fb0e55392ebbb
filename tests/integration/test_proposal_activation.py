"""What activation makes of a proposal, that it is all or nothing, and how it is undone."""

import json
from typing import Any

import pytest

from courses import requirements
from courses.catalogue import change_state, create_new_version
from courses.lifecycle import State
from courses.models import Course, Discipline, Offering, Proposal
from courses.proposals import steps
from courses.proposals.drafts import edit, rebase
from courses.proposals.impact import impact
from courses.refusal import Refused
from courses.workflow import Action, Stage
from registrar.audit.models import Entry
from tests.factories import make_course, make_term
from tests.proposals import BEGAN, WHY, People, bring, draft, step


@pytest.fixture
def course(people: People) -> Course:
    return make_course("PHY100", name="Waves", department=people.physics)


def newer(course: Course, **changes: Any) -> Course:
    """Somebody else changes the course meanwhile."""
    return create_new_version(course, changes, actor="user:1", now=BEGAN)


@pytest.mark.requirement("S1-85")
def test_a_new_course_can_be_offered_and_carries_all_that_was_proposed(people: People) -> None:
    optics = Discipline.objects.create(name="Optics")
    needed = make_course("PHY101")
    proposal = draft(
        people,
        credit=4,
        lecture_hours=4,
        max_seats=25,
        disciplines=[optics.pk],
        pre_requisit_courses=[needed.pk],
        pre_requisits="PHY101",
    )

    made = bring(people, proposal, Stage.ACTIVATED).became

    assert made is not None
    assert (made.credit, made.lecture_hours, made.max_seats) == (4, 4, 25)
    assert list(made.disciplines.all()) == [optics]
    assert list(made.pre_requisit_courses.all()) == [needed]
    offering = Offering.objects.create(course=made, term=make_term(), base_limit=25)
    assert offering.pk


@pytest.mark.requirement("S1-82", "S1-85")
def test_a_change_makes_the_next_version_and_leaves_the_old_one(
    people: People, course: Course
) -> None:
    proposal = draft(people, course=course, credit=4)

    made = bring(people, proposal, Stage.ACTIVATED).became

    course.refresh_from_db()
    assert made is not None
    assert made.lineage == course.lineage
    assert (made.credit, str(made.version), made.latest_version) == (4, "2.0", True)
    assert (course.credit, course.latest_version, course.state) == (3, False, "DEPRECATED")


def test_the_course_and_its_trail_say_who_activated_which_proposal(
    people: People, course: Course
) -> None:
    proposal = bring(people, draft(people, course=course, credit=4), Stage.ACTIVATED)

    [entry] = Entry.objects.filter(stream=f"course:{course.lineage}")
    assert entry.actor == f"user:{people.reg.pk}"
    assert f"Proposal {proposal.pk}" in entry.body
    decided = Entry.objects.get(stream=f"proposal:{proposal.pk}", event="proposal.activate")
    assert json.loads(decided.body)["became"] == proposal.became_id


def test_activation_is_all_or_nothing(
    people: People, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very last write fails: then there is no version, no decision and no audit entry."""
    proposal = bring(people, draft(people, course=course, credit=4), Stage.APPROVED)
    before = Entry.objects.count()

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(steps, "record", fails)
    with pytest.raises(RuntimeError):
        step(people, proposal, Action.ACTIVATE)

    proposal.refresh_from_db()
    assert proposal.stage == "APPROVED"
    assert proposal.decisions.latest("number").action == "APPROVE"
    assert Course.objects.get(lineage=course.lineage) == course
    assert Entry.objects.count() == before


# The course has moved on --------------------------------------------------------------------------


def test_a_change_of_an_outdated_version_is_refused_with_the_way_forward(
    people: People, course: Course
) -> None:
    proposal = bring(people, draft(people, course=course, credit=4), Stage.APPROVED)
    newest = newer(course, syllabus="Waves and particles.")

    with pytest.raises(Refused) as refusal:
        step(people, proposal, Action.ACTIVATE)

    assert refusal.value.code == "STALE_COURSE"
    assert "Return it to its author" in refusal.value.remedy
    assert Course.latest.get(lineage=course.lineage) == newest


@pytest.mark.requirement("S1-84")
def test_its_author_moves_it_to_the_newest_version_and_both_changes_stay(
    people: People, course: Course
) -> None:
    approved = bring(people, draft(people, course=course, credit=4, max_seats=60), Stage.APPROVED)
    newest = newer(course, syllabus="Waves and particles.", max_seats=120)
    returned = step(people, approved, Action.RETURN)

    with pytest.raises(Refused) as refusal:
        step(people, returned, Action.RESUBMIT)
    assert refusal.value.code == "STALE_COURSE"
    both = rebase(returned.pk, user=people.ada, expected=returned.revision, now=returned.since)
    returned.refresh_from_db()
    made = bring(people, returned, Stage.ACTIVATED).became

    assert both == ("max_seats",)
    assert returned.course == newest
    assert made is not None
    assert (made.credit, made.syllabus, made.max_seats) == (4, "Waves and particles.", 60)
    assert made.revision == 3


def test_a_draft_that_changed_the_assessment_keeps_all_of_its_own(
    people: People, course: Course
) -> None:
    mine = {"percent_quiz_1": 5, "percent_midsem": 25}
    proposal = draft(people, course=course, **mine)
    newer(course, percent_quiz_1=15, percent_endsem=25, credit=4)

    both = rebase(proposal.pk, user=people.ada, expected=proposal.revision, now=BEGAN)
    proposal.refresh_from_db()

    assert both == ("percent_quiz_1", "percent_endsem")
    assert (proposal.percent_quiz_1, proposal.percent_midsem, proposal.percent_endsem) == (
        5,
        25,
        30,
    )
    assert proposal.credit == 4


def test_there_is_nothing_to_move_where_nothing_is_newer(people: People, course: Course) -> None:
    proposal = draft(people, course=course, credit=4)

    with pytest.raises(Refused) as refusal:
        rebase(proposal.pk, user=people.ada, expected=proposal.revision, now=BEGAN)

    assert refusal.value.code == "NOT_CURRENT"


def test_a_code_that_was_taken_meanwhile_makes_no_second_course(people: People) -> None:
    proposal = bring(people, draft(people, code="PHY210"), Stage.APPROVED)
    make_course("phy210")

    with pytest.raises(Refused) as refusal:
        step(people, proposal, Action.ACTIVATE)

    assert refusal.value.code == "CODE_IN_USE"
    assert Proposal.objects.get().stage == "APPROVED"


def test_a_change_that_changes_nothing_is_not_submitted(people: People, course: Course) -> None:
    proposal = draft(people, course=course)

    with pytest.raises(Refused) as refusal:
        step(people, proposal, Action.SUBMIT)

    assert refusal.value.code == "NOTHING_PROPOSED"


def test_a_newer_version_of_a_needed_course_is_the_same_prerequisite(
    people: People, course: Course
) -> None:
    """Naming it by its newest row is no change of the prerequisites (T16)."""
    needed = make_course("PHY099")
    course = newer(course, pre_requisit_courses=[needed.pk])
    newest = newer(needed, credit=2)
    proposal = draft(people, course=course, pre_requisit_courses=[newest.pk])

    with pytest.raises(Refused) as refusal:
        step(people, proposal, Action.SUBMIT)

    assert refusal.value.code == "NOTHING_PROPOSED"


# Reversal -----------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-84")
def test_reversing_a_change_makes_a_version_that_says_what_the_old_one_said(
    people: People, course: Course
) -> None:
    activated = bring(people, draft(people, course=course, credit=4), Stage.ACTIVATED)

    undone = step(people, activated, Action.REVERSE, by=people.dee)

    latest = Course.latest.get(lineage=course.lineage)
    assert undone.stage == "REVERSED"
    assert (latest.credit, latest.revision) == (3, 3)
    last = Entry.objects.filter(stream=f"course:{course.lineage}").latest("seq")
    assert WHY.remarks in last.body


@pytest.mark.requirement("S1-84")
def test_reversing_a_new_course_stops_it_from_being_offered(people: People) -> None:
    activated = bring(people, draft(people), Stage.ACTIVATED)

    step(people, activated, Action.REVERSE)

    made = Course.objects.get()
    assert (made.state, made.working_course) == ("INACTIVE", False)


def test_a_course_that_is_not_offered_any_more_stays_so_when_it_is_reversed(
    people: People,
) -> None:
    activated = bring(people, draft(people), Stage.ACTIVATED)
    assert activated.became is not None
    change_state(activated.became, State.INACTIVE, actor="user:1", now=BEGAN, reason="No room")

    step(people, activated, Action.REVERSE)

    assert Course.objects.get().state == "INACTIVE"


def test_what_was_changed_since_is_not_reversed_over(people: People, course: Course) -> None:
    activated = bring(people, draft(people, course=course, credit=4), Stage.ACTIVATED)
    assert activated.became is not None
    newer(activated.became, max_seats=200)

    with pytest.raises(Refused) as refusal:
        step(people, activated, Action.REVERSE)

    assert refusal.value.code == "CHANGED_SINCE"
    assert Course.latest.get(lineage=course.lineage).max_seats == 200


def test_the_same_can_be_proposed_again_after_a_reversal(people: People, course: Course) -> None:
    """As the next round of the same code, author and name (T43)."""
    first = bring(people, draft(people, course=course, credit=4), Stage.ACTIVATED)
    step(people, first, Action.REVERSE)

    again = draft(people, course=Course.latest.get(lineage=course.lineage), credit=4)

    assert again.round == 2
    assert bring(people, again, Stage.ACTIVATED).became is not None


def test_a_proposal_is_edited_between_its_rounds_only(people: People) -> None:
    proposal = bring(people, draft(people), Stage.APPROVED)

    with pytest.raises(Refused) as refusal:
        edit(
            proposal.pk,
            {"credit": 9},
            user=people.ada,
            expected=proposal.revision,
            now=proposal.since,
        )

    assert refusal.value.code == "NOT_EDITABLE"


# Circles ------------------------------------------------------------------------------------------


@pytest.fixture
def closing(people: People, course: Course) -> Proposal:
    """Approved to need a course that has come to need this one since."""
    optics = make_course("PHY210", department=people.physics)
    proposal = draft(people, course=course, pre_requisit_courses=[optics.pk])
    approved = bring(people, proposal, Stage.APPROVED)
    newer(optics, pre_requisit_courses=[course.pk])
    return approved


@pytest.mark.requirement("S1-21", "S1-84", "S1-85")
def test_who_decides_is_shown_the_circle_and_activation_refuses_it(
    people: People, course: Course, closing: Proposal
) -> None:
    before = Entry.objects.count()

    hindered = impact(closing).hindered
    with pytest.raises(Refused, match="go in a circle") as refusal:
        step(people, closing, Action.ACTIVATE)

    assert hindered is not None
    assert hindered.code == refusal.value.code == "PREREQUISITE_CIRCLE"
    assert Course.latest.get(lineage=course.lineage) == course
    assert Entry.objects.count() == before


@pytest.mark.requirement("S1-21", "S1-85")
def test_a_circle_that_only_the_commit_finds_is_refused_as_clearly(
    people: People, course: Course, closing: Proposal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With our own check taken away, the database's is what is left."""
    monkeypatch.setattr(requirements, "refuse_circle", lambda course: None)

    with pytest.raises(Refused) as refusal:
        step(people, closing, Action.ACTIVATE)

    closing.refresh_from_db()
    assert refusal.value.code == "PREREQUISITE_CIRCLE"
    assert closing.stage == "APPROVED"
    assert Course.latest.get(lineage=course.lineage) == course

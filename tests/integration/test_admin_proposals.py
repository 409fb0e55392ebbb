"""The pages of proposals: what each person finds there, and what their mistakes are told."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from courses.models import Course, Delegation, Proposal
from courses.proposals.drafts import create
from courses.workflow import Action, Stage
from registrar.accounts.roles import Role
from tests.clerks import at_desk, form_of, held, page, send, told
from tests.factories import make_course
from tests.proposals import BEGAN, WHY, People, bring, draft, said, staff, step

INBOX = "courses/proposal/"


def one(proposal: Proposal) -> str:
    return f"{INBOX}{proposal.pk}/change/"


def decide(client: Client, proposal: Proposal, wanted: str, **values: Any) -> Any:
    """Press one of the buttons of its page."""
    return send(client, one(proposal), step=wanted, **values)


# Lists --------------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-82")
def test_everybody_finds_what_waits_for_them(people: People) -> None:
    bring(people, draft(people, subject="A new laboratory"), Stage.DEPARTMENT_REVIEW)

    with at_desk(people.ben) as ben:
        inbox = page(ben, INBOX)
    with at_desk(people.cam) as cam:
        empty = page(cam, INBOX)

    assert "PHY210 Optics" in inbox
    assert "A new laboratory" in inbox
    assert "Department review" in inbox
    assert "overdue" in inbox
    assert "Waiting for me (1)" in inbox
    assert "Nothing waits for you." in empty


@pytest.mark.parametrize("box", ["inbox", "mine", "handled", "all", "archive", "nonsense"])
def test_every_list_can_be_read_and_searched(people: People, box: str) -> None:
    bring(people, draft(people), Stage.CURRICULUM_COMMITTEE)

    with at_desk(people.ben) as ben:
        page(ben, f"{INBOX}?box={box}")
        found = page(ben, f"{INBOX}?box={box}&q=%00nothing&p=99")

    assert "nothing" in found


def test_a_long_list_has_pages(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("courses.admin.proposals.PAGE", 2)
    for number in range(3):
        bring(people, draft(people, code=f"PHY{number}"), Stage.DEPARTMENT_REVIEW)

    with at_desk(people.ben) as ben:
        first, second = page(ben, INBOX), page(ben, f"{INBOX}?p=2")

    assert "PHY0 Optics" in first
    assert "Page 1 of 2" in first
    assert "PHY2 Optics" in second


# One proposal -------------------------------------------------------------------------------------


def test_the_page_shows_what_changes_what_that_does_and_what_was_said(people: People) -> None:
    course = make_course("PHY100", department=people.physics, lecture_hours=3)
    make_course("PHY200").pre_requisit_courses.add(course)
    proposal = draft(people, course=course, credit=4, pre_requisits="A good ear, mostly")
    bring(people, proposal, Stage.CURRICULUM_COMMITTEE)

    with at_desk(people.cam) as cam:
        shown = page(cam, one(proposal))

    for words in (
        "A <strong>MINOR</strong> change: version 2.0 after 1.0.",
        "The credits change.",
        "Needed by: PHY200",
        "Left to a person",
        "The contact hours make 45 hours",
        "Ada Example</strong> submitted it",
        "Ben Example</strong> approved it",
        WHY.remarks,
        WHY.rationale,
        "It waits for Cam Example.",
        'value="APPROVE"',
        'value="RETURN"',
        'value="REJECT"',
    ):
        assert words in shown, words
    assert 'value="ACTIVATE"' not in shown


@pytest.mark.requirement("S1-81", "S1-85")
def test_a_course_comes_about_by_pressing_buttons(people: People) -> None:
    with at_desk(people.ada) as ada:
        made = send(ada, f"{INBOX}add/", **said())
        proposal = Proposal.objects.get()
        decide(ada, proposal, "SUBMIT")
    for user, button in [
        (people.ben, "APPROVE"),
        (people.cam, "APPROVE"),
        (people.dee, "APPROVE"),
        (people.reg, "ACTIVATE"),
    ]:
        with at_desk(user) as client:
            response = decide(client, proposal, button)

    assert "It is a draft." in told(made)
    assert "PHY210 - Optics - v1.0 is in the catalogue." in told(response)
    assert Course.objects.get().state == "ACTIVE"


def test_opening_it_marks_it_read(people: People) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    with at_desk(people.ben) as ben:
        page(ben, one(proposal))

    proposal.refresh_from_db()
    assert proposal.is_read


@pytest.mark.parametrize("button", ["RETURN", "REJECT"])
def test_a_decision_without_its_reason_is_told_so_at_the_field(people: People, button: str) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    with at_desk(people.ben) as ben:
        response = decide(ben, proposal, button, remarks=" ", rationale="Minutes of May")

    assert response.context["form"].errors["remarks"] == ["This decision needs remarks."]
    assert "Minutes of May" in response.content.decode()
    proposal.refresh_from_db()
    assert proposal.stage == "DEPARTMENT_REVIEW"


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"remarks": "x" * 251}, "remarks", "at most 250"),
        ({"rationale": "x" * 4001}, "rationale", "at most 4000"),
        ({"step": "EXPLODE"}, "__all__", "Choose what to do"),
        ({"step": "ACTIVATE"}, "__all__", "cannot be done"),
        ({"revision": "x"}, "revision", "whole number"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_done(
    people: People, values: dict[str, str], field: str, message: str
) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    with at_desk(people.ben) as ben:
        response = send(ben, one(proposal), **{"step": "APPROVE", **values})

    assert response.status_code == 200
    assert message in " ".join(response.context["form"].errors[field])
    proposal.refresh_from_db()
    assert proposal.stage == "DEPARTMENT_REVIEW"


def test_the_second_of_two_reviewers_is_told_who_was_first(people: People) -> None:
    eve = staff("eve", Role.DEPARTMENT_HEAD, people.physics)
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    with at_desk(eve) as client:
        seen = form_of(client, one(proposal))
    step(people, proposal, Action.APPROVE, by=people.ben)

    with at_desk(eve) as client:
        response = client.post(f"/admin/{one(proposal)}", {**seen, "step": "APPROVE"})

    shown = response.content.decode()
    assert "Somebody was first. Ben Example: approve" in shown
    assert "It is now: curriculum committee, round 1." in shown
    assert 'value="APPROVE"' not in shown


def test_a_proposal_held_by_somebody_else_says_to_try_again(people: People) -> None:
    """The web waits two seconds for a lock, and a page is never an error."""
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    with at_desk(people.ben) as ben:
        seen = form_of(ben, one(proposal))
        with held(proposal):
            response = ben.post(f"/admin/{one(proposal)}", {**seen, "step": "APPROVE"})

    assert response.status_code == 200
    assert "Nothing was done: try again." in response.content.decode()


def test_a_step_that_nobody_can_take_says_so(people: People) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    people.ben.groups.clear()

    with at_desk(people.reg) as reg:
        assert "Nobody holds the role that decides this step" in page(reg, one(proposal))


# Writing ------------------------------------------------------------------------------------------


def test_a_change_is_begun_by_the_courses_code_and_proposes_only_what_differs(
    people: People,
) -> None:
    course = make_course("PHY100", department=people.physics)

    with at_desk(people.ada) as ada:
        unknown = page(ada, f"{INBOX}add/?course=PHY999%00")
        page(ada, f"{INBOX}add/?course=²")
        send(ada, f"{INBOX}add/?course=phy100", credit="4")

    assert "There is no course with the code PHY999." in unknown
    proposal = Proposal.objects.get()
    assert (proposal.course, proposal.credit, proposal.name) == (course, 4, course.name)


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({"percent_quiz_1": "90"}, "percent_quiz_1", "these sum to 180%"),
        ({"code": "PHYSICS21000"}, "code", "at most 10"),
        ({"code": "PHY100"}, "code", "Another course has this code."),
        ({"pre_requisit_courses": "PHY999"}, "pre_requisit_courses", "no course with the code"),
        ({"subject": "x" * 101}, "subject", "at most 100"),
        ({"credit": "-1"}, "credit", "greater than or equal to 0"),
    ],
)
def test_a_mistake_in_a_draft_is_named_at_its_field(
    people: People, values: dict[str, str], field: str, message: str
) -> None:
    make_course("PHY100")

    with at_desk(people.ada) as ada:
        response = send(ada, f"{INBOX}add/", **{**said(), **values})

    assert response.status_code == 200
    assert message in " ".join(response.context["form"].errors[field])
    assert not Proposal.objects.exists()


def test_a_draft_is_edited_and_not_over_somebody_elses_edit(people: People) -> None:
    proposal = draft(people)
    path = f"{INBOX}{proposal.pk}/edit/"

    with at_desk(people.ada) as ada:
        seen = form_of(ada, path)
        first = ada.post(f"/admin/{path}", {**seen, "credit": "4"}, follow=True)
        second = ada.post(f"/admin/{path}", {**seen, "credit": "5"}, follow=True)

    proposal.refresh_from_db()
    assert "Saved." in told(first)
    assert "It was changed since you opened it." in second.content.decode()
    assert proposal.credit == 4


def test_who_belongs_to_two_departments_chooses_one(people: People) -> None:
    people.music.members.create(user=people.ada)

    with at_desk(people.ada) as ada:
        missing = send(ada, f"{INBOX}add/", **said())
        send(ada, f"{INBOX}add/", **said(), department=people.music.pk)

    assert missing.context["form"].errors["department"]
    assert Proposal.objects.get().department == people.music


def test_a_stale_proposal_is_moved_to_the_newest_version_by_a_button(people: People) -> None:
    course = make_course("PHY100", department=people.physics)
    mine = draft(people, course=course, credit=4)
    eve = staff("eve", Role.FACULTY, people.physics)
    hers = create(eve, {"credit": 5}, course=course, now=BEGAN)
    bring(people, step(people, hers, Action.SUBMIT, by=eve), Stage.ACTIVATED)

    with at_desk(people.ada) as ada:
        assert "Move it to the newest version" in page(ada, one(mine))
        path = f"/admin/{INBOX}{mine.pk}/rebase/"
        moved = ada.post(path, {"revision": mine.revision}, follow=True)
        again = ada.post(path, {"revision": mine.revision}, follow=True)

    mine.refresh_from_db()
    assert "both sides changed it" in told(moved)
    assert "was changed since" in told(again)
    assert mine.course == Course.latest.get(lineage=course.lineage)


def test_it_is_put_into_ones_own_archive_and_out_again(people: People) -> None:
    proposal = draft(people)
    path = f"/admin/{INBOX}{proposal.pk}/archive/"

    with at_desk(people.ada) as ada:
        ada.post(path, {"archived": "1"})
        assert "PHY210" in page(ada, f"{INBOX}?box=archive")
        assert "PHY210" not in page(ada, f"{INBOX}?box=mine")
        ada.post(path, {"archived": "0"})
        assert "PHY210" in page(ada, f"{INBOX}?box=mine")


# Delegations --------------------------------------------------------------------------------------


def test_a_head_hands_over_and_takes_back(people: People) -> None:
    eve = staff("eve", Role.FACULTY, people.physics)
    today, later = timezone.now() - timedelta(days=1), timezone.now() + timedelta(days=7)
    times = {
        "starts_at_0": f"{today:%Y-%m-%d}",
        "starts_at_1": "08:00:00",
        "ends_at_0": f"{later:%Y-%m-%d}",
        "ends_at_1": "18:00:00",
    }
    path = f"{INBOX}delegations/"

    with at_desk(people.ben) as ben:
        given = ben.post(
            f"/admin/{path}",
            {"delegate": eve.pk, "role": "department_head", "reason": "Leave", **times},
            follow=True,
        )
        held = Delegation.objects.get()
        shown = page(ben, path)
        wrong = ben.post(
            f"/admin/{path}",
            {"delegate": eve.pk, "role": "department_head", **times, "ends_at_0": "2020-01-01"},
        )
    with at_desk(eve) as hers:
        assert "You act for Ben Example" in page(hers, path)
        ended = hers.post(f"/admin/{path}", {"revoke": held.pk}, follow=True)

    assert "Eve Example may act for you until" in told(given)
    assert "Eve Example acts for you" in shown
    assert wrong.context["form"].errors["ends_at"]
    assert "It has ended." in told(ended)


# Who is let in ------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-99")
def test_what_one_may_not_see_is_not_there(people: People) -> None:
    eve = staff("eve", Role.FACULTY, people.physics)
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    with at_desk(eve) as client:
        for path in (one(proposal), f"{INBOX}{proposal.pk}/edit/", f"{INBOX}999/change/"):
            assert client.get(f"/admin/{path}").status_code == 404
        for odd in ("x", "²", "9" * 30):
            assert client.get(f"/admin/{INBOX}{odd}/change/").status_code == 404
        assert client.post(f"/admin/{INBOX}{proposal.pk}/archive/").status_code == 404


@pytest.mark.parametrize("role", [Role.CURRICULUM_COMMITTEE, Role.AUDITOR])
def test_who_may_not_propose_or_delegate_is_refused(people: People, role: str) -> None:
    user = staff("pat", role)

    with at_desk(user) as client:
        assert client.get(f"/admin/{INBOX}add/").status_code == 403
        page(client, INBOX)
        page(client, f"{INBOX}delegations/")
        if role == Role.AUDITOR:
            assert client.post(f"/admin/{INBOX}delegations/", {}).status_code == 403


def test_a_page_that_does_something_is_not_opened_by_a_link(people: People) -> None:
    proposal = draft(people)

    with at_desk(people.ada) as ada:
        for name in ("archive", "rebase"):
            assert ada.get(f"/admin/{INBOX}{proposal.pk}/{name}/").status_code == 404

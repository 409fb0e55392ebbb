"""Proposals over HTTP: the whole way, who is let in, and what each mistake is told."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from courses.models import Course, Delegation, Proposal
from courses.proposals.drafts import create
from courses.workflow import Stage
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.accounts.tokens import make_tokens
from tests.callers import Reply
from tests.factories import make_course, make_user
from tests.proposals import BEGAN, People, bring, draft, said, staff

PROPOSALS = "/api/catalog/proposals/"
DELEGATIONS = "/api/catalog/delegations/"


class Asker:
    """Sends requests with one member of staff's token."""

    def __init__(self, user: User) -> None:
        [token] = make_tokens([user])
        self.client = Client(headers={"authorization": f"Token {token}"})

    def get(self, path: str = "", **query: Any) -> Reply:
        return Reply(self.client.get(_full(path), query))

    def send(self, method: str, path: str, body: Any = None, etag: str = "") -> Reply:
        headers = {"if-match": etag} if etag else {}
        return Reply(
            self.client.generic(
                method,
                _full(path),
                "" if body is None else _json(body),
                "" if body is None else "application/json",
                headers=headers,
            )
        )

    def step(self, proposal: int, step: str, etag: str = "", **body: Any) -> Reply:
        """One step, with the ETag as it is now where none is given."""
        etag = etag or self.get(f"{proposal}/").headers["ETag"]
        return self.send("POST", f"{proposal}/{step}/", body or None, etag)


def _full(path: str) -> str:
    return path if path.startswith("/") else PROPOSALS + path


def _json(body: Any) -> str:
    return json.dumps(body)


# The whole way ------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-81", "S1-82", "S1-85")
def test_a_course_comes_about_over_http(people: People) -> None:
    made = Asker(people.ada).send("POST", "", said())
    proposal = made.body["id"]
    way = [
        (people.ada, "submit", "DEPARTMENT_REVIEW"),
        (people.ben, "approve", "CURRICULUM_COMMITTEE"),
        (people.cam, "approve", "ACADEMIC_COUNCIL"),
        (people.dee, "approve", "APPROVED"),
        (people.reg, "activate", "ACTIVATED"),
    ]
    assert made.status == 201
    assert made.headers["Location"] == f"{PROPOSALS}{proposal}/"
    for user, step, stage in way:
        reply = Asker(user).step(proposal, step, remarks="Good.")
        assert (reply.status, reply.body["stage"]) == (200, stage), reply.raw

    detail = Asker(people.reg).get(f"{proposal}/").body
    course = Course.objects.get(code="PHY210")
    assert detail["became"] == course.pk
    assert [each["by"] for each in detail["history"]][1] == "Ben Example"
    assert detail["actions"] == ["REVERSE"]


@pytest.mark.requirement("S1-82")
def test_the_inbox_is_what_waits_for_whoever_asks(people: People) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    [card] = Asker(people.ben).get().body["results"]
    assert (card["id"], card["overdue"], card["stage"]) == (
        proposal.pk,
        True,
        "DEPARTMENT_REVIEW",
    )
    assert Asker(people.cam).get().body["results"] == []
    assert len(Asker(people.cam).get(box="all").body["results"]) == 1
    assert len(Asker(people.ada).get(box="mine", search="opti").body["results"]) == 1
    assert Asker(people.ada).get(box="mine", stage="DRAFT").body["results"] == []


def test_a_long_list_comes_in_pages_that_skip_nobody(people: People) -> None:
    for number in range(5):
        bring(people, draft(people, code=f"PHY{number}"), Stage.DEPARTMENT_REVIEW)
    asker, seen = Asker(people.ben), list[int]()

    reply = asker.get(page_size=2).body
    while True:
        seen += [each["id"] for each in reply["results"]]
        if reply["next"] is None:
            break
        reply = asker.get(reply["next"].removeprefix("http://testserver")).body

    assert seen == [1, 2, 3, 4, 5]


def test_the_detail_shows_a_reviewer_what_it_would_do(people: People) -> None:
    course = make_course("PHY100", department=people.physics, lecture_hours=3)
    proposal = bring(people, draft(people, course=course, credit=4), Stage.DEPARTMENT_REVIEW)

    seen = Asker(people.ben).get(f"{proposal.pk}/").body

    assert seen["impact"]["bump"] == "MINOR"
    assert seen["impact"]["differences"] == [
        {"field": "credit", "label": "Credit", "before": "3", "after": "4"}
    ]
    assert seen["waits_for"] == ["Ben Example"]
    assert seen["actions"] == ["APPROVE", "RETURN", "REJECT"]
    assert seen["content"]["credit"] == 4


def test_what_is_read_can_be_sent_back_as_it_is(people: People) -> None:
    needed = make_course("PHY101")
    proposal = draft(people, pre_requisit_courses=[needed.pk])
    asker = Asker(people.ada)
    seen = asker.get(f"{proposal.pk}/")

    again = asker.send("PATCH", f"{proposal.pk}/", seen.body["content"], seen.headers["ETag"])

    assert again.status == 200
    assert again.body["content"] == seen.body["content"]


# Who was first ------------------------------------------------------------------------------------


def test_the_second_of_two_reviewers_is_told_who_was_first(people: People) -> None:
    eve = staff("eve", Role.DEPARTMENT_HEAD, people.physics)
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW).pk
    seen = Asker(eve).get(f"{proposal}/").headers["ETag"]
    Asker(people.ben).step(proposal, "return", remarks="The books are missing.")

    late = Asker(eve).step(proposal, "approve", seen)

    assert (late.status, late.code) == (409, "PROPOSAL_MOVED")
    assert late.body["decided_by"] == "Ben Example"
    assert late.body["stage"] == "RETURNED"
    assert Proposal.objects.get().decisions.count() == 2


@pytest.mark.parametrize(("etag", "status"), [("", 428), ("x", 422), ('"99999999999"', 422)])
def test_who_changes_something_says_what_they_have_seen(
    people: People, etag: str, status: int
) -> None:
    proposal = draft(people).pk

    for method, path in (
        ("PATCH", f"{proposal}/"),
        ("POST", f"{proposal}/submit/"),
        ("POST", f"{proposal}/rebase/"),
    ):
        reply = Asker(people.ada).send(method, path, {}, etag)
        assert reply.status == status, reply.raw
        assert reply.code in ("IF_MATCH_NEEDED", "INVALID")


def test_a_change_is_moved_to_the_newest_version(people: People) -> None:
    course = make_course("PHY100", department=people.physics)
    mine = draft(people, course=course, credit=4)
    eve = staff("eve", Role.FACULTY, people.physics)
    hers = create(eve, {"max_seats": 50}, course=course, now=BEGAN)
    Asker(eve).step(hers.pk, "submit")
    hers.refresh_from_db()
    bring(people, hers, Stage.ACTIVATED)
    asker = Asker(people.ada)

    stale = asker.step(mine.pk, "submit")
    etag = asker.get(f"{mine.pk}/").headers["ETag"]
    moved = asker.send("POST", f"{mine.pk}/rebase/", None, etag)

    assert (stale.status, stale.code) == (409, "STALE_COURSE")
    assert moved.body == {"revision": 2, "both_changed": []}
    assert asker.step(mine.pk, "submit").body["content"]["max_seats"] == 50


# Mistakes -----------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-99", "S1-100")
@pytest.mark.parametrize(
    ("who", "step", "status", "code"),
    [
        ("cam", "approve", 403, "NOT_YOUR_ROLE"),
        ("ada", "approve", 403, "NOT_YOUR_ROLE"),
        ("ben", "withdraw", 403, "NOT_THE_AUTHOR"),
        ("ben", "reject", 422, "REMARKS_NEEDED"),
        ("ben", "activate", 409, "WRONG_STAGE"),
        ("ben", "explode", 404, "NOT_FOUND"),
    ],
)
def test_a_step_that_is_not_possible_says_why(
    people: People, who: str, step: str, status: int, code: str
) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    reply = Asker(getattr(people, who)).step(proposal.pk, step)

    assert (reply.status, reply.code) == (status, code)
    proposal.refresh_from_db()
    assert proposal.stage == "DEPARTMENT_REVIEW"


def test_a_role_that_the_client_claims_is_no_role(people: People) -> None:
    """Fusion took the role from the request (T44): here it is not even a field."""
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    reply = Asker(people.cam).step(proposal.pk, "approve", role="department_head")

    assert (reply.status, reply.body["errors"][0]["field"]) == (422, "role")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (said(percent_quiz_1=50), "percent_quiz_1"),
        (said(credit="many"), "credit"),
        (said(credit=-1), "credit"),
        (said(credit=2**40), "credit"),
        (said(disciplines="none"), "disciplines"),
        (said(disciplines=[999]), "disciplines"),
        (said(course=999), "course"),
        (said(course=2**70), "course"),
        (said(code="PHYSICS21011"), "code"),
        (said(department=999), "department"),
        (said(syllabus="a\0b"), "syllabus"),
        (said(color="red"), "color"),
        ({"code": "PHY210"}, "name"),
        ([], "body"),
    ],
)
def test_a_field_that_cannot_be_is_named(people: People, body: Any, field: str) -> None:
    reply = Asker(people.ada).send("POST", "", body)

    assert reply.status == 422, reply.raw
    assert field in [each["field"] for each in reply.body["errors"]]
    assert not Proposal.objects.exists()


def test_a_second_open_proposal_of_a_code_is_refused(people: People) -> None:
    draft(people)

    reply = Asker(people.ada).send("POST", "", said())

    assert (reply.status, reply.code) == (409, "OPEN_ALREADY")


# Who is let in ------------------------------------------------------------------------------------


def test_students_and_strangers_are_not_let_in(people: People) -> None:
    student = make_user("sam")
    draft(people)

    assert Asker(student).get().code == "FORBIDDEN"
    assert Asker(student).send("POST", "", said()).code == "FORBIDDEN"
    assert Asker(student).get(DELEGATIONS).code == "FORBIDDEN"
    assert Reply(Client().get(PROPOSALS)).code == "SIGN_IN"


@pytest.mark.requirement("S1-99")
def test_what_one_may_not_see_is_not_there(people: People) -> None:
    eve = staff("eve", Role.FACULTY, people.physics)
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW).pk

    for reply in (
        Asker(eve).get(f"{proposal}/"),
        Asker(eve).get("999/"),
        Asker(eve).get(f"{2**70}/"),
        Asker(eve).send("POST", f"{proposal}/approve/", {}, '"2"'),
        Asker(eve).send("PUT", f"{proposal}/archive/"),
    ):
        assert (reply.status, reply.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("role", [Role.CURRICULUM_COMMITTEE, Role.AUDITOR])
def test_who_reviews_or_audits_does_not_propose(people: People, role: str) -> None:
    reply = Asker(staff("pat", role)).send("POST", "", said())

    assert reply.code == "FORBIDDEN"


# Archive and delegation ---------------------------------------------------------------------------


def test_a_proposal_is_put_away_and_taken_out_again(people: People) -> None:
    proposal = draft(people).pk
    ada = Asker(people.ada)

    assert ada.send("PUT", f"{proposal}/archive/").status == 204
    assert [each["id"] for each in ada.get(box="archive").body["results"]] == [proposal]
    assert ada.send("DELETE", f"{proposal}/archive/").status == 204
    assert [each["id"] for each in ada.get(box="mine").body["results"]] == [proposal]


def test_a_head_delegates_and_takes_it_back(people: People) -> None:
    eve = staff("eve", Role.FACULTY, people.physics)
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW).pk
    now = timezone.now()
    times = {"starts_at": now.isoformat(), "ends_at": now.replace(year=now.year + 1).isoformat()}
    wanted = {"delegate": "eve", "role": "department_head", "reason": "Sabbatical", **times}

    given = Asker(people.ben).send("POST", DELEGATIONS, wanted)

    assert (given.status, given.body["delegate"]) == (201, "Eve Example")
    [held] = Asker(eve).get(DELEGATIONS).body["results"]
    assert held["holder"] == "Ben Example"
    assert Asker(eve).step(proposal, "approve").body["history"][-1]["acting_for"] == "Ben Example"
    path = f"{DELEGATIONS}{held['id']}/"
    assert Asker(people.cam).send("DELETE", path).code == "NOT_FOUND"
    assert Asker(people.ben).send("DELETE", path).status == 204
    assert Asker(eve).get(DELEGATIONS).body["results"] == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"delegate": "nobody"}, 422),
        ({"delegate": "ben"}, 422),
        ({"role": "academic_council"}, 403),
        ({"role": "registrar"}, 422),
        ({"ends_at": "2020-01-01T00:00:00Z"}, 422),
        ({"ends_at": "soon"}, 422),
    ],
)
def test_a_delegation_that_cannot_be_is_refused(
    people: People, changes: dict[str, str], status: int
) -> None:
    staff("eve", Role.FACULTY, people.physics)
    wanted = {
        "delegate": "eve",
        "role": "department_head",
        "starts_at": "2025-01-01T00:00:00Z",
        "ends_at": "2126-01-01T00:00:00Z",
        **changes,
    }

    assert Asker(people.ben).send("POST", DELEGATIONS, wanted).status == status
    assert Asker(people.ada).send("POST", DELEGATIONS, wanted).status in (403, 422)
    assert not Delegation.objects.exists()

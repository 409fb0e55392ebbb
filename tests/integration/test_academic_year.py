"""A course's year at the university, over the API: proposed, approved, taught, changed, retired."""

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from courses.models import Course, Offering
from registrar.accounts.models import User
from registrar.accounts.tokens import make_tokens
from registrar.audit.models import Access, Entry
from tests.callers import Caller, Reply, settle_all
from tests.factories import make_student, make_term, open_window
from tests.proposals import People, said

CATALOG = "/api/catalog/"


class Desk:
    """Somebody at work, with a token."""

    def __init__(self, user: User) -> None:
        [token] = make_tokens([user])
        self.client = Client(headers={"authorization": f"Token {token}"})

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("GET", path, 200, **query).body

    def ask(self, method: str, path: str, status: int, body: Any = None, **rest: Any) -> Reply:
        """One request; fails when it is answered otherwise."""
        reply = Reply(
            getattr(self.client, method.lower())(
                CATALOG + path,
                rest if method == "GET" else body or {},
                **({} if method == "GET" else {"content_type": "application/json"}),
                **({"headers": {"if-match": rest["etag"]}} if "etag" in rest else {}),
            )
        )
        assert reply.status == status, reply.raw
        return reply

    def step(self, proposal: int, step: str) -> Reply:
        path = f"proposals/{proposal}/"
        etag = self.ask("GET", path, 200).headers["ETag"]
        said = {"remarks": "As discussed.", "rationale": "The minutes say why."}
        return self.ask("POST", f"{path}{step}/", 200, said, etag=etag)


@pytest.mark.requirement(
    *("S1-57", "S1-63", "S1-64", "S1-65", "S1-66", "S1-79", "S1-80", "S1-81", "S1-82"),
    *("S1-83", "S1-84", "S1-85", "S1-86", "S1-87", "S1-104", "S2-4", "S2-13"),
)
def test_a_year_in_the_life_of_a_course(people: People) -> None:
    office = Desk(people.reg)

    course = _proposed_and_approved(people)
    latest = _versioned(office, course)
    _in_the_plans(office, people, latest)
    offering = _taught(latest)
    _retired(office, latest, offering)

    call_command("verify")


def _proposed_and_approved(people: People) -> int:
    """Optics: sent back once, then approved by everybody whose word it needs."""
    ada, ben, cam, dee, reg = (Desk(user) for user in people[2:])
    proposal = ada.ask("POST", "proposals/", 201, said(credit=4)).body["id"]
    ada.step(proposal, "submit")
    ben.step(proposal, "return")
    etag = ada.ask("GET", f"proposals/{proposal}/", 200).headers["ETag"]
    better = {"syllabus": "Light, lenses and mirrors."}
    ada.ask("PATCH", f"proposals/{proposal}/", 200, better, etag=etag)
    ada.step(proposal, "resubmit")
    for reviewer in (ben, cam, dee):
        assert [each["id"] for each in reviewer.get("proposals/")["results"]] == [proposal]
        reviewer.step(proposal, "approve")
    assert not Course.objects.exists(), "an approval makes no course yet"
    done = reg.step(proposal, "activate").body

    [seen] = reg.get("courses/", code="PHY210")["results"]
    assert (seen["version"], seen["state"], seen["department"]) == ("1.0", "ACTIVE", "PHY")
    assert done["became"] == seen["id"]
    assert [each["action"] for each in done["history"]] == [
        *("SUBMIT", "RETURN", "RESUBMIT", "APPROVE", "APPROVE", "APPROVE", "ACTIVATE"),
    ]
    readers = set(Access.objects.filter(what="courses.proposal").values_list("actor", flat=True))
    assert readers == {user.actor for user in people[3:]}, "its author is no stranger to it"
    return int(seen["id"])


def _versioned(office: Desk, course: int) -> int:
    """A misprint, a decision and another course in all but name; then back to the second."""
    changes: list[tuple[dict[str, Any], str, str]] = [
        ({"name": "Opticss"}, "PATCH", "1.1"),
        ({"credit": 5}, "MINOR", "2.1"),
        ({"code": "PHY310"}, "MAJOR", "3.0"),
    ]
    ids = [course]
    for change, bump, version in changes:
        path = f"courses/{ids[-1]}/"
        preview = office.ask("POST", f"{path}preview/", 200, change).body
        made = office.ask("PATCH", path, 201, change).body
        assert preview["bump"] == bump == made["bump_type"]
        assert made["version"] == preview["version"] == version
        assert made["latest_version"]
        ids.append(made["id"])
    late = office.ask("PATCH", f"courses/{course}/", 409, {"credit": 9})
    assert late.body["latest"] == ids[-1]

    rows = office.get(f"courses/{course}/versions/")["results"]
    assert [row["id"] for row in rows] == ids
    seen = office.get(f"courses/{ids[0]}/compare/", to=ids[-1])["differences"]
    assert {each["field"] for each in seen} >= {"name", "credit", "code"}
    why = {"reason": "The new code was a mistake."}
    back = office.ask("POST", f"courses/{ids[2]}/rollback/", 201, why).body
    assert (back["code"], back["credit"], back["revision"]) == ("PHY210", 5, 5)
    return int(back["id"])


def _in_the_plans(office: Desk, people: People, course: int) -> None:
    programme = office.ask("POST", "programmes/", 201, {"category": "UG", "name": "Physics"}).body
    plan = {"name": "Physics 2026", "no_of_semester": 8, "min_credit": 5}
    made = office.ask("POST", f"programmes/{programme['id']}/curricula/", 201, plan).body
    slot = {"name": "Core 1", "type": "Professional Core"}
    made = office.ask("POST", f"curricula/{made['id']}/semesters/3/slots/", 201, slot).body
    [there] = made["semesters"][2]["slots"]
    made = office.ask("PUT", f"slots/{there['id']}/courses/{course}/", 200).body
    assert made["semesters"][2]["slots"][0]["courses"][0]["code"] == "PHY210"

    years = office.get(f"departments/{people.physics.pk}/")["years"]
    third = years[1]["semesters"][0]
    assert third["absolute_number"] == 3
    where = {"semester": third["id"], "course": course}
    placed = office.ask("POST", f"departments/{people.physics.pk}/courses/", 201, where).body
    assert placed["years"][1]["semesters"][0]["courses"][0]["code"] == "PHY210"


def _taught(course: int) -> Offering:
    """Offered for a term, with somebody in it."""
    term = make_term("2026-ODD")
    open_window(term)
    offering = Offering.objects.create(
        course_id=course, term=term, base_limit=2, section_limit=2, auto_create=False
    )
    student = Caller(make_student(term))
    request = student.enroll(offering)
    settle_all()
    assert "You have a seat in PHY210" in student.outcome(request)["outcome"]["sentence"]
    return offering


def _retired(office: Desk, course: int, offering: Offering) -> None:
    """No longer taught; what happened stays."""
    path = f"courses/{course}/state/"
    too_early = office.ask("POST", path, 409, {"state": "ARCHIVED", "reason": "Too early."})
    assert too_early.code == "TRANSITION"
    office.ask("POST", path, 200, {"state": "DEPRECATED", "reason": "Nobody is left to teach it."})
    office.ask("POST", path, 200, {"state": "ARCHIVED", "reason": "Nobody is left to teach it."})

    found = Course.objects.get(pk=course)
    assert (found.state, found.working_course) == ("ARCHIVED", False)
    offering.refresh_from_db()
    assert offering.course_id == course
    events = Entry.objects.filter(stream=f"course:{found.lineage}").order_by("seq")
    assert [each.event for each in events] == [
        "course_create",
        *["course_version"] * 4,
        "course_update",
        "course_delete",
    ]

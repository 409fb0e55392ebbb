"""Looking at one's own requests, and at nobody else's."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from courses.models import Offering, Term
from enrollment.models import Request
from enrollment.requests import submit_now
from enrollment.vocabulary import Kind
from tests import factories
from tests.callers import Caller, settle_all


@pytest.fixture
def term(database: None) -> Term:
    term = factories.make_term("2026-ODD")
    factories.open_window(term)
    return term


@pytest.fixture
def offering(term: Term) -> Offering:
    return factories.make_offering(term, code="CS101", base_limit=2)


@pytest.fixture
def ada(term: Term) -> Caller:
    return Caller(factories.make_student(term))


@pytest.fixture
def ben(term: Term) -> Caller:
    return Caller(factories.make_student(term))


# Another's is nobody's ------------------------------------------------------------------------


@pytest.mark.requirement("S1-105")
@pytest.mark.parametrize(("method", "path"), [("get", ""), ("post", "cancel/")])
def test_anothers_request_answers_as_a_missing_one(
    ada: Caller, ben: Caller, offering: Offering, method: str, path: str
) -> None:
    request = ada.enroll(offering)

    anothers = ben.send(method, f"requests/{request}/{path}")
    missing = ben.send(method, f"requests/{request + 1}/{path}")
    absurd = ben.send(method, f"requests/{10**30}/{path}")

    assert anothers.status == missing.status == absurd.status == 404
    assert anothers.code == "REQUEST_UNKNOWN"
    assert anothers.raw == missing.raw == absurd.raw
    assert dict(anothers.headers) == dict(missing.headers)


@pytest.mark.requirement("S1-105")
def test_a_list_never_shows_what_is_anothers(ada: Caller, ben: Caller, offering: Offering) -> None:
    request = ada.enroll(offering)

    assert ben.get("requests/").body == {"results": [], "next": None}
    assert ben.get(f"requests/?ids={request}").body["results"] == []


def test_what_the_system_asked_for_a_student_is_not_shown(ada: Caller, offering: Offering) -> None:
    recheck = factories.ask(Kind.RECHECK, ada.student, offering)._replace(actor="system")
    submit_now([recheck])

    assert ada.get("requests/").body["results"] == []
    assert ada.get(f"requests/{Request.objects.get().pk}/").code == "REQUEST_UNKNOWN"


def test_a_seat_that_staff_gave_is_shown_without_their_reason(
    ada: Caller, offering: Offering
) -> None:
    permit = factories.ask(Kind.PERMIT, ada.student, offering, reason="a private matter")
    [answer] = submit_now([permit._replace(actor="user:77")])
    settle_all()

    reply = ada.get(f"requests/{answer.request}/")  # type: ignore[union-attr]

    assert reply.body["state"] == "ENROLLED"
    assert b"private" not in reply.raw
    assert ada.post(f"requests/{reply.body['id']}/cancel/").code == "NOT_CANCELLABLE"


# Lists --------------------------------------------------------------------------------------


def test_my_requests_are_listed_newest_first_and_in_pages(ada: Caller, term: Term) -> None:
    offerings = [factories.make_offering(term) for _ in range(3)]
    asked = [ada.enroll(offering) for offering in offerings]

    first = ada.get("requests/?limit=2")
    second = ada.get(first.body["next"])

    assert [each["id"] for each in first.body["results"]] == [asked[2], asked[1]]
    assert [each["id"] for each in second.body["results"]] == [asked[0]]
    assert second.body["next"] is None


def test_the_undecided_can_be_listed_alone(ada: Caller, offering: Offering) -> None:
    ada.enroll(offering)
    settle_all()
    waiting = ada.post("courses/CS101/drop/").body["id"]

    reply = ada.get("requests/?pending=true")

    assert [each["id"] for each in reply.body["results"]] == [waiting]
    assert int(reply.headers["Retry-After"]) >= 1


def test_a_list_shows_the_same_as_each_request_alone(
    ada: Caller, ben: Caller, offering: Offering
) -> None:
    ben.enroll(offering)
    ids = [ada.enroll(offering), ada.post("courses/CS101/drop/").body["id"]]

    listed = ada.get(f"requests/?ids={ids[0]},{ids[1]}").body["results"]

    assert listed == [ada.outcome(ids[1]), ada.outcome(ids[0])]
    assert [each["position"] for each in listed] == [2, 1]


def test_those_asked_for_by_id_can_be_narrowed_like_all_others(ada: Caller, term: Term) -> None:
    offerings = [factories.make_offering(term) for _ in range(6)]
    decided = [ada.enroll(offering) for offering in offerings[:3]]
    settle_all()
    waiting = [ada.enroll(offering) for offering in offerings[3:]]

    def listed(query: str) -> list[int]:
        ids = ",".join(map(str, [*decided, waiting[0], waiting[2]]))
        return [each["id"] for each in ada.get(f"requests/?ids={ids}&{query}").body["results"]]

    assert listed("") == [waiting[2], waiting[0], *reversed(decided)]
    assert listed("pending=true") == [waiting[2], waiting[0]]
    assert listed("limit=2") == [waiting[2], waiting[0]]
    assert listed(f"before={decided[2]}") == [decided[1], decided[0]]


def test_the_place_of_a_cart_is_the_one_in_its_longest_line(
    ada: Caller, ben: Caller, term: Term
) -> None:
    short, long = (factories.make_offering(term) for _ in range(2))
    for caller, wanted in ((ben, short), (ben, long), (Caller(factories.make_student(term)), long)):
        caller.enroll(wanted)
    for each in (short, long):
        ada.send("put", f"cart/{each.course_id}/")
    cart = ada.post("enrollment/cart/enroll/", {"all_or_nothing": True}).body["requests"][0]["id"]
    taken_back = ada.post(f"requests/{cart}/cancel/").body["id"]

    assert ada.outcome(cart)["position"] == 2
    assert ada.outcome(taken_back)["position"] == 0


def test_a_look_is_one_question_besides_who_asks(ada: Caller, term: Term) -> None:
    offerings = [factories.make_offering(term) for _ in range(2)]
    ids = [ada.enroll(offerings[0])]
    settle_all()
    ids.append(ada.enroll(offerings[1]))
    assert len(ada.get("requests/").body["results"]) == 2

    for path in ("requests/", f"requests/?ids={ids[0]},{ids[1]}", f"requests/{ids[1]}/"):
        with CaptureQueriesContext(connection) as asked:
            assert ada.get(path).status == 200
        assert len(asked) == 2, asked.captured_queries


@pytest.mark.parametrize("query", ["limit=x", "limit=", "before=1.5", "ids=1;2", "ids=", "limit=²"])
def test_a_query_that_cannot_be_read_is_refused(ada: Caller, query: str) -> None:
    reply = ada.get(f"requests/?{query}")

    assert reply.status == 422
    assert reply.body["errors"][0]["field"] == query.partition("=")[0]


# Looking again is cheap -----------------------------------------------------------------------


def test_looking_again_costs_no_body_while_nothing_changed(ada: Caller, offering: Offering) -> None:
    request = ada.enroll(offering)
    settle_all()
    first = ada.get(f"requests/{request}/")

    again = ada.get(f"requests/{request}/", if_none_match=first.headers["ETag"])

    assert again.status == 304
    assert again.raw == b""
    assert "private" in first.headers["Cache-Control"]


def test_an_unchanged_place_in_line_still_says_when_to_look_again(
    ada: Caller, offering: Offering
) -> None:
    request = ada.enroll(offering)
    tag = ada.get(f"requests/{request}/").headers["ETag"]

    again = ada.get(f"requests/{request}/", if_none_match=tag)

    assert again.status == 304
    assert int(again.headers["Retry-After"]) >= 1


def test_a_decision_changes_the_tag(ada: Caller, offering: Offering) -> None:
    request = ada.enroll(offering)
    tag = ada.get(f"requests/{request}/").headers["ETag"]
    settle_all()

    assert ada.get(f"requests/{request}/", if_none_match=tag).status == 200


# Taking back --------------------------------------------------------------------------------


def test_a_request_can_be_taken_back_while_it_is_undecided(ada: Caller, offering: Offering) -> None:
    request = ada.enroll(offering)

    cancelled = ada.post(f"requests/{request}/cancel/")
    settle_all()

    assert cancelled.status == 202
    assert cancelled.body["kind"] == "CANCEL"
    assert ada.outcome(request)["state"] == "CANCELLED"
    told = ada.outcome(cancelled.body["id"])
    assert told["outcome"]["sentence"] == f"Request {request} was cancelled."
    assert ada.get("enrollments/").body["results"] == []


def test_a_decided_request_cannot_be_taken_back(ada: Caller, offering: Offering) -> None:
    request = ada.enroll(offering)
    settle_all()

    cancelled = ada.post(f"requests/{request}/cancel/")
    settle_all()

    assert ada.outcome(cancelled.body["id"])["outcome"]["code"] == "ALREADY_DECIDED"


def test_a_cancellation_cannot_be_cancelled(ada: Caller, offering: Offering) -> None:
    request = ada.enroll(offering)
    cancelled = ada.post(f"requests/{request}/cancel/").body["id"]

    reply = ada.post(f"requests/{cancelled}/cancel/")

    assert reply.status == 422
    assert reply.code == "NOT_CANCELLABLE"


def test_taking_back_takes_no_fields(ada: Caller, offering: Offering) -> None:
    request = ada.enroll(offering)

    assert ada.post(f"requests/{request}/cancel/", {"student": 1}).code == "INVALID"


# What I hold --------------------------------------------------------------------------------


def test_my_enrollments_say_where_and_when(ada: Caller, term: Term) -> None:
    offering = factories.make_offering(
        term, code="CS101", base_limit=0, section_limit=2, auto_create=True, credit=4
    )
    request = ada.enroll(offering)
    settle_all()

    assert ada.get("enrollments/").body["results"] == [
        {
            "offering": offering.pk,
            "course": offering.course_id,
            "code": "CS101",
            "name": "Course CS101",
            "term": "2026-ODD",
            "credits": 4,
            "section": "CS101-SEC001",
            "meets": "no fixed times",
            "request": request,
        }
    ]


def test_my_waitlist_places_say_how_many_are_before_me(
    ada: Caller, ben: Caller, term: Term
) -> None:
    offering = factories.make_offering(term, code="CS101", base_limit=0)
    ben.enroll(offering)
    request = ada.enroll(offering)
    settle_all()

    assert ada.get("waitlist/").body["results"] == [
        {
            "request": request,
            "offering": offering.pk,
            "code": "CS101",
            "name": "Course CS101",
            "term": "2026-ODD",
            "section": None,
            "position": 2,
            "waiting": 2,
            "passed_over": None,
        }
    ]


def test_my_windows_are_those_that_admit_me(database: None) -> None:
    term = factories.make_term("2026-ODD")
    mine = factories.open_window(term, name="Seniors", cohorts=["senior"], actions=["ENROLL"])
    factories.open_window(term, name="Freshmen", cohorts=["freshman"])
    ada = Caller(factories.make_student(cohort="senior"))

    seen = ada.get("windows/").body

    assert [(each["id"], each["state"], each["actions"]) for each in seen["results"]] == [
        (mine.pk, "OPEN", ["ENROLL"])
    ]
    assert seen["now"]

"""Asking for courses over HTTP: accepted at once, decided later, and told in words."""

import time
from datetime import datetime, timedelta

import pytest

from courses.models import Course, Offering, Term
from courses.timetable import weekly
from enrollment import directory, mailbox
from enrollment.models import Enrollment, Request
from enrollment.vocabulary import Kind
from tests import factories
from tests.callers import Caller, settle_all, settling


@pytest.fixture
def term(database: None) -> Term:
    term = factories.make_term("2026-ODD")
    factories.open_window(term)
    return term


@pytest.fixture
def offering(term: Term) -> Offering:
    """Two seats on the course itself, no sections."""
    return factories.make_offering(term, code="CS101", base_limit=2)


@pytest.fixture
def ada(term: Term) -> Caller:
    return Caller(factories.make_student(term))


def others_take(offering: Offering, count: int) -> list[Caller]:
    callers = [Caller(factories.make_student(offering.term)) for _ in range(count)]
    for caller in callers:
        caller.enroll(offering)
    settle_all()
    return callers


# Accepted -----------------------------------------------------------------------------------


@pytest.mark.requirement("S0-31")
def test_a_post_is_accepted_with_a_place_in_line(ada: Caller, offering: Offering) -> None:
    reply = ada.post(f"courses/{offering.course_id}/enroll/")

    assert reply.status == 202
    body = reply.body
    assert reply.headers["Location"] == f"/api/student/requests/{body['id']}/"
    assert int(reply.headers["Retry-After"]) >= 1
    assert datetime.fromisoformat(body.pop("accepted_at")).utcoffset() == timedelta(0)
    assert body == {
        "id": Request.objects.get().pk,
        "kind": "ENROLL",
        "state": "PENDING",
        "term": "2026-ODD",
        "course": "CS101",
        "offering": offering.pk,
        "courses": ["CS101"],
        "position": 0,
        "eta_seconds": 1,
        "decided_at": None,
        "outcome": None,
        "waitlist": None,
    }


def test_looking_at_once_shows_what_the_post_answered(ada: Caller, offering: Offering) -> None:
    posted = ada.post(f"courses/{offering.course_id}/enroll/")

    looked = ada.get(posted.headers["Location"])

    assert looked.status == 200
    assert looked.body == posted.body
    assert looked.headers["Retry-After"] == posted.headers["Retry-After"]


def test_a_seat_on_the_course_itself_has_no_section(ada: Caller, offering: Offering) -> None:
    request = ada.enroll(offering)
    settle_all()

    told = ada.outcome(request)

    assert told["state"] == "ENROLLED"
    assert told["decided_at"] is not None
    assert told["position"] is None
    assert told["outcome"] == {
        "code": "ENROLLED",
        "sentence": "You have a seat in CS101.",
        "remedy": "",
        "facts": {"section": None},
    }


def test_a_section_is_told_by_its_code(ada: Caller, term: Term) -> None:
    offering = factories.make_offering(
        term, code="MA1", base_limit=0, section_limit=3, auto_create=True
    )

    request = ada.enroll(offering)
    settle_all()

    outcome = ada.outcome(request)["outcome"]
    assert outcome["sentence"] == "You have a seat in MA1, section MA1-SEC001."
    assert outcome["facts"] == {"section": "MA1-SEC001"}


def test_a_course_can_be_named_by_its_code_however_typed(ada: Caller, offering: Offering) -> None:
    reply = ada.post("courses/ cs101 /enroll/")

    assert reply.status == 202
    assert reply.body["offering"] == offering.pk


def test_the_id_of_another_version_means_the_version_offered(
    ada: Caller, offering: Offering
) -> None:
    older = Course.objects.get(pk=offering.course_id)
    older.pk, older.version, older.latest_version = None, "2.0", False
    older.revision = 2
    older._state.adding = True
    older.save()

    assert ada.post(f"courses/{older.pk}/enroll/").body["offering"] == offering.pk


@pytest.mark.parametrize("named", ["NONE1", "999999", "9" * 30, "²", "%00", "CS101%20x", "'--"])
def test_an_unknown_course_is_not_found(ada: Caller, offering: Offering, named: str) -> None:
    reply = ada.post(f"courses/{named}/enroll/")

    assert reply.status == 404
    assert reply.code == "COURSE_UNKNOWN"


def test_an_offering_made_a_moment_ago_is_found_soon(
    ada: Caller, term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ada.post("courses/NEW1/enroll/").code == "COURSE_UNKNOWN"
    monkeypatch.setattr(directory, "MISS_SECONDS", 0.0)

    factories.make_offering(term, code="NEW1")

    assert ada.post("courses/NEW1/enroll/").status == 202


# The other kinds ----------------------------------------------------------------------------


def test_a_full_course_gives_a_waitlist_place(ada: Caller, offering: Offering) -> None:
    others_take(offering, 3)

    request = ada.enroll(offering)
    settle_all()

    told = ada.outcome(request)
    assert told["state"] == "WAITLISTED"
    assert told["outcome"]["sentence"] == "CS101 is full; you joined its waitlist as number 2."
    assert told["waitlist"] == {"state": "WAITING", "position": 2}


def test_a_drop_seats_the_first_who_waits(ada: Caller, offering: Offering) -> None:
    ben, _ = others_take(offering, 2)
    request = ada.enroll(offering)
    settle_all()

    dropped = ben.post("courses/CS101/drop/")
    settle_all()

    assert dropped.status == 202
    assert ben.outcome(dropped.body["id"])["outcome"]["sentence"] == (
        "You gave up your seat in CS101."
    )
    assert ada.outcome(request)["waitlist"] == {"state": "PROMOTED", "position": None}
    assert [seat["code"] for seat in ada.get("enrollments/").body["results"]] == ["CS101"]


def test_leaving_the_waitlist_gives_up_the_place(ada: Caller, offering: Offering) -> None:
    others_take(offering, 2)
    ada.enroll(offering)
    settle_all()

    left = ada.post("courses/CS101/leave/")
    settle_all()

    told = ada.outcome(left.body["id"])
    assert told["state"] == "LEFT"
    assert told["outcome"]["sentence"] == "You left the waitlist of CS101."
    assert ada.get("waitlist/").body["results"] == []


def test_a_swap_gives_one_course_for_another(ada: Caller, offering: Offering, term: Term) -> None:
    factories.make_offering(term, code="MA101")
    ada.enroll(offering)
    settle_all()

    swapped = ada.post("courses/MA101/swap/", {"give": "CS101"})
    settle_all()

    assert swapped.body["courses"] == ["MA101", "CS101"]
    told = ada.outcome(swapped.body["id"])
    assert told["state"] == "SWAPPED"
    assert told["outcome"]["sentence"] == "You gave up CS101 for a seat in MA101."
    assert list(Enrollment.objects.filter(active=True).values_list("offering__course__code")) == [
        ("MA101",)
    ]


def test_a_swap_may_name_the_course_given_up_by_id(
    ada: Caller, offering: Offering, term: Term
) -> None:
    factories.make_offering(term, code="MA101")

    reply = ada.post("courses/MA101/swap/", {"give": offering.course_id})

    assert reply.status == 202
    assert Request.objects.get().body["give"] == offering.pk


def test_a_swap_within_a_course_changes_the_section(ada: Caller, term: Term) -> None:
    offering = factories.make_offering(term, code="PH1", base_limit=0)
    factories.make_section(offering, 2)
    factories.make_section(offering, 2)
    ada.enroll(offering, section=1)
    settle_all()

    swapped = ada.post("courses/PH1/swap/", {"give": "PH1", "section": "PH1-SEC002"})
    settle_all()

    assert ada.outcome(swapped.body["id"])["outcome"]["facts"] == {"section": "PH1-SEC002"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "INVALID"),
        ({"give": None}, "INVALID"),
        ({"give": True}, "INVALID"),
        ({"give": ["CS101"]}, "INVALID"),
        ({"give": "NONE1"}, "INVALID"),
        ({"give": -1}, "INVALID"),
        ({"give": "CS101"}, "SAME_COURSE"),
    ],
)
def test_a_swap_must_say_what_is_given_up(
    ada: Caller, offering: Offering, body: dict[str, object], code: str
) -> None:
    reply = ada.post("courses/CS101/swap/", body)

    assert reply.status == 422
    assert reply.code == code


# Sections -----------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [2, "CS101-SEC002", "cs101-sec002"])
def test_a_section_can_be_named_by_number_or_code(
    ada: Caller, offering: Offering, named: object
) -> None:
    factories.make_section(offering, 5)
    factories.make_section(offering, 5)

    request = ada.enroll(offering, section=named)
    settle_all()

    assert ada.outcome(request)["outcome"]["facts"] == {"section": "CS101-SEC002"}


@pytest.mark.parametrize("named", ["MA1-SEC001", -1, 2**31, 10**40])
def test_a_section_of_another_course_is_unknown(
    ada: Caller, offering: Offering, named: object
) -> None:
    reply = ada.post("courses/CS101/enroll/", {"section": named})

    assert reply.status == 422
    assert reply.code == "SECTION_UNKNOWN"


@pytest.mark.parametrize("named", ["", "first", 1.5, True, [1], {"number": 1}, "\x00", "\ud800"])
def test_a_section_that_is_no_section_is_refused(
    ada: Caller, offering: Offering, named: object
) -> None:
    reply = ada.post("courses/CS101/enroll/", {"section": named})

    assert reply.status == 422
    assert reply.code == "INVALID"
    assert reply.body["errors"][0]["field"] == "section"


def test_a_section_that_does_not_exist_is_refused_by_the_settlement(
    ada: Caller, offering: Offering
) -> None:
    request = ada.enroll(offering, section=7)
    settle_all()

    outcome = ada.outcome(request)["outcome"]
    assert outcome["code"] == "SECTION_UNKNOWN"
    assert outcome["facts"] == {"section": "CS101-SEC007"}


def test_no_section_named_is_any_section(ada: Caller, offering: Offering) -> None:
    ada.enroll(offering, section=None)

    assert Request.objects.get().body == {"offering": offering.pk}


# Refused by a settlement --------------------------------------------------------------------


def test_a_refusal_names_the_course_it_clashes_with(ada: Caller, term: Term) -> None:
    monday = (weekly(0, 540, 600),)
    held = factories.make_offering(term, code="CS101", base_meets=monday)
    wanted = factories.make_offering(term, code="MA101", base_meets=monday)
    ada.enroll(held)
    request = ada.enroll(wanted)
    settle_all()

    told = ada.outcome(request)
    assert told["state"] == "REFUSED"
    assert told["outcome"]["code"] == "TIME_CLASH"
    assert told["outcome"]["sentence"].endswith(".")
    assert told["outcome"]["remedy"].startswith("Swap the course it clashes with")
    assert told["outcome"]["facts"] == {"with_course": "CS101", "meets": "Mon 09:00-10:00"}


def test_asking_twice_for_a_seat_is_refused_the_second_time(
    ada: Caller, offering: Offering
) -> None:
    ada.enroll(offering)
    settle_all()
    again = ada.enroll(offering)
    settle_all()

    assert ada.outcome(again)["outcome"]["code"] == "ALREADY_ENROLLED"


# Waiting for the outcome --------------------------------------------------------------------


def test_a_client_that_prefers_to_wait_gets_the_outcome(ada: Caller, offering: Offering) -> None:
    with settling():
        reply = ada.post("courses/CS101/enroll/", prefer="respond-async, wait=5")

    assert reply.status == 200
    assert reply.headers["Preference-Applied"] == "wait=5"
    assert reply.headers["Location"] == f"/api/student/requests/{reply.body['id']}/"
    assert "Retry-After" not in reply.headers
    assert reply.body["state"] == "ENROLLED"


def test_waiting_ends_without_an_outcome_when_none_comes(ada: Caller, offering: Offering) -> None:
    reply = ada.post("courses/CS101/enroll/", prefer="wait=1")

    assert reply.status == 202
    assert "Preference-Applied" not in reply.headers
    assert reply.body["state"] == "PENDING"


@pytest.mark.parametrize("prefer", ["wait", "wait=x", "wait=-1", "handling=strict", "wait=0"])
def test_a_preference_that_is_not_understood_is_ignored(
    ada: Caller, offering: Offering, prefer: str
) -> None:
    assert ada.post("courses/CS101/enroll/", prefer=prefer).status == 202


# The line -----------------------------------------------------------------------------------


def test_the_place_in_line_is_known_with_redis_and_without(ada: Caller, offering: Offering) -> None:
    for _ in range(3):
        Caller(factories.make_student(offering.term)).enroll(offering)
    request = ada.enroll(offering)

    assert ada.outcome(request)["position"] == 3
    mailbox.client().flushdb()
    assert ada.outcome(request)["position"] == 3


def test_a_redis_that_is_away_keeps_nobody_from_registering(
    ada: Caller, offering: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.conf.settings.REDIS_URL", "unix:///nowhere/redis.sock")
    mailbox.client.cache_clear()
    try:
        begun = time.monotonic()
        request = ada.enroll(offering)
        told = ada.outcome(request)
        took = time.monotonic() - begun
    finally:
        mailbox.client.cache_clear()

    assert told["position"] == 0
    assert took < 1


def test_a_post_is_answered_with_one_query_of_its_own(
    ada: Caller, offering: Offering, django_assert_num_queries: object
) -> None:
    ada.enroll(offering)

    with django_assert_num_queries(1):  # type: ignore[operator]
        reply = ada.post("courses/CS101/drop/")

    assert reply.status == 202
    assert Request.objects.filter(kind=Kind.DROP).count() == 1

"""Automatic sections, as they were asked for: one test for each thing that was promised."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from courses.models import Offering, Section, Term
from courses.timetable import weekly
from enrollment.models import Enrollment, Outcome, Student, WaitlistEntry
from enrollment.vocabulary import Kind
from registrar.audit.models import Entry
from tests import factories
from tests.callers import Caller, settle_all
from tests.factories import ask, enroll, submit


@pytest.fixture
def term(database: None) -> Term:
    term = factories.make_term()
    factories.open_window(term)
    return term


@pytest.fixture
def offering(term: Term) -> Offering:
    """Two seats on the course itself, then sections of three."""
    return factories.make_offering(
        term, code="CS101", base_limit=2, section_limit=3, auto_create=True
    )


def students(term: Term, count: int) -> list[Student]:
    return [factories.make_student(term) for _ in range(count)]


def fill(offering: Offering, count: int) -> list[Student]:
    """So many students ask, in this order, and are decided."""
    asking = students(offering.term, count)
    enroll(offering, asking)
    settle_all()
    return asking


def places(offering: Offering) -> list[str]:
    """Where the students sit, in the order they were seated; `base` is the course itself."""
    seats = Enrollment.objects.filter(offering=offering, active=True).select_related("section")
    return [seat.section.code if seat.section else "base" for seat in seats.order_by("id")]


def sections(offering: Offering) -> list[Section]:
    return list(Section.objects.filter(offering=offering).order_by("section_number"))


# Opening ------------------------------------------------------------------------------------


@pytest.mark.requirement("S0-1", "S0-18", "S0-21", "S0-34")
def test_a_section_opens_when_every_seat_is_taken_and_not_before(offering: Offering) -> None:
    fill(offering, 2)
    assert sections(offering) == []

    fill(offering, 1)
    assert [section.code for section in sections(offering)] == ["CS101-SEC001"]

    fill(offering, 2)
    assert len(sections(offering)) == 1, "the first section had seats left"

    fill(offering, 1)
    assert [section.code for section in sections(offering)] == ["CS101-SEC001", "CS101-SEC002"]


@pytest.mark.requirement("S0-19", "S0-29", "S0-35")
def test_the_student_who_asked_is_seated_in_the_new_section(offering: Offering) -> None:
    fill(offering, 2)

    [asking] = fill(offering, 1)

    seat = Enrollment.objects.get(student=asking, active=True)
    assert seat.section is not None
    assert seat.section.code == "CS101-SEC001"
    outcome = Outcome.objects.latest("request_id")
    assert (outcome.result, outcome.facts["section"]) == ("ENROLLED", 1)


@pytest.mark.requirement("S0-2", "S0-3", "S0-4", "S0-12", "S0-14", "S0-23")
def test_sections_are_numbered_and_named_from_001_in_each_course(
    term: Term, offering: Offering
) -> None:
    other = factories.make_offering(
        term, code="MA7", base_limit=0, section_limit=1, auto_create=True
    )

    fill(offering, 6)
    fill(other, 2)

    assert [(s.section_number, s.code) for s in sections(offering)] == [
        (1, "CS101-SEC001"),
        (2, "CS101-SEC002"),
    ]
    assert [s.code for s in sections(other)] == ["MA7-SEC001", "MA7-SEC002"]
    made = sections(offering) + sections(other)
    assert len({s.pk for s in made}) == 4
    assert {s.course.code for s in sections(other)} == {"MA7"}


@pytest.mark.requirement("S0-5", "S0-6", "S0-13", "S0-22")
def test_a_new_section_is_like_the_first_one_until_staff_confirm_it(term: Term) -> None:
    offering = factories.make_offering(term, base_limit=0, section_limit=2, auto_create=True)
    first = factories.make_section(offering, limit=1, meets=(weekly(0, 540, 590),))
    teacher = factories.make_user("teacher")
    Section.objects.filter(pk=first.pk).update(
        instructor=teacher, schedule={"text": "Mondays at nine"}
    )

    fill(offering, 2)

    [_, opened] = sections(offering)
    assert (opened.course, opened.term) == (first.course, first.term)
    assert (opened.instructor, opened.schedule) == (teacher, {"text": "Mondays at nine"})
    assert (opened.automatic, opened.needs_assignment) == (True, True)
    assert opened.meets == (), "nobody can teach, or sit, in two rooms on Monday at nine"


@pytest.mark.requirement("S0-10")
def test_a_section_is_created_at_the_time_of_the_settlement_that_opened_it(
    offering: Offering,
) -> None:
    fill(offering, 3)

    [opened] = sections(offering)
    entry = Entry.objects.get(event="section_opened")
    assert (opened.created_at, opened.opened_by) == (entry.at, entry.settlement)


@pytest.mark.requirement("S0-38")
def test_how_many_must_wait_before_a_section_opens_can_be_set(term: Term) -> None:
    offering = factories.make_offering(
        term, base_limit=1, section_limit=5, auto_create=True, open_threshold=3
    )

    fill(offering, 3)
    assert sections(offering) == []
    assert WaitlistEntry.objects.filter(offering=offering, state="WAITING").count() == 2

    fill(offering, 1)
    assert len(sections(offering)) == 1
    assert not WaitlistEntry.objects.filter(offering=offering, state="WAITING").exists()


# Placing ------------------------------------------------------------------------------------


@pytest.mark.requirement("S0-11", "S0-16", "S0-17", "S0-25")
def test_seats_fill_from_the_course_itself_through_the_sections_in_order(
    offering: Offering,
) -> None:
    fill(offering, 8)

    assert places(offering) == ["base"] * 2 + ["CS101-SEC001"] * 3 + ["CS101-SEC002"] * 3


@pytest.mark.requirement("S0-17")
def test_a_seat_given_back_is_found_before_a_section_is_opened(offering: Offering) -> None:
    [_, _, third, *_] = fill(offering, 5)
    submit(ask(Kind.DROP, third, offering))
    settle_all()

    fill(offering, 1)

    assert places(offering).count("CS101-SEC001") == 3
    assert len(sections(offering)) == 1


@pytest.mark.requirement("S0-8", "S0-24")
def test_each_section_keeps_a_limit_of_its_own(offering: Offering) -> None:
    fill(offering, 3)
    submit(ask(Kind.LIMIT, None, offering, set={"section_limit": 1, "1": 2}))
    settle_all()

    fill(offering, 2)

    assert [(s.enrollment_limit, s.taken) for s in sections(offering)] == [(2, 2), (1, 1)]


@pytest.mark.requirement("S0-7")
def test_the_students_of_a_section_can_be_read_as_a_list_of_ids(offering: Offering) -> None:
    asking = fill(offering, 5)

    [section] = sections(offering)
    assert section.students == [student.pk for student in asking[2:]]


@pytest.mark.requirement("S0-15")
def test_a_cart_of_all_or_nothing_opens_sections_like_a_single_request(
    term: Term, offering: Offering
) -> None:
    other = factories.make_offering(term, base_limit=1)
    fill(offering, 2)
    [asking] = students(term, 1)

    submit(ask(Kind.BUNDLE, asking, offering, other))
    settle_all()

    assert places(offering) == ["base", "base", "CS101-SEC001"]
    assert places(other) == ["base"]


# Courses without sections, and waitlists ----------------------------------------------------


@pytest.mark.requirement("S0-20", "S0-26")
def test_a_course_without_sections_seats_waitlists_and_promotes(term: Term) -> None:
    offering = factories.make_offering(term, base_limit=2)
    [first, _, third, fourth] = fill(offering, 4)
    line = WaitlistEntry.objects.filter(offering=offering, state="WAITING").order_by("request_id")
    assert [entry.student for entry in line] == [third, fourth]

    submit(ask(Kind.DROP, first, offering))
    settle_all()

    assert places(offering) == ["base", "base"]
    assert Enrollment.objects.filter(student=third, active=True).exists()
    assert [entry.student for entry in line.all()] == [fourth]
    assert sections(offering) == []


@pytest.mark.requirement("S0-9", "S0-27")
def test_who_wants_one_section_and_no_other_waits_for_that_section(offering: Offering) -> None:
    fill(offering, 5)
    [section] = sections(offering)
    [particular] = students(offering.term, 1)

    submit(ask(Kind.ENROLL, particular, offering, section=1))
    settle_all()
    assert section.waitlist == [particular.pk]
    assert len(sections(offering)) == 1, "another section is not what was asked for"

    submit(ask(Kind.DROP, Student.objects.get(pk=section.students[0]), offering))
    settle_all()
    assert section.waitlist == []
    assert particular.pk in section.students


@pytest.mark.requirement("S0-26")
def test_whoever_waited_is_seated_before_whoever_makes_a_section_open(term: Term) -> None:
    offering = factories.make_offering(
        term, base_limit=1, section_limit=2, auto_create=True, open_threshold=3
    )

    asking = fill(offering, 4)

    [opened] = sections(offering)
    assert opened.students == [asking[1].pk, asking[2].pk]
    outcome = Outcome.objects.latest("request_id")
    assert outcome.result == "WAITLISTED", "two were before the one who made it open"


# What students, faculty and administrators use ----------------------------------------------


@pytest.mark.requirement("S0-31")
def test_posting_to_enroll_in_a_full_course_opens_a_section(offering: Offering) -> None:
    fill(offering, 2)
    [asking] = students(offering.term, 1)
    caller = Caller(asking)

    request = caller.enroll(offering)
    settle_all()

    told = caller.outcome(request)
    assert told["state"] == "ENROLLED"
    assert told["outcome"]["facts"]["section"] == "CS101-SEC001"


@pytest.mark.requirement("S0-15", "S0-32")
def test_posting_a_cart_opens_sections_wherever_they_are_needed(
    term: Term, offering: Offering
) -> None:
    other = factories.make_offering(
        term, code="MA7", base_limit=1, section_limit=1, auto_create=True
    )
    fill(offering, 2)
    fill(other, 1)
    caller = Caller(students(term, 1)[0])
    for wanted in (offering, other):
        caller.post(f"cart/{wanted.course_id}/")

    reply = caller.post("enrollment/cart/enroll/")
    settle_all()

    assert reply.status == 202, reply.raw
    held = caller.get("enrollments/").body["results"]
    assert sorted(seat["section"] for seat in held) == ["CS101-SEC001", "MA7-SEC001"]


@pytest.mark.requirement("S0-30")
def test_the_pages_of_faculty_and_administrators_are_the_same_with_sections_and_without(
    term: Term, offering: Offering
) -> None:
    without = factories.make_offering(term, base_limit=1)
    fill(offering, 4)
    fill(without, 1)
    client = Client()
    client.force_login(factories.make_user("registrar", is_staff=True, is_superuser=True))
    pages = [reverse(f"admin:{name}_changelist") for name in LISTS]
    pages += [reverse("admin:courses_offering_change", args=[o.pk]) for o in (offering, without)]

    answers = {page: client.get(page) for page in pages}

    assert {page: answer.status_code for page, answer in answers.items()} == dict.fromkeys(
        pages, 200
    )
    seats = answers[reverse("admin:enrollment_enrollment_changelist")].content.decode()
    assert "CS101-SEC001" in seats
    assert seats.count(str(without)) == 1


LISTS = (
    "courses_course",
    "courses_offering",
    "courses_section",
    "enrollment_enrollment",
    "enrollment_waitlistentry",
    "enrollment_request",
)


# When it fails ------------------------------------------------------------------------------


@pytest.fixture
def no_section_can_be_made(database: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION refuse_section() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no more rooms' USING ERRCODE = 'check_violation'; END $$;
            CREATE TRIGGER refuse_section BEFORE INSERT ON sections
                FOR EACH ROW EXECUTE FUNCTION refuse_section();
            """
        )
        yield
        cursor.execute("DROP TRIGGER refuse_section ON sections; DROP FUNCTION refuse_section")


@pytest.mark.requirement("S0-37")
def test_a_section_that_cannot_be_made_costs_nobody_their_request(
    offering: Offering, no_section_can_be_made: None
) -> None:
    asking = fill(offering, 4)

    assert places(offering) == ["base", "base"]
    line = WaitlistEntry.objects.filter(state="WAITING").order_by("request_id")
    assert [entry.student for entry in line] == asking[2:]
    assert Outcome.objects.count() == 4
    [failure] = Entry.objects.filter(event="section_failed")
    assert failure.stream == f"offering:{offering.pk}"

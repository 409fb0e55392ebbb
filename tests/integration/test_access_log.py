"""Who read what is another person's: written before it is shown, and kept."""

import pytest
from django.db import Error, connection, transaction
from django.test import Client
from django.utils import timezone

from courses.models import BatchMember, CourseInstructor, Discipline, Offering, Term
from courses.workflow import Stage
from enrollment.models import Student
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.audit.models import Access, Entry
from tests.callers import Caller, settle_all
from tests.clerks import as_owner, member, page, signed_in
from tests.factories import (
    enroll,
    make_course,
    make_offering,
    make_student,
    make_term,
    make_user,
    open_window,
)
from tests.proposals import bring, cast, draft
from tests.studyplans import make_batch, make_plan, make_programme


@pytest.fixture
def term(database: None) -> Term:
    term = make_term("2026-ODD")
    open_window(term)
    return term


@pytest.fixture
def students(term: Term) -> list[Student]:
    return [make_student(term) for _ in range(2)]


@pytest.fixture
def offering(term: Term, students: list[Student]) -> Offering:
    offering = make_offering(term, base_limit=1)
    enroll(offering, students)
    settle_all()
    return offering


def read() -> list[tuple[str, str]]:
    """What was read and whose, in the order of the log."""
    with as_owner():
        return list(Access.objects.order_by("pk").values_list("what", "whose"))


@pytest.mark.requirement("S1-104")
@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.ADMIN, Role.AUDITOR])
def test_staff_who_read_a_students_record_stand_in_the_log(
    offering: Offering, students: list[Student], role: Role
) -> None:
    ada = students[0]
    with signed_in(role) as client:
        page(client, f"enrollment/student/{ada.pk}/change/")
        page(client, f"enrollment/student/{ada.pk}/history/")

    reader = User.objects.get(username=role)
    lines = Access.objects.order_by("pk")
    assert [(line.actor, line.what, line.whose) for line in lines] == [
        (f"user:{reader.pk}", "enrollment.student", f"student:{ada.pk}")
    ] * 2
    assert lines[0].route == f"/admin/enrollment/student/{ada.pk}/change/"


@pytest.mark.requirement("S1-104")
@pytest.mark.parametrize("what", ["request", "studentterm", "student"])
def test_a_list_names_everybody_whose_records_it_shows(
    offering: Offering, students: list[Student], what: str
) -> None:
    with signed_in(Role.AUDITOR) as client:
        page(client, f"enrollment/{what}/?q=")

        assert sorted(read()) == [(f"enrollment.{what}", f"student:{s.pk}") for s in students]


@pytest.mark.requirement("S1-104")
def test_only_what_a_search_showed_is_written_down(
    offering: Offering, students: list[Student]
) -> None:
    ada = students[0]
    with signed_in(Role.AUDITOR) as client:
        page(client, f"enrollment/enrollment/?q={ada.number}")
        page(client, "enrollment/waitlistentry/?q=nobody")

        assert read() == [
            ("enrollment.enrollment", f"student:{ada.pk}"),
            ("enrollment.waitlistentry", ""),
        ]


@pytest.mark.requirement("S1-104")
def test_one_person_on_many_rows_is_named_once(term: Term) -> None:
    ada = make_student(term)
    for _ in range(3):
        enroll(make_offering(term), [ada])
    with signed_in(Role.AUDITOR) as client:
        page(client, "enrollment/request/")

        assert read() == [("enrollment.request", f"student:{ada.pk}")]


@pytest.mark.requirement("S1-104")
def test_reading_the_logs_is_read_of_too(offering: Offering) -> None:
    entry = Entry.objects.order_by("pk").first()
    assert entry is not None
    with signed_in(Role.AUDITOR) as client:
        page(client, f"audit/entry/{entry.pk}/change/")
        text = page(client, "audit/access/")

        assert entry.stream in text
        assert read() == [("audit.entry", entry.stream), ("audit.access", entry.stream)]


@pytest.mark.requirement("S1-104")
def test_students_who_read_their_own_do_not(offering: Offering, students: list[Student]) -> None:
    ada = Caller(students[0])
    for path in ("requests/", "enrollments/", "waitlist/", "cart/"):
        assert ada.get(path).status == 200

    assert not Access.objects.exists()


@pytest.mark.requirement("S1-104")
def test_what_was_refused_was_not_read(offering: Offering, students: list[Student]) -> None:
    with signed_in(Role.FACULTY) as client:
        for path in ("enrollment/student/", f"enrollment/student/{students[0].pk}/change/"):
            assert client.get(f"/admin/{path}").status_code == 403

        assert read() == []


@pytest.mark.requirement("S1-104")
def test_nothing_is_shown_that_could_not_be_written_down(
    offering: Offering, students: list[Student]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("REVOKE INSERT ON access_entries FROM reg_web")
    try:
        with signed_in(Role.AUDITOR) as client:
            client.raise_request_exception = False
            response = client.get(f"/admin/enrollment/student/{students[0].pk}/change/")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("GRANT INSERT ON access_entries TO reg_web")

    assert response.status_code == 500
    assert students[0].number not in response.content.decode()


@pytest.mark.requirement("S1-101", "S1-104")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE access_entries SET actor = 'nobody'",
        "DELETE FROM access_entries",
        "TRUNCATE access_entries",
        "TRUNCATE access_entries CASCADE",
    ],
)
@pytest.mark.parametrize("replica", [False, True])
def test_the_log_cannot_be_changed_even_by_its_owner(
    offering: Offering, sql: str, replica: bool
) -> None:
    with signed_in(Role.AUDITOR) as client:
        page(client, "enrollment/request/")
    before = list(Access.objects.values())

    role = "replica" if replica else "origin"
    with (
        pytest.raises(Error, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SET LOCAL session_replication_role = {role}; {sql}")

    assert before
    assert list(Access.objects.values()) == before


@pytest.mark.requirement("S1-56", "S1-104")
def test_nothing_cascades_it_away(term: Term) -> None:
    """Nothing the log speaks of is referred to, so nothing that is deleted takes a line along."""
    referring = [field for field in Access._meta.get_fields() if field.is_relation]
    student = Student.objects.create(number="S999999", user=make_user("left"))
    with signed_in(Role.AUDITOR) as client:
        page(client, f"enrollment/student/{student.pk}/change/")
    named = f"student:{student.pk}"
    student.delete()
    User.objects.filter(username__in=["left", Role.AUDITOR]).delete()

    assert referring == []
    assert Access.objects.get().whose == named


def test_no_page_writes_the_log(term: Term) -> None:
    root = Client()
    root.force_login(make_user("root", is_staff=True, is_superuser=True))
    line = Access.objects.create(
        at=timezone.now(), actor="user:1", what="enrollment.student", whose="student:1", route="/"
    )

    assert root.get("/admin/audit/access/add/").status_code == 403
    assert root.post(f"/admin/audit/access/{line.pk}/delete/", {"post": "yes"}).status_code == 403
    assert root.post(f"/admin/audit/access/{line.pk}/change/", {}).status_code == 403


# What is confidential in the catalogue ------------------------------------------------------------


@pytest.mark.requirement("S1-104")
def test_who_reads_what_reviewers_said_stands_in_the_log(database: None) -> None:
    people = cast()
    proposal = bring(people, draft(people), Stage.CURRICULUM_COMMITTEE)
    whose = f"user:{people.ada.pk}"

    for user in (people.ada, people.cam):
        client = Client()
        client.force_login(user)
        client.get(f"/api/catalog/proposals/{proposal.pk}/")
        client.get(f"/admin/courses/proposal/{proposal.pk}/change/")

    lines = Access.objects.order_by("pk").values_list("actor", "what", "whose")
    assert list(lines) == [(people.cam.actor, "courses.proposal", whose)] * 2


@pytest.mark.requirement("S1-104")
def test_who_looks_up_the_members_of_a_batch_stands_in_the_log(database: None) -> None:
    batch = make_batch(Discipline.objects.create(name="Physics"), make_plan(make_programme()))
    place = BatchMember.objects.create(batch_id=batch, user=make_user("ada"))
    whose = f"user:{place.user_id}"

    with signed_in(Role.REGISTRAR) as client:
        page(client, "courses/batchmember/")
        page(client, f"courses/batchmember/{place.pk}/change/")

    assert read() == [("courses.batchmember", whose)] * 2


@pytest.mark.requirement("S1-104")
def test_who_looks_at_the_loads_of_others_stands_in_the_log(database: None) -> None:
    ada, office = make_user("ada"), member(Role.REGISTRAR)
    CourseInstructor.objects.create(
        course=make_course(),
        instructor=ada,
        year=timezone.now().year,
        semester_type="Odd Semester",
    )

    for user in (ada, office):
        client = Client()
        client.force_login(user)
        assert client.get(f"/api/catalog/instructors/{ada.pk}/load/").status_code == 200
    client.get("/api/catalog/instructors/loads/")
    page(client, "courses/courseinstructor/loads/")

    lines = Access.objects.order_by("pk").values_list("actor", "what", "whose")
    assert list(lines) == [(office.actor, "courses.load", ada.actor)] * 3

"""Study plans in the admin: one page for a plan, and every act on it says no beside its field."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from courses.models import (
    Batch,
    BatchMember,
    CourseSlot,
    Curriculum,
    Discipline,
    Programme,
    SlotType,
)
from courses.plans.versions import new_version
from registrar.accounts.roles import Role
from tests.clerks import as_owner, page, signed_in, told
from tests.factories import make_course, make_user
from tests.studyplans import (
    CLERK,
    NOW,
    close,
    make_batch,
    make_full_plan,
    make_plan,
    make_programme,
    make_slot,
    supersede,
)


@pytest.fixture
def plan(database: None) -> Curriculum:
    return make_plan(make_programme("Astronautics", "Physics"), semesters=2)


@pytest.fixture
def committee(plan: Curriculum) -> Iterator[Client]:
    with signed_in(Role.CURRICULUM_COMMITTEE) as client:
        yield client


@pytest.fixture
def registrar(plan: Curriculum) -> Iterator[Client]:
    with signed_in(Role.REGISTRAR) as client:
        yield client


def at(plan: Curriculum, path: str = "change/") -> str:
    return f"courses/curriculum/{plan.pk}/{path}"


def errors(client: Client, path: str, **values: object) -> dict[str, str]:
    response = client.post(f"/admin/{path}", values)
    assert response.status_code == 200
    return {name: " ".join(said) for name, said in response.context["form"].errors.items()}


# The page -----------------------------------------------------------------------------------


@pytest.mark.requirement("S1-87")
def test_a_plan_is_one_page_with_its_slots_courses_and_credits(
    committee: Client, plan: Curriculum
) -> None:
    with as_owner():
        old, closed = make_course("AS1", 4), make_course("AS2", 3)
        make_slot(plan, 1, "Choice", old, closed, kind=SlotType.OPEN_ELECTIVE)
        supersede(old)
        close(closed)
        make_batch(Discipline.objects.get(), plan, seats=40)

    shown = page(committee, at(plan))

    for words in (
        "Astro v1.0",
        "Open Elective",
        "3 to 4 of 6 needed",
        "not enough",
        "0 to 1000 students",
        "superseded by v2.0",
        "not offered now",
        "2 courses",
        "0 of 40 seats",
        "Use latest",
        "Add a slot",
    ):
        assert words in shown, words


@pytest.mark.requirement("S1-106")
def test_a_large_plan_is_shown_with_as_many_queries_as_a_small_one(
    committee: Client, plan: Curriculum
) -> None:
    with as_owner():
        large = make_full_plan(plan.programme, "Large", 5, 4)
        make_slot(plan, 1, "Only", make_course())
    page(committee, at(plan))

    with CaptureQueriesContext(connection) as little:
        page(committee, at(plan))
    with CaptureQueriesContext(connection) as much:
        page(committee, at(large))

    assert len(much) == len(little)


@pytest.mark.parametrize("role", [Role.FACULTY, Role.AUDITOR])
def test_who_does_not_plan_reads_it_without_a_button(plan: Curriculum, role: Role) -> None:
    slot = make_slot(plan, 1, "Core 1", make_course())

    with signed_in(role) as client:
        shown = page(client, at(plan))
        posted = [
            client.post(f"/admin/{at(plan, path)}").status_code
            for path in (
                "credits/",
                "version/",
                "semester/",
                "semesters/1/slot/",
                f"slots/{slot.pk}/",
                f"slots/{slot.pk}/course/",
                f"slots/{slot.pk}/courses/1/out/",
                f"slots/{slot.pk}/courses/1/use/",
            )
        ]
        added = client.get("/admin/courses/curriculum/add/").status_code

    assert "Take out" not in shown
    assert "New version" not in shown
    assert {*posted, added} == {403}


def test_a_plan_that_is_history_says_so_and_has_no_buttons(
    committee: Client, plan: Curriculum
) -> None:
    with as_owner():
        make_slot(plan, 1, "Core 1", make_course())
        new_version(curriculum=plan.pk, whole=True, renew=False, actor=CLERK, now=NOW)

    shown = page(committee, at(plan))
    refused = committee.post(f"/admin/{at(plan, 'semester/')}", follow=True)

    assert "it stays as it was" in shown
    assert "Add a slot" not in shown
    assert "v2.0" in shown
    assert "it stays as it was" in told(refused)


def test_what_is_not_there_is_not_found(committee: Client, plan: Curriculum) -> None:
    with as_owner():
        other = make_slot(make_plan(make_programme("Botany"), "Herbs"))
    for path in ("curriculum/999/change/", "curriculum/999/credits/", "programme/999/change/"):
        assert committee.get(f"/admin/courses/{path}").status_code == 404
    assert committee.get(f"/admin/{at(plan, f'slots/{other.pk}/')}").status_code == 404


# Acts ---------------------------------------------------------------------------------------


def test_the_committee_makes_a_programme_and_a_plan(committee: Client, plan: Curriculum) -> None:
    physics = Discipline.objects.get().pk
    fields = {"category": "PG", "name": "Rockets", "disciplines": [physics]}

    committee.post("/admin/courses/programme/add/", fields)
    programme = Programme.objects.get(name="Rockets")
    said = {"programme": programme.pk, "name": "M.Tech", "no_of_semester": 4, "min_credit": 60}
    committee.post("/admin/courses/curriculum/add/", said)
    committee.post(
        f"/admin/courses/programme/{programme.pk}/change/", fields | {"name": "Rocketry"}
    )

    programme.refresh_from_db()
    assert (programme.name, programme.disciplines.get().pk) == ("Rocketry", physics)
    made = Curriculum.objects.get(name="M.Tech")
    assert (str(made.version), made.semesters.count()) == ("1.0", 4)
    taken = errors(committee, "courses/curriculum/add/", **said)
    assert taken["name"].startswith("There is a plan of this name already")
    twice = errors(committee, "courses/programme/add/", **fields | {"name": "Rocketry"})
    assert twice == {"name": "There is a programme of this name in PG already."}


def test_a_plan_is_changed_act_by_act_on_its_page(committee: Client, plan: Curriculum) -> None:
    with as_owner():
        course = make_course("AS1")
    fields = {"name": "Core 1", "type": "Design", "duration": 1}
    limits = {"min_registration_limit": 0, "max_registration_limit": 40}

    committee.post(f"/admin/{at(plan, 'semesters/1/slot/')}", fields | limits)
    slot = CourseSlot.objects.get()
    committee.post(f"/admin/{at(plan, f'slots/{slot.pk}/course/')}", {"course": course.pk})
    inside = list(slot.courses.values_list("code", flat=True))
    committee.post(f"/admin/{at(plan, f'slots/{slot.pk}/')}", fields | limits | {"name": "Core 2"})
    committee.post(f"/admin/{at(plan, 'semester/')}")
    committee.post(f"/admin/{at(plan, 'credits/')}", {"min_credit": 9})
    with as_owner():
        new = supersede(course)
    committee.post(f"/admin/{at(plan, f'slots/{slot.pk}/courses/{new.pk}/use/')}")
    used = list(slot.courses.values_list("pk", flat=True))
    committee.post(f"/admin/{at(plan, f'slots/{slot.pk}/courses/{new.pk}/out/')}")

    plan.refresh_from_db()
    slot.refresh_from_db()
    assert (inside, used, slot.courses.count()) == (["AS1"], [new.pk], 0)
    assert (slot.name, slot.max_registration_limit) == ("Core 2", 40)
    assert (plan.semesters.count(), plan.min_credit) == (3, 9)


def test_a_form_keeps_what_was_filled_in_and_says_what_is_wrong(
    committee: Client, plan: Curriculum
) -> None:
    with as_owner():
        closed = make_course("AS1")
        close(closed)
        slot = make_slot(plan)
    fields = {"name": "B", "type": "Design", "duration": 1, "min_registration_limit": 9}

    limits = errors(committee, at(plan, "semesters/1/slot/"), **fields, max_registration_limit=8)
    put = errors(committee, at(plan, f"slots/{slot.pk}/course/"), course=closed.pk)

    assert limits == {"max_registration_limit": "The maximum cannot be below the minimum."}
    assert put == {"course": "AS1 is not offered: it is INACTIVE."}


def test_a_button_that_is_refused_says_why_on_the_page(committee: Client, plan: Curriculum) -> None:
    with as_owner():
        slot = make_slot(plan)

    answered = committee.post(f"/admin/{at(plan, f'slots/{slot.pk}/courses/9/out/')}", follow=True)

    assert [str(each) for each in answered.context["messages"]] == [
        "This course is not in this slot."
    ]


def test_nothing_happens_because_a_page_was_looked_at(committee: Client, plan: Curriculum) -> None:
    with as_owner():
        slot = make_slot(plan, 1, "Core 1", make_course())

    for path in ("semester/", f"slots/{slot.pk}/courses/1/out/"):
        assert committee.get(f"/admin/{at(plan, path)}").status_code == 405
    for path in ("version/", "credits/", f"slots/{slot.pk}/", f"slots/{slot.pk}/course/"):
        assert committee.get(f"/admin/{at(plan, path)}").status_code == 200
    assert Curriculum.objects.count() == slot.courses.count() == 1


def test_a_new_version_leads_to_its_own_page(committee: Client, plan: Curriculum) -> None:
    answered = committee.post(
        f"/admin/{at(plan, 'version/')}", {"step": "tenth", "renew": "on"}, follow=True
    )

    assert answered.context["plan"].version == "1.1"
    assert "which stays as it was" in told(answered)


# Lists and batches --------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["programme", "curriculum", "batch", "batchmember"])
def test_the_lists_are_shown(registrar: Client, plan: Curriculum, model: str) -> None:
    with as_owner():
        make_batch(Discipline.objects.get(), plan)

    assert page(registrar, f"courses/{model}/")
    assert page(registrar, f"courses/{model}/add/")


@pytest.mark.requirement("S1-45", "S1-88")
def test_a_batch_is_made_filled_and_moved(registrar: Client, plan: Curriculum) -> None:
    with as_owner():
        ada, ben = make_user("ada"), make_user("ben")
    fields = {"name": "Comets", "discipline": 1, "year": 2026, "total_seats": 1}

    registrar.post("/admin/courses/batch/add/", fields | {"running_batch": "on"})
    batch = Batch.objects.get()
    registrar.post("/admin/courses/batchmember/add/", {"user": ada.pk, "batch": batch.pk})
    full = errors(registrar, "courses/batchmember/add/", user=ben.pk, batch=batch.pk)
    few = errors(registrar, f"courses/batch/{batch.pk}/change/", **fields | {"total_seats": 0})
    registrar.post(f"/admin/courses/batch/{batch.pk}/change/", fields | {"curriculum": plan.pk})

    batch.refresh_from_db()
    assert full == {"user": "All seats of this batch are taken: 1."}
    assert few == {"total_seats": "1 students are in this batch."}
    assert (batch.curriculum, batch.running_batch) == (plan, False)
    assert BatchMember.objects.get().user_id == ada.pk


def test_the_committee_reads_batches_and_does_not_change_them(
    committee: Client, plan: Curriculum
) -> None:
    with as_owner():
        batch = make_batch(Discipline.objects.get(), plan)

    shown = page(committee, f"courses/batch/{batch}/change/")
    changed = committee.post(f"/admin/courses/batch/{batch}/change/", {"total_seats": 1})

    assert "Comets" in shown
    assert changed.status_code == 403
    assert Batch.objects.get().total_seats == 60

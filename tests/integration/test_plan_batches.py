"""Who studies by which plan: a batch's seats are for so many, and a person is in one batch."""

import json
from typing import Any

import pytest

from courses.models import Batch, BatchMember, Discipline, Programme
from courses.plans.batches import BatchFields, change_batch, create_batch, join
from courses.plans.versions import new_version
from registrar.audit.models import Entry
from tests.factories import make_user
from tests.studyplans import CLERK, NOW, field, make_batch, make_plan, make_programme, refusal

BY: dict[str, Any] = {"actor": CLERK, "now": NOW}


@pytest.fixture
def programme(database: None) -> Programme:
    return make_programme("Astronautics", "Physics")


@pytest.fixture
def physics(programme: Programme) -> Discipline:
    return Discipline.objects.get(name="Physics")


@pytest.mark.requirement("S1-45")
def test_a_batch_begins_running_with_sixty_seats(physics: Discipline) -> None:
    made = create_batch(batch=BatchFields("Comets", physics.pk, 2026), **BY)

    batch = Batch.objects.get(pk=made)
    assert (batch.curriculum, batch.running_batch, batch.total_seats) == (None, True, 60)
    [entry] = Entry.objects.filter(stream=f"batch:{made}")
    assert (entry.event, entry.actor) == ("batch_created", CLERK)


@pytest.mark.requirement("S1-45")
def test_a_batch_is_there_once_for_a_discipline_and_a_year(physics: Discipline) -> None:
    made = make_batch(physics)
    other = make_batch(physics, year=2027)
    same = BatchFields("Comets", physics.pk, 2026)

    assert field(create_batch, batch=same)[0] == "name"
    assert field(change_batch, batch=other, to=same)[0] == "name"
    change_batch(batch=made, to=same, **BY)


def test_a_batch_studies_by_a_plan_of_its_discipline(
    programme: Programme, physics: Discipline
) -> None:
    botany = Discipline.objects.create(name="Botany")
    plan = make_plan(programme)

    where, message = field(create_batch, batch=BatchFields("Ferns", botany.pk, 2026, plan.pk))

    assert where == "curriculum"
    assert message == "Astronautics (UG) is not a programme of this discipline."
    make_batch(physics, plan)
    # A programme that names no discipline is open to all of them.
    make_batch(botany, make_plan(make_programme("General")))


def test_a_batch_stays_with_its_version_until_it_is_moved(
    programme: Programme, physics: Discipline
) -> None:
    plan = make_plan(programme)
    batch = make_batch(physics, plan)

    newer = new_version(curriculum=plan.pk, whole=True, renew=False, **BY)
    stayed = Batch.objects.get().curriculum_id
    change_batch(batch=batch, to=BatchFields("Comets", physics.pk, 2026, newer), **BY)

    assert stayed == plan.pk
    assert Batch.objects.get().curriculum_id == newer
    facts = json.loads(Entry.objects.filter(stream=f"batch:{batch}").latest("seq").body)
    assert (facts["before"]["curriculum"], facts["after"]["curriculum"]) == (plan.pk, newer)


@pytest.mark.requirement("S1-88")
def test_a_person_is_in_one_batch_and_moves_to_another(physics: Discipline) -> None:
    first, second = make_batch(physics), make_batch(physics, year=2027)
    ada = make_user("ada")

    join(batch=first, user=ada.pk, **BY)
    again = field(join, batch=first, user=ada.pk)
    join(batch=second, user=ada.pk, **BY)

    assert again == ("user", "They are in this batch already.")
    assert BatchMember.objects.get().batch_id == second
    facts = json.loads(Entry.objects.filter(stream=f"batch:{second}").latest("seq").body)
    assert facts == {"user": ada.pk, "before": first}


def test_a_batch_takes_as_many_as_it_has_seats(physics: Discipline) -> None:
    batch = make_batch(physics, seats=1)
    join(batch=batch, user=make_user().pk, **BY)

    assert field(join, batch=batch, user=make_user().pk) == (
        "user",
        "All seats of this batch are taken: 1.",
    )
    fewer = BatchFields("Comets", physics.pk, 2026, total_seats=0)
    assert field(change_batch, batch=batch, to=fewer)[0] == "total_seats"
    assert BatchMember.objects.count() == 1


def test_a_batch_that_is_not_there_is_said_so(physics: Discipline) -> None:
    fields = BatchFields("Comets", physics.pk, 2026)

    assert refusal(change_batch, batch=9, to=fields).code == "NOT_FOUND"
    assert refusal(join, batch=9, user=1).code == "NOT_FOUND"


def test_what_a_batch_refers_to_must_be_there(physics: Discipline) -> None:
    batch = create_batch(batch=BatchFields("Comets", physics.pk, 2026), actor=CLERK, now=NOW)

    for wrong, named in (
        (BatchFields("A", 99, 2026), "discipline"),
        (BatchFields("A", physics.pk, 2026, 99), "curriculum"),
    ):
        assert field(create_batch, batch=wrong)[0] == named
        assert field(change_batch, batch=batch, to=wrong)[0] == named

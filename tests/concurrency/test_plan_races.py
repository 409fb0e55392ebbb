"""Two who change the same study plan at the same moment come one after the other."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from django.db.models import QuerySet

from courses.models import Batch, BatchMember, CourseSlot, Curriculum, Discipline, Programme
from courses.models import CourseSlotCourse as Place
from courses.plans import batches
from courses.plans.versions import new_version
from courses.plans.writing import SlotFields, add_semester, add_slot, create_curriculum, put_course
from courses.refusal import Refused
from registrar.audit.models import Entry
from tests.factories import make_course, make_user
from tests.races import race
from tests.studyplans import CLERK, NOW, make_batch, make_plan, make_programme, make_slot

pytestmark = pytest.mark.concurrency

BY: dict[str, Any] = {"actor": CLERK, "now": NOW}
ROUNDS = tuple("ABCDEFGH")
"""Two that are let go together do not meet every time."""


@pytest.fixture
def programme(database: None) -> Programme:
    return make_programme("Astronautics", "Physics")


def twice(act: Callable[[], int]) -> list[str]:
    """What became of two at once: done, or the code that refused; anything else is raised."""
    ended = []
    for answer in race(act, act):
        if isinstance(answer, Exception) and not isinstance(answer, Refused):
            raise answer
        ended.append(answer.code if isinstance(answer, Refused) else "done")
    return sorted(ended)


def sound(stream: str) -> bool:
    seqs = list(Entry.objects.filter(stream=stream).order_by("seq").values_list("seq", flat=True))
    return seqs == list(range(1, len(seqs) + 1))


def test_a_plan_of_a_name_is_made_once(programme: Programme) -> None:
    said: dict[str, Any] = {
        "programme": programme.pk,
        "name": "Astro",
        "no_of_semester": 2,
        "min_credit": 1,
    }

    ended = twice(lambda: create_curriculum(**said, **BY))

    assert ended == ["INVALID", "done"]
    assert Curriculum.objects.count() == 1


def test_one_latest_version_follows_the_one_before(programme: Programme) -> None:
    plan = make_plan(programme)

    ended = twice(lambda: new_version(curriculum=plan.pk, whole=True, renew=False, **BY))

    assert ended == ["PLAN_CLOSED", "done"]
    assert Curriculum.objects.count() == 2
    assert sound(f"plan:{plan.pk}")


def test_a_slot_and_its_course_are_there_once(programme: Programme) -> None:
    plan, course = make_plan(programme), make_course()
    for name in ROUNDS:
        fields = SlotFields(name, "Professional Core")

        made = twice(partial(add_slot, curriculum=plan.pk, semester_no=1, slot=fields, **BY))
        slot = CourseSlot.objects.get(name=name)
        put = twice(partial(put_course, slot=slot.pk, course=course.pk, **BY))

        assert made == put == ["INVALID", "done"]
    assert Place.objects.count() == len(ROUNDS)
    assert sound(f"plan:{plan.pk}")


def test_two_semesters_added_at_once_are_two(programme: Programme) -> None:
    plan = make_plan(programme, semesters=2)

    for _ in ROUNDS:
        assert twice(partial(add_semester, curriculum=plan.pk, **BY)) == ["done", "done"]

    plan.refresh_from_db()
    assert (plan.no_of_semester, plan.semesters.count()) == (18, 18)


def test_a_course_put_in_while_the_plan_is_copied_is_in_both_or_in_the_old_one(
    programme: Programme,
) -> None:
    """Between the copy's reading and its writing nobody writes: the log says which came first."""
    for name in ROUNDS:
        plan, course = make_plan(programme, name), make_course()
        slot = make_slot(plan)
        make_batch(Discipline.objects.get(), plan, name=name)

        answers = race(
            partial(put_course, slot=slot.pk, course=course.pk, **BY),
            partial(new_version, curriculum=plan.pk, whole=True, renew=False, **BY),
        )

        assert not [answer for answer in answers if isinstance(answer, Exception)]
        entries = Entry.objects.filter(stream=f"plan:{plan.pk}").order_by("seq")
        events = list(entries.values_list("event", flat=True))
        copied_with = events.index("course_put") < events.index("curriculum_superseded")
        assert Place.objects.filter(course=course).count() == (2 if copied_with else 1)


def join_both(batch: int, users: list[int]) -> list[str]:
    def one(user: int) -> Callable[[], int]:
        return lambda: batches.join(batch=batch, user=user, **BY)

    answers = race(*(one(user) for user in users))
    return sorted(
        each.code if isinstance(each, Refused) else type(each).__name__ for each in answers
    )


def test_the_last_seat_of_a_batch_is_given_once(programme: Programme) -> None:
    batch = make_batch(Discipline.objects.get(), seats=1)

    ended = join_both(batch, [make_user().pk for _ in range(4)])

    assert ended == ["INVALID", "INVALID", "INVALID", "int"]
    assert BatchMember.objects.count() == 1
    assert sound(f"batch:{batch}")


def test_without_its_lock_a_batch_is_overfilled(
    programme: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard is what the tests above look at: where it is gone, they would fail."""

    def unlocked(batch: int) -> Batch:
        found: QuerySet[Batch] = Batch.objects.filter(pk=batch)
        return found.get()

    def quietly(stream: str, event: str, actor: str, now: datetime, **facts: object) -> None:
        """The stream has one writer at a time by the same lock."""

    monkeypatch.setattr(batches, "_locked", unlocked)
    monkeypatch.setattr(batches, "note", quietly)
    overfilled = 0
    for year in range(2000, 2030):
        batch = make_batch(Discipline.objects.get(), seats=1, year=year)
        join_both(batch, [make_user().pk for _ in range(4)])
        overfilled += BatchMember.objects.filter(batch=batch).count() > 1

    assert overfilled

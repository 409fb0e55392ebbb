"""What a round plays on: a term of its own, and who may register in it when."""

import random
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from enrollment import windows
from enrollment.facts import database_now
from enrollment.models import CartItem, Student, Window
from enrollment.rehearsal.scenery import Person, Scene, build
from tests.chaos import demand

_LASTS = timedelta(hours=2)
_EARLIER = timedelta(hours=1)
"""Everybody's window has long been open, also for a clock that steps back."""


class Course(NamedTuple):
    offering: int
    code: str


class Pupil(NamedTuple):
    """A student who sends: in the tables, to the audit, and by token."""

    id: int
    actor: str
    token: str


class Stage(NamedTuple):
    """The hottest course first; the last of the students are those who knock."""

    term: int
    code: str
    courses: tuple[Course, ...]
    students: tuple[Pupil, ...]
    windows: tuple[int, int]
    """Everybody's, open already, and that of the knockers."""
    edge_opens_at: datetime


def build_stage(chance: random.Random, edge_in: float) -> Stage:
    """Write it; the knockers' window opens that many seconds from now."""
    plans = demand.courses(chance)
    people = [Person(f"{n:03d}", "everybody") for n in range(demand.STUDENTS)]
    people += [Person(f"{n:03d}", "knocks") for n in range(demand.STUDENTS, _everybody())]
    carts = {
        student: sorted(chance.sample(range(demand.COURSES), demand.CART_COURSES))
        for student in range(demand.STUDENTS)
    }
    now = _now()
    made = build(Scene(plans, people, 12, True, carts), now)
    opens_at = _now() + timedelta(seconds=edge_in)
    saved = (
        _open(made.term, [f"{made.code} everybody"], now - _EARLIER),
        _open(made.term, [f"{made.code} knocks"], opens_at),
    )
    users = dict(Student.objects.filter(pk__in=made.students).values_list("pk", "user_id"))
    return Stage(
        made.term,
        made.code,
        tuple(Course(o, plan.code) for o, plan in zip(made.offerings, plans, strict=True)),
        tuple(
            Pupil(student, f"user:{users[student]}", token)
            for student, token in zip(made.students, made.tokens, strict=True)
        ),
        saved,
        opens_at,
    )


def close_stage(stage: Stage) -> None:
    """Nobody of this round may come any more; carts are emptied for the next look at them."""
    now = _now()
    for window in Window.objects.filter(pk__in=stage.windows, closes_at__gt=now):
        window.closes_at = now
        windows.save(window, actor="system", now=now)
    CartItem.objects.filter(offering_id__in=[c.offering for c in stage.courses]).delete()


def _everybody() -> int:
    return demand.STUDENTS + demand.KNOCKERS


def _open(term: int, cohorts: list[str], opens_at: datetime) -> int:
    window = Window(
        term_id=term,
        name=f"Storm for {cohorts[0]}"[:100],
        opens_at=opens_at,
        closes_at=opens_at + _LASTS,
        cohorts=cohorts,
    )
    windows.save(window, actor="system", now=_now())
    return window.pk


def _now() -> datetime:
    with connection.cursor() as cursor:
        return database_now(cursor)

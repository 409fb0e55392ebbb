"""A settlement's number, drawn once all locks are held, is its place in history (rule 8)."""

import threading
from collections.abc import Callable, Collection
from typing import Any

import pytest
from django.conf import settings
from django.db.backends.utils import CursorWrapper

from courses.models import Offering
from enrollment import facts
from enrollment.models import Outcome
from enrollment.settlement import Settled, settle
from tests.factories import enroll, make_offering, make_student, make_term, open_window
from tests.races import PATIENCE, broken, racer, together

pytestmark = pytest.mark.concurrency


@pytest.fixture
def course(database: None, monkeypatch: pytest.MonkeyPatch) -> Offering:
    """Two requests for one seat, to be decided in two settlements."""
    monkeypatch.setitem(settings.REGISTRAR, "SETTLE_BATCH", 1)
    term = make_term()
    open_window(term)
    course = make_offering(term, base_limit=1)
    enroll(course, [make_student(term), make_student(term)])
    return course


def overtaking(
    patch: pytest.MonkeyPatch, course: Offering, at_the_start: Callable[[CursorWrapper], None]
) -> list[Callable[[], Settled]]:
    """The first racer begins, then the second one begins and ends before the first locks."""
    begun, ended = threading.Event(), threading.Event()
    reach = facts.reach

    def begin(cursor: CursorWrapper, offerings: Collection[int]) -> facts.Reach:
        if racer() == 1:
            assert begun.wait(PATIENCE)
        at_the_start(cursor)
        if racer() == 0:
            begun.set()
            assert ended.wait(PATIENCE)
        return reach(cursor, offerings)

    def settle_and_tell() -> Settled:
        try:
            return settle([course.pk], wait=True)
        finally:
            if racer() == 1:
                ended.set()

    patch.setattr(facts, "reach", begin)
    return [settle_and_tell, settle_and_tell]


def settled_in() -> list[int]:
    return list(Outcome.objects.order_by("request_id").values_list("settlement_id", flat=True))


def test_a_settlement_that_began_first_and_locked_last_comes_last(
    course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    together(*overtaking(monkeypatch, course, at_the_start=lambda _: None))

    first, second = settled_in()
    assert first < second
    assert broken() == {}


def test_a_number_drawn_before_the_locks_tells_a_history_that_never_was(
    course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers: dict[int, int] = {}
    lock = facts.lock_students

    def draw(cursor: CursorWrapper) -> None:
        numbers[racer()] = lock(cursor, [], []).number

    def drawn_before(*args: Any) -> facts.Known:
        return lock(*args)._replace(number=numbers[racer()])

    monkeypatch.setattr(facts, "lock_students", drawn_before)

    together(*overtaking(monkeypatch, course, at_the_start=draw))

    first, second = settled_in()
    assert first > second
    assert "facts-agree-with-history" in broken()

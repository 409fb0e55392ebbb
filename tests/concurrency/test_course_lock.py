"""The last seat of a course is sold once, because its row is locked first and read afterwards.

Each worker is handed one of two requests, as a queue that knows no courses would do it; so the
database's uniqueness of a request's outcome hides nothing.
"""

import threading
from collections.abc import Callable, Collection

import pytest
from django.conf import settings
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper

from courses.models import Section
from enrollment import facts, ledger, poison
from enrollment.facts import Line, Reach
from enrollment.models import Enrollment, Outcome, Pending
from enrollment.settlement import Settled, settle
from registrar.audit.arrays import array
from tests.concurrency.conftest import Lift
from tests.factories import (
    enroll,
    make_offering,
    make_section,
    make_student,
    make_term,
    open_window,
)
from tests.races import PATIENCE, Meeting, after, only, race, racer, ready, together

pytestmark = pytest.mark.concurrency

NO_LOCK = "SELECT id FROM offerings WHERE id = ANY(%s::bigint[]) ORDER BY id"


@pytest.fixture
def last_seat(database: None) -> Section:
    """A section with one seat and two students who want it."""
    term = make_term()
    open_window(term)
    offering = make_offering(term, base_limit=0)
    section = make_section(offering, limit=1)
    enroll(offering, [make_student(term), make_student(term)])
    return section


def each_takes_one(patch: pytest.MonkeyPatch) -> None:
    """The first worker sees the first pending request only, the second the second."""
    requests = list(Pending.objects.order_by("request_id").values_list("request_id", flat=True))
    only(patch, lambda ask: ask.id == requests[racer()])


def no_course_lock(patch: pytest.MonkeyPatch) -> None:
    """And nobody takes the other, whom they now meet at work, for somebody who died at it."""
    patch.setattr(facts.lines, "_LOCK_OFFERINGS", NO_LOCK)
    patch.setattr(poison, "left_behind", lambda *_: [])


def settling(section: Section) -> list[Callable[[], Settled]]:
    """Two workers settle the section's course at the same time."""
    return [lambda: settle([section.offering_id], wait=True)] * 2


def seats_sold(section: Section) -> int:
    return Enrollment.objects.filter(section=section, active=True).count()


def results() -> list[str]:
    return list(Outcome.objects.order_by("request_id").values_list("result", flat=True))


@pytest.mark.requirement("S1-91")
def test_the_last_seat_is_sold_once(last_seat: Section, monkeypatch: pytest.MonkeyPatch) -> None:
    each_takes_one(monkeypatch)
    both_have_read = Meeting()
    after(monkeypatch, facts, "lock_students", both_have_read)

    together(*settling(last_seat))

    assert not both_have_read.met
    assert seats_sold(last_seat) == 1
    assert sorted(results()) == ["ENROLLED", "WAITLISTED"]


def test_without_the_course_lock_the_last_seat_is_sold_twice(
    last_seat: Section, monkeypatch: pytest.MonkeyPatch, lift: Lift
) -> None:
    """And no CHECK notices: each settlement wrote that one seat is taken. That both would write
    the same place in the log's chain is a second guard, lifted with the first."""
    lift("audit_entries", "audit_entry_seq_in_stream")
    no_course_lock(monkeypatch)
    each_takes_one(monkeypatch)
    both_have_read = Meeting()
    after(monkeypatch, facts, "lock_students", both_have_read)

    together(*settling(last_seat))

    assert both_have_read.met
    assert seats_sold(last_seat) == 2
    last_seat.refresh_from_db()
    assert last_seat.taken == last_seat.enrollment_limit == 1


def test_without_the_course_lock_the_database_still_decides_a_request_once(
    last_seat: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_course_lock(monkeypatch)
    both_have_read = Meeting()
    after(monkeypatch, facts, "read_line", both_have_read)

    ended = race(*settling(last_seat))

    assert both_have_read.met
    assert len([each for each in ended if isinstance(each, Exception)]) == 1
    assert seats_sold(last_seat) == 1
    assert len(results()) == 2


# Lock, then read: two statements --------------------------------------------------------------

ONE_STATEMENT = """
WITH locked AS (
    SELECT id FROM offerings WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE
)
SELECT locked.id, s.section_number, s.taken
FROM locked JOIN sections s ON s.offering_id = locked.id
"""


def lock_and_read_in_one_statement(patch: pytest.MonkeyPatch) -> None:
    taken: dict[int, dict[tuple[int, int], int]] = {}
    read = facts.read_line

    def lock(cursor: CursorWrapper, offerings: Collection[int], *, wait: bool) -> list[int]:
        cursor.execute(ONE_STATEMENT, [array(offerings)])
        taken[racer()] = {(o, number): seats for o, number, seats in cursor.fetchall()}
        return sorted({offering for offering, _ in taken[racer()]})

    def read_what_was_read(cursor: CursorWrapper, held: Collection[int], limit: int) -> Line:
        line = read(cursor, held, limit)
        known = line.offerings.facts
        for offering in known.values():
            places = tuple(
                place._replace(taken=taken[racer()].get((offering.id, place.number), place.taken))
                for place in offering.places
            )
            known[offering.id] = offering._replace(places=places)
        return line

    patch.setattr(facts, "lock_offerings", lock)
    patch.setattr(facts, "read_line", read_what_was_read)


def test_a_settlement_that_waited_for_the_lock_sees_what_its_holder_wrote(
    last_seat: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    each_takes_one(monkeypatch)
    after(monkeypatch, facts, "lock_offerings", Meeting())

    together(*settling(last_seat))

    assert seats_sold(last_seat) == 1


def test_locked_and_read_in_one_statement_the_last_seat_is_sold_twice(
    last_seat: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement's snapshot is as old as its start, however long it then waited to lock."""
    each_takes_one(monkeypatch)
    lock_and_read_in_one_statement(monkeypatch)
    after(monkeypatch, facts, "lock_offerings", Meeting())

    together(*settling(last_seat))

    assert seats_sold(last_seat) == 2


def isolate(patch: pytest.MonkeyPatch, lock: str) -> None:
    """Settle at REPEATABLE READ, with this for a lock."""

    def begin(cursor: CursorWrapper, offerings: Collection[int]) -> Reach:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return Reach(frozenset(offerings), drawn=0)

    def lock_offerings(
        cursor: CursorWrapper, offerings: Collection[int], *, wait: bool
    ) -> list[int]:
        cursor.execute(lock, [array(offerings)])
        return sorted(offerings)

    patch.setattr(facts, "reach", begin)  # what a settlement asks first
    patch.setattr(facts, "lock_offerings", lock_offerings)


def test_at_repeatable_read_who_waited_for_the_row_can_only_be_thrown_away(
    last_seat: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    each_takes_one(monkeypatch)
    isolate(monkeypatch, facts.lines._LOCK_OFFERINGS)
    after(monkeypatch, facts, "lock_offerings", Meeting())

    ended = race(*settling(last_seat))

    [error] = [each for each in ended if isinstance(each, Exception)]
    assert isinstance(error, OperationalError)
    assert "could not serialize access" in str(error)


def test_at_repeatable_read_a_lock_that_is_no_row_sells_the_last_seat_twice(
    last_seat: Section, monkeypatch: pytest.MonkeyPatch, lift: Lift
) -> None:
    """The snapshot is older than the lock. Two things notice and are taken away here: the write
    of the counters, and the audit chain, whose head the second settlement does not see."""
    each_takes_one(monkeypatch)
    isolate(monkeypatch, "SELECT pg_advisory_xact_lock(o) FROM unnest(%s::bigint[]) AS o")
    monkeypatch.setattr(ledger, "_write_places", lambda *_: None)
    lift("audit_entries", "audit_entry_seq_in_stream")
    after(monkeypatch, facts, "lock_offerings", Meeting())

    together(*settling(last_seat))

    assert seats_sold(last_seat) == 2


# Passing by a locked course -------------------------------------------------------------------


def test_a_course_settled_elsewhere_is_passed_by_and_put_back_by_its_holder(
    last_seat: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    offering = last_seat.offering_id
    held, passed_by = threading.Event(), threading.Event()

    def hold() -> None:
        if racer() == 0:
            held.set()
            assert passed_by.wait(PATIENCE)

    def pass_by() -> Settled:
        assert held.wait(PATIENCE)
        done = settle([offering])
        passed_by.set()
        return done

    after(monkeypatch, facts, "lock_offerings", hold)
    monkeypatch.setitem(settings.REGISTRAR, "SETTLE_BATCH", 1)
    ready()

    holder, other = together(lambda: settle([offering]), pass_by)

    assert (holder.decided, other) == (1, Settled())
    assert ready() == [offering]

"""One request that cannot be settled costs its neighbours nothing, and ends (rule 10)."""

import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, connections

from courses.models import Offering
from enrollment import allocation, ledger, poison
from enrollment.models import Attempt, Outcome, Pending, Request
from enrollment.settlement import settle
from enrollment.vocabulary import Ask, Kind, Recheck
from registrar.audit.models import Entry
from tests.factories import ask, enroll, make_offering, make_student, make_term, open_window, submit
from tests.processes import python
from tests.races import settle_all

BATCH = 16


@pytest.fixture
def line(database: None) -> list[int]:
    """The requests of sixteen students for one course with seats for all.

    Each also asks for another course, so that the ids in the line are not next to each other.
    """
    term = make_term()
    open_window(term)
    offering, other = make_offering(term, base_limit=BATCH), make_offering(term, base_limit=BATCH)
    students = [make_student(term) for _ in range(BATCH)]
    requests = submit(*(ask(Kind.ENROLL, s, o) for s in students for o in (offering, other)))
    settle([other.pk])
    return requests[::2]


def offering_of(request: int) -> int:
    return Pending.objects.get(request_id=request).offering_id


def result(request: int) -> str:
    return Outcome.objects.get(pk=request).result


def others_have_seats(line: list[int], poisoned: int) -> bool:
    others = set(line) - {poisoned}
    results = Outcome.objects.filter(pk__in=others).values_list("result", flat=True)
    return list(results) == ["ENROLLED"] * (len(line) - 1)


def was_audited(request: int) -> bool:
    entries = Entry.objects.filter(request=request, event="decided")
    return [entry.body.count("FAILED_INTERNAL") > 0 for entry in entries] == [True]


# A decision that raises, or does not end ------------------------------------------------------


def deciding(patch: pytest.MonkeyPatch, poisoned: int, misbehave: Callable[[], object]) -> None:
    enroll_well = allocation._Allocation.enroll

    def enroll(self: allocation._Allocation, ask: Ask) -> None:
        if ask.id == poisoned:
            misbehave()
        enroll_well(self, ask)

    patch.setitem(allocation._DECIDE, Kind.ENROLL, enroll)


def stumble() -> None:
    raise ZeroDivisionError


def run_for_ever() -> None:
    while True:
        pass


@pytest.mark.parametrize("misbehave", [stumble, run_for_ever])
def test_a_request_that_cannot_be_decided_is_failed_at_once_and_the_others_go_on(
    line: list[int], monkeypatch: pytest.MonkeyPatch, misbehave: Callable[[], object]
) -> None:
    deciding(monkeypatch, line[7], misbehave)

    done = settle([offering_of(line[7])])

    assert done.decided == BATCH
    assert result(line[7]) == "FAILED_INTERNAL"
    assert others_have_seats(line, line[7])
    assert was_audited(line[7])
    assert not Attempt.objects.exists()


# A process that dies --------------------------------------------------------------------------

DYING = """
import json, os, sys, time
from enrollment import ledger
from enrollment.settlement import settle

offerings, poisoned = map(json.loads, sys.argv[1:])
write = ledger.write

def write_or_die(cursor, plan, state, *rest):
    tried = {ask.id for ask in rest[-1].asks} - set(state.broken)
    if tried.intersection(poisoned):
        os._exit(9)
    return write(cursor, plan, state, *rest)

ledger.write = write_or_die

def one_life():
    child = os.fork()
    if child == 0:
        done = settle(offerings, wait=True)
        os._exit(0 if done.decided else 1 if done.put_off else 2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

deaths, code = 0, 0
while code != 2 and deaths < 20:
    code = one_life()
    deaths += code == 9
    time.sleep(0.05 * (code == 1))
print(deaths, flush=True)
"""


def deaths_until_settled(*poisoned: int) -> int:
    """Settle what is pending in processes that die of these requests; how many did."""
    offerings = sorted(set(Pending.objects.values_list("offering_id", flat=True)))
    with python(DYING, offerings, list(poisoned)) as process:
        deaths = process.line()
        assert deaths, process.errors()
    return int(deaths)


@pytest.mark.parametrize("place", [0, BATCH - 1])
def test_a_request_that_kills_whoever_settles_it_is_found_and_failed(
    line: list[int], place: int
) -> None:
    deaths = deaths_until_settled(line[place])

    assert 3 <= deaths <= math.log2(BATCH) + 3
    assert result(line[place]) == "FAILED_INTERNAL"
    assert others_have_seats(line, line[place])
    assert was_audited(line[place])
    assert not Attempt.objects.exists()


def test_a_request_that_kills_is_found_among_cancels_that_stand_in_no_line(
    line: list[int],
) -> None:
    settle_some(line[:4])
    cancels = [cancel(request) for request in line[:4]]

    deaths = deaths_until_settled(line[9])

    assert deaths <= math.log2(BATCH) + 3
    assert result(line[9]) == "FAILED_INTERNAL"
    assert {result(request) for request in cancels} == {"REFUSED"}
    assert not Attempt.objects.exists()


def test_a_swap_that_kills_is_found_although_a_cancel_stretches_its_range(database: None) -> None:
    """What is decided with it spans the line to its end, and most of that was never tried."""
    term = make_term()
    open_window(term)
    wanted, given = make_offering(term, base_limit=BATCH), make_offering(term)
    [killer] = submit(ask(Kind.SWAP, make_student(term), wanted, given))
    line = enroll(wanted, [make_student(term) for _ in range(BATCH)])
    cancel(line[0])

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGISTRAR_SETTLE_BATCH", "6")
        deaths = deaths_until_settled(killer)

    assert deaths <= math.log2(6) + 3
    assert result(killer) == "FAILED_INTERNAL"
    assert not Pending.objects.exists()
    assert not Attempt.objects.exists()


def settle_some(requests: list[int]) -> None:
    """Settle as many requests as these, which come first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(settings.REGISTRAR, "SETTLE_BATCH", len(requests))
        settle([offering_of(requests[0])])


def cancel(request: int) -> int:
    target = Request.objects.get(pk=request)
    assert target.student is not None
    offering = Offering.objects.get(pk=target.offerings[0])
    return submit(ask(Kind.CANCEL, target.student, offering, request=request))[0]


def test_a_request_that_kills_costs_the_courses_settled_with_it_nothing(line: list[int]) -> None:
    """And it is found although what was settled together is settled apart later."""
    term = Offering.objects.get(pk=offering_of(line[0])).term
    healthy = make_offering(term, base_limit=BATCH)
    others = enroll(healthy, [make_student(term) for _ in range(BATCH)])

    deaths = deaths_until_settled(line[3])

    assert deaths <= math.log2(2 * BATCH) + 3
    assert {result(request) for request in others} == {"ENROLLED"}
    assert others_have_seats(line, line[3])
    assert not Attempt.objects.exists()


def test_two_requests_that_kill_are_both_found(line: list[int]) -> None:
    deaths = deaths_until_settled(line[2], line[11])

    assert deaths <= 2 * (math.log2(BATCH) + 3)
    assert [r for r in line if result(r) == "FAILED_INTERNAL"] == [line[2], line[11]]
    assert not Attempt.objects.exists()


def test_three_deaths_in_company_fail_nobody(line: list[int]) -> None:
    """Killed by an operator, say: what was tried with others is to blame for nothing."""
    offering = offering_of(line[0])
    for _ in range(3):
        poison.begin(line, [offering])
    connections.close_all()

    settle_all()

    assert {result(request) for request in line} == {"ENROLLED"}
    assert not Attempt.objects.exists()


# A write that the database refuses ------------------------------------------------------------


def test_a_request_whose_seat_the_database_refuses_is_found_and_failed(line: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE enrollments ADD CONSTRAINT planted CHECK (request_id <> %s)", [line[6]]
        )
    try:
        failures = keep_settling(offering_of(line[6]))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE enrollments DROP CONSTRAINT planted")

    assert failures <= math.log2(BATCH) + 3
    assert result(line[6]) == "FAILED_INTERNAL"
    assert others_have_seats(line, line[6])
    assert not Attempt.objects.exists()


def keep_settling(offering: int) -> int:
    """Settle until nothing is pending; how often the database refused."""
    failures = 0
    while Pending.objects.filter(offering=offering).exists():
        try:
            put_off = settle([offering]).put_off
        except IntegrityError:
            failures += 1
        else:
            time.sleep(0.05 * put_off)
        assert failures < 20
    return failures


# What is nobody's fault -----------------------------------------------------------------------


def cut_off(patch: pytest.MonkeyPatch) -> None:
    """End the settlement's connection just before it writes."""
    write = ledger.write

    def write_when_cut_off(*args: Any) -> dict[Recheck, int]:
        with connection.cursor() as cursor, connections["witness"].cursor() as witness:
            cursor.execute("SELECT pg_backend_pid()")
            witness.execute("SELECT pg_terminate_backend(%s, 5000)", cursor.fetchone())
        return write(*args)

    patch.setattr(ledger, "write", write_when_cut_off)


def run_out_of_time(patch: pytest.MonkeyPatch) -> None:
    """The settlement's statements are cancelled as if they had waited for a lock too long."""
    write = ledger.write

    def write_late(*args: Any) -> dict[Recheck, int]:
        with connection.cursor() as cursor, connections["witness"].cursor() as witness:
            witness.execute("BEGIN")
            witness.execute("LOCK TABLE enrollments IN SHARE MODE")
            cursor.execute("SET LOCAL lock_timeout = '20ms'")
            try:
                return write(*args)
            finally:
                witness.execute("ROLLBACK")

    patch.setattr(ledger, "write", write_late)


@pytest.mark.parametrize("fault", [cut_off, run_out_of_time])
def test_a_lost_connection_or_a_lock_not_granted_never_counts(
    line: list[int], fault: Callable[[pytest.MonkeyPatch], None]
) -> None:
    alone, offering = line[:1], offering_of(line[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(settings.REGISTRAR, "SETTLE_BATCH", 1)
        fault(patch)
        for _ in range(5):
            with pytest.raises(OperationalError):
                settle([offering])
            connection.close()

    assert not Attempt.objects.exists()
    settle_all()
    assert result(alone[0]) == "ENROLLED"


def test_if_lost_connections_counted_the_innocent_would_be_failed(line: list[int]) -> None:
    offering = offering_of(line[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(settings.REGISTRAR, "SETTLE_BATCH", 1)
        patch.setattr(poison, "withdraw", lambda _: None)
        patch.setattr(poison, "APART", timedelta(0))
        cut_off(patch)
        for _ in range(3):
            with pytest.raises(OperationalError):
                settle([offering])
            connection.close()

    settle([offering])

    assert result(line[0]) == "FAILED_INTERNAL"

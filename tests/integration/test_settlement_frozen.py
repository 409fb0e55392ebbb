"""A settler that freezes while it holds a course: the server frees it, and it writes nothing late.

Real processes, stopped by a signal, in the worker's own database role.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection

from courses.models import Offering
from enrollment.models import Attempt, Outcome, Pending, Settlement
from enrollment.settlement import settle
from tests.factories import enroll, make_offering, make_student, make_term, open_window
from tests.processes import Process, python
from tests.races import broken, until

SETTLING = """
import os, signal, sys
from django.db import connection
from enrollment import ledger
from enrollment.settlement import settle

write = ledger.write

def freeze_and_write(*args):
    print("holding", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    return write(*args)

ledger.write = freeze_and_write
if "patient" in sys.argv:
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
try:
    print("decided", settle([int(sys.argv[1])]).decided, flush=True)
except Exception as error:
    print("refused", type(error).__name__, flush=True)
"""


@pytest.fixture
def course(database: None) -> Offering:
    term = make_term()
    open_window(term)
    course = make_offering(term, base_limit=2)
    enroll(course, [make_student(term) for _ in range(3)])
    return course


@contextmanager
def frozen_settler(course: Offering, *options: str) -> Iterator[Process]:
    with python(SETTLING, course.pk, *options) as process:
        process.says("holding")
        until(process.is_frozen)
        yield process


def be_a_worker() -> None:
    """This test's own settlements wait no longer for a lock than a worker's would."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '3s'")


def test_a_frozen_settler_loses_the_course_within_three_seconds(course: Offering) -> None:
    be_a_worker()
    with frozen_settler(course):
        begun = time.monotonic()

        settle([course.pk], wait=True)

        assert time.monotonic() - begun < 3
    # What was tried in company and interrupted is taken in halves: nobody is to blame.
    while Pending.objects.exists():
        settle([course.pk])
    assert Outcome.objects.count() == 3


def test_what_a_frozen_settler_writes_when_it_thaws_is_refused(course: Offering) -> None:
    with frozen_settler(course) as settler:
        while Pending.objects.exists():
            settle([course.pk], wait=True)
        before = list(Settlement.objects.values_list("id", flat=True))

        settler.thaw()
        verdict = settler.line()

    assert verdict.startswith("refused"), verdict
    assert list(Settlement.objects.values_list("id", flat=True)) == before
    assert broken() == {}


def test_freezing_is_nobodys_fault(course: Offering) -> None:
    """A settler that comes back finds its connection gone: no request is to blame for that."""
    with frozen_settler(course) as settler:
        time.sleep(2.2)
        settler.thaw()
        assert settler.line().startswith("refused")

    assert not Attempt.objects.exists()


def test_without_the_timeout_a_frozen_settler_blocks_the_course_and_writes_late(
    course: Offering,
) -> None:
    be_a_worker()
    with frozen_settler(course, "patient") as settler:
        with pytest.raises(OperationalError, match="lock timeout"):
            settle([course.pk], wait=True)
        assert not Outcome.objects.exists()

        settler.thaw()
        settler.says("decided 3")

    assert Outcome.objects.count() == 3

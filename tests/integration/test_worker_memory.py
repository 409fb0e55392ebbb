"""A worker whose settlement runs out of memory goes on, and so does everybody's request."""

import time

from courses.models import Offering, Term
from enrollment.models import Outcome
from tests.factories import enroll, make_offering, make_student, make_term, open_window
from tests.processes import PATIENCE, python, worker
from tests.races import until

MEMORY_ERROR = """
from enrollment import settlement

load, lives = settlement._load, iter(range(1))

def load_or_fail(*args):
    if next(lives, None) is not None:
        raise MemoryError
    return load(*args)

settlement._load = load_or_fail
"""
NO_THREAD = """
import threading

def no_memory(self):
    raise MemoryError

threading.Thread._bootstrap = no_memory
print("begun", flush=True)
threading.Thread(target=print).start()
"""
GUARDED = """
from celery.signals import worker_init
import workers.tasks
worker_init.send(None)
"""
UNGUARDED = "from registrar.celery import Bounded; del Bounded.__call__"


def open_course() -> tuple[Term, Offering]:
    term = make_term()
    open_window(term)
    return term, make_offering(term, base_limit=2)


def test_a_settlement_without_memory_costs_neither_its_worker_nor_a_request(
    database: None,
) -> None:
    term, offering = open_course()
    with worker("only", MEMORY_ERROR) as running:
        asked = enroll(offering, [make_student(term) for _ in range(3)])
        until(lambda: Outcome.objects.filter(pk__in=asked).count() == 3, PATIENCE)
        assert not running.has_ended()
        said = running.errors()

    assert "OutOfMemory" in said
    assert "Unrecoverable" not in said


def test_left_to_celery_it_costs_the_worker(database: None) -> None:
    term, offering = open_course()
    with worker("only", UNGUARDED + MEMORY_ERROR) as running:
        enroll(offering, [make_student(term)])
        until(running.has_ended, PATIENCE)
        assert "Unrecoverable" in running.errors()


def test_a_process_that_has_no_memory_for_a_thread_ends(database: None) -> None:
    with python(GUARDED + NO_THREAD) as child:
        child.says("begun")
        until(child.has_ended, PATIENCE)
        assert "Exception ignored in thread started by" in child.errors()


def test_left_to_itself_it_waits_for_that_thread_for_ever(database: None) -> None:
    with python(NO_THREAD) as child:
        child.says("begun")
        until(lambda: "Exception ignored in thread started by" in child.errors(), PATIENCE)
        time.sleep(1)
        assert not child.has_ended()

"""Readers and writers of the catalogue at once: nobody is answered from before a commit."""

import threading

import pytest
from django.core.cache import caches
from django.db import connection, transaction

from courses import shelf
from courses.models import Course
from courses.shelf import epoch, kept
from tests.catalogue import begin
from tests.races import race, together, until

pytestmark = [pytest.mark.concurrency, pytest.mark.requirement("S1-108")]


@pytest.fixture(autouse=True)
def _empty_shelf(database: None) -> None:
    caches["shelf"].clear()


def codes() -> list[str]:
    return list(Course.latest.order_by("code").values_list("code", flat=True))


def stale_reads() -> int:
    """One adds courses; others read before, while and after. How many were told less than was
    committed when they asked."""
    begin(code="A0")
    committed = ["A0"]
    over = threading.Event()

    def write() -> int:
        for nth in range(1, 40):
            begin(code=f"A{nth}")
            committed.append(f"A{nth}")
        over.set()
        return 0

    def read() -> int:
        stale = 0
        while not over.is_set():
            known = set(committed)
            stale += not known <= set(kept("all", codes))
        return stale + (not set(committed) <= set(kept("all", codes)))

    return sum(together(write, read, read))


def test_what_was_committed_before_one_asks_is_in_the_answer() -> None:
    assert stale_reads() == 0


def test_without_the_epoch_readers_are_told_what_was_once_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The race above is a race: kept under one name, the list stays as it was."""
    monkeypatch.setattr(shelf, "epoch", lambda: "always the same")

    assert stale_reads() > 0


def test_a_mark_that_is_not_committed_is_nobody_elses() -> None:
    """A number from a sequence would be seen at once, and what it promises would not be there."""
    begin(code="A0")
    before = epoch()
    written, seen = threading.Event(), threading.Event()

    def write() -> list[str]:
        with transaction.atomic():
            begin(code="A1")
            written.set()
            seen.wait(10)
        return codes()

    def read() -> list[str]:
        written.wait(10)
        try:
            assert epoch() == before
            found: list[str] = kept("all", codes)
            return found
        finally:
            seen.set()

    wrote, meanwhile = together(write, read)

    assert (wrote, meanwhile) == (["A0", "A1"], ["A0"])
    assert kept("all", codes) == ["A0", "A1"]


def test_writers_do_not_wait_for_each_other_to_leave_a_mark() -> None:
    """Each takes a row that nobody holds: one row for all would have them wait, or deadlock."""
    begin(code="A0")
    both = threading.Barrier(2, timeout=10)

    def write(code: str) -> None:
        with transaction.atomic():
            begin(code=code)
            both.wait()

    answers = race(lambda: write("A1"), lambda: write("A2"))

    assert answers == [None, None]
    assert codes() == ["A0", "A1", "A2"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM catalogue_epochs")
        assert cursor.fetchone() == (2,), "a row for each of those who wrote at once"
    until(lambda: kept("all", codes) == ["A0", "A1", "A2"])

"""A value that is kept: how old it may be for whom, while another thread reads it anew."""

import threading
import time
from collections.abc import Iterator

import pytest

from enrollment.kept import Kept

SECONDS = 0.2


class Source:
    """What is kept, counted up by each read; a read takes as long as the test wants."""

    def __init__(self) -> None:
        self.reads = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def read(self) -> int:
        self.go_on.wait(10)
        self.reads += 1
        return self.reads


@pytest.fixture
def source() -> Iterator[Source]:
    source = Source()
    yield source
    source.go_on.set()


def reading(kept: Kept[int], source: Source) -> threading.Thread:
    """A thread in the middle of reading it anew."""
    source.go_on.clear()
    thread = threading.Thread(target=kept.get, args=[SECONDS], daemon=True)
    thread.start()
    time.sleep(0.05)
    return thread


def test_a_value_that_is_not_due_is_not_read_again() -> None:
    source = Source()
    kept = Kept(source.read)

    assert [kept.get(60), kept.get(60)] == [1, 1]


def test_while_it_is_read_anew_others_go_on_with_one_that_was_due_just_now(source: Source) -> None:
    kept = Kept(source.read)
    kept.get(SECONDS)
    time.sleep(1.1 * SECONDS)
    reading(kept, source)

    begun = time.monotonic()
    assert kept.get(SECONDS) == 1
    assert time.monotonic() - begun < SECONDS / 2


def test_nobody_goes_on_with_what_is_long_out_of_date(source: Source) -> None:
    """After a quiet hour the first to come read it, and the second must not see the hour before."""
    kept = Kept(source.read)
    kept.get(SECONDS)
    time.sleep(3 * SECONDS)
    reader = reading(kept, source)
    threading.Timer(SECONDS / 2, source.go_on.set).start()

    assert kept.get(SECONDS) == 2
    reader.join()


def test_a_read_that_takes_long_is_not_waited_for(source: Source) -> None:
    """With a database that does not answer, an old value is better than a queue of threads."""
    kept = Kept(source.read)
    kept.get(SECONDS)
    time.sleep(3 * SECONDS)
    reading(kept, source)

    assert kept.get(SECONDS) == 1

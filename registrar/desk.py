"""What a web process's event loop has promised, the threads that keep it, and the line before them.

A server's own thread pool takes whatever comes and tells nobody how much that is. This one is asked
first how long a job would stand in line.
"""

import queue
import threading
import time
from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
_MEMORY = 1.0
"""Seconds that the pace is measured over, the latest weighing most."""


class Promises(Generic[Result]):
    """What the loop waits for and other threads will bring, and how long the next one would take.

    All but `keep` happens on the loop's thread, so nothing here needs a lock.
    """

    def __init__(self, loop: AbstractEventLoop, at_once: int) -> None:
        self._loop, self._at_once = loop, at_once
        self._kept: deque[tuple[Future[Result], Result | BaseException]] = deque()
        self._told = False
        """Whether the loop has been asked to hand out what is kept."""
        self._open = 0
        """Promises made and not handed out."""
        self._busy = self._served = 0.0
        """Seconds in which somebody stood in line, and the promises kept in them."""
        self._moved = 0.0
        """When the line moved last, or began."""

    def expected(self) -> float:
        """Seconds until something promised now would be begun, as things go.

        By the pace measured; and when the line stands still, at least for as long as it has.
        """
        waiting = self._open - self._at_once
        if waiting <= 0:
            return 0.0
        pace = self._busy / self._served if self._served else 0.0
        return max(waiting * pace, time.monotonic() - self._moved)

    def make(self) -> "Future[Result]":
        if self._open == self._at_once:
            self._moved = time.monotonic()
        self._open += 1
        return self._loop.create_future()

    def keep(self, promise: "Future[Result]", result: Result | BaseException) -> None:
        """What was promised, or what to raise instead: once for each, from any thread."""
        self._kept.append((promise, result))
        # One wake-up hands out all that is kept by then. The loop lowers the flag before it
        # looks, so what was appended before the flag was read up is never left behind.
        if not self._told:
            self._told = True
            with suppress(RuntimeError):  # the loop has ended: nobody is left to be told
                self._loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        self._told = False
        handed_out = 0
        while self._kept:
            promise, result = self._kept.popleft()
            handed_out += 1
            if promise.done():
                continue  # nobody waits for it any more
            if isinstance(result, BaseException):
                promise.set_exception(result)
            else:
                promise.set_result(result)
        self._measure(handed_out)

    def _measure(self, handed_out: int) -> None:
        now = time.monotonic()
        if self._open > self._at_once:
            passed = now - self._moved
            kept = max(0.0, 1 - passed / _MEMORY)
            self._busy = self._busy * kept + passed
            self._served = self._served * kept + handed_out
        self._moved = now
        self._open -= handed_out


class Desk(Generic[Job, Result]):
    """Hands jobs to its threads in the order in which they come."""

    def __init__(
        self, loop: AbstractEventLoop, threads: int, work: Callable[[Job], Result]
    ) -> None:
        self._work = work
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Result]]] = queue.SimpleQueue()
        self._promises: Promises[Result] = Promises(loop, threads)
        for nth in range(threads):
            threading.Thread(target=self._run, name=f"desk-{nth}", daemon=True).start()

    def expected(self) -> float:
        """Seconds that a job handed in now would stand in line, as things go."""
        return self._promises.expected()

    def submit(self, job: Job) -> "Future[Result]":
        """What the job comes to, or raises."""
        promise = self._promises.make()
        self._jobs.put((job, promise))
        return promise

    def _run(self) -> None:
        while True:
            job, promise = self._jobs.get()
            result: Result | BaseException
            try:
                result = self._work(job)
            except BaseException as error:
                result = error
            self._promises.keep(promise, result)

"""The threads of a web process that do the work, and the line before them, whose length is known.

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


class Desk(Generic[Job, Result]):
    """Hands jobs to its threads in the order in which they come.

    All but the work itself happens on the loop's thread, so nothing here needs a lock.
    """

    def __init__(
        self, loop: AbstractEventLoop, threads: int, work: Callable[[Job], Result]
    ) -> None:
        self._loop, self._threads, self._work = loop, threads, work
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Result]]] = queue.SimpleQueue()
        self._done: deque[tuple[Future[Result], Result | BaseException]] = deque()
        self._told = False
        """Whether the loop has been asked to collect what is done."""
        self._open = 0
        """Jobs handed in and not collected."""
        self._busy = self._served = 0.0
        """Seconds in which somebody stood in line, and the jobs done in them."""
        self._moved = 0.0
        """When the line moved last, or began."""
        for nth in range(threads):
            threading.Thread(target=self._run, name=f"desk-{nth}", daemon=True).start()

    def expected(self) -> float:
        """Seconds that a job handed in now would stand in line, as things go.

        By the pace measured; and when the line stands still, at least for as long as it has.
        """
        waiting = self._open - self._threads
        if waiting <= 0:
            return 0.0
        pace = self._busy / self._served if self._served else 0.0
        return max(waiting * pace, time.monotonic() - self._moved)

    def submit(self, job: Job) -> "Future[Result]":
        """What the job comes to, or raises."""
        if self._open == self._threads:
            self._moved = time.monotonic()
        self._open += 1
        future: Future[Result] = self._loop.create_future()
        self._jobs.put((job, future))
        return future

    def _run(self) -> None:
        while True:
            job, future = self._jobs.get()
            try:
                self._done.append((future, self._work(job)))
            except BaseException as error:
                self._done.append((future, error))
            # One wake-up collects all that is done by then. The loop lowers the flag before it
            # looks, so what was appended before the flag was read up is never left behind.
            if not self._told:
                self._told = True
                with suppress(RuntimeError):  # the loop has ended: nobody is left to be told
                    self._loop.call_soon_threadsafe(self._collect)

    def _collect(self) -> None:
        self._told = False
        collected = 0
        while self._done:
            future, result = self._done.popleft()
            collected += 1
            if future.done():
                continue  # nobody waits for it any more
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._measure(collected)

    def _measure(self, collected: int) -> None:
        now = time.monotonic()
        if self._open > self._threads:
            passed = now - self._moved
            kept = max(0.0, 1 - passed / _MEMORY)
            self._busy = self._busy * kept + passed
            self._served = self._served * kept + collected
        self._moved = now
        self._open -= collected

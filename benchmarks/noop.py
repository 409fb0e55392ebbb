"""Celery's own floor: one message for each task, and a task that does nothing.

The application has our settings (late acknowledgement, results ignored, JSON, database
connections kept), so what is left is what a message costs. Events are off.
"""

import time

from celery import Celery

from benchmarks import workers
from benchmarks.contender import Run
from benchmarks.truths import Broken
from benchmarks.workers import Crew
from enrollment import mailbox

QUEUE = "noop"
UNACKNOWLEDGED = "unacked"
"""Where Celery's Redis transport keeps what was taken and not yet acknowledged."""
_LONGEST = 120

app = Celery("benchmarks", set_as_current=False)
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="benchmarks.noop", queue=QUEUE)
def noop() -> None:
    """Nothing."""


class Noop:
    """So many messages, published beforehand, worked off by workers that are there and idle."""

    def __init__(self, messages: int, workers: int, processes: int) -> None:
        self.messages = messages
        self.crew = Crew("benchmarks.noop", QUEUE, workers, processes)
        self.name = f"no-op {workers}x{processes}"

    def run(self, round_: int) -> Run:
        mailbox.client().flushdb()
        with app.producer_pool.acquire(block=True) as producer:
            for _ in range(self.messages):
                noop.apply_async(producer=producer, retry=False)
        workers.hold_back(QUEUE)
        with workers.running(self.crew, app, {}):
            begun = time.perf_counter()
            workers.release(QUEUE)
            seconds = _until_drained() - begun
            self._count()
        return Run(self.name, round_, self.messages, seconds)

    def _count(self) -> None:
        stats = app.control.inspect(timeout=2).stats() or {}
        done = sum(each["total"].get(noop.name, 0) for each in stats.values())
        if done != self.messages:
            raise Broken(f"{self.messages} messages, {done} tasks")


def _until_drained() -> float:
    """When the queue was first seen empty with nothing under way, in two looks together: between
    being taken and being noted as taken a message is in neither place."""
    redis = mailbox.client()
    deadline = time.perf_counter() + _LONGEST
    first = 0.0
    while (now := time.perf_counter()) < deadline:
        if redis.llen(QUEUE) or redis.hlen(UNACKNOWLEDGED):
            first = 0.0
        elif first:
            return first
        else:
            first = now
        time.sleep(0.005)
    raise Broken(f"the no-op queue is not drained after {_LONGEST} s")

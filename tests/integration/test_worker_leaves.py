"""A worker that is told to end does so soon."""

from tests.processes import python

UNHEARD = """
import multiprocessing
import time

from billiard import SimpleQueue
from billiard.pool import Worker
from celery.signals import worker_process_init

import workers.tasks

worker_process_init.send(None)
child = Worker(SimpleQueue(), SimpleQueue(), on_ready_counter=multiprocessing.Value("i", 0))
begun = time.monotonic()
child._ensure_messages_consumed(completed=1)
print(time.monotonic() - begun < 5, flush=True)
"""
"""A child, begun as ours are, that has done a task which its parent never hears of."""


def test_a_process_whose_parent_no_longer_listens_ends_within_seconds(database: None) -> None:
    """Left to itself, the pool would wait for half a minute."""
    with python(UNHEARD) as child:
        child.says("True")

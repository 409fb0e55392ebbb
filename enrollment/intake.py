"""A web process's intake: one thread groups concurrent requests into one insert and one commit.

Each caller is answered after the COMMIT that holds its row; the ids go to Redis afterwards, off
the answer's path. A request that arrives alone does not wait for company.
"""

import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import lru_cache
from random import uniform
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from . import mailbox, requests
from .requests import Answer, Declined, Submission

log = structlog.get_logger()
MOST_AT_ONCE = 256
"""Submissions in one commit."""
ANSWER_SECONDS = 10.0
"""How long a caller waits for its commit before it is told to ask again with the same key."""

_Post = tuple[Sequence[Submission], "Future[list[Answer]]"]


class Intake:
    """The queue of one process and the thread that empties it."""

    def __init__(self) -> None:
        self._posts: queue.SimpleQueue[_Post] = queue.SimpleQueue()
        self._backlog = Backlog()
        threading.Thread(target=self._run, name="intake", daemon=True).start()

    def submit(self, submissions: Sequence[Submission], timeout: float) -> list[Answer]:
        """Wait for the commit; UNAVAILABLE when it did not come in time or could not be made."""
        answers: Future[list[Answer]] = Future()
        self._posts.put((submissions, answers))
        try:
            return answers.result(timeout)
        except TimeoutError:
            return [_unavailable() for _ in submissions]

    def _run(self) -> None:
        while True:
            posts = self._gather()
            try:
                close_old_connections()
                self._flush(posts)
            except Exception:
                log.exception("intake.failed")
                _answer_all(posts, _unavailable())

    def _gather(self) -> list[_Post]:
        """Block for one post, then take whatever else is already there."""
        posts = [self._posts.get()]
        size = len(posts[0][0])
        while size < MOST_AT_ONCE:
            try:
                posts.append(self._posts.get_nowait())
            except queue.Empty:
                break
            size += len(posts[-1][0])
        return posts

    def _flush(self, posts: Sequence[_Post]) -> None:
        shed = self._backlog.shed()
        if shed:
            _answer_all(posts, shed)
            return
        try:
            answered = _commit(posts)
        except (OperationalError, InterfaceError):
            log.warning("intake.unavailable", posts=len(posts))
            connection.close()
            _answer_all(posts, _unavailable())
        except Exception:
            # One of them is at fault: each goes alone, in the order of arrival.
            for post in posts:
                _flush_alone(post)
        else:
            mailbox.post(answered)


def _commit(posts: Sequence[_Post]) -> list[tuple[int, int]]:
    """Insert all, answer each after the commit, and return what is to be queued."""
    submissions = [submission for batch, _ in posts for submission in batch]
    answers = requests.insert(submissions)
    done = 0
    for batch, future in posts:
        future.set_result(answers[done : done + len(batch)])
        done += len(batch)
    return requests.queued(submissions, answers)


def _flush_alone(post: _Post) -> None:
    try:
        mailbox.post(_commit([post]))
    except Exception as error:
        log.warning("intake.refused", error=type(error).__name__)
        _answer_all([post], _unavailable())


def _answer_all(posts: Sequence[_Post], answer: Answer) -> None:
    for batch, future in posts:
        if not future.done():
            future.set_result([answer] * len(batch))


def _unavailable() -> Declined:
    return Declined("UNAVAILABLE", {"retry_after": round(uniform(1, 4), 1)})


class Backlog:
    """How long a new request would wait, looked at twice a second at the most."""

    EVERY = 0.5

    def __init__(self) -> None:
        self._looked = -self.EVERY
        self._wait = 0.0

    def shed(self) -> Declined | None:
        """A refusal before anything is written, when the promised time could not be kept."""
        now = time.monotonic()
        if now - self._looked >= self.EVERY:
            self._looked = now
            self._wait = predicted_wait()
        if self._wait <= settings.REGISTRAR["BACKLOG_SECONDS"]:
            return None
        return Declined("BACKLOG", {"retry_after": round(uniform(2, 10), 1)})


_BACKLOG = """
SELECT (SELECT count(*) FROM pending),
       extract(epoch FROM clock_timestamp() - (
           SELECT accepted_at FROM requests WHERE id = (SELECT min(request_id) FROM pending)
       ))::float,
       (SELECT coalesce(sum(decided), 0) FROM settlements
        WHERE decided_at > clock_timestamp() - interval '2 s') / 2.0::float
"""


def predicted_wait() -> float:
    """Seconds until a request accepted now would be decided, by the backlog's age and pace.

    While the oldest has waited less than two seconds there is no backlog: the pace then measures
    demand and says nothing of what could be settled.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BACKLOG)
        pending, oldest, pace = cursor.fetchone()
    if not pending or oldest is None or oldest < 2:
        return 0.0
    return max(float(oldest), pending / pace if pace else 0.0)


@lru_cache(maxsize=1)
def _of_process(pid: int) -> Intake:
    return Intake()


def submit(submissions: Sequence[Submission], timeout: float = ANSWER_SECONDS) -> list[Answer]:
    """Hand submissions to this process's intake and wait for their commit.

    The submissions of one call keep their order and go in together. The intake belongs to the
    process that asks, so a server may fork after this module was loaded.
    """
    return _of_process(os.getpid()).submit(submissions, timeout)


# Waiting for an outcome ---------------------------------------------------------------------

_waiting = threading.BoundedSemaphore(max(1, settings.REGISTRAR["WEB_THREADS"] // 4))
_DECIDED = "SELECT count(*) FROM outcomes WHERE request_id = ANY(%s)"
_LOOKS = (0.01, 0.02, 0.03, 0.05)


@contextmanager
def _a_waiting_thread() -> Iterator[bool]:
    """One of the quarter of this process's threads that may wait, or False when all do."""
    granted = _waiting.acquire(blocking=False)
    try:
        yield granted
    finally:
        if granted:
            _waiting.release()


def wait_for(request_ids: Sequence[int], seconds: float) -> bool:
    """Whether all were decided within `seconds` (at most 5); False at once when too many wait."""
    deadline = time.monotonic() + min(seconds, settings.REGISTRAR["WAIT_SECONDS"])
    with _a_waiting_thread() as granted:
        looks: Any = iter(_LOOKS)
        while granted:
            with connection.cursor() as cursor:
                cursor.execute(_DECIDED, [list(request_ids)])
                if cursor.fetchone()[0] == len(request_ids):
                    return True
            pause = next(looks, 0.1)
            if time.monotonic() + pause > deadline:
                return False
            time.sleep(pause)
    return False

"""A web process's intake: one thread groups concurrent requests into one insert and one commit.

Each caller is answered after the COMMIT that holds its row; the ids go to Redis afterwards, off
the answer's path. A request that arrives alone does not wait for company; where a few arrive at a
time, the next few are waited for a moment. Who sends with a token is looked up here, too, all of
one commit by one query.
"""

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from random import uniform
from typing import Any, Self

import structlog
from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, close_old_connections, connection

from registrar.accounts.tokens import Bearer, bearers

from . import line, mailbox, requests
from .requests import Answer, Declined, Submission

log = structlog.get_logger()
MOST_AT_ONCE = 256
"""Submissions in one commit."""
COMPANY_SECONDS = 0.0015
"""How long a commit waits for more, while a few come at a time..."""
_A_FEW = range(3, 17)
"""... which are so many posts: what a commit costs by itself is what ten posts in it cost."""
ANSWER_SECONDS = 10.0
"""How long a caller waits for its commit before it is told to ask again with the same key."""
RETRY_SECONDS = (2, 10)
"""When to come back while the line is too long: somewhere in between, and not all at once."""


class Post:
    """Submissions of one caller, who is told the answers: once, in the intake's thread."""

    __slots__ = ("abandoned", "answered", "submissions", "tell")

    def __init__(self, submissions: Sequence[Submission] = ()) -> None:
        self.submissions = submissions
        self.tell: Callable[[Sequence[Answer]], None]
        self.answered = False
        self.abandoned = False
        """Set by a caller who waits no more: what is not under way by then is not begun."""

    def answer(self, answers: Sequence[Answer]) -> None:
        """The first answers stand."""
        if not self.answered:
            self.answered = True
            self.tell(answers)


class Unread(Post):
    """One whose submissions are known when it is known who sends it."""

    __slots__ = ("digest",)

    def __init__(self, digest: str) -> None:
        """`digest` is the sender's token's."""
        super().__init__()
        self.digest = digest

    @classmethod
    def read_all(cls, some: Sequence[tuple[Self, Bearer]]) -> None:
        """Set the `submissions` of these, of one kind; left empty, they get no answers."""
        raise NotImplementedError


class Intake:
    """The queue of one process and the thread that empties it."""

    def __init__(self) -> None:
        self._posts: queue.SimpleQueue[Post] = queue.SimpleQueue()
        self._together = 0
        """How many posts there were when last it looked."""
        threading.Thread(target=self._run, name="intake", daemon=True).start()

    def take(self, post: Post) -> None:
        """Its answers are told in the intake's own thread: UNAVAILABLE when there was no commit."""
        self._posts.put(post)

    def _run(self) -> None:
        while True:
            posts = self._gather()
            try:
                close_old_connections()
                _read(posts)
                for some in _commits(posts):
                    self._flush(some)
            except (OperationalError, InterfaceError):
                log.warning("intake.unavailable", posts=len(posts))
                connection.close()
                _answer_all(posts, unavailable())
            except Exception:
                log.exception("intake.failed")
                _answer_all(posts, unavailable())

    def _gather(self) -> list[Post]:
        """Block for one post, then take whatever else is there, or will be in a moment."""
        posts = [self._posts.get()]
        if self._together in _A_FEW:
            time.sleep(COMPANY_SECONDS)
        size = len(posts[0].submissions)
        while size < MOST_AT_ONCE:
            try:
                posts.append(self._posts.get_nowait())
            except queue.Empty:
                break
            size += len(posts[-1].submissions) or 1
        self._together = len(posts)
        return posts

    def _flush(self, posts: Sequence[Post]) -> None:
        shed = backlog.shed()
        if shed:
            _answer_all(posts, shed)
            return
        try:
            answered = _commit(posts)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # One of them is at fault: each goes alone, in the order of arrival.
            for post in posts:
                _flush_alone(post)
        else:
            mailbox.post(answered)


def _read(posts: Sequence[Post]) -> None:
    """Who sends what: of those that do not know it yet, and for whom somebody still waits."""
    for post in posts:
        if post.abandoned:
            post.answer(())
    unread = [post for post in posts if isinstance(post, Unread) and not post.answered]
    known = bearers([post.digest for post in unread]) if unread else {}
    found: dict[type[Unread], list[tuple[Unread, Bearer]]] = {}
    for post in unread:
        if sender := known.get(post.digest):
            found.setdefault(type(post), []).append((post, sender))
    for kind, some in found.items():
        try:
            kind.read_all(some)
        except Error:
            raise
        except Exception:
            # A mistake of ours: the others go on, and these are answered the long way.
            log.exception("intake.unread", kind=kind.__name__)
    for post in unread:
        if not post.submissions:
            post.answer(())


def _commits(posts: Sequence[Post]) -> Iterator[list[Post]]:
    """Those that are still to be answered, in their order, as many as go in together."""
    some: list[Post] = []
    size = 0
    for post in posts:
        if post.answered:
            continue
        if some and size + len(post.submissions) > MOST_AT_ONCE:
            yield some
            some, size = [], 0
        some.append(post)
        size += len(post.submissions)
    if some:
        yield some


def _commit(posts: Sequence[Post]) -> list[tuple[int, int]]:
    """Insert all, answer each after the commit, and return what is to be queued."""
    submissions = [submission for post in posts for submission in post.submissions]
    answers = requests.insert(submissions)
    done = 0
    for post in posts:
        size = len(post.submissions)
        post.answer(answers[done : done + size])
        done += size
    return requests.queued(submissions, answers)


def _flush_alone(post: Post) -> None:
    try:
        mailbox.post(_commit([post]))
    except Exception as error:
        log.warning("intake.refused", error=type(error).__name__)
        _answer_all([post], unavailable())


def _answer_all(posts: Sequence[Post], answer: Answer) -> None:
    for post in posts:
        # Also one that could not be read: whoever sent it need not find out for themselves. And
        # whatever an answer's teller does, this thread goes on.
        try:
            post.answer([answer] * (len(post.submissions) or 1))
        except Exception:
            log.exception("intake.untold")


def unavailable() -> Declined:
    """Whether it was accepted is not known, or it was not: the same key asks again."""
    return Declined("UNAVAILABLE", {"retry_after": round(uniform(1, 4), 1)})


class Backlog:
    """How long a request accepted now would wait, as it was at the last look."""

    EVERY = 0.5
    """Seconds between two looks at the database."""

    def __init__(self) -> None:
        self._looked = -self.EVERY
        self._wait = 0.0

    def claim_look(self) -> bool:
        """Whether a look is due; it is then the caller's to take."""
        now = time.monotonic()
        if now - self._looked < self.EVERY:
            return False
        self._looked = now
        return True

    def look(self) -> None:
        """Ask the database. Raises what it raises."""
        self._wait = line.predicted_wait()

    def is_too_long(self) -> bool:
        """Whether the promised time could not be kept. Asks nobody."""
        return self._wait > float(settings.REGISTRAR["BACKLOG_SECONDS"])

    def shed(self) -> Declined | None:
        """A refusal before anything is written, for those who did not come through the gate."""
        if self.claim_look():
            self.look()
        if not self.is_too_long():
            return None
        return Declined("BACKLOG", {"retry_after": round(uniform(*RETRY_SECONDS), 1)})


backlog = Backlog()
"""This process's."""

_making = threading.Lock()


@lru_cache(maxsize=1)
def _made_for(pid: int) -> Intake:
    return Intake()


def _of_process(pid: int) -> Intake:
    """The one intake of this process: the cache alone would let a first burst make several."""
    with _making:
        return _made_for(pid)


def take(post: Post, tell: Callable[[Sequence[Answer]], None]) -> None:
    """Hand it to this process's intake, which will `tell` its answers whatever comes.

    The intake belongs to the process that asks, so a server may fork after this module was loaded.
    """
    post.tell = tell
    _of_process(os.getpid()).take(post)


def submit(submissions: Sequence[Submission], timeout: float = ANSWER_SECONDS) -> list[Answer]:
    """Hand submissions in and wait: UNAVAILABLE when no commit came in time, or none was made.

    The submissions of one call keep their order and go in together.
    """
    told: queue.SimpleQueue[Sequence[Answer]] = queue.SimpleQueue()
    post = Post(submissions)
    take(post, told.put)
    try:
        return list(told.get(timeout=timeout))
    except queue.Empty:
        post.abandoned = True
        return [unavailable() for _ in submissions]


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

"""Redis, and only here: an index of the pending rows, and the bell that wakes a settler.

Each offering has a sorted set of request ids; the ready set holds the offerings with something to
settle, scored by their lowest pending id. All of it can be lost at any moment: the rows in
`pending` are the truth, and the sweeper puts back what is missing. So every call here has a
budget, and one that fails is logged and never raised.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

import structlog
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

SETTLE = "workers.tasks.settle"
"""The name of the task that settles what is ready; it carries no arguments."""
SETTLE_QUEUE = "settle"
BUDGET_SECONDS = 0.1
_AT_ONCE = 1000
"""Pairs in one call: a tenth of what fits into the budget."""
PREFIX = "registrar:"
READY = PREFIX + "ready"

log = structlog.get_logger()
P = ParamSpec("P")
R = TypeVar("R")
D = TypeVar("D")

# Queue ids, mark their offerings ready (never later than they were), and answer whether a settle
# message is wanted. The length of Celery's own list is read each time: a counter of ours would
# leak one for every message lost, and then the bell would be dead.
_POST = """
for i = 1, #ARGV, 2 do
    redis.call('ZADD', KEYS[3] .. ARGV[i], ARGV[i + 1], ARGV[i + 1])
    redis.call('ZADD', KEYS[1], 'LT', ARGV[i + 1], ARGV[i])
end
return redis.call('LLEN', KEYS[2])
"""

# Take offerings from the ready set, with the ids queued for each as they are now: to be compared
# with the rows that are read later, never earlier.
_TAKE = """
local taken = redis.call('ZPOPMIN', KEYS[1], ARGV[1])
local answer = {}
for i = 1, #taken, 2 do
    answer[#answer + 1] = {taken[i], redis.call('ZRANGE', KEYS[2] .. taken[i], 0, ARGV[2])}
end
return answer
"""


class Ready(NamedTuple):
    """An offering with something to settle, and the ids Redis had for it when it was taken."""

    offering: int
    queued: frozenset[int]


@lru_cache(maxsize=1)
def client() -> Redis:
    """The process's one Redis client; connections are its own and made when needed."""
    return Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_timeout=BUDGET_SECONDS,
        socket_connect_timeout=BUDGET_SECONDS,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=25,
    )


def _best_effort(default: D) -> Callable[[Callable[P, R]], Callable[P, R | D]]:
    """Answer `default` when Redis does not answer in time: losing it loses nothing but speed."""

    def decorate(call: Callable[P, R]) -> Callable[P, R | D]:
        @wraps(call)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R | D:
            try:
                return call(*args, **kwargs)
            except (RedisError, OSError, OperationalError) as error:
                log.warning("mailbox.failed", call=call.__name__, error=type(error).__name__)
                return default

        return wrapped

    return decorate


@_best_effort(None)
def post(queued: Iterable[tuple[int, int]]) -> None:
    """Queue (offering, request) pairs and ring if no settler has been called yet.

    One call for a flush; what a sweeper puts back may be tens of thousands, more than one call
    could do within its budget.
    """
    pairs = [number for pair in queued for number in pair]
    if not pairs:
        return
    for at in range(0, len(pairs), 2 * _AT_ONCE):
        some = pairs[at : at + 2 * _AT_ONCE]
        waiting = _script(_POST)(keys=[READY, SETTLE_QUEUE, PREFIX + "queue:"], args=some)
    if waiting < settings.REGISTRAR["SETTLE_SLOTS"]:
        ring()


def ring() -> None:
    """Publish one settle message. Raises what the broker raises."""
    current_app.send_task(SETTLE, queue=SETTLE_QUEUE, retry=False, ignore_result=True)


@_best_effort(None)
def wake() -> None:
    """Ring for nothing: settlers that wake before the rush have their connections ready."""
    ring()


@_best_effort(None)
def ring_if_ready() -> None:
    """Ring once more when offerings are still ready: a settler's last word."""
    redis = client()
    if redis.zcard(READY) and redis.llen(SETTLE_QUEUE) < settings.REGISTRAR["SETTLE_SLOTS"]:
        ring()


@_best_effort(())
def take(offerings: int, ids: int) -> Sequence[Ready]:
    """The offerings longest ready, at most that many, each with its first `ids` queued ids."""
    answer = _script(_TAKE)(keys=[READY, PREFIX + "queue:"], args=[offerings, ids - 1])
    return [Ready(int(offering), frozenset(map(int, queued))) for offering, queued in answer]


@_best_effort(None)
def forget(gone: Mapping[int, Iterable[int]]) -> None:
    """Remove ids that are no longer pending."""
    pipe = client().pipeline(transaction=False)
    for offering, ids in gone.items():
        if ids:
            pipe.zrem(_queue(offering), *ids)
    pipe.execute()


@_best_effort(None)
def place(offering: int, request: int) -> int | None:
    """How many stand before a request in an offering's line; None when Redis does not know."""
    rank: Any = client().zrank(_queue(offering), str(request))
    return None if rank is None else int(rank)


@_best_effort(None)
def depth(offering: int) -> int | None:
    """How many requests are queued for an offering, as far as Redis knows."""
    return int(client().zcard(_queue(offering)))


@_best_effort(False)
def alive() -> bool:
    """Whether Redis answers within the budget."""
    return bool(client().ping())


def _queue(offering: int) -> str:
    return f"{PREFIX}queue:{offering}"


@lru_cache(maxsize=4)
def _script(text: str) -> Any:
    return client().register_script(text)

"""Redis, and only here: an index of the pending rows, and the bell that wakes a settler.

Each offering has a sorted set of request ids; the ready set holds the offerings with something to
settle, scored by their lowest pending id. All of it can be lost at any moment: the rows in
`pending` are the truth, and the sweeper puts back what is missing. So every call here has a
budget, and one that fails is logged and never raised.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

import structlog
from celery import current_app
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection
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
_KEYS = [READY, SETTLE_QUEUE, PREFIX + "queue:"]

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

# After a settlement: what stands below the head of each line is decided, whoever queued it and
# whatever an earlier call failed to remove; a line that still has a head is ready again.
_SETTLED = """
for i = 1, #ARGV, 3 do
    redis.call('ZREMRANGEBYSCORE', KEYS[3] .. ARGV[i], '-inf', '(' .. ARGV[i + 1])
    if ARGV[i + 2] ~= '0' then
        redis.call('ZADD', KEYS[1], 'LT', ARGV[i + 2], ARGV[i])
    end
end
return redis.call('LLEN', KEYS[2])
"""


class Line(NamedTuple):
    """An offering's line after a settlement, by request ids."""

    offering: int
    below: int
    """Nothing lower is pending any more."""
    head: int
    """The lowest that is; 0 when nobody is left."""


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
        waiting = _script(_POST)(keys=_KEYS, args=some)
    if waiting < settings.REGISTRAR["SETTLE_SLOTS"]:
        ring()


def ring() -> None:
    """Publish one settle message, within the budget. Raises what the broker raises."""
    current_app.send_task(
        SETTLE, queue=SETTLE_QUEUE, connection=_bell(), retry=False, ignore_result=True
    )


_of_this_thread = threading.local()


def _bell() -> Connection:
    """This thread's connection for ringing: a worker's own waits half a minute for messages, and
    a Redis that stops answering must not keep anybody here as long as that."""
    bell: Connection | None = getattr(_of_this_thread, "bell", None)
    if bell is None:
        hurry = {
            "socket_timeout": BUDGET_SECONDS,
            "socket_connect_timeout": BUDGET_SECONDS,
            "max_retries": 0,
        }
        options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, **hurry}
        bell = Connection(settings.CELERY_BROKER_URL, transport_options=options)
        _of_this_thread.bell = bell
    return bell


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
def take(offerings: int) -> Sequence[int]:
    """The offerings longest ready, at most that many."""
    taken: Any = client().zpopmin(READY, offerings)
    return [int(offering) for offering, _ in taken]


@_best_effort(None)
def settled(lines: Iterable[Line]) -> None:
    """Forget what a settlement has decided, and ring where somebody still waits."""
    lines = list(lines)
    waiting = _script(_SETTLED)(keys=_KEYS, args=[number for line in lines for number in line])
    more = any(line.head for line in lines)
    if more and waiting < settings.REGISTRAR["SETTLE_SLOTS"]:
        ring()


@_best_effort(None)
def depth(offering: int) -> int | None:
    """How many requests are queued for an offering, as far as Redis knows."""
    return int(client().zcard(_queue(offering)))


@_best_effort(False)
def alive() -> bool:
    """Whether Redis answers within the budget."""
    return bool(client().ping())


def refuse_eviction() -> None:
    """Raise ImproperlyConfigured when this Redis would drop what it holds to make room.

    Lines and messages would be gone without anybody knowing. One that does not answer now is no
    reason not to start.
    """
    try:
        with Redis.from_url(settings.REDIS_URL, decode_responses=True, socket_timeout=1) as redis:
            memory: Any = redis.info("memory")
    except (RedisError, OSError):
        return
    policy = memory["maxmemory_policy"]
    if policy != "noeviction":
        raise ImproperlyConfigured(
            f"Redis evicts by {policy}: set its maxmemory-policy to noeviction"
        )


def _queue(offering: int) -> str:
    return f"{PREFIX}queue:{offering}"


@lru_cache(maxsize=4)
def _script(text: str) -> Any:
    return client().register_script(text)

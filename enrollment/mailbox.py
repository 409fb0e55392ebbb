"""Redis, and only here: an index of the pending rows, and the bell that wakes a settler.

Each offering has a sorted set of request ids; the ready set holds the offerings with something to
settle, scored by their lowest pending id. All of it can be lost at any moment: the rows in
`pending` are the truth, and the sweeper puts back what is missing. So every call here has a
budget, and one that fails is logged and never raised.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
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
DUTY = PREFIX + "duty"
DUTY_SECONDS = 0.5
"""How long after its last take a settler is believed to come back for what is ready by then."""
RELIEF_SECONDS = 1.0
"""How long a settler whose time is over goes on at most, until another has come for it."""
LINGER_SECONDS = 0.05
"""How long one with nothing to do stays on duty: a message to call another costs more than a
settlement."""
_KEYS = [READY, SETTLE_QUEUE, DUTY, PREFIX + "queue:"]

log = structlog.get_logger()
P = ParamSpec("P")
R = TypeVar("R")
D = TypeVar("D")

# Whether a settle message is wanted: when more is ready than the settler on duty will take, which
# is nothing where there is none. One settles what comes in as it comes; two at a time would each
# settle half as many at once, for as much work. The length of Celery's own list is read each time:
# a counter of ours would leak one for every message lost, and then the bell would be dead; and who
# is on duty is forgotten by itself.
_WANTED = """
local taken = redis.call('EXISTS', KEYS[3]) * ARGV[2]
local wanted = redis.call('ZCARD', KEYS[1]) > taken
return wanted and redis.call('LLEN', KEYS[2]) < tonumber(ARGV[1])
"""

# Queue ids, and mark their offerings ready, never later than they were.
_POST = (
    """
for i = 3, #ARGV, 2 do
    redis.call('ZADD', KEYS[4] .. ARGV[i], ARGV[i + 1], ARGV[i + 1])
    redis.call('ZADD', KEYS[1], 'LT', ARGV[i + 1], ARGV[i])
end
"""
    + _WANTED
)

# After a settlement: what stands below the head of each line is decided, whoever queued it and
# whatever an earlier call failed to remove; a line that still has a head is ready again.
_SETTLED = (
    """
for i = 3, #ARGV, 3 do
    redis.call('ZREMRANGEBYSCORE', KEYS[4] .. ARGV[i], '-inf', '(' .. ARGV[i + 1])
    if ARGV[i + 2] ~= '0' then
        redis.call('ZADD', KEYS[1], 'LT', ARGV[i + 2], ARGV[i])
    end
end
"""
    + _WANTED
)

# What is longest ready, for whoever is on duty by this call: who finds somebody else on duty, and
# no more ready than they will take, leaves it to them. One whose time is over (there is a dash
# before its name) is on duty until another has settled something and takes again: at first a
# settler is slow, having come through Celery to a database that does not know it.
_TAKE = """
local name, turn = ARGV[3], ARGV[5]
local duty = redis.call('GET', KEYS[3])
local over = duty and string.sub(duty, 1, 1) == '-'
local others = duty and duty ~= name and duty ~= '-' .. name
if others and turn == 'OVER' then return false end
if others and not over and redis.call('ZCARD', KEYS[1]) <= tonumber(ARGV[2]) then return false end
if turn == 'OVER' then name = '-' .. name end
if not over or turn ~= 'FIRST' then redis.call('SET', KEYS[3], name, 'PX', ARGV[4]) end
return redis.call('ZPOPMIN', KEYS[1], ARGV[2])
"""

_LEAVE = (
    """
local duty = redis.call('GET', KEYS[3])
if duty == ARGV[3] or duty == '-' .. ARGV[3] then redis.call('DEL', KEYS[3]) end
"""
    + _WANTED
)


class Turn(StrEnum):
    """How far a settler is with its time."""

    FIRST = "FIRST"
    """It has taken nothing yet."""
    ON = "ON"
    OVER = "OVER"
    """It goes on until another has come."""


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
    return _client(BUDGET_SECONDS)


@lru_cache(maxsize=1)
def _patient() -> Redis:
    """For who lingers: Redis looks up who has waited long enough ten times a second."""
    return _client(LINGER_SECONDS + 0.1 + BUDGET_SECONDS)


def _client(seconds: float) -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_timeout=seconds,
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
    """Queue (offering, request) pairs and ring if nobody is about to settle them.

    One call for a flush; what a sweeper puts back may be tens of thousands, more than one call
    could do within its budget.
    """
    pairs = [number for pair in queued for number in pair]
    if not pairs:
        return
    for at in range(0, len(pairs), 2 * _AT_ONCE):
        wanted = _run(_POST, *pairs[at : at + 2 * _AT_ONCE])
    if wanted:
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
    """Ring, whatever there is: settlers that wake before the rush have their connections ready,
    and one whose time is over wants another in its place."""
    ring()


@_best_effort(())
def take(settler: str, turn: Turn = Turn.FIRST) -> Sequence[int]:
    """The offerings longest ready, as many as one settlement takes; where there is none, it waits
    for one a while. None for who is not needed.

    Whoever takes is on duty: for what is ready after this nobody else is rung for, unless it is
    more than they will take, or they do not come back.
    """
    taken = _run(_TAKE, settler, round(DUTY_SECONDS * 1000), turn)
    if taken == [] and (first := _patient().bzpopmin(READY, LINGER_SECONDS)):
        more: Any = client().zpopmin(READY, settings.REGISTRAR["SETTLE_OFFERINGS"] - 1)
        return [int(first[1]), *(int(offering) for offering, _ in more)]
    return [int(offering) for offering in (taken or ())[::2]]


@_best_effort(None)
def leave(settler: str) -> None:
    """A settler's last word: they are off duty, and ring where something is ready all the same."""
    if _run(_LEAVE, settler):
        ring()


@_best_effort(None)
def settled(lines: Iterable[Line]) -> None:
    """Forget what a settlement has decided, and ring where somebody still waits and nobody is about
    to come back for them."""
    if _run(_SETTLED, *(number for line in lines for number in line)):
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


def _run(script: str, *args: int | str) -> Any:
    """Run one of the scripts above; all but `_TAKE` answer whether a settle message is wanted."""
    limits = settings.REGISTRAR
    limited = (limits["SETTLE_SLOTS"], limits["SETTLE_OFFERINGS"], *args)
    return _script(script)(keys=_KEYS, args=limited)


@lru_cache(maxsize=4)
def _script(text: str) -> Any:
    return client().register_script(text)

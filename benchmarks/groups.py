"""Who is measured against whom, by the words of the command line, and what must come of it."""

from collections.abc import Sequence

from benchmarks import arrivals, campus, history, http_settled, intake, reading, search
from benchmarks.contender import Contender
from benchmarks.figures import Below, Ratio, Target, single
from benchmarks.noop import Noop
from benchmarks.pgbench import CLIENTS, Pgbench
from benchmarks.set_based import SetBased
from benchmarks.settling import Settling
from benchmarks.stage import Group, Stage
from benchmarks.synchronous import Synchronous
from benchmarks.textbook import Textbook
from benchmarks.workloads import WORKLOADS, Workload, catalogue, rush

FLOOR, FLOOR_OF_TWO = "no-op 1x2", "no-op 2x1"


def whole(stage: Stage, workload: str) -> str:
    """The template of a workload in its standard size."""
    requests = stage.sizes.requests
    return stage.template(
        f"{workload}, {requests:,} requests", lambda: campus.build(WORKLOADS[workload](requests))
    )


def sample(stage: Stage, workload: str) -> str:
    """The same campus, with only the first requests of the workload."""
    sizes = stage.sizes
    crowd = WORKLOADS[workload](sizes.requests).first(sizes.sample)
    return stage.template(
        f"{workload}, the first {sizes.sample:,} requests", lambda: campus.build(crowd)
    )


def nobody_yet(stage: Stage) -> str:
    """The campus of Z before the first request."""
    crowd = catalogue(stage.sizes.requests).first(0)
    return stage.template("Z, nobody yet", lambda: campus.build(crowd))


def ours(stage: Stage, workload: str, *, events: bool = False) -> Settling:
    name = f"settle {workload}" + (", events on" if events else "")
    return Settling(
        name, whole(stage, workload), in_order=workload == "H", events=events, proves=not events
    )


# Settling -----------------------------------------------------------------------------------


def _settle(stage: Stage) -> Sequence[Contender]:
    sizes = stage.sizes
    return [
        Noop(sizes.messages, workers=1, processes=2),
        Noop(sizes.messages, workers=2, processes=1),
        *(ours(stage, workload) for workload in WORKLOADS),
        *(Textbook(workload, sample(stage, workload)) for workload in WORKLOADS),
        *(Synchronous(workload, sample(stage, workload)) for workload in WORKLOADS),
        Pgbench(whole(stage, "H"), sizes.transactions),
        SetBased(whole(stage, "H")),
    ]


SETTLE = Group(
    "settle",
    "ours against Celery's no-op, the textbook's design, the seed's, and two floors",
    _settle,
    [
        single("settle H / Celery no-op", 20, "settle H", FLOOR),
        single("settle Z / Celery no-op", 18, "settle Z", FLOOR),
        single("settle H / textbook tuned (CELERY_DB_REUSE_MAX)", 100, "settle H", "textbook H"),
        single("settle Z / textbook tuned", 75, "settle Z", "textbook Z"),
        single(
            f"settle H / pgbench three statements, {CLIENTS} clients", 10, "settle H", Pgbench.name
        ),
        single("settle H / set-based SQL bound, same constraints", 0.65, "settle H", SetBased.name),
        single("settle H / synchronous", None, "settle H", "synchronous H"),
        single("settle Z / synchronous", None, "settle Z", "synchronous Z"),
        single("settle H / no-op of two workers", None, "settle H", FLOOR_OF_TWO),
        single("settle Z / no-op of two workers", None, "settle Z", FLOOR_OF_TWO),
    ],
)


def _events(stage: Stage) -> Sequence[Contender]:
    return [
        ours(stage, workload, events=events) for workload in WORKLOADS for events in (False, True)
    ]


EVENTS = Group(
    "events",
    "what the task events that Flower reads cost",
    _events,
    [
        single(f"settle {workload}, events on / off", None, *names)
        for workload in WORKLOADS
        for names in [(f"settle {workload}, events on", f"settle {workload}")]
    ],
)


# Growth -------------------------------------------------------------------------------------

_SMALL, _LARGE = "settle H, few", "settle H, many"
_OLD = {workload: f"settle {workload}, old terms" for workload in WORKLOADS}


def _growth(stage: Stage) -> Sequence[Contender]:
    sizes = stage.sizes

    def crowd(requests: int) -> str:
        return stage.template(f"H, {requests:,} requests", lambda: campus.build(rush(requests)))

    return [
        *(ours(stage, workload) for workload in WORKLOADS),
        Settling(_SMALL, crowd(sizes.small), in_order=True),
        Settling(_LARGE, crowd(sizes.large), in_order=True),
        *(
            Settling(_OLD[workload], _with_history(stage, workload), in_order=workload == "H")
            for workload in WORKLOADS
        ),
    ]


def _with_history(stage: Stage, workload: str) -> str:
    """A workload in a university that is as old as its students, and those before them."""
    sizes = stage.sizes
    old = stage.template(
        f"{sizes.history:,} old enrollments",
        lambda: history.build(sizes.history, students=2 * sizes.requests),
    )
    crowd = WORKLOADS[workload](sizes.requests)
    return stage.template(f"{workload} after them", lambda: campus.build(crowd), like=old)


GROWTH = Group(
    "growth",
    "2,000 to 200,000 requests, a million enrollments already there, a worker's memory",
    _growth,
    [
        single("rate at 200k requests / at 20k", 0.9, _LARGE, "settle H"),
        Target(
            "20k requests with 1M enrollments there / empty",
            0.9,
            tuple(
                Ratio(f"{workload}: over old terms / empty", _OLD[workload], f"settle {workload}")
                for workload in WORKLOADS
            ),
        ),
        Target(
            "worker memory after 200k requests / after 2k",
            1.3,
            (Ratio("worker memory", _LARGE, _SMALL, "worker_mib"),),
            at_most=True,
        ),
    ],
)


# Time to a decision -------------------------------------------------------------------------

_PACE, _THEIR_PACE = 1500, 60
_OURS, _THEIRS = f"ours at {_PACE:,}/s", f"textbook at {_THEIR_PACE}/s"


def _latency(stage: Stage) -> Sequence[Contender]:
    sizes = stage.sizes
    crowd = catalogue(sizes.requests)
    template = nobody_yet(stage)

    def arriving(rate: int) -> Workload:
        return crowd.first(int(rate * sizes.arrival_seconds))

    return [
        arrivals.ours(template, arriving(_PACE), _PACE, _OURS),
        arrivals.textbooks(template, arriving(_THEIR_PACE), _THEIR_PACE, _THEIRS),
    ]


LATENCY = Group(
    "latency",
    "how long a decision takes while requests keep arriving",
    _latency,
    [Below(f"accept-to-decision p99 at {_PACE:,}/s over 500 courses", _OURS, _THEIRS, "p99_ms")],
)

INTAKE, READING = intake.GROUP, reading.GROUP
HTTP, SEARCH = http_settled.GROUP, search.GROUP

DEFAULT = (SETTLE, GROWTH, LATENCY, INTAKE, READING, HTTP, SEARCH)
ALL = (*DEFAULT, EVENTS)

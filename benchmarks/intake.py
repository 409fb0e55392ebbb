"""What taking a request in costs: ours, a view that does nothing, one that inserts by the ORM, and
a cart of five. One server, one client, one campus for all of them; nobody settles meanwhile.
"""

import random
import time
from collections.abc import Sequence
from functools import lru_cache
from statistics import quantiles
from typing import Any, NamedTuple

from django.db import connection

from benchmarks import campus, databases, web
from benchmarks.contender import Contender, Run
from benchmarks.figures import single
from benchmarks.http import Driven, drive, render
from benchmarks.stage import Group, Stage
from benchmarks.truths import Broken
from benchmarks.workloads import SEED, catalogue
from courses.models import Course, Offering
from enrollment import mailbox
from enrollment.models import CartItem, Student
from registrar.accounts.models import User
from registrar.accounts.tokens import make_tokens

ENROLL = "/api/student/courses/{course}/enroll/"
CART = "/api/student/enrollment/cart/enroll/"
IN_CART = 5
_AT_ONCE = 2000
_EACH = 4
"""Requests of one student at most, the warm-up's besides: well below what a student may send."""


class Campus:
    """A frozen database with students who may sign in, and what a client knows of it."""

    def __init__(self, stage: Stage) -> None:
        self.tokens: list[str] = []
        self.courses: list[int] = []
        self._crowd = catalogue(stage.sizes.requests).first(0)
        self.template = stage.template("a campus whose students have tokens and carts", self._build)

    def _build(self) -> None:
        campus.build(self._crowd)
        students = list(Student.objects.order_by("pk"))
        users = User.objects.bulk_create(
            (User(username=student.number) for student in students), batch_size=_AT_ONCE
        )
        for student, user in zip(students, users, strict=True):
            student.user = user
        Student.objects.bulk_update(students, ["user"], batch_size=_AT_ONCE)
        self.tokens = make_tokens(users)
        self.courses = list(Course.objects.order_by("pk").values_list("pk", flat=True))
        offerings = list(Offering.objects.values_list("pk", flat=True))
        dice = random.Random(SEED)
        CartItem.objects.bulk_create(
            (
                CartItem(student=student, offering_id=offering)
                for student in students
                for offering in dice.sample(offerings, min(IN_CART, len(offerings)))
            ),
            batch_size=_AT_ONCE,
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def posts(self, path: str, number: int, name: str, each: int = _EACH) -> list[bytes]:
        """So many POSTs, of every student in turn, for courses by lot; `each` a student at most."""
        dice = random.Random(SEED)
        number = min(number, each * len(self.tokens))
        return [
            render(
                path.format(course=dice.choice(self.courses)),
                self.tokens[nth % len(self.tokens)],
                key=f"{name}:{nth}",
            )
            for nth in range(number)
        ]


@lru_cache(maxsize=1)
def campus_of(stage: Stage) -> Campus:
    """The one that all HTTP contenders of a run share: tokens are known to who made them."""
    return Campus(stage)


class Kind(NamedTuple):
    """One contender's path, how many a second are about what it can take, and what is counted."""

    name: str
    path: str
    pace: int
    worth: int = 1
    """Requests in one POST."""


NOTHING = Kind("intake, nothing", "/api/bench/nothing/{course}/", 2000)
OURS = Kind("intake, ours", ENROLL, 1500)
BY_ORM = Kind("intake, ORM", "/api/bench/orm/{course}/", 400)
IN_ONE = Kind("intake, carts", CART, 400, IN_CART)


class Intake:
    """Requests over kept-alive connections, as many at once as there are clients."""

    def __init__(self, stage: Stage, campus: Campus, kind: Kind) -> None:
        self.name = kind.name
        self._campus, self._kind, self._sizes = campus, kind, stage.sizes

    def run(self, round_: int) -> Run:
        kind, sizes = self._kind, self._sizes
        each = 1 if kind is IN_ONE else _EACH
        posts = self._campus.posts(kind.path, int(kind.pace * sizes.http_seconds), "bench", each)
        # Every thread of the server has been used before the clock runs.
        first = self._campus.posts(NOTHING.path, 20 * sizes.clients, "first")
        with databases.made("round", self._campus.template) as database:
            mailbox.client().flushdb()
            with web.serving(databases.environment(database)) as server:
                drive(server.port, first, sizes.clients)
                driven, facts = measured(server, posts, sizes.clients)
            expect(driven, len(posts))
            if kind in (OURS, IN_ONE):
                _check_rows(len(posts) * kind.worth)
        return Run(self.name, round_, len(posts) * kind.worth, driven.seconds, facts)


def measured(
    server: web.Server, requests: Sequence[bytes], clients: int
) -> tuple[Driven, dict[str, Any]]:
    """Drive them; how long the answers took, and what of a processor each of them."""
    before, own = server.processor(), time.process_time()
    driven = drive(server.port, requests, clients)
    own, after = time.process_time() - own, server.processor()
    return driven, told(driven) | {
        "client_us": own * 1_000_000 / len(requests),
        "web_us": (after[0] - before[0]) * 1_000_000 / len(requests),
        "postgresql_us": (after[1] - before[1]) * 1_000_000 / len(requests),
    }


def expect(driven: Driven, number: int, status: int = 202) -> None:
    """All of them were answered so. Raises Broken."""
    if driven.statuses != {status: number}:
        raise Broken(f"{number} requests were answered {dict(driven.statuses)}")


def told(driven: Driven) -> dict[str, Any]:
    """How long the answers took."""
    hundredths = quantiles(driven.waits, n=100)
    return {"p50_ms": hundredths[49] * 1000, "p99_ms": hundredths[98] * 1000}


def _check_rows(number: int) -> None:
    """What was answered 202 is there, once, and waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM requests), (SELECT count(*) FROM pending), "
            "(SELECT count(*) FROM requests r JOIN pending p ON p.request_id = r.id)"
        )
        found = cursor.fetchone()
    if found != (number, number, number):
        raise Broken(f"{number} requests were accepted; rows, pending and both: {found}")


def _contenders(stage: Stage) -> Sequence[Contender]:
    campus = campus_of(stage)
    return [Intake(stage, campus, kind) for kind in (NOTHING, OURS, BY_ORM, IN_ONE)]


GROUP = Group(
    "intake",
    "our POST against a view that does nothing, one that inserts by the ORM, and carts of five",
    _contenders,
    [
        single(
            "intake / do-nothing Django view, same server and client", 0.5, OURS.name, NOTHING.name
        ),
        single("intake / ORM insert, same server", 2.5, OURS.name, BY_ORM.name),
        single("5-course cart / single POST, in requests per second", 3, IN_ONE.name, OURS.name),
    ],
)

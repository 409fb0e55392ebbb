"""Hosts that vanish with locks in their hands: how long until PostgreSQL takes them back."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from registrar.services.errors import ServiceError
from registrar.services.proc import wait_until

from . import looks
from .compose import ROOT, Service
from .host import Host
from .load import Load
from .reckoning import Told
from .site import Site

FREE_SECONDS = 5.0
_SLOWEST = 20.0
_UNDER_WAY_SECONDS = 0.7

# As a worker connects, and where a settlement may be when its host is cut off.
_HOLDER = """
import sys, time
import django
django.setup()
from django.db import connection, transaction

connection.ensure_connection()
print("ready", flush=True)
sys.stdin.readline()
with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute("SELECT FROM offerings WHERE id = (SELECT max(id) - %s FROM offerings)"
                   " FOR NO KEY UPDATE", [int(sys.argv[1])])
    print("holding", flush=True)
    if sys.argv[2]:
        cursor.execute(sys.argv[2])
    time.sleep(600)
"""
_MOMENTS = {
    "between two statements": "",
    "in a statement": "SELECT pg_sleep(9)",
    "reading an answer": "SELECT repeat('x', 10000), pg_sleep(0.002) FROM generate_series(1, 4000)",
}


def locks(site: Site, load: Load, told: Told, cut: float) -> None:
    """One host for each moment of a transaction; all are cut off at once."""
    with ExitStack() as stack:
        holders = [
            stack.enter_context(_holder(Host(f"visitor-{n}", 40 + n), n, statement, site))
            for n, statement in enumerate(_MOMENTS.values())
        ]
        for holder in holders:
            holder.take()
        time.sleep(_UNDER_WAY_SECONDS)
        visitors = [holder.host for holder in holders]
        for visitor in visitors:
            told.must(looks.transactions(visitor) == 1, f"{visitor.name} holds nothing")
        begun = time.monotonic()
        for visitor in visitors:
            visitor.cut()
        freed = _freed(visitors, begun)
        for visitor, moment in zip(visitors, _MOMENTS, strict=True):
            told.within(freed[visitor.name], FREE_SECONDS, f"free: a lock held {moment}")


class _Holder:
    """A process on a host of its own, about to take the lock of one offering."""

    def __init__(self, host: Host, number: int, statement: str, service: Service) -> None:
        self.host = host
        self._process = subprocess.Popen(
            host.inside(sys.executable, "-c", _HOLDER, str(number), statement),
            cwd=ROOT,
            env={**service.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._await(b"ready\n")

    def take(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"take it\n")
        self._process.stdin.flush()
        self._await(b"holding\n")

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _await(self, words: bytes) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline() != words:
            raise ServiceError(f"{self.host.name} cannot take a lock")


@contextmanager
def _holder(host: Host, number: int, statement: str, site: Site) -> Iterator[_Holder]:
    service = site.workers[0].service
    assert service is not None
    host.power_on()
    try:
        holder = _Holder(host, number, statement, service)
        try:
            yield holder
        finally:
            holder.end()
    finally:
        host.power_off()


def _freed(visitors: list[Host], begun: float) -> dict[str, float]:
    """Seconds until each has no transaction any more."""
    freed: dict[str, float] = {}

    def all_free() -> bool:
        for visitor in visitors:
            if visitor.name not in freed and not looks.transactions(visitor):
                freed[visitor.name] = time.monotonic() - begun
        return len(freed) == len(visitors)

    wait_until(all_free, _SLOWEST)
    return {visitor.name: freed.get(visitor.name, _SLOWEST) for visitor in visitors}

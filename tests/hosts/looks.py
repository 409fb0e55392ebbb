"""What the database says of the hosts: who settled, who is connected, who holds what."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from .host import Host


class Held(NamedTuple):
    """A settlement under way on one host: its session, its transaction, what it would decide."""

    backend: int
    transaction: str
    requests: list[int]


def _rows(statement: str, *parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


_BY_HOST = """
SELECT split_part(worker, ':', 1), count(*), sum(decided)
FROM settlements WHERE id > %s GROUP BY 1 ORDER BY 1
"""


def settled(after: int = 0) -> dict[str, tuple[int, int]]:
    """By host, settlements and requests decided, of settlements with a higher number."""
    return {name: (count, decided) for name, count, decided in _rows(_BY_HOST, after)}


def last_settlement() -> int:
    return int(_rows("SELECT coalesce(max(id), 0) FROM settlements")[0][0])


def pending() -> int:
    return int(_rows("SELECT count(DISTINCT request_id) FROM pending")[0][0])


_CONNECTIONS = """
SELECT host(client_addr), count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND client_addr IS NOT NULL GROUP BY 1
"""


def connections(hosts: Sequence[Host]) -> dict[str, int]:
    """How many sessions each host has."""
    found = dict(_rows(_CONNECTIONS))
    return {host.name: found.get(host.address, 0) for host in hosts}


def transactions(host: Host) -> int:
    """How many transactions of this host are open, and with them their locks."""
    statement = (
        "SELECT count(*) FROM pg_stat_activity WHERE client_addr = %s AND xact_start IS NOT NULL"
    )
    return int(_rows(statement, host.address)[0][0])


# A settlement that has come as far as its attempt row, and holds the locks of its offerings.
_HOLDING = """
SELECT a.pid, a.backend_xid::text, array(
    SELECT DISTINCT p.request_id FROM attempts t JOIN pending p
      ON p.offering_id = ANY(t.offerings)
     AND p.request_id BETWEEN t.first_request AND t.last_request
    WHERE t.begun_at > a.xact_start AND NOT EXISTS (
        SELECT FROM pg_stat_activity other
        WHERE other.pid <> a.pid AND other.backend_xid IS NOT NULL
          AND other.application_name = 'registrar-worker'))
FROM pg_stat_activity a
JOIN pg_locks l ON l.pid = a.pid AND l.granted AND l.mode = 'RowShareLock'
 AND l.relation = 'offerings'::regclass
WHERE a.client_addr = %s AND a.backend_xid IS NOT NULL
  AND EXISTS (SELECT FROM attempts t WHERE t.begun_at > a.xact_start)
"""


def holding(host: Host) -> Held | None:
    """The settlement that this host holds locks for at this moment, if it does.

    Only where no other host settles at the same moment: an attempt row does not say whose it is.
    """
    found = [Held(*row) for row in _rows(_HOLDING, host.address)]
    return found[0] if found and found[0].requests else None


def holds(held: Held) -> bool:
    """Whether that transaction is still open, and with it its locks."""
    statement = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND backend_xid::text = %s"
    return bool(_rows(statement, held.backend, held.transaction)[0][0])


def fate(held: Held) -> str:
    """How that transaction ended: `committed`, `aborted`, or `in progress`."""
    return str(_rows("SELECT pg_xact_status(%s::xid8)", held.transaction)[0][0])


_DECIDERS = """
SELECT o.request_id, split_part(s.worker, ':', 1)
FROM outcomes o JOIN settlements s ON s.id = o.settlement_id WHERE o.request_id = ANY(%s)
"""


def deciders(requests: Sequence[int]) -> dict[int, str]:
    """Which host decided each of these requests; those undecided are left out."""
    return dict(_rows(_DECIDERS, list(requests)))


_LONGEST_PAUSE = """
SELECT coalesce(max(gap), 0)::float FROM (
    SELECT extract(epoch FROM decided_at - lag(decided_at) OVER (ORDER BY decided_at)) AS gap
    FROM settlements WHERE extract(epoch FROM decided_at) BETWEEN %s AND %s) AS gaps
"""


def longest_pause(begin: float, end: float) -> float:
    """The most seconds between one settlement and the next, in that time of this host's clock."""
    return float(_rows(_LONGEST_PAUSE, begin, end)[0][0])

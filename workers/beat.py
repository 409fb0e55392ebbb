"""Beat, of which any number may run: one leads and sends, the others stand by.

Two plain beats would send everything twice. Effects are guarded one by one, so that would change
nothing, but a site should not depend on it. The leader is who holds a session advisory lock on a
connection of its own (the scheduler closes Django's), looked at before every task is sent.
"""

from datetime import UTC, datetime
from typing import Any

import psycopg2
import structlog
from django.db import connection
from django_celery_beat.schedulers import DatabaseScheduler
from psycopg2.extensions import connection as Connection

log = structlog.get_logger()

LOCK = 0xBEA7
STANDBY_SECONDS = 1.0
"""How often a standby tries for the lock."""
IDLE_SECONDS = 15
"""A leader that says nothing for so long is frozen or cut off: the server ends its session."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_TRY = "SELECT pg_try_advisory_lock(%s)"
_HOLDS = """
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND classid = 0 AND objid = %s AND objsubid = 1
      AND pid = pg_backend_pid() AND granted
)
"""


class LeadLost(Exception):
    """This beat led and does no longer; it ends, and is started again as a standby."""


class Lead:
    """The lock that makes a beat the leader."""

    def __init__(self) -> None:
        self._session: Connection | None = None
        self.held = False

    def take(self) -> bool:
        """Try for the lock; False when another has it or the database does not answer."""
        try:
            if self._session is None:
                self._session = _connect()
            self.held = self._ask(_TRY)
        except psycopg2.Error as error:
            log.warning("beat.no_database", error=str(error).strip())
            self.give_up()
        return self.held

    def confirm(self) -> None:
        """Raise LeadLost unless the lock is still ours."""
        try:
            held = self._ask(_HOLDS)
        except psycopg2.Error as error:
            self.give_up()
            raise LeadLost("the connection that holds the lock is gone") from error
        if not held:
            self.give_up()
            raise LeadLost("the lock is not ours any more")

    def give_up(self) -> None:
        session, self._session, self.held = self._session, None, False
        if session is not None:
            session.close()

    def _ask(self, question: str) -> bool:
        assert self._session is not None
        with self._session.cursor() as cursor:
            cursor.execute(question, [LOCK])
            row = cursor.fetchone()
        return row is not None and bool(row[0])


def _connect() -> Connection:
    """A session of its own, on which a dead peer is noticed within seconds on either side."""
    session: Connection = psycopg2.connect(
        **{
            **connection.get_connection_params(),
            "application_name": "registrar-beat",
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        }
    )
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute("SET idle_session_timeout = %s", [f"{IDLE_SECONDS}s"])
    return session


class StandbyScheduler(DatabaseScheduler):  # type: ignore[misc]
    """The scheduler of `celery beat -S workers.beat:StandbyScheduler`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._lead = Lead()
        self._waiting = False
        # What was sent is written down at once: it is what the next leader goes by, and the
        # heartbeat that the site's readiness looks at.
        super().__init__(*args, **{"sync_every_tasks": 1, **kwargs})
        self.max_interval: float = min(self.max_interval, IDLE_SECONDS / 3)

    def setup_schedule(self) -> None:
        """Nothing yet: only the leader reads or writes the schedule."""

    def install_default_entries(self, data: Any) -> None:
        """None: Celery's own entry cleans a result store, and there is none."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, if this beat leads. Raises LeadLost, which ends the process."""
        if self._lead.held:
            self._confirm()
        elif not self._take():
            return STANDBY_SECONDS
        seconds: float = super().tick(*args, **kwargs)
        return seconds

    def sync(self) -> None:
        """Write what was sent; after the lead is lost the schedule is somebody else's."""
        if self._lead.held:
            super().sync()

    def close(self) -> None:
        super().close()
        self._lead.give_up()

    def _take(self) -> bool:
        if not self._lead.take():
            if not self._waiting:
                log.info("beat.stands_by")
            self._waiting = True
            return False
        # Before the first read: what is saved in between would otherwise go unseen for minutes,
        # because the scheduler takes the first change it is told of for the one it has read.
        self._last_timestamp = self.Changes.last_change() or _LONG_AGO
        super().setup_schedule()
        log.info("beat.leads")
        return True

    def _confirm(self) -> None:
        try:
            self._lead.confirm()
        except LeadLost as lost:
            log.critical("beat.lead_lost", reason=str(lost))
            raise

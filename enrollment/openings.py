"""Making the sections that a plan opens, and going on with fewer when the database refuses one."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import structlog
from django.db import Error, InterfaceError, OperationalError, transaction
from django.db.backends.utils import CursorWrapper

from .facts import Offerings
from .ledger import insert_sections
from .record import Record
from .vocabulary import Open, State

log = structlog.get_logger()


def make_sections(
    cursor: CursorWrapper, opened: Sequence[Open], offerings: Offerings, record: Record
) -> tuple[dict[tuple[int, int], int], list[tuple[int, int, str]]]:
    """All under one savepoint; one by one only after a failure, up to the first of an offering."""
    if not opened:
        return {}, []
    try:
        with transaction.atomic():
            return insert_sections(cursor, opened, offerings, record), []
    except (OperationalError, InterfaceError):
        raise
    except Error:
        pass
    made: dict[tuple[int, int], int] = {}
    failed: dict[int, tuple[int, int, str]] = {}
    for change in opened:
        if change.offering in failed:
            continue
        try:
            with transaction.atomic():
                made |= insert_sections(cursor, [change], offerings, record)
        except (OperationalError, InterfaceError):
            raise
        except Error as error:
            log.error("section.failed", offering=change.offering, cause=_cause(error))
            failed[change.offering] = (change.offering, change.number, _cause(error))
    return made, list(failed.values())


def _cause(error: Error) -> str:
    """The database's own name for what it refused: no data of anybody's in it."""
    cause: Any = error.__cause__
    diag = getattr(cause, "diag", None)
    name = getattr(diag, "constraint_name", None)
    return f"{type(error).__name__} {name or getattr(cause, 'pgcode', None) or ''}".strip()


def bar(
    state: State, failed: Iterable[tuple[int, int, str]], made: Collection[tuple[int, int]]
) -> State:
    """The same state, in which an offering opens no more sections than the database took."""
    openings = {
        offering: sum(1 for other, _ in made if other == offering) for offering, _, _ in failed
    }
    return state._replace(
        offerings=tuple(
            offering._replace(openings=openings.get(offering.id, offering.openings))
            for offering in state.offerings
        )
    )

"""Making the sections that a plan opens, and going on with fewer when the database refuses one."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import structlog
from django.db import Error, InterfaceError, OperationalError, transaction
from django.db.backends.utils import CursorWrapper

from courses.models import section_code
from registrar.audit.arrays import array, text_array

from .facts import Offerings
from .record import Record
from .vocabulary import Open, State

log = structlog.get_logger()


_INSERT_SECTIONS = """
INSERT INTO sections (offering_id, course_id, term_id, section_number, code, enrollment_limit,
                      instructor_id, schedule, taken, permits, meets, automatic, needs_assignment,
                      opened_by, created_at)
SELECT opened.offering, o.course_id, o.term_id, opened.number, opened.code, opened.capacity,
       like_it.instructor_id, coalesce(like_it.schedule, '{}'), 0, 0, '{}', true, true,
       %s, %s
FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::int[])
     AS opened (offering, number, code, capacity)
JOIN offerings o ON o.id = opened.offering
LEFT JOIN LATERAL (
    SELECT instructor_id, schedule FROM sections
    WHERE offering_id = opened.offering ORDER BY section_number LIMIT 1
) AS like_it ON true
ORDER BY opened.offering, opened.number
RETURNING offering_id, section_number, id
"""


def insert_sections(
    cursor: CursorWrapper, opened: Sequence[Open], offerings: Offerings, record: Record
) -> dict[tuple[int, int], int]:
    """Insert new sections and answer their ids by (offering, number).

    Each is like the first section of its offering, with instructor and schedule still to be
    confirmed (T31). Raises what the database raises: the caller holds the savepoint.
    """
    cursor.execute(
        _INSERT_SECTIONS,
        [
            record.settlement,
            record.now,
            array(o.offering for o in opened),
            array(o.number for o in opened),
            text_array(section_code(offerings.facts[o.offering].code, o.number) for o in opened),
            array(o.limit for o in opened),
        ],
    )
    return {(offering, number): id_ for offering, number, id_ in cursor.fetchall()}


_DELETE_SECTIONS = "DELETE FROM sections WHERE id = ANY(%s::bigint[])"


def delete_sections(cursor: CursorWrapper, ids: Collection[int]) -> None:
    """Take back sections of this same transaction that a second plan no longer opens."""
    cursor.execute(_DELETE_SECTIONS, [array(ids)])


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

"""One file of another system into the catalogue: read, decided, and written at once or not at all.

What a line gets wrong costs that line: it is told with its number, and the rest goes in. The same
file again changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from django.db import IntegrityError, connection, transaction

from registrar.audit.log import note

from . import own, stolaf, ucsd
from .copying import Progress
from .deciding import decide
from .known import load
from .lines import Bad, Line, Remark, Shape, Unusable, columns, open_lines, read_line, records
from .said import Heard
from .writing import Changed, Writer, Written

LOCK = 72_102
"""The advisory lock under which files are imported: one at a time."""
_TABLES = "courses, course_rules, offerings, sections, meetings, source_courses, source_sections"


class Kind(NamedTuple):
    """A format that is understood: known by the columns that its first line names."""

    source: str
    shape: Shape
    scale: int
    """By what credits are multiplied to be whole numbers; 1 in a file that speaks of none."""
    hear: Callable[[Iterable[Line], Path, str], Heard]


class Imported(NamedTuple):
    """What became of a file."""

    source: str
    scale: int
    read: int
    known: int
    """Lines that were imported before."""
    written: Written
    remarks: list[Remark]

    @property
    def skipped(self) -> list[Remark]:
        return [each for each in self.remarks if each.skipped]

    @property
    def noted(self) -> list[Remark]:
        return [each for each in self.remarks if not each.skipped]


def _schedule(lines: Iterable[Line], path: Path, term: str) -> Heard:
    return ucsd.hear_schedule(lines, ucsd.term_of(term or path.name))


KINDS = (
    Kind(stolaf.SOURCE, stolaf.SHAPE, stolaf.SCALE, lambda lines, *_: stolaf.hear(lines)),
    Kind(ucsd.SOURCE, ucsd.COURSES, ucsd.SCALE, lambda lines, *_: ucsd.hear_courses(lines)),
    Kind(ucsd.SOURCE, ucsd.SCHEDULE, 1, _schedule),
)


def import_file(
    path: Path,
    *,
    actor: str,
    now: datetime,
    progress: Progress,
    term: str = "",
    dry_run: bool = False,
) -> Imported:
    """Import a file in one transaction; interrupted, nothing is written.

    `by` is an actor, as `user:7`; `term` names the term of a file that does not say it. A dry run
    does everything and keeps nothing. Raises Unusable.
    """
    kind, heard = _heard(path, term, progress)
    try:
        with transaction.atomic():
            imported = _write(kind, heard, actor, now, progress)
            if imported.written.nothing:
                return imported
            _log(path, imported, actor, now)
            if dry_run:
                transaction.set_rollback(True)
    except (IntegrityError, Changed) as error:
        said = f"{path}: the catalogue was changed meanwhile, and nothing was written"
        raise Unusable(f"{said} ({str(error).splitlines()[0]}). Import it again.") from error
    if not dry_run:
        _analyze()
    return imported


# Reading ------------------------------------------------------------------------------------


def _heard(path: Path, term: str, progress: Progress) -> tuple[Kind, Heard]:
    raw = open_lines(path)
    header = next(raw, None)
    if header is None:
        raise Unusable(f"{path}: is empty. Name a file that is not.")
    kind = _kind(path, header)
    broken: list[Remark] = []
    heard = kind.hear(_lines(raw, kind.shape, broken, progress), path, term)
    remarks = sorted((*broken, *heard.remarks))
    return kind, heard._replace(remarks=remarks, read=heard.read + len(broken))


def _kind(path: Path, header: bytes) -> Kind:
    named = columns(header)
    for kind in KINDS:
        if named == kind.shape.columns:
            return kind
    if shape := own.shape(named):
        return Kind(own.SOURCE, shape, 1, lambda lines, *_: own.hear(lines))
    known = "; ".join(", ".join(kind.shape.columns[:5]) + ", …" for kind in KINDS)
    raise Unusable(
        f"{path}:1: names columns that no known file has ({', '.join(named)[:80]}). "
        f"Known are: {known}"
    )


def _lines(
    raw: Iterator[bytes], shape: Shape, broken: list[Remark], progress: Progress
) -> Iterator[Line]:
    number = 1
    for number, text in records(raw, shape):
        try:
            yield read_line(number, text, shape)
        except Bad as bad:
            broken.append(bad.on(number))
        if number % 5_000 == 0:
            progress("lines read", number, 0)
    progress("lines read", number, number)


# Writing ------------------------------------------------------------------------------------


def _write(kind: Kind, heard: Heard, actor: str, now: datetime, progress: Progress) -> Imported:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    known = load(kind.source)
    # Codes come and go: a course that is begun twice under one is not the same.
    begin = (lambda _: uuid4()) if kind.source == own.SOURCE else None
    plan = decide(kind.source, heard, known, begin)
    writer = Writer(kind.source, actor, now, progress)
    written = writer.write(plan)
    remarks = sorted((*heard.remarks, *plan.remarks, *writer.remarks))
    return Imported(kind.source, kind.scale, heard.read, plan.known, written, remarks)


def _log(path: Path, imported: Imported, actor: str, now: datetime) -> None:
    said = {
        "file": path.name,
        "sha256": sha256(path.read_bytes()).hexdigest(),
        "read": imported.read,
        "known": imported.known,
        "skipped": len(imported.skipped),
        **imported.written._asdict(),
    }
    note(f"import:{imported.source}", "catalog_imported", actor, now, **said)


def _analyze() -> None:
    """The planner knows these tables as they were; only their owner may tell it."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {_TABLES}")

"""`manage import_catalog FILE…`: another system's courses and sections into the catalogue."""

import csv
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from courses.importing import Imported, Remark, Unusable, import_file
from registrar.accounts.models import User

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Import St. Olaf's section history (CSV), or UC San Diego's catalogue and schedules (TSV), "
        "plain or gzip. Lines that cannot be used are told and left out; the rest goes in. The "
        "same file again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
        parser.add_argument("--by", help="who does this: a user name")
        parser.add_argument("--term", default="", help="of a schedule whose name does not say it")
        parser.add_argument("--report", type=Path, metavar="OUT", help="every remark, as CSV")
        parser.add_argument("--dry-run", action="store_true", help="report, and write nothing")

    def handle(
        self,
        *args: Any,
        files: list[Path],
        by: str | None,
        term: str,
        report: Path | None,
        dry_run: bool,
        **options: Any,
    ) -> None:
        """Raises CommandError for a file that is of no use, of which nothing was written then."""
        actor = _actor(by)
        told: list[tuple[Path, Remark]] = []
        for file in files:
            with _one_line(), _progress() as progress:
                began = time.monotonic()
                imported = import_file(
                    file,
                    actor=actor,
                    now=timezone.now(),
                    progress=progress,
                    term=term,
                    dry_run=dry_run,
                )
            self._tell(file, imported, time.monotonic() - began, dry_run)
            told += [(file, each) for each in imported.remarks]
            if report:
                _write(report, told)

    def _tell(self, file: Path, imported: Imported, seconds: float, dry_run: bool) -> None:
        for each in imported.skipped[:SHOWN]:
            self.stderr.write(f"{file}:{each.line}: skipped: {each.why} {each.remedy}")
        if (more := len(imported.skipped) - SHOWN) > 0:
            self.stderr.write(f"… and {more:,} more lines: --report OUT.csv names them all.")
        write = self.stdout.write
        write(
            f"{file.name}: {imported.read:,} lines read, {imported.known:,} imported before, "
            f"{len(imported.skipped):,} skipped, {len(imported.noted):,} noted."
        )
        counts = [f"{count:,} {what}" for what, count in imported.written._asdict().items()]
        write(f"  {'would go in (dry run)' if dry_run else 'in'}: {', '.join(counts)}")
        for line in _reasons(imported.remarks):
            write(f"  {line}")
        if (scale := imported.scale) != 1:
            write(f"  Credits are stored times {scale}: 1 credit there is {scale} here.")
        write(f"  {seconds:.1f} s, {_peak():.0f} MiB at most")


def _actor(by: str | None) -> str:
    """Who answers for it. Raises CommandError where they are unknown or may not."""
    if by is None:
        return "system"
    user = User.objects.filter(username=by).first()
    if user is None:
        raise CommandError(f"There is no user {by}. Name one with --by.")
    if not user.has_perm("courses.add_course") or not user.has_perm("courses.add_offering"):
        raise CommandError(f"{by} may not add courses and offerings. Name one with --by who may.")
    return user.actor


@contextmanager
def _one_line() -> Iterator[None]:
    """What goes wrong in a way we foresaw is told in one line and no traceback."""
    try:
        yield
    except Unusable as error:
        raise CommandError(str(error)) from None
    except OperationalError as error:
        why = str(error).strip().splitlines()[0]
        raise CommandError(f"the database does not answer: {why}") from error
    except KeyboardInterrupt:
        raise CommandError("stopped: nothing was written", returncode=130) from None


@contextmanager
def _progress() -> Iterator[Any]:
    """A bar for each thing that is done; nothing where nobody is looking."""
    columns = (
        TextColumn("{task.description:24}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    tasks: dict[str, Any] = {}
    with Progress(*columns, console=Console(stderr=True), transient=False) as bars:

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total or None)

        yield tell


def _peak() -> float:
    """The most memory that this process has had, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return peak / 1024 if sys.platform == "darwin" else peak  # which counts in bytes


def _reasons(remarks: list[Remark]) -> Iterator[str]:
    """A line for each reason: how many, and the first of them."""
    counted = Counter((not each.skipped, each.reason) for each in remarks)
    for (noted, reason), count in sorted(counted.items(), key=lambda each: (each[0][0], -each[1])):
        alike = (each for each in remarks if (not each.skipped, each.reason) == (noted, reason))
        one = next(alike)
        what = f"{'noted' if noted else 'skipped'} {reason}"
        yield f"{count:>7,} {what:24} as line {one.line}: {one.why} {one.remedy}"


def _write(report: Path, told: list[tuple[Path, Remark]]) -> None:
    """Raises CommandError."""
    try:
        with report.open("w", newline="", encoding="utf-8") as out:
            rows = csv.writer(out)
            rows.writerow(("file", "line", "skipped", "reason", "why", "what to do"))
            for file, each in told:
                skipped = "yes" if each.skipped else "no"
                rows.writerow((file, each.line, skipped, each.reason, each.why, each.remedy))
    except OSError as error:
        raise CommandError(f"{report}: {error.strerror}. Name a file to write to.") from None

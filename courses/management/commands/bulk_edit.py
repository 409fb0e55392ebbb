"""`manage bulk_edit FILE`: new versions of many courses from one CSV file, all of them or none."""

from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from courses.bulk import Report, Row, bulk_edit, text_of
from courses.refusal import Refused
from registrar.accounts.models import User


class Command(BaseCommand):
    help = "Change many courses by a CSV file: `code`, and a column for each field that changes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--by", required=True, help="who does this: a user name")
        parser.add_argument("--reason", required=True, help="why, for the audit")
        parser.add_argument("--dry-run", action="store_true", help="report, and write nothing")

    def handle(
        self, *args: Any, file: Path, by: str, reason: str, dry_run: bool, **options: Any
    ) -> None:
        """Raises CommandError when a row, or all of it, cannot be: then nothing is written."""
        user = _user(by)
        try:
            report = bulk_edit(
                text_of(file.read_bytes()),
                actor=user.actor,
                may=partial(user.has_perm, "courses.version_course"),
                now=timezone.now(),
                reason=reason,
                dry_run=dry_run,
            )
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}. Name a file that can be read.") from None
        except Refused as refused:
            line = refused.facts.get("line")
            raise CommandError(f"{file}:{line}: {refused}" if line else str(refused)) from None
        self._tell(file, report)

    def _tell(self, file: Path, report: Report) -> None:
        for row in report.rows:
            if row.wrong:
                self.stderr.write(f"{file}:{row.line}: {row.code}: {row.wrong}")
            else:
                self.stdout.write(f"{file}:{row.line}: {_described(row)}")
        if report.bad:
            counted = f"{len(report.bad)} of {len(report.rows)} rows cannot be"
            raise CommandError(f"{counted}: nothing was written. Correct them and run this again.")
        done = "written" if report.written else "to be written (dry run)"
        self.stdout.write(f"{len(report.changed)} versions {done}, {len(report.rows)} rows read.")


def _described(row: Row) -> str:
    if row.before == row.after:
        return f"{row.code} {row.before}: nothing differs"
    return f"{row.code} {row.before} -> {row.after} {row.bump}"


def _user(name: str) -> User:
    """Who answers for it. Raises CommandError where they are unknown or may not."""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name}. Name one with --by.")
    if not user.has_perm("courses.version_course"):
        raise CommandError(f"{name} may not make versions of courses. Name one with --by who may.")
    return user

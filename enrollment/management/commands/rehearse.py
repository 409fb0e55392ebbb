"""bin/rehearse FILE: play a demand file through the real pipeline."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from enrollment.rehearsal import plans
from enrollment.rehearsal.telling import count, finish, one_line, rate

FORMATS = "ITC-2007 exams (.exam), Toronto (.stu and .crs) or CSV student,course[,at_seconds]"


class Command(BaseCommand):
    help = "Play a demand file through the real pipeline, in a term of its own, and verify."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.usage = "bin/rehearse FILE [--via http|queue] [options]; --help tells more"
        parser.add_argument("file", type=Path, metavar="FILE", help=f"{FORMATS}; .gz may follow")
        parser.add_argument("--via", choices=["http", "queue"], default="http")
        parser.add_argument("--rate", type=rate, metavar="N", help="requests a second")
        parser.add_argument("--section-limit", type=count, default=60, metavar="N", help="seats")
        parser.add_argument("--max-sections", type=count, metavar="N", help="of one course")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the report there too")

    def handle(self, *, file: Path, json: Path | None, **options: Any) -> None:
        with one_line():
            plan = plans.of_file(file, plans.Options.of(options))
            finish(plan, json, self.stdout)

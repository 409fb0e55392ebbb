"""bin/demo: a registration day at an invented university."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from enrollment.rehearsal import plans
from enrollment.rehearsal.telling import count, finish, one_line, rate


class Command(BaseCommand):
    help = "Invent a university and play its registration day, from the opening to the proof."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.usage = "bin/demo [--keep] [options]; --help tells more"
        parser.add_argument("--keep", action="store_true", help="leave the site running afterwards")
        parser.add_argument("--seed", type=int, default=1, metavar="N", help="another university")
        parser.add_argument("--students", type=count, default=4000, metavar="N")
        parser.add_argument("--seconds", type=rate, default=56.0, metavar="N", help="of sending")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the report there too")

    def handle(
        self,
        *,
        keep: bool,
        seed: int,
        students: int,
        seconds: float,
        json: Path | None,
        **options: Any,
    ) -> None:
        with one_line():
            finish(plans.invented(seed, students, seconds), json, self.stdout, keep=keep)

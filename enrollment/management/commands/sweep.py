"""`manage sweep`: repair lost wake-ups from outside the workers, until interrupted."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, close_old_connections

from enrollment.sweep import Sweeper


class Command(BaseCommand):
    help = "Ring for, and if need be settle, requests that wait longer than they should."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--seconds", type=int, default=0, help="stop after so many looks (0: never)"
        )

    def handle(self, *args: Any, seconds: int, **options: Any) -> None:
        sweeper = Sweeper()
        looks = 0
        while not seconds or looks < seconds:
            try:
                looked = sweeper.look()
            except Error as error:
                close_old_connections()
                self.stderr.write(f"the database did not answer: {type(error).__name__}")
            else:
                if looked.rung or looked.settled:
                    self.stdout.write(
                        f"{len(looked.rung)} offerings rung for, {len(looked.settled)} settled"
                    )
            looks += 1
            time.sleep(1)

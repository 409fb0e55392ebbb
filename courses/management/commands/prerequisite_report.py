"""`manage prerequisite_report FILE`: how much of a catalogue's prerequisite texts is understood."""

import json as as_text
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from courses.expressions import Understood, parse, wording
from courses.expressions.survey import Text, Unreadable, sample, survey, texts

EVERY = 500
"""Texts between two words of progress."""


def count(value: str) -> int:
    """A whole number from 0."""
    try:
        number = int(value)
    except ValueError:
        number = -1
    if number < 0:
        raise ArgumentTypeError(f"{value!r} is not a whole number from 0")
    return number


class Command(BaseCommand):
    help = "Read the prerequisite texts of a catalogue, and say how many are understood."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="FILE", help="tab-separated, with a column “description”"
        )
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the counts there too")
        parser.add_argument(
            "--sample", type=count, default=0, metavar="N", help="show N texts to check by hand"
        )
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="which N")

    def handle(
        self, *, file: Path, json: Path | None, sample: int, seed: int, **options: Any
    ) -> None:
        try:
            found = list(texts(file))
        except Unreadable as error:
            raise CommandError(str(error)) from None
        counts = survey(self._read(found))
        for line in counts.lines():
            self.stdout.write(line)
        if sample:
            self._show(found, sample, seed)
        if json is not None:
            self._write(json, as_text.dumps(counts.as_json(), indent=2) + "\n")

    def _read(self, found: list[Text]) -> Iterator[tuple[Text, Understood]]:
        for number, text in enumerate(found, 1):
            yield text, parse(text.text)
            if number % EVERY == 0 and self.stderr.isatty():
                self.stderr.write(f"{number} of {len(found)} texts read", ending="\r")

    def _show(self, found: list[Text], size: int, seed: int) -> None:
        for text, understood in sample(found, size, seed):
            tree = wording(understood.tree) if understood.tree is not None else ""
            self.stdout.write(f"\n{text.digest}\n  text: {text.text}\n  read: {tree}")
            for clause in understood.rest:
                self.stdout.write(f"  left: {clause}")

    def _write(self, path: Path, text: str) -> None:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}; name another file") from None

"""Straight into the queue, in a process of its own: what `--via queue` sends with.

    python -m enrollment.rehearsal.feeder FEED LOG --term N

Batches go through the same door as the site's requests, without the web in between. What is
declined because a student has too many open or too many a minute is tried again.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import django

from enrollment.vocabulary import Kind

from .counts import Counts, tell

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registrar.settings")
django.setup()

# A process of its own, and the door needs settings: they come first.
from enrollment.requests import Accepted, Declined, Submission, submit_now  # noqa: E402

BATCH = 500
AGAIN_SECONDS = 1.0
_LATER = frozenset({"TOO_MANY_OPEN", "TOO_MANY_PER_MINUTE", "BACKLOG", "UNAVAILABLE"})


class Fed(NamedTuple):
    """One line of the feed."""

    number: int
    student: int
    offering: int
    at: float


def read(path: Path) -> Iterator[Fed]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            number, student, offering, at = line.split()
            yield Fed(int(number), int(student), int(offering), float(at))


def batches(fed: Iterable[Fed], begun: int) -> Iterator[list[Fed]]:
    """Full batches where nothing has a time; else what is due, as it falls due."""
    batch: list[Fed] = []
    for line in fed:
        due = begun + int(line.at * 1e9)
        if len(batch) == BATCH or (batch and due > time.time_ns()):
            yield batch
            batch = []
        time.sleep(max(0, due - time.time_ns()) / 1e9)
        batch.append(line)
    if batch:
        yield batch


class Feeder:
    """Submits batches and logs every answer that stands."""

    def __init__(self, term: int, log: IO[str]) -> None:
        self._term, self._log = term, log
        self.counts = Counts()

    def feed(self, fed: Iterable[Fed], begun: int) -> None:
        """Submit everything, telling on standard output how far it is."""
        for batch in batches(fed, begun):
            clicked = time.time_ns()
            left = self._submit(batch, clicked)
            while left:
                time.sleep(AGAIN_SECONDS)
                left = self._submit(left, clicked)
            tell(self.counts)

    def _submit(self, batch: Sequence[Fed], clicked: int) -> list[Fed]:
        """One transaction; what is to be tried again."""
        sent = time.time_ns()
        answers = submit_now([self._submission(line) for line in batch])
        answered = time.time_ns()
        self.counts.sent += len(batch)
        later = []
        for line, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Declined) and answer.code in _LATER:
                later.append(line)
                continue
            seen: dict[str, Any] = {"n": line.number, "kind": "enroll", "clicked": clicked}
            seen |= {"sent": sent, "answered": answered}
            if isinstance(answer, Accepted):
                seen |= {"status": 202, "requests": [answer.request]}
            else:
                seen |= {"status": 403, "requests": [], "code": answer.code}
                self.counts.refused += 1
            self._log.write(json.dumps(seen, separators=(",", ":")) + "\n")
        self.counts.shed += len(later)
        self.counts.answered += len(batch) - len(later)
        return later

    def _submission(self, line: Fed) -> Submission:
        return Submission(
            Kind.ENROLL,
            f"student:{line.student}",
            line.student,
            self._term,
            (line.offering,),
            {"offering": line.offering},
            f"feed:{self._term}:{line.number}",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("feed", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--term", type=int, required=True)
    arguments = parser.parse_args()
    word, _, moment = sys.stdin.readline().partition(" ")
    if word == "go":
        with arguments.log.open("w", encoding="utf-8") as log:
            Feeder(arguments.term, log).feed(read(arguments.feed), int(moment))


if __name__ == "__main__":
    main()

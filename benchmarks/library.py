"""A catalogue to search: 20,000 courses in five versions each, the same ones every time.

Names are made of what universities teach; texts are of a vocabulary in which, as in any language,
few words are said often and most seldom.
"""

import io
import random
import uuid
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from django.db import connection

VERSIONS = 5
_SEED = 20_261_121
_WORDS = 6000
_LETTERS = "bcdfglmnprstv", "aeiou"
_TEXT_WORDS = 110
_KINDS = (
    *("Introduction to", "Advanced", "Applied", "Topics in", "Foundations of", "Principles of"),
    *("Methods of", "Seminar in", "Theory of", "Modern", "Computational", "Experimental"),
)
_SUBJECTS = (
    *("Algorithms", "Databases", "Compilers", "Networks", "Cryptography", "Machine Learning"),
    *("Thermodynamics", "Optics", "Mechanics", "Quantum Physics", "Acoustics", "Astronomy"),
    *("Linear Algebra", "Topology", "Statistics", "Probability", "Geometry", "Number Theory"),
    *("Organic Chemistry", "Biochemistry", "Genetics", "Ecology", "Physiology", "Microbiology"),
    *("Economics", "Accounting", "Marketing", "Linguistics", "Philosophy", "Français"),
    *("History", "Architecture", "Hydraulics", "Robotics", "Control Systems", "Materials"),
)
_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'courses'"
_COLUMNS = (
    *("lineage", "revision", "code", "name", "version", "credit", "syllabus", "pre_requisits"),
    *("ref_books", "state", "working_course", "latest_version", "max_seats"),
)


class Row(NamedTuple):
    """A version as it is copied in; the columns that `_COLUMNS` names."""

    lineage: str
    revision: int
    code: str
    name: str
    version: str
    credit: int
    syllabus: str
    pre_requisits: str
    ref_books: str = "None."
    state: str = "ACTIVE"
    working_course: bool = True
    latest_version: bool = True
    max_seats: int = 90


def build(courses: int) -> None:
    """Write that many courses, as their history would have left them, and have them analysed."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_INDEXES} AND indexdef LIKE '%USING gin%'")
        slow = cursor.fetchall()
        # As a restore does: an index is made in less time than it is kept up to date.
        for name, _ in slow:
            cursor.execute(f"DROP INDEX {name}")
        cursor.copy_expert(
            f"COPY courses ({', '.join(_COLUMNS)}) FROM STDIN",
            _Copied("\t".join(map(str, row)) + "\n" for row in rows(courses)),
        )
        for _, definition in slow:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE courses")


def rows(courses: int) -> Iterator[Row]:
    dice = random.Random(_SEED)
    words = vocabulary()
    weights = list(accumulate(1 / (nth + 10) for nth in range(len(words))))
    for nth in range(courses):
        yield from _versions(nth, dice, words, weights)


def vocabulary() -> list[str]:
    """Made-up words, the most frequent first."""
    dice = random.Random(_SEED)
    made: dict[str, None] = {}
    while len(made) < _WORDS:
        syllables = dice.randint(2, 4)
        word = "".join(dice.choice(_LETTERS[n % 2]) for n in range(2 * syllables))
        made[word] = None
    return list(made)


def code(nth: int) -> str:
    """Of the nth course: letters of its department, and a number."""
    department = nth // 500
    return f"{chr(65 + department // 26)}{chr(65 + department % 26)}{1000 + nth % 500}"


def name(nth: int, words: Sequence[str]) -> str:
    subject = _SUBJECTS[nth * 7 % len(_SUBJECTS)]
    kind = _KINDS[nth * 5 % len(_KINDS)]
    return f"{kind} {subject} and {words[nth * 13 % len(words)].title()}"


def _versions(
    nth: int, dice: random.Random, words: Sequence[str], weights: Sequence[float]
) -> Iterator[Row]:
    lineage = str(uuid.UUID(int=dice.getrandbits(128)))
    text = dice.choices(words, cum_weights=weights, k=_TEXT_WORDS)
    for revision in range(1, VERSIONS + 1):
        changed = [*text[revision:], *dice.choices(words, cum_weights=weights, k=revision)]
        latest = revision == VERSIONS
        yield Row(
            lineage,
            revision,
            code(nth),
            name(nth, words),
            f"{revision}.0",
            nth % 6,
            f"{_SUBJECTS[nth % len(_SUBJECTS)]}: {' '.join(changed)}.",
            f"{code(max(0, nth - 1))} or consent",
            state="ACTIVE" if latest else "DEPRECATED",
            working_course=latest,
            latest_version=latest,
        )


class _Copied(io.RawIOBase):
    """Lines, read as a file while they are being made."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        while size < 0 or len(self._left) < size:
            line = next(self._lines, None)
            if line is None:
                break
            self._left += line.encode()
        if size < 0:
            size = len(self._left)
        taken, self._left = self._left[:size], self._left[size:]
        return taken

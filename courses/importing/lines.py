"""A file's lines one by one, so that a broken one costs itself and nothing after it. Pure.

A record is one line, or as many as make it whole: a quote that is never closed would swallow the
rest of the file otherwise.
"""

import csv
import gzip
import re
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

GZIP = b"\x1f\x8b"
_LONGEST = 100_000
_SPAN = 500
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")


class Unusable(Exception):
    """Nothing can be taken from this file; said on one line, with what to do."""


class Remark(NamedTuple):
    """What the reader of a report is told of a line."""

    line: int
    reason: str
    """A stable code, to be counted by."""
    why: str
    remedy: str
    skipped: bool = True
    """Whether the line was left out; else it went in, not quite as it stands."""


class Bad(Exception):
    """This line cannot be used."""

    def __init__(self, reason: str, why: str, remedy: str) -> None:
        super().__init__(why)
        self.reason, self.why, self.remedy = reason, why, remedy

    def on(self, line: int) -> Remark:
        return Remark(line, self.reason, self.why, self.remedy)


class Line(NamedTuple):
    """A record: where it stands, from 1, its cells by column, and a digest of all of it."""

    number: int
    cells: Mapping[str, str]
    digest: str


class Shape(NamedTuple):
    """How a format writes its records."""

    columns: tuple[str, ...]
    tabs: bool
    """Tab-separated and never quoted; else commas and quotes."""
    spans: bool = False
    """Whether a quoted cell may go on over several lines."""


def open_lines(path: Path) -> Iterator[bytes]:
    """The lines of a plain or gzip file. Raises Unusable."""
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == GZIP
        if path.suffix == ".gz" and not zipped:
            raise Unusable(f"{path}: is no gzip file. Fetch it again, or take .gz off its name.")
        with gzip.open(path, "rb") if zipped else path.open("rb") as file:
            yield from file
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror or error}. Name a file that is whole.") from None
    except (EOFError, zlib.error):
        raise Unusable(f"{path}: ends before its end. Fetch it again.") from None


def columns(header: bytes) -> tuple[str, ...]:
    """What the first line names, whichever of the two ways it is written."""
    text = header.decode("utf-8-sig", "replace").rstrip("\r\n")
    return tuple(each.strip() for each in text.split("\t" if "\t" in text else ","))


def records(raw: Iterator[bytes], shape: Shape) -> Iterator[tuple[int, bytes]]:
    """Each record and the line on which it begins; the header is line 1 and not among them."""
    lines = enumerate(raw, 2)
    if not shape.spans:
        yield from lines
        return
    ahead: deque[tuple[int, bytes]] = deque()
    while first := ahead.popleft() if ahead else next(lines, None):
        record = first[1]
        if record.count(b'"') % 2:
            ahead.extend(islice(lines, _SPAN - len(ahead)))
            taken = _closing([first[1], *(each for _, each in ahead)], shape)
            record = b"".join([first[1], *(ahead.popleft()[1] for _ in range(taken))])
        yield first[0], record


def _closing(texts: list[bytes], shape: Shape) -> int:
    """How many more lines make the first one a whole record; none where no number does."""
    quotes = 0
    for more, text in enumerate(texts):
        quotes += text.count(b'"')
        if quotes % 2 == 0:
            with suppress(Bad):
                read_line(0, b"".join(texts[: more + 1]), shape)
                return more
            return 0
    return 0


def read_line(number: int, raw: bytes, shape: Shape) -> Line:
    """One record. Raises Bad."""
    text = _text(raw)
    cells = text.split("\t") if shape.tabs else _quoted(text)
    if len(cells) != len(shape.columns):
        said = f"It has {len(cells)} cells, and line 1 names {len(shape.columns)} columns."
        raise Bad("CELLS", said, "Look for a separator or a quote too many.")
    stripped = (cell.strip() for cell in cells)
    digest = sha256(text.encode()).hexdigest()[:32]
    return Line(number, dict(zip(shape.columns, stripped, strict=True)), digest)


def _text(raw: bytes) -> str:
    if len(raw) > _LONGEST:
        raise Bad("LONG", f"It is longer than {_LONGEST:,} bytes.", "Look for a missing line end.")
    try:
        text = raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        said = f"Byte {error.start + 1} of it is not UTF-8."
        raise Bad("ENCODING", said, "Save the file as UTF-8.") from None
    if _CONTROL.search(text):
        said = "It has control characters, which cannot be stored."
        raise Bad("CONTROL", said, "Take them out.")
    return text


def _quoted(text: str) -> list[str]:
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise Bad("QUOTES", f"It cannot be read: {error}.", "Look at its quotes.") from None
    return rows[0] if rows else []

"""How much of a catalogue's prerequisite texts is understood: counted, and sampled to be checked.

A catalogue is a table of tab-separated lines with a heading, unquoted, perhaps compressed; a
prerequisite text is what follows "Prerequisites:" in its column `description`.
"""

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from .clauses import NAMED
from .reading import Understood, Verdict, parse
from .tree import as_json

COLUMN = "description"
MARK = "Prerequisites:"


class Unreadable(Exception):
    """The file is not such a table; the message says where and what to do about it."""


class Text(NamedTuple):
    """One course's prerequisite text."""

    line: int
    text: str

    @property
    def digest(self) -> str:
        return sha256(self.text.encode()).hexdigest()

    @property
    def names_a_course(self) -> bool:
        return NAMED.search(self.text) is not None


class Survey(NamedTuple):
    """How many texts came to each verdict, of all and of those that name a course."""

    texts: int
    every: Counter[Verdict]
    naming: Counter[Verdict]

    def as_json(self) -> dict[str, Any]:
        return {
            "texts": self.texts,
            "all": {verdict.value: self.every[verdict] for verdict in Verdict},
            "naming_a_course": {verdict.value: self.naming[verdict] for verdict in Verdict},
        }

    def lines(self) -> Iterator[str]:
        """For people: counts, and shares in percent."""
        naming = self.naming.total()
        yield f"{self.texts} prerequisite texts; {_share(naming, self.texts)} name a course"
        for title, counts in (("all texts", self.every), ("naming a course", self.naming)):
            parts = (f"{_MEANING[each]} {_share(counts[each], counts.total())}" for each in Verdict)
            yield f"{title}: {', '.join(parts)}"


_MEANING = {
    Verdict.FULL: "understood",
    Verdict.PARTLY: "understood in part",
    Verdict.FLAGGED: "for a person",
    Verdict.NONE: "ask for nothing",
}


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.1f}%)" if whole else "0"


def texts(path: Path) -> Iterator[Text]:
    """The prerequisite texts of a table, line by line. Raises Unreadable."""
    with _Lines(path) as lines:
        heading = next(lines, "").rstrip("\r\n").split("\t")
        if COLUMN not in heading:
            raise Unreadable(
                f"{path}, line 1: no column {COLUMN!r}; the heading's names are parted by tabs"
            )
        column = heading.index(COLUMN)
        for number, line in enumerate(lines, 2):
            fields = line.rstrip("\r\n").split("\t")
            if len(fields) != len(heading):
                raise Unreadable(
                    f"{path}, line {number}: {len(fields)} columns instead of {len(heading)}; "
                    "repair the line, tabs within a field are not allowed"
                )
            _, mark, text = fields[column].partition(MARK)
            if mark and text.strip():
                yield Text(number, text.strip())


class _Lines:
    """The lines of a file; whatever keeps it from being read is told with its name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Iterator[str]:
        opener = gzip.open if self._path.suffix == ".gz" else open
        try:
            self._file = opener(self._path, "rt", encoding="utf-8", newline="\n")
        except OSError as error:
            raise Unreadable(f"{self._path}: {error.strerror or error}; check the path") from error
        return self._told()

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _told(self) -> Iterator[str]:
        try:
            yield from self._file
        except UnicodeDecodeError as error:
            raise Unreadable(
                f"{self._path}: not UTF-8 text ({error.reason}); convert it"
            ) from error
        except (OSError, EOFError) as error:
            raise Unreadable(f"{self._path}: {error}; is it complete?") from error


def survey(found: Iterable[tuple[Text, Understood]]) -> Survey:
    """Counts over texts and what was understood of them."""
    every, naming = Counter[Verdict](), Counter[Verdict]()
    for text, understood in found:
        every[understood.verdict] += 1
        if text.names_a_course:
            naming[understood.verdict] += 1
    return Survey(every.total(), every, naming)


def held_out(text: Text) -> bool:
    """Whether the text is in the half that the grammar was not written against."""
    return int(text.digest[0], 16) % 2 == 1


def sample(all_texts: Iterable[Text], count: int, seed: int) -> list[tuple[Text, Understood]]:
    """Distinct held-out texts that name a course and were understood, wholly or in part."""
    distinct = {each.text: each for each in all_texts if each.names_a_course and held_out(each)}
    read = [(distinct[text], parse(text)) for text in sorted(distinct)]
    eligible = [pair for pair in read if pair[1].tree is not None]
    return random.Random(seed).sample(eligible, min(count, len(eligible)))


def tree_digest(understood: Understood) -> str:
    """One hash of what was understood: the tree and the clauses left over."""
    tree = None if understood.tree is None else as_json(understood.tree)
    said = json.dumps([tree, understood.rest], sort_keys=True, ensure_ascii=False)
    return sha256(said.encode()).hexdigest()

"""What somebody typed, made safe to look for."""

import re
from typing import NamedTuple

LONGEST = 200
"""Characters that are read; nobody means more."""

_OPERATORS = re.compile(r'"|(?:^| )-|(?:^| )or(?: |$)', re.IGNORECASE)


class Typed(NamedTuple):
    """`text` is all of it, `before` what precedes `last`, the word that may not be finished.

    There is no such word where it is not one of letters and digits, or where the text has
    operators: "a phrase", -without, one or another.
    """

    text: str
    before: str
    last: str


def typed(raw: str) -> Typed:
    """Read at most `LONGEST` characters; what cannot be printed separates words."""
    printable = "".join(each if each.isprintable() else " " for each in raw[:LONGEST])
    text = " ".join(printable.split())
    before, _, last = text.rpartition(" ")
    if _OPERATORS.search(text) or not re.fullmatch(r"\w+", last):
        return Typed(text, "", "")
    return Typed(text, before, last)

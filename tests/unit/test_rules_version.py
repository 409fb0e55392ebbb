"""A change of what is decided must be told from a change of how it is written down."""

import hashlib
from pathlib import Path

from enrollment import rules

DECIDING = ("allocation", "seating", "board", "rules", "vocabulary")
DIGEST = "951eb82619454a54"


def _digest() -> str:
    """Of the deciding modules, but for comments and blank lines."""
    lines = [
        line
        for name in DECIDING
        for line in Path(rules.__file__).with_name(f"{name}.py").read_text().splitlines()
        if line.strip() and not line.strip().startswith("#")
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def test_whoever_changes_the_deciding_code_asks_whether_it_decides_anew() -> None:
    assert (rules.VERSION, _digest()) == (1, DIGEST), (
        "The code that decides has changed. If any stored facts could now be decided otherwise, "
        f"raise rules.VERSION; then write the new digest here: {_digest()}"
    )

"""Real texts that a person has read beside their trees, known by their hashes alone."""

import csv
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from courses.expressions import Verdict, parse
from courses.expressions.survey import survey, texts, tree_digest

CATALOGUE = Path(__file__).resolve().parents[3] / "shared" / "data" / "ucsd-courses.tsv.gz"
CHECKED = Path(__file__).with_name("prerequisites_checked.csv")
needs_catalogue = pytest.mark.skipif(
    not CATALOGUE.is_file(), reason="needs ucsd-courses.tsv.gz in ../shared/data"
)


@cache
def checked() -> list[dict[str, str]]:
    with CHECKED.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_verdicts_are_those_that_the_documentation_states() -> None:
    counts = Counter((row["draw"], row["verdict"]) for row in checked())

    assert counts == {("hundred", "right"): 100, ("hard", "right"): 58, ("hard", "wrong"): 2}
    assert len({row["text_sha256"] for row in checked()}) == 160
    assert all(row["reason"] for row in checked() if row["verdict"] == "wrong")


@needs_catalogue
def test_what_was_checked_is_still_read_the_same_way() -> None:
    found = {each.digest: each.text for each in texts(CATALOGUE)}

    changed = [
        row["text_sha256"][:12]
        for row in checked()
        if row["verdict"] == "right"
        and tree_digest(parse(found[row["text_sha256"]])) != row["read_sha256"]
    ]
    assert changed == [], "read anew: check these by hand again, and raise VERSION"


@needs_catalogue
def test_what_was_read_wrongly_is_left_to_a_person_now() -> None:
    found = {each.digest: each.text for each in texts(CATALOGUE)}
    wrong = [found[row["text_sha256"]] for row in checked() if row["verdict"] == "wrong"]

    assert {parse(text).verdict for text in wrong} == {Verdict.FLAGGED}


@needs_catalogue
def test_the_counts_are_those_that_the_documentation_states() -> None:
    counts = survey((each, parse(each.text)) for each in texts(CATALOGUE)).as_json()

    assert counts == {
        "texts": 5090,
        "all": {"full": 3900, "partly": 259, "flagged": 767, "none": 164},
        "naming_a_course": {"full": 1658, "partly": 165, "flagged": 496, "none": 1},
    }

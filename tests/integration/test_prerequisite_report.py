"""`manage prerequisite_report`: counts, samples, and one line where a file cannot be read."""

import gzip
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from courses.expressions.survey import Text, held_out, sample

HEADING = "department\tcourse_number\tdescription"
ROWS = (
    "ART\tART 1\tBrushes. Prerequisites: none.",
    "ART\tART 2\tColours. Prerequisites: ART 1.",
    "ART\tART 3\tLight. Prerequisites: ART 2. Own a lamp.",
    "ART\tART 4\tShade. Prerequisites: ART 2 and ZOO 1 or ZOO 2.",
    "ART\tART 5\tDusk. Prerequisites: senior standing.",
    "ART\tART 6\tNight.",
)


def write(path: Path, *rows: str) -> Path:
    text = "\n".join([HEADING, *rows]) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def report(*arguments: object) -> str:
    out = StringIO()
    call_command("prerequisite_report", *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("name", ["courses.tsv", "courses.tsv.gz"])
def test_it_counts_what_is_understood(tmp_path: Path, name: str) -> None:
    counts = tmp_path / "counts.json"

    printed = report(write(tmp_path / name, *ROWS), "--json", counts)

    assert printed.splitlines() == [
        "5 prerequisite texts; 3 (60.0%) name a course",
        "all texts: understood 2 (40.0%), understood in part 1 (20.0%), "
        "for a person 1 (20.0%), ask for nothing 1 (20.0%)",
        "naming a course: understood 1 (33.3%), understood in part 1 (33.3%), "
        "for a person 1 (33.3%), ask for nothing 0 (0.0%)",
    ]
    assert json.loads(counts.read_text()) == {
        "texts": 5,
        "all": {"full": 2, "partly": 1, "flagged": 1, "none": 1},
        "naming_a_course": {"full": 1, "partly": 1, "flagged": 1, "none": 0},
    }


def test_a_catalogue_without_texts_is_counted_too(tmp_path: Path) -> None:
    assert "0 prerequisite texts; 0 name a course" in report(write(tmp_path / "c.tsv", ROWS[-1]))


def test_a_sample_shows_each_text_beside_what_was_read(tmp_path: Path) -> None:
    rows = [f"ART\tART {n}\tPrerequisites: ART {n}1 or ZOO {n}2. Hum." for n in range(1, 30)]
    path = write(tmp_path / "courses.tsv", *rows)

    shown = report(path, "--sample", 3, "--seed", 7)

    assert shown.count("  text: ART ") == 3
    assert shown.count("  read: ART ") == 3
    assert shown.count("  left: Hum") == 3
    assert shown == report(path, "--sample", 3, "--seed", 7)
    assert shown != report(path, "--sample", 3, "--seed", 8)


def test_a_sample_is_drawn_from_the_half_nobody_wrote_the_grammar_against() -> None:
    texts = [Text(n, f"ART {n}") for n in range(1, 200)]

    drawn = [text for text, _ in sample(texts, 500, 1)]

    assert sorted(drawn) == sorted(text for text in texts if held_out(text))
    assert 60 < len(drawn) < 140


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a\tb\n1\t2\n", "line 1: no column 'description'"),
        (b"", "line 1: no column 'description'"),
        (b"code\tdescription\nART 1\tx\nART 2\n", "line 3: 1 columns instead of 2"),
        (b"code\tdescription\nART 1\t\xff\xfe\n", "not UTF-8"),
    ],
)
def test_a_table_that_cannot_be_read_is_told_in_one_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "courses.tsv"
    path.write_bytes(content)

    with pytest.raises(CommandError) as caught:
        report(path)

    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_not_whole_is_told_in_one_line(tmp_path: Path) -> None:
    whole = write(tmp_path / "courses.tsv.gz", *ROWS)
    cut = tmp_path / "cut.tsv.gz"
    cut.write_bytes(whole.read_bytes()[:-12])
    plain = tmp_path / "plain.tsv.gz"
    plain.write_text("not compressed")

    for path, said in (
        (tmp_path / "nowhere.tsv", "No such file"),
        (tmp_path, "Is a directory"),
        (cut, "is it complete?"),
        (plain, "Not a gzipped file"),
    ):
        with pytest.raises(CommandError, match=r"^[^\n]*$") as caught:
            report(path)
        assert said in str(caught.value)


def test_an_answer_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "courses.tsv", *ROWS)

    with pytest.raises(CommandError, match="name another file"):
        report(path, "--json", tmp_path / "no" / "such" / "folder.json")


@pytest.mark.parametrize("wrong", ["-1", "many", "1.5"])
def test_a_sample_is_a_whole_number(tmp_path: Path, wrong: str) -> None:
    path = write(tmp_path / "courses.tsv", *ROWS)

    with pytest.raises(CommandError, match="is not a whole number from 0"):
        report(path, f"--sample={wrong}")

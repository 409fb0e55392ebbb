"""The documentation says what the code does, and leads where it points."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from enrollment.models import WaitlistEntry
from enrollment.vocabulary import Event, Kind, Result, Status
from tests import pages, requirements
from tests.source import ROOT, module, ours

DOCS = ROOT / "docs"
WRITTEN = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])

# Folders of ours: whatever begins with one of them and looks like a path must exist.
_PATH = re.compile(
    r"`((?:bin|courses|deploy|docs|enrollment|registrar|tests|workers)/[\w/-]*(?:\.\w+)?)`"
)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_MACHINE = re.compile(r"(?<![\w.])/(?:home|root|work|tmp|Users|var/tmp)/")


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each line with where it is."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        yield f"{path.relative_to(ROOT)}:{number}", line


def test_what_is_read_off_the_code_is_current() -> None:
    stale = [
        path.relative_to(ROOT).as_posix()
        for path, text in pages.pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]

    assert not stale, "run: python -m tests.pages"


def test_every_link_leads_somewhere() -> None:
    dead = [
        f"{where} {target}"
        for path in WRITTEN
        for where, line in lines(path)
        for target in _LINK.findall(line)
        if "://" not in target and not (path.parent / target).exists()
    ]

    assert not dead


def test_every_file_that_is_named_exists() -> None:
    missing = [
        f"{where} {name}"
        for path in WRITTEN
        for where, line in lines(path)
        for name in _PATH.findall(line)
        if not (ROOT / name).exists()
    ]

    assert not missing


def test_the_reading_order_leaves_no_room_out() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    nothing_to_read = {
        "__init__",
        "__pycache__",
        "apps",
        "urls",
        "migrations",
        "management",
        "templates",
    }

    rooms = sorted(p for p in (ROOT / "enrollment").iterdir() if p.stem not in nothing_to_read)

    assert [room.name for room in rooms if f"`enrollment/{room.name}" not in text] == []


def test_nothing_is_said_of_any_one_machine() -> None:
    said = [where for path in WRITTEN for where, line in lines(path) if _MACHINE.search(line)]

    assert not said


@pytest.mark.parametrize(
    "words",
    [list(Kind), list(Result), list(Status), list(Event), list(WaitlistEntry.State.values)],
    ids=["kinds", "results", "statuses", "events", "places in line"],
)
def test_the_lifecycles_know_every_word_of_the_pipeline(words: list[str]) -> None:
    text = (DOCS / "lifecycle.md").read_text(encoding="utf-8")

    assert [word for word in words if not re.search(rf"\b{word}\b", text)] == []


def test_every_setting_is_explained() -> None:
    text = (DOCS / "operations.md").read_text(encoding="utf-8")
    read = set(re.findall(r'"((?:REGISTRAR|DATABASE|REDIS)_[A-Z_]+)"', _sources_of_settings()))

    assert [name for name in sorted(read) if f"`{name}`" not in text] == []


def _sources_of_settings() -> str:
    # The services' own marks in a process's environment are nobody's to set.
    services = re.sub(r"^(MARK|NAME) = .*$", "", _services(), flags=re.MULTILINE)
    return module("registrar/settings.py").text + services


def _services() -> str:
    return "\n".join(m.text for m in ours() if m.path.startswith("registrar/services/"))


# Decisions ----------------------------------------------------------------------------------


def decisions() -> list[Path]:
    return sorted((DOCS / "decisions").glob("[0-9]*.md"))


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in decisions()]

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("path", decisions(), ids=lambda path: path.stem)
def test_a_decision_says_what_was_turned_down(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]

    assert headings == ["## Context", "## Decision", "## Consequences", "## Rejected"]
    assert text.startswith(f"# {path.name[:4]} ")
    assert text.split("## Rejected")[1].count("\n* **") >= 2, "one alternative is no choice"


# References ---------------------------------------------------------------------------------


_REFERENCE = re.compile(r"\b([TD]\d{1,2})\b(?!:)")
_ASKED = re.compile(r"\b(S[012]-\d+)\b")
_RULE = re.compile(r"\brule (\d+)\b")


def commented() -> Iterator[tuple[str, str]]:
    """Comments and docstrings of ours, roughly: every line that has a reference in it."""
    for each in ours():
        for number, line in enumerate(each.text.splitlines(), start=1):
            yield f"{each.path}:{number}", line


def test_every_letter_and_number_in_a_comment_is_explained() -> None:
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    rules = set(re.findall(r"^(\d+)\. \*\*", _section_3(), flags=re.MULTILINE))
    asked = {each.id for chapter in requirements.chapters() for each in chapter.requirements}

    unexplained = [
        f"{where} {reference}"
        for where, line in commented()
        for reference in _REFERENCE.findall(line)
        if "(" in line and f"| {reference} |" not in index
    ]
    unexplained += [
        f"{where} rule {number}"
        for where, line in commented()
        for number in _RULE.findall(line)
        if number not in rules
    ]
    unexplained += [
        f"{where} {requirement}"
        for where, line in commented()
        for requirement in _ASKED.findall(line)
        if requirement not in asked
    ]

    assert not unexplained


def _section_3() -> str:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    return text.split("## 3.")[1].split("## 4.")[0]


# Requirements -------------------------------------------------------------------------------


def test_every_requirement_is_shown_by_a_test_or_put_off_with_a_reason() -> None:
    assert requirements.neither() == []


@pytest.mark.parametrize(("seed", "last"), [("S0", 41), ("S1", 112), ("S2", 28)])
def test_every_line_that_was_asked_for_stands_in_the_list_once(seed: str, last: int) -> None:
    listed = [each.id for chapter in requirements.chapters() for each in chapter.requirements]

    assert [id_ for id_ in listed if id_.startswith(f"{seed}-")] == [
        f"{seed}-{number}" for number in range(1, last + 1)
    ]


@pytest.mark.parametrize(
    "line", ["S9-1 | A sentence. | later:", "S9-1 | A sentence. | maybe", "S9-1 |", "a | b | c | d"]
)
def test_a_line_that_puts_off_without_a_reason_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"requirements\.in"):
        requirements._requirement(line)


def test_a_test_shows_only_what_was_asked_for() -> None:
    asked = {each.id for chapter in requirements.chapters() for each in chapter.requirements}

    unknown = [each for each in requirements.shown() if each.requirement not in asked]

    assert not unknown

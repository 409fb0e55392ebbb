"""Which test shows which requirement: what docs/requirements.md says (`tests.pages` writes it).

The sentences are in docs/requirements.in; a test names those it shows with
`@pytest.mark.requirement("S0-18", ...)`, on itself or on its class, or with `pytestmark` for its
whole file. A line that no test shows, or not all of, says why after `later:`. Nothing is imported
or run: the tests are read as syntax trees.
"""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from tests.source import ROOT, Module, dotted, marks, suite

SENTENCES = ROOT / "docs" / "requirements.in"
PAGE = ROOT / "docs" / "requirements.md"
LATER = "later:"


class Requirement(NamedTuple):
    """A numbered sentence; `later` is the reason why no test of all of it is expected yet."""

    id: str
    sentence: str
    later: str


class Chapter(NamedTuple):
    title: str
    requirements: tuple[Requirement, ...]


class Shown(NamedTuple):
    """A test that says which requirement it shows."""

    requirement: str
    path: str
    test: str


def chapters() -> list[Chapter]:
    """Read docs/requirements.in. Raises ValueError for a line that is none of its kinds."""
    read: list[tuple[str, list[Requirement]]] = []
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        if line.startswith("=="):
            read.append((line.removeprefix("==").strip(), []))
        elif line.strip() and not line.startswith("#"):
            read[-1][1].append(_requirement(line))
    return [Chapter(title, tuple(requirements)) for title, requirements in read]


def _requirement(line: str) -> Requirement:
    id_, sentence, *rest = (part.strip() for part in line.split("|"))
    if len(rest) > 1 or not sentence or (rest and not rest[0].startswith(LATER)):
        raise ValueError(f"{SENTENCES.name}: an id, a sentence and perhaps a reason: {line}")
    later = rest[0].removeprefix(LATER).strip() if rest else ""
    if rest and not later:
        raise ValueError(f"{SENTENCES.name}: {id_} is put off without a reason")
    return Requirement(id_, sentence, later)


def neither() -> list[str]:
    """The requirements that no test shows and no reason puts off."""
    tested = {each.requirement for each in shown()}
    return [
        each.id
        for chapter in chapters()
        for each in chapter.requirements
        if not each.later and each.id not in tested
    ]


def shown() -> list[Shown]:
    """Every (requirement, test) pair that the tests name, in the order of files and of lines."""
    return list(dict.fromkeys(each for module in suite() for each in _of_module(module)))


def _of_module(module: Module) -> Iterator[Shown]:
    everywhere = [
        id_
        for node in module.tree.body
        if isinstance(node, ast.Assign) and any(dotted(t) == "pytestmark" for t in node.targets)
        for id_ in _ids(node.value)
    ]
    yield from _of_body(module, module.tree.body, everywhere)


def _of_body(module: Module, body: list[ast.stmt], inherited: list[str]) -> Iterator[Shown]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _of_body(module, node.body, inherited + _marked(node))
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for id_ in inherited + _marked(node):
                yield Shown(id_, module.path, node.name)


def _marked(node: ast.FunctionDef | ast.ClassDef) -> list[str]:
    return [id_ for mark in marks(node) for id_ in _ids(mark)]


def _ids(node: ast.expr) -> list[str]:
    """The arguments of every `pytest.mark.requirement(…)` in an expression."""
    return [
        str(argument.value)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and dotted(call.func) == "pytest.mark.requirement"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    ]


def page() -> str:
    """What docs/requirements.md must hold."""
    tests = shown()
    lines = [
        "# Requirements, and the test that shows each",
        "",
        "Written by `python -m tests.pages` from `docs/requirements.in` and the tests; do not edit",
        "it. Where a sentence differs from what was first asked for,",
        "[decisions](decisions/README.md) says why.",
    ]
    for chapter in chapters():
        lines += ["", f"## {chapter.title}", "", "| id | what | shown by |", "|---|---|---|"]
        lines += [_row(each, tests) for each in chapter.requirements]
    return "\n".join(lines) + "\n"


def _row(requirement: Requirement, tests: list[Shown]) -> str:
    links = [
        f"[{_sentence(each.test)}](../{each.path})"
        for each in tests
        if each.requirement == requirement.id
    ]
    if requirement.later:
        links.append(f"*later: {requirement.later}*")
    return f"| {requirement.id} | {requirement.sentence} | {'<br>'.join(links) or '**nothing**'} |"


def _sentence(test: str) -> str:
    return test.removeprefix("test_").replace("_", " ")

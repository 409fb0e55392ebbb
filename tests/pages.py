"""The parts of the documentation that are read off the code.

    python -m tests.pages

writes them: docs/requirements.md, and in the other pages whatever stands between
`<!-- generated: NAME -->` and `<!-- end -->`. A test fails while one of them is not current.
"""

import ast
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path

from tests import requirements
from tests.source import ROOT, dotted, module, ours

DOCS = ROOT / "docs"
_BLOCK = re.compile(r"(<!-- generated: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> dict[Path, str]:
    """Every page with generated parts, as it must be."""
    written = {requirements.PAGE: requirements.page()}
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if "<!-- generated:" in text:
            written[path] = _BLOCK.sub(_filled, text)
    return written


def _filled(block: re.Match[str]) -> str:
    begin, name, end = block.groups()
    return begin + GENERATED[name]() + end


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def reasons() -> str:
    """What a refusal says, by its code."""
    from enrollment.rules import REASONS

    rows = [(f"`{code}`", sentence, remedy) for code, (sentence, remedy) in REASONS.items()]
    return table(("code", "sentence", "remedy"), rows)


def problems() -> str:
    """What the API answers instead of doing what it was asked, by HTTP status."""
    from registrar.problems import STATUS

    by_status = sorted(STATUS.items(), key=lambda item: item[1])
    rows = [(status, f"`{code}`", *said(code)) for code, status in by_status]
    return table(("status", "code", "title", "remedy"), rows)


def said(code: str) -> tuple[str, str]:
    """Title and remedy: registration's own codes are worded by registration, the rest by the API,
    by the proposals, or where the catalogue refuses."""
    from courses.proposals.refusals import REFUSALS
    from enrollment.wording import reason
    from registrar.problems import Problem

    try:
        return reason(code)
    except KeyError:
        pass
    if code in REFUSALS:
        return REFUSALS[code]
    try:
        problem = Problem(code)
    except KeyError:
        return refused()[code]
    return problem.title, problem.remedy


_REFUSALS = ("Refused", "Overtaken")


def refused() -> dict[str, tuple[str, str]]:
    """What the catalogue refuses, by code, as the source words it: dots for what only the
    occasion can say."""
    found: dict[str, tuple[str, str]] = {}
    for each in ours():
        for node in ast.walk(each.tree):
            if isinstance(node, ast.Call) and dotted(node.func).endswith(_REFUSALS):
                words = [_text(argument) for argument in node.args]
                if len(words) > 2 and words[0].isupper():
                    found.setdefault(words[0], (words[1], words[2]))
    return found


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    return str(node.value) if isinstance(node, ast.Constant) else "…"


def checks() -> str:
    """Every check of `verify`, by what it is about."""
    from enrollment import invariants, replay
    from enrollment.invariants import database, waitlists

    found = [(group, c.name, c.sentence) for group, checks in invariants._GROUPS for c in checks]
    found += [
        ("waitlists", waitlists.IDLE, waitlists.IDLE_SENTENCE),
        ("database", database.CONSTRAINTS, database.CONSTRAINTS_SENTENCE),
        ("chain", invariants.CHAIN, invariants.CHAIN_SENTENCE),
        *(("replay", name, sentence) for name, sentence in replay.CHECKS.items()),
    ]
    groups = list(dict.fromkeys(group for group, _, _ in found))
    found.sort(key=lambda check: groups.index(check[0]))
    rows = [(group, f"`{name}`", sentence) for group, name, sentence in found]
    return table(("about", "check", "what must hold"), rows)


def settings() -> str:
    """The REGISTRAR settings: variable, default, and the comment above it in the settings."""
    source = module("registrar/settings.py")
    lines = source.text.splitlines()
    rows: list[tuple[str, str, str]] = []
    for key, value in _settings(source.tree):
        if isinstance(value, ast.Call):
            variable = str(ast.literal_eval(value.args[0]))
            default = next(k.value for k in value.keywords if k.arg == "default")
            above = _comment(lines, key.lineno)
            meaning = above or "see above"
            rows.append((f"`{variable}`", str(ast.literal_eval(default)), meaning))
    return table(("variable", "default", "meaning"), rows)


def _settings(tree: ast.Module) -> Iterable[tuple[ast.expr, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and dotted(node.targets[0]) == "REGISTRAR":
            assert isinstance(node.value, ast.Dict)
            keys, values = node.value.keys, node.value.values
            yield from ((k, v) for k, v in zip(keys, values, strict=True) if k)


def _comment(lines: list[str], lineno: int) -> str:
    """The comment lines just above a line (counted from 1)."""
    above = []
    for line in reversed(lines[: lineno - 1]):
        if not line.strip().startswith("#"):
            break
        above.append(line.strip().lstrip("# "))
    return " ".join(reversed(above))


def decisions() -> str:
    """The pages of docs/decisions, by their titles."""
    titles = []
    for path in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        number, title = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ").split(" ", 1)
        titles.append((number, f"[{title}]({path.name})"))
    return table(("", "decision"), titles)


def matrix() -> str:
    """What each role may do, chapter by chapter."""
    from registrar.accounts.matrix import COLUMNS, ROWS

    parts = []
    for chapter in dict.fromkeys(row.chapter for row in ROWS):
        rows = [
            (f"`{row.permission}`", *map(_cell, row.cells))
            for row in ROWS
            if row.chapter == chapter
        ]
        head = ("permission", *(role.replace("_", " ") for role in COLUMNS))
        parts.append(f"### {chapter}\n\n{table(head, rows)}\n")
    return "".join(parts)


def _cell(scope: Iterable[Enum]) -> str:
    return " or ".join(_WORDS[each.name] for each in scope) or "–"


_WORDS = {
    "EVERYTHING": "yes",
    "DEPARTMENT": "own department",
    "MINE": "own",
    "CURRENT": "current",
}


def addresses() -> str:
    """What each address asks for."""
    from tests import routes

    asked = [
        (f"`{each.method}`", f"`{each.path}`", routes.needed(each)) for each in routes.routes()
    ]
    rows = [(*each, f"`{need}`" if "." in str(need) else need) for *each, need in asked]
    return table(("method", "address", "needs"), rows)


GENERATED: Mapping[str, Callable[[], str]] = {
    "reasons": reasons,
    "problems": problems,
    "checks": checks,
    "settings": settings,
    "decisions": decisions,
    "matrix": matrix,
    "addresses": addresses,
}


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registrar.settings")
    django.setup()
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    if missing := requirements.neither():
        sys.exit(f"neither shown by a test nor put off with a reason: {', '.join(missing)}")


if __name__ == "__main__":
    main()

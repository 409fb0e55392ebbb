"""Our own source as syntax trees: what the tests of the house rules read."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("registrar", "workers", "courses", "enrollment", "benchmarks")

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """A file of ours; `path` is relative to the checkout, with slashes."""

    path: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    def functions(self) -> Iterator[Function]:
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Every Python file in these folders, except migrations (Django writes those)."""
    return tuple(
        _read(path)
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
    )


def ours() -> tuple[Module, ...]:
    return modules(*PACKAGES)


def suite() -> tuple[Module, ...]:
    return modules("tests")


@cache
def module(path: str) -> Module:
    return _read(ROOT / path)


def _read(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(path.relative_to(ROOT).as_posix(), text, ast.parse(text))


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or an attribute; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every absolute name imported anywhere below, and its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def marks(node: Function | ast.ClassDef) -> Iterator[ast.Call | ast.expr]:
    """The `pytest.mark.…` decorators of a test."""
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if dotted(called).startswith("pytest.mark."):
            yield decorator

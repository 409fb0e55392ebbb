"""What a prerequisite text asks for, as a tree of frozen values.

A tree is kept as JSON beside the version whose text it was read from, and shown to people with
`wording`.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias


class Sort(StrEnum):
    """What a condition is about that only a person can check."""

    STANDING = "standing"
    CONSENT = "consent"
    PROGRAMME = "programme"
    RECORD = "record"
    EQUIVALENT = "equivalent"
    RESTRICTION = "restriction"


class Course(NamedTuple):
    """A course passed, with at least `minimum` if one is given ("C-").

    `concurrent`: taking it in the same term does as well, and a grade cannot be asked of it then.
    """

    code: str
    minimum: str | None = None
    concurrent: bool = False


class Placement(NamedTuple):
    """A score in a named test: at least `score`, or more than it when `strict`."""

    test: str
    score: int
    strict: bool = False


class Condition(NamedTuple):
    """Something a person checks, in the words of the text: never satisfied by itself."""

    sort: Sort
    text: str


class All(NamedTuple):
    """Every one of these."""

    of: "tuple[Node, ...]"


class Some(NamedTuple):
    """At least `number` of these; `Some(1, …)` is an ordinary "or"."""

    number: int
    of: "tuple[Node, ...]"


Node: TypeAlias = Course | Placement | Condition | All | Some


def all_of(nodes: "list[Node] | tuple[Node, ...]") -> Node:
    """These together, without a level of its own for one, or for an "and" within an "and"."""
    flat = [part for node in nodes for part in (node.of if isinstance(node, All) else (node,))]
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def any_of(nodes: "list[Node] | tuple[Node, ...]") -> Node:
    """One of these, without a level of its own for one, or for an "or" within an "or"."""
    flat = [
        part
        for node in nodes
        for part in (node.of if isinstance(node, Some) and node.number == 1 else (node,))
    ]
    return flat[0] if len(flat) == 1 else Some(1, tuple(flat))


def leaves(node: Node) -> Iterator[Course | Placement | Condition]:
    """Every course, placement and condition, from left to right."""
    if isinstance(node, All | Some):
        for part in node.of:
            yield from leaves(part)
    else:
        yield node


def codes(node: Node | None) -> tuple[str, ...]:
    """The courses that it names, once each, in the order of the text."""
    found = leaves(node) if node is not None else iter(())
    return tuple(dict.fromkeys(leaf.code for leaf in found if isinstance(leaf, Course)))


def key(code: str) -> str:
    """Codes that differ in case and spaces only are one: "CSE 12" is "CSE12"."""
    return "".join(code.split()).upper()


def as_json(node: Node) -> dict[str, Any]:
    """One object for each node, its kind in `is`."""
    match node:
        case Course():
            return {"is": "course", **node._asdict()}
        case Placement():
            return {"is": "placement", **node._asdict()}
        case Condition():
            return {"is": "condition", "sort": node.sort.value, "text": node.text}
        case All():
            return {"is": "all", "of": [as_json(part) for part in node.of]}
        case Some():
            return {"is": "some", "count": node.number, "of": [as_json(part) for part in node.of]}


def from_json(value: Mapping[str, Any]) -> Node:
    """Back again. Raises ValueError, TypeError or KeyError for what `as_json` never wrote."""
    fields = {name: field for name, field in value.items() if name != "is"}
    match value["is"]:
        case "course":
            return Course(**fields)
        case "placement":
            return Placement(**fields)
        case "condition":
            return Condition(Sort(fields["sort"]), fields["text"])
        case "all":
            return All(tuple(from_json(part) for part in fields["of"]))
        case "some":
            return Some(fields["count"], tuple(from_json(part) for part in fields["of"]))
    raise ValueError(f"no such node: {value['is']}")


_COUNTS = {2: "two", 3: "three", 4: "four"}


def wording(node: Node) -> str:
    """The tree in words that can be read again, parenthesised wherever "and" meets "or"."""
    match node:
        case Course():
            grade = f" with at least {node.minimum}" if node.minimum else ""
            return f"{node.code}{grade}{' (or taken now)' if node.concurrent else ''}"
        case Placement():
            sign = "above" if node.strict else "of at least"
            return f"{node.test} score {sign} {node.score}"
        case Condition():
            return node.text
        case All():
            return " and ".join(_within(part) for part in node.of)
        case Some(number=1):
            return " or ".join(_within(part) for part in node.of)
        case Some():
            return f"{_COUNTS.get(node.number, node.number)} of " + ", ".join(
                _within(part) for part in node.of
            )


def _within(node: Node) -> str:
    return f"({wording(node)})" if isinstance(node, All | Some) else wording(node)

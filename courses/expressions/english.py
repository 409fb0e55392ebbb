"""How English groups a list: which "and" and which "or" hold which items together.

The rules are few, and listed in docs/prerequisites.md. Where they do not decide, `Doubt` is
raised and the clause goes to a person: a text is never read by a guess.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .tree import Condition, Course, Node, Some, Sort, all_of, any_of

AND, OR, COMMA, COMMA_AND, COMMA_OR = "AND", "OR", "COMMA", "COMMA_AND", "COMMA_OR"
_SPOKEN = (AND, OR)
_ANDS = {AND, COMMA_AND}
_ORS = {OR, COMMA_OR}


class Doubt(ValueError):
    """The clause can be read in two ways; the message says which place."""


class Item(NamedTuple):
    """One item of a clause, and what stood before and after it.

    `elided`: a bare number that takes the subject before it. `pick`: so many of what follows.
    """

    node: Node
    elided: bool = False
    either: bool = False
    both: bool = False
    pick: int = 0


def arrange(items: Sequence[Item], joints: Sequence[str]) -> Node:
    """The tree of a clause: `joints[i]` stands between items i and i + 1. Raises Doubt."""
    items, joints, instead = _split_consent(list(items), list(joints))
    items, joints = _collapse_pick(items, joints)
    if instead and COMMA in joints and COMMA_AND not in joints:
        raise Doubt("commas before a last “or consent”: all of them, or one?")
    if items[0].either and joints and set(joints) <= {OR, COMMA, COMMA_OR}:
        items = [items[0]._replace(either=False), *items[1:]]
    node = _commas(items, joints)
    return any_of([node, *instead]) if instead else node


def _split_consent(
    items: list[Item], joints: list[str]
) -> tuple[list[Item], list[str], list[Node]]:
    """A last "or consent of …" is instead of everything before it."""
    instead: list[Node] = []
    last = len(items)
    while last > 1 and joints[last - 2] in _ORS and _is_consent(items[last - 1]):
        last -= 1
        instead.insert(0, items[last].node)
    if instead and joints[last - 1] == OR and any(joint != OR for joint in joints[: last - 1]):
        commas = {COMMA, COMMA_AND, COMMA_OR} & set(joints[: last - 1])
        if commas or any(isinstance(item.node, Condition) for item in items[1:last]):
            raise Doubt("“or consent” after a list: instead of all of it, or of its last part?")
    return items[:last], joints[: max(last - 1, 0)], instead


def _is_consent(item: Item) -> bool:
    return isinstance(item.node, Condition) and item.node.sort is Sort.CONSENT


def _collapse_pick(items: list[Item], joints: list[str]) -> tuple[list[Item], list[str]]:
    """ "two of A, B, C": the count takes all that follows, which must be courses."""
    at = next((index for index, item in enumerate(items) if item.pick), None)
    if at is None:
        return items, joints
    chosen, between = items[at:], set(joints[at:])
    if any(item.pick or item.either or item.both for item in chosen[1:]):
        raise Doubt("a choice within a choice")
    if not all(isinstance(item.node, Course | Some) for item in chosen) or len(chosen) < 2:
        raise Doubt("“one of”: what follows is not a list of courses")
    if between & _ANDS and between & _ORS:
        raise Doubt("“one of”: where does its list end?")
    if between & _ANDS and not _ends_the_list(joints[at:]):
        raise Doubt("“one of”: is “and” within its list?")
    node = Some(items[at].pick, tuple(item.node for item in chosen))
    return [*items[:at], Item(any_of([node]))], joints[:at]


def _ends_the_list(joints: Sequence[str]) -> bool:
    """ "A, B, and C": its one "and" comes last."""
    return joints[-1] in _ANDS and not set(joints[:-1]) & _ANDS


def _commas(items: list[Item], joints: list[str]) -> Node:
    """Commas part a clause into groups; the words beside them say how these belong together."""
    groups, parts = _groups(items, joints)
    if not parts:
        return _group(groups[0])
    kinds = set(parts)
    if kinds <= {COMMA, COMMA_AND}:
        _refuse_short_or(groups if parts[-1] == COMMA else groups[:-1])
        return all_of([_group(group) for group in groups])
    if kinds == {COMMA_OR}:
        return any_of([_group(group) for group in groups])
    if kinds == {COMMA, COMMA_OR} and parts.index(COMMA_OR) == len(parts) - 1:
        return any_of(_plain_or(groups))
    raise Doubt("“, and” beside “, or”")


class _Group(NamedTuple):
    items: list[Item]
    joints: list[str]


def _groups(items: list[Item], joints: list[str]) -> tuple[list[_Group], list[str]]:
    groups = [_Group([items[0]], [])]
    parts = []
    for joint, item in zip(joints, items[1:], strict=True):
        if joint in _SPOKEN:
            groups[-1].joints.append(joint)
            groups[-1].items.append(item)
        else:
            parts.append(joint)
            groups.append(_Group([item], []))
    return groups, parts


def _refuse_short_or(groups: list[_Group]) -> None:
    """ "A, B or C" may be one list of three, or A and a choice; "A, B or C or D" is the latter."""
    choices = [OR in group.joints for group in groups]
    if len(groups) > 1 and groups[-1].joints == [OR] and not any(choices[:-1]):
        raise Doubt("“A, B or C”: three alternatives, or A and one of two?")


def _plain_or(groups: list[_Group]) -> list[Node]:
    """ "A, B, or C": single items of one sort; else the commas may have meant "and"."""
    if any(group.joints for group in groups):
        raise Doubt("commas and “, or” around something that is a list itself")
    nodes = [_group(group) for group in groups]
    if len({isinstance(node, Condition) for node in nodes}) > 1:
        raise Doubt("commas and “, or” between courses and conditions")
    return nodes


def _group(group: _Group) -> Node:
    """Items with no comma between them: one kind of joint, or kinds that are told apart."""
    items, joints = _collapse_both(group.items, group.joints)
    items, joints = _collapse_either(items, joints)
    if len(set(joints)) > 1:
        items, joints = _collapse_elided(items, joints)
    if len(set(joints)) > 1:
        raise Doubt("“and” and “or” in a row: which of them holds first?")
    nodes = [item.node for item in items]
    return any_of(nodes) if OR in joints else all_of(nodes)


def _collapse_either(items: list[Item], joints: list[str]) -> tuple[list[Item], list[str]]:
    """ "either A or B": its alternatives are one, up to the next "and"."""
    return _collapse(items, joints, lambda item: item.either, OR)


def _collapse_both(items: list[Item], joints: list[str]) -> tuple[list[Item], list[str]]:
    """ "both A and B": its two are one."""
    return _collapse(items, joints, lambda item: item.both, AND)


def _collapse(
    items: list[Item], joints: list[str], begins: Callable[[Item], bool], joint: str
) -> tuple[list[Item], list[str]]:
    at = next((index for index, item in enumerate(items) if begins(item)), None)
    if at is None:
        return items, joints
    end = at
    while end < len(joints) and joints[end] == joint:
        end += 1
    if end == at:
        raise Doubt("“either” without “or”, or “both” without “and”")
    if end < len(joints):
        raise Doubt("“either” or “both”: where does it end?")
    one = _joined([item.node for item in items[at : end + 1]], joint)
    return [*items[:at], Item(one), *items[end + 1 :]], [*joints[:at], *joints[end:]]


def _collapse_elided(items: list[Item], joints: list[str]) -> tuple[list[Item], list[str]]:
    """ "CHEM 6C or 6CH and …": numbers stay with the subject that they leave out."""
    kept: list[Item] = [items[0]]
    between: list[str] = []
    run: list[Item] = [items[0]]
    within = ""
    for joint, item in zip(joints, items[1:], strict=True):
        if item.elided:
            if within and joint != within:
                raise Doubt("“and” and “or” between numbers of one subject")
            within = joint
            run.append(item)
            kept[-1] = Item(_joined([each.node for each in run], within))
        else:
            between.append(joint)
            kept.append(item)
            run, within = [item], ""
    return kept, between


def _joined(nodes: list[Node], joint: str) -> Node:
    return any_of(nodes) if joint == OR else all_of(nodes)

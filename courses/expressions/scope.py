"""Of which courses a word speaks: subjects left out, grades, "concurrent", "or equivalent"."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from lark import Token

from .english import Doubt, Item
from .tree import Condition, Course, Node, Placement, Some, Sort, all_of, any_of, leaves

LEADS = frozenset({"EITHER", "BOTH", "PICK", "GRADE_IN", "NOW"})
_COUNTS = {"one": 1, "two": 2, "three": 3, "four": 4}


class Code(NamedTuple):
    """A code as written; the subject is empty where the text leaves it out."""

    subject: str
    number: str


class Draft(NamedTuple):
    """An item before it is known which courses its words speak of."""

    leads: list[Token]
    unit: Any
    modifiers: list[Any]

    def lead(self, name: str) -> Token | None:
        return next((token for token in self.leads if token.type == name), None)


def finish(drafts: list[Draft], joints: list[str]) -> tuple[list[Item], list[str]]:
    """Subjects filled in, then grades and "concurrent" given to the courses they speak of."""
    nodes: list[Node] = []
    subject = ""
    for draft in drafts:
        if len({lead.type for lead in draft.leads}) < len(draft.leads):
            raise Doubt("the same said twice before one course")
        if isinstance(draft.unit, Code):
            subject = draft.unit.subject or subject
            nodes.append(_courses(subject, draft.unit.number))
        else:
            nodes.append(draft.unit)
            subject = _subject_of(draft.unit) or subject
    for index, draft in enumerate(drafts):
        _lead(nodes, index, draft)
        _modify(nodes, index, draft, joints)
    return [_item(*pair) for pair in zip(drafts, nodes, strict=True)], joints


def _item(draft: Draft, node: Node) -> Item:
    pick = draft.lead("PICK")
    return Item(
        node,
        elided=isinstance(draft.unit, Code) and not draft.unit.subject,
        either=draft.lead("EITHER") is not None,
        both=draft.lead("BOTH") is not None,
        pick=next(_COUNTS[word] for word in pick.lower().split() if word in _COUNTS) if pick else 0,
    )


def _lead(nodes: list[Node], index: int, draft: Draft) -> None:
    """ "concurrent enrollment in", "grades of C or better in": of one course, or of all after."""
    now, grade = draft.lead("NOW"), draft.lead("GRADE_IN")
    if now is None and grade is None:
        return
    after = range(index + 1, len(nodes))
    spread = draft.lead("PICK") or (grade is not None and _PLURAL.search(grade))
    if not spread and any(_bare(nodes[at]) for at in after):
        raise Doubt("one course, or all that follow?")
    for at in [index, *(after if spread else [])]:
        if now is not None:
            nodes[at] = changed(nodes[at], concurrent=True)
        if grade is not None:
            nodes[at] = changed(nodes[at], minimum=_grade(grade))


def _modify(nodes: list[Node], index: int, draft: Draft, joints: list[str]) -> None:
    for modifier in draft.modifiers:
        if not isinstance(modifier, Token):
            nodes[index] = any_of([nodes[index], modifier])
        elif modifier.type == "WITH_GRADE":
            _with_grade(nodes, index, modifier)
        elif modifier.type == "NOW_TOO":
            if index and not modifier.startswith("(") and any(map(_bare, nodes[:index])):
                raise Doubt("“or concurrent enrollment”: in which of them?")
            nodes[index] = changed(nodes[index], concurrent=True)
        else:
            together = any(joint not in ("OR", "COMMA_OR") for joint in joints[:index])
            if together and any(map(_plain, nodes[:index])) and _bare(nodes[index]):
                raise Doubt("“or equivalent”: of which of them?")
            among = index > 0 and joints[index - 1] != "AND"
            text = "equivalent" if among else f"equivalent of {_named(nodes[index])}"
            nodes[index] = any_of([nodes[index], Condition(Sort.EQUIVALENT, text)])


def _with_grade(nodes: list[Node], index: int, modifier: Token) -> None:
    """The plural speaks of every course before it, the singular of one."""
    grade = _grade(modifier)
    if _PLURAL.search(modifier):
        for at in range(index + 1):
            nodes[at] = changed(nodes[at], minimum=grade)
    elif any(map(_bare, nodes[:index])):
        raise Doubt("a grade after several courses: in the last, or in each?")
    else:
        nodes[index] = changed(nodes[index], minimum=grade)


_PLURAL = re.compile(r"\bgrades of\b|\bin (?:each|both|all)\b", re.IGNORECASE)
_LETTER = re.compile(r"(?<![\w])[ABCDF](?:[+–−-](?!\w))?(?![\w])")


def _grade(token: Token) -> str:
    letter: str = _LETTER.findall(str(token))[-1]
    return letter.replace("–", "-").replace("−", "-")


def _bare(node: Node) -> bool:
    """Whether some course in it has no grade of its own yet."""
    return any(isinstance(leaf, Course) and leaf.minimum is None for leaf in leaves(node))


def _plain(node: Node) -> bool:
    """Whether some course in it has neither a grade nor an equivalent."""
    equal = any(isinstance(leaf, Condition) for leaf in leaves(node))
    return _bare(node) and not equal


def _named(node: Node) -> str:
    return ", ".join(leaf.code for leaf in leaves(node) if isinstance(leaf, Course)) or "it"


def changed(node: Node, *, minimum: str | None = None, concurrent: bool = False) -> Node:
    """The same with this asked of every course that has nothing of the kind yet."""
    match node:
        case Course():
            return Course(
                node.code, node.minimum or minimum, concurrent=node.concurrent or concurrent
            )
        case Some():
            return Some(node.number, _all_changed(node.of, minimum, concurrent))
        case Placement() | Condition():
            return node
    return all_of(_all_changed(node.of, minimum, concurrent))


def _all_changed(nodes: Sequence[Node], minimum: str | None, concurrent: bool) -> tuple[Node, ...]:
    return tuple(changed(node, minimum=minimum, concurrent=concurrent) for node in nodes)


_CODE = re.compile(r"(?P<subject>[A-Za-z]+(?:/[A-Z]+)*) ?(?P<number>\d.*)")


def split(code: str) -> tuple[str, str]:
    """Subject and number; the subject ends in a space where one stood between them."""
    found = _CODE.fullmatch(code)
    assert found is not None, code
    joined = " " if " " in code else ""
    return found["subject"].upper() + joined, found["number"]


def _subject_of(node: Node) -> str:
    """The subject of the last course named in parentheses."""
    named = [leaf.code for leaf in leaves(node) if isinstance(leaf, Course)]
    return split(named[-1])[0] if named else ""


def _courses(subject: str, number: str) -> Node:
    """ "MATH 20A-B-C" is three courses; "PHIL/POLI 27" is one under two names."""
    if not subject:
        raise Doubt("a number without a subject")
    space = " " if subject.endswith(" ") else ""
    subjects = [each.strip() for each in subject.split("/")]
    return all_of(
        [any_of([Course(f"{each}{space}{one}") for each in subjects]) for one in _numbers(number)]
    )


_SERIES = re.compile(r"(?P<stem>\d+)(?P<first>[A-Z]*)(?P<more>(?:[-–][A-Z])*)")


def _numbers(number: str) -> list[str]:
    """ "20A-B-C", and "2A–D" with the dash that stands for "to". Raises Doubt at "2A-D"."""
    found = _SERIES.fullmatch(number)
    assert found is not None, number
    stem, first, more = found["stem"], found["first"], found["more"]
    if not more:
        return [number]
    letters = [first, *re.split("[-–]", more)[1:]]
    if len(first) != 1 or letters != sorted(set(letters)):
        raise Doubt("a series of letters that is none")
    if len(letters) == 2 and ord(letters[1]) - ord(first) > 1:
        if "-" in more:
            raise Doubt("a series, or two courses?")
        letters = [chr(each) for each in range(ord(first), ord(letters[1]) + 1)]
    return [stem + letter for letter in letters]

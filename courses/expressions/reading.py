"""A prerequisite text into what was understood of it.

`parse` never raises: what it cannot read with certainty is in `rest`, word for word, and the
verdict says so (T17).
"""

import re
from enum import StrEnum
from typing import NamedTuple

from lark.exceptions import LarkError

from . import clauses as prose
from .english import Doubt
from .grammar import read
from .scope import changed
from .tree import Condition, Node, Sort, all_of, any_of

VERSION = 1
"""Raised whenever a text may be understood differently than before."""


class Verdict(StrEnum):
    """`NONE`: the text asks for nothing. `PARTLY` and `FLAGGED` wait for a person."""

    FULL = "full"
    PARTLY = "partly"
    FLAGGED = "flagged"
    NONE = "none"


class Understood(NamedTuple):
    """A text's tree, the clauses that could not be read, and remarks that ask for nothing."""

    tree: Node | None
    rest: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        if self.rest:
            return Verdict.FLAGGED if self.tree is None else Verdict.PARTLY
        return Verdict.NONE if self.tree is None else Verdict.FULL


def parse(text: str | None) -> Understood:
    """What the text asks for. Takes any text; over `prose.LENGTH` characters it is not read."""
    if text is None or not text.strip():
        return Understood(None)
    if len(text) > prose.LENGTH or prose.too_deep(text):
        return Understood(None, rest=(text,))
    body, remarks = prose.asides(prose.tidy(text))
    reading = _Reading(list(remarks))
    for clause in prose.clauses(body):
        reading.take(clause)
    return reading.understood()


class _Reading:
    """Clauses taken one by one, from left to right."""

    def __init__(self, remarks: list[str]) -> None:
        self.nodes: list[Node] = []
        self.rest: list[str] = []
        self.remarks = remarks
        self._sentence = (0, 0)
        """How many nodes and unread clauses there were when the sentence began."""

    def understood(self) -> Understood:
        tree = all_of(self.nodes) if self.nodes else None
        return Understood(tree, tuple(self.rest), tuple(self.remarks))

    def take(self, clause: prose.Clause) -> None:
        text = clause.text
        if not clause.later:
            self._sentence = (len(self.nodes), len(self.rest))
        if prose.is_none(text):
            return
        if prose.is_remark(text):
            self.remarks.append(text)
        elif consent := prose.waiver(text):
            self._instead(Condition(Sort.CONSENT, consent), text)
        elif prose.others(text):
            self._beside(Condition(Sort.RESTRICTION, text), text)
        elif prose.is_restriction(text):
            self.nodes.append(Condition(Sort.RESTRICTION, text))
        else:
            self._read(clause)

    def _instead(self, node: Node, text: str) -> None:
        """Consent in place of all that was asked so far."""
        if self.nodes and not self.rest:
            self.nodes = [any_of([all_of(self.nodes), node])]
        else:
            self.rest.append(text)

    def _beside(self, node: Node, text: str) -> None:
        """Others who may come in beside those whom the last restriction lets in."""
        last = self.nodes[-1] if self.nodes else None
        if isinstance(last, Condition) and last.sort is Sort.RESTRICTION:
            self.nodes[-1] = any_of([last, node])
        else:
            self.rest.append(text)

    def _read(self, clause: prose.Clause) -> None:
        text, now = _CONCURRENT.subn("", clause.text)
        tie = _TIE.match(text) if clause.later else None
        try:
            if clause.later and _OR_CONSENT.search(text):
                raise Doubt("“; A, or consent”: instead of A, or of the whole sentence?")
            node = read(text[tie.end() :] if tie else text)
        except (Doubt, LarkError):
            self.rest.append(clause.text)
            return
        if now:
            node = changed(node, concurrent=True)
        if tie and tie["word"].lower() == "or":
            self._alternative(node, clause.text)
        else:
            self.nodes.append(node)

    def _alternative(self, node: Node, text: str) -> None:
        """ "A; or B" within a sentence: clear when A is one thing, or when B is consent."""
        begin, unread = self._sentence
        before = self.nodes[begin:]
        consent = isinstance(node, Condition) and node.sort is Sort.CONSENT
        if before and len(self.rest) == unread and (len(before) == 1 or consent):
            self.nodes[begin:] = [any_of([all_of(before), node])]
        else:
            self.rest.append(text)


_TIE = re.compile(r"(?P<word>and|or),? ", re.IGNORECASE)
_OR_CONSENT = re.compile(
    r", or (?:by )?(?:the |written |instructor |department(?:al)? |program )*"
    r"(?:consent|permission|approval|authorization)",
    re.IGNORECASE,
)
_CONCURRENT = re.compile(
    r"^co-?requisites?:? |,? ?must be taken (?:as a co-?requisite|concurrently)$", re.IGNORECASE
)

"""One clause, by the grammar in `grammar.lark`, into a tree."""

import re
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import VisitError

from .english import Doubt, arrange
from .scope import LEADS, Code, Draft, finish, split
from .tree import Condition, Node, Placement, Sort


def read(clause: str) -> Node:
    """One clause. Raises Doubt or LarkError where it has two readings, or none."""
    try:
        node: Node = _CLAUSE.transform(_GRAMMAR.parse(clause))
    except VisitError as error:
        raise error.orig_exc from None
    return node


@v_args(inline=True)
class _Clause(Transformer[Token, Any]):
    """From Lark's tree to ours, innermost parentheses first."""

    def start(self, sequence: Node) -> Node:
        return sequence

    def sequence(self, *parts: Any) -> Node:
        drafts, joints = list(parts[::2]), [str(joint.type) for joint in parts[1::2]]
        return arrange(*finish(drafts, joints))

    def item(self, *parts: Any) -> Draft:
        leads = [part for part in parts if isinstance(part, Token) and part.type in LEADS]
        others = [part for part in parts if part not in leads]
        return Draft(leads, others[0], others[1:])

    def otherwise(self, _or: Token, node: Node) -> Node:
        return node

    def group(self, node: Node) -> Node:
        return node

    def course(self, token: Token) -> Code:
        return Code(*split(str(token)))

    def elided(self, token: Token) -> Code:
        return Code("", str(token))

    def score_on(self, token: Token) -> Node:
        return _placement(token, _SCORE_ON.search(str(token)))

    def test_score(self, token: Token) -> Node:
        return _placement(token, _TEST_SCORE.search(str(token)))

    def consent(self, token: Token) -> Node:
        return Condition(Sort.CONSENT, str(token))

    def standing(self, token: Token) -> Node:
        return Condition(Sort.STANDING, str(token))

    def programme(self, token: Token) -> Node:
        return Condition(Sort.PROGRAMME, str(token))

    def restriction(self, token: Token) -> Node:
        return Condition(Sort.RESTRICTION, str(token))

    def record(self, token: Token) -> Node:
        return Condition(Sort.RECORD, str(token))

    def ability(self, token: Token) -> Node:
        return Condition(Sort.EQUIVALENT, str(token))


_SCORE_ON = re.compile(
    r"score of (?:at least )?(?P<score>\d+).*? (?:on|in) (?:the |an? )?(?P<test>.+)", re.IGNORECASE
)
_TEST_SCORE = re.compile(
    r"^(?:an? )?(?P<test>.+?) score (?:of )?(?P<sign>[a-z >=≥]*?) ?(?P<score>\d+)", re.IGNORECASE
)
_STRICT = re.compile(r"^(?:above|over|>|(?:greater|more|higher) than)\s*$", re.IGNORECASE)


def _placement(token: Token, found: re.Match[str] | None) -> Node:
    if found is None:
        raise Doubt(f"a score that cannot be told: {token}")
    sign = found.groupdict().get("sign", "")
    return Placement(found["test"], int(found["score"]), strict=bool(_STRICT.match(sign)))


_GRAMMAR = Lark(
    files(__package__).joinpath("grammar.lark").read_text("utf-8"), parser="lalr", lexer="basic"
)
_CLAUSE = _Clause()

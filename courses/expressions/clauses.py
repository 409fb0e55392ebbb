"""A text into its clauses, and what a clause says as a whole without the help of a grammar."""

import re
from typing import NamedTuple

LENGTH = 4000
"""Characters: a longer text is not read at all. The longest of 5,090 real ones has 511."""

DEPTH = 8
"""Parentheses within parentheses; deeper is not prose."""

_I = re.IGNORECASE

_LABEL = re.compile(r"^\s*pre-?\s?requisites?(?:\(s\))?\s*:\s*", _I)
_END = re.compile(r"[.;](?=\s|$)")

_ASIDE = re.compile(
    r"\((?:"
    r"(?:F|W|SU?)(?:, ?(?:F|W|SU?)){0,3}"
    r"|(?:S/U|P/NP|Pass/Not Pass|Letter)[^()]{0,60}"
    r"|(?:formerly|cross-?listed|same as|conjoined|renumbered)[^()]{0,120}"
    r"|(?:not offered|may not be offered|offered)(?:(?!\bto\b)[^()]){0,80}"
    r"|(?:(?!required|must|,|;)[^()]){0,120}(?:recommended|preferred)"
    r")\.?\)",
    _I,
)
"""What stands in parentheses and changes nothing about who may enroll."""

_REMARK = re.compile(
    r"^(?:note: )?(?:"
    r"recommended(?: preparation| courses?)?:.*"
    r"|[^,]* (?:is|are) (?:strongly |highly )?recommended"
    r"|(?:(?!\band\b|\bor\b)[^,])* (?:strongly |highly )?recommended"
    r"|(?:this course |course )?(?:may|can) be"
    r" (?:taken (?:\w+ times )?for credit|repeated|coscheduled).*"
    r"|repeatable.*"
    r"|(?:students )?(?:will|may|can)(?: not|not) receive (?:duplicate )?credit for .*"
    r"|students may (?:only )?receive credit for (?:only )?one of .*"
    r"|duplicate credit .*"
    r"|(?:formerly|previously) (?:known as |numbered ).*"
    r"|[A-Z]{2,6} \d+[A-Z]* is cross-?listed with .*"
    r"|cross-?listed (?:with|as) .*"
    r"|satisfies .*requirement"
    r"|(?:not offered|offered|may not be offered) (?!.*\bto\b).*"
    r"|(?:S/U|P/NP|Pass/Not Pass)[^,]*(?:grades?|only|permitted|option)[^,]*"
    r"|(?:enrollment )?priority (?:is |will be )?given to .*"
    r")$",
    _I,
)
"""A sentence about credit, grading, names, times or advice: not a condition of enrolling."""

_NONE = re.compile(r"^(?:none|no prerequisites?|n/a|nil)$", _I)

_WAIVER = re.compile(
    r"^(?:nongraduate students|students who have not (?:completed|taken|met) [^,;]*)"
    r" may (?:also )?enroll with (?P<consent>(?:the )?(?:consent|permission|approval) of [\w ]+)$",
    _I,
)

_SPACE = re.compile(
    r"^(?P<who>(?:all )?(?:other|graduate|nonmajor)(?: graduate)? (?:students|majors)[^,;]*)"
    r" (?:will|may) be (?:allowed|considered|admitted) (?:as|if) space permits$",
    _I,
)

_RESTRICTION = re.compile(
    r"^(?:"
    r"(?:this )?(?:course |class |enrollment )?(?:is )?(?:only )?"
    r"(?:open|restricted|limited)(?: enrollment)?(?: only)? to (?!students who have taken).*"
    r"|(?:students? )?must be (?:an? )?(?:admitted|accepted|enrolled|registered|currently|declared)"
    r".*"
    r"|students must (?:be|apply|submit|receive) .*"
    r"|.*\b(?:majors?|minors?|students?) only"
    r"|.*\bmajors? (?:and \w+ )?only(?:,? or consent of (?:instructor|department))?"
    r"|by invitation only"
    r")$",
    _I,
)

NAMED = re.compile(
    r"(?<![A-Za-z])(?!(?:MC|CE|BE|PY|PC|MA) \d\d\b)(?:[A-Z]{2,6} \d{1,4}|[A-Z]{3,6}\d{1,4}"
    r"|[A-Z]{2}\d{3,4})[A-Z]{0,3}\b"
)
"""Something that looks like a course's code. A major's code has two letters and two digits."""


class Clause(NamedTuple):
    """A sentence, or a part of one up to a semicolon.

    `later`: it follows a semicolon, so a leading "or" or "and" ties it to what came before.
    """

    text: str
    later: bool = False


def tidy(text: str) -> str:
    """One line with single spaces, without a leading "Prerequisites:"."""
    return _LABEL.sub("", " ".join(text.split()))


def asides(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without the remarks in parentheses, and these."""
    found = tuple(match.group() for match in _ASIDE.finditer(text))
    return _ASIDE.sub(" ", text), found


def too_deep(text: str) -> bool:
    """Whether parentheses nest deeper than any prose does."""
    depth = 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth > DEPTH:
            return True
    return False


def clauses(text: str) -> list[Clause]:
    """Parted at full stops and semicolons outside parentheses."""
    found, begin, later = [], 0, False
    for end in [*_ends(text), len(text)]:
        part = " ".join(text[begin:end].split()).strip(" .;,")
        if part.strip("+"):
            found.append(Clause(part, later))
        later = text[end : end + 1] == ";"
        begin = end + 1
    return found


def _ends(text: str) -> list[int]:
    """Where a clause ends, counting parentheses once from left to right."""
    depth, at, ends = 0, 0, []
    for match in _END.finditer(text):
        between = text[at : match.start()]
        depth += between.count("(") - between.count(")")
        at = match.start()
        if depth <= 0:
            ends.append(at)
    return ends


def is_remark(text: str) -> bool:
    """Whether the clause only says what does not bear on enrolling."""
    return _REMARK.match(text) is not None


def is_none(text: str) -> bool:
    """Whether it says that nothing is asked."""
    return _NONE.match(text) is not None


def waiver(text: str) -> str | None:
    """The consent that stands instead of everything before it, if the clause gives one."""
    found = _WAIVER.match(text)
    return found["consent"] if found else None


def others(text: str) -> str | None:
    """Whom a restriction lets in where seats are left, if the clause says so."""
    return text if _SPACE.match(text) else None


def is_restriction(text: str) -> bool:
    """Whether the clause says who may enroll without naming a course."""
    return NAMED.search(text) is None and _RESTRICTION.match(text) is not None

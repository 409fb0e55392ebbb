"""Whether what a student has done satisfies a tree: yes, no, or a person has to look."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from .tree import All, Condition, Course, Node, Placement, Some, key, wording


class Verdict(StrEnum):
    """`UNKNOWN` is never taken for a yes: it waits for a person (T17)."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Answer(NamedTuple):
    """A verdict, what is missing for a yes, and what only a person can tell."""

    verdict: Verdict
    missing: tuple[str, ...] = ()
    to_check: tuple[str, ...] = ()


class Done(NamedTuple):
    """What a student has to show.

    `grades`: the best grade in each course completed, null where none is known. `taking`: courses
    of the same term. `unknown`: codes that the catalogue does not know, so nobody can say.
    """

    grades: Mapping[str, str | None] = {}
    taking: frozenset[str] = frozenset()
    placements: Mapping[str, int] = {}
    unknown: frozenset[str] = frozenset()


GRADES = ("A+", "A", "A-", "B+", "B", "B-", "C+", "C", "C-", "D+", "D", "D-", "F")
"""From the best to the worst; "P" and the like cannot be compared."""
FAILED = frozenset({"F", "NP", "U", "W", "I", "E"})

_YES = Answer(Verdict.YES)


def satisfied(tree: Node | None, done: Done) -> Answer:
    """Three-valued: a "no" is only said where every way of reading it is a no."""
    return _YES if tree is None else _judge(tree, _tidy(done))


def together(answers: Iterable[Answer]) -> Answer:
    """All of them: one no is a no, one unknown an unknown."""
    every = list(answers)
    worst = {answer.verdict for answer in every}
    verdict = next((each for each in (Verdict.NO, Verdict.UNKNOWN) if each in worst), Verdict.YES)
    return Answer(verdict, _join(each.missing for each in every), _join(a.to_check for a in every))


def _tidy(done: Done) -> Done:
    return Done(
        {key(code): grade for code, grade in done.grades.items()},
        frozenset(key(code) for code in done.taking),
        {_test(name): score for name, score in done.placements.items()},
        frozenset(key(code) for code in done.unknown),
    )


def _judge(node: Node, done: Done) -> Answer:
    match node:
        case Course():
            return _course(node, done)
        case Placement():
            return _placement(node, done)
        case Condition():
            return Answer(Verdict.UNKNOWN, to_check=(node.text,))
        case All():
            return together(_judge(part, done) for part in node.of)
        case Some():
            return _some(node, [_judge(part, done) for part in node.of])


def _some(node: Some, answers: list[Answer]) -> Answer:
    """Enough yeses are a yes; too few even if every unknown became one are a no."""
    yes = sum(each.verdict is Verdict.YES for each in answers)
    unknown = sum(each.verdict is Verdict.UNKNOWN for each in answers)
    if yes >= node.number:
        return _YES
    if yes + unknown < node.number:
        return Answer(Verdict.NO, missing=(wording(node),))
    checks = _join(each.to_check for each in answers if each.verdict is Verdict.UNKNOWN)
    return Answer(Verdict.UNKNOWN, missing=(wording(node),), to_check=checks)


def _course(node: Course, done: Done) -> Answer:
    code = key(node.code)
    if node.concurrent and code in done.taking:
        return _YES
    if code in done.grades:
        return _graded(node, done.grades[code])
    if code in done.unknown:
        return Answer(Verdict.UNKNOWN, to_check=(f"{node.code} is not in the catalogue",))
    return Answer(Verdict.NO, missing=(wording(node),))


def _graded(node: Course, grade: str | None) -> Answer:
    had = _letter(grade) if grade else ""
    if had in FAILED:
        return Answer(Verdict.NO, missing=(wording(node),))
    if node.minimum is None:
        return _YES
    if had not in GRADES or node.minimum not in GRADES:
        return Answer(Verdict.UNKNOWN, to_check=(f"{wording(node)}: had {grade or 'no grade'}",))
    if GRADES.index(had) <= GRADES.index(node.minimum):
        return _YES
    return Answer(Verdict.NO, missing=(wording(node),))


def _placement(node: Placement, done: Done) -> Answer:
    """A score that we were never told may still exist on paper."""
    score = done.placements.get(_test(node.test))
    if score is None:
        return Answer(Verdict.UNKNOWN, to_check=(wording(node),))
    enough = score > node.score if node.strict else score >= node.score
    return _YES if enough else Answer(Verdict.NO, missing=(wording(node),))


def best(grades: Iterable[str | None]) -> str | None:
    """The grade that serves the student most; one that cannot be compared before a failed one."""
    return min(grades, key=_rank)


def _rank(grade: str | None) -> int:
    letter = _letter(grade) if grade else ""
    if letter in FAILED:
        return len(GRADES) + 1
    return GRADES.index(letter) if letter in GRADES else len(GRADES)


def _letter(grade: str) -> str:
    return grade.strip().upper().replace("–", "-").replace("−", "-")


def _test(name: str) -> str:
    return " ".join(name.casefold().split())


def _join(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for part in parts for text in part))

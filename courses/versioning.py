"""Which version a change makes: how much changes, why, and the number that follows. Pure.

The seed's rules as the project's decisions settle them (T2 to T14): exact integers and Decimals;
a changed code is always MAJOR; only names can be typos, and a name that differs in a number never
is one; of a partial edit only the fields given are compared.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple
from unicodedata import normalize

from rapidfuzz.distance import Levenshtein


class Bump(StrEnum):
    """How much a change means (S1-57), in the seed's words."""

    NONE = "NONE"
    PATCH = "PATCH"
    MINOR = "MINOR"
    MAJOR = "MAJOR"


PRIORITY = (Bump.NONE, Bump.PATCH, Bump.MINOR, Bump.MAJOR)
FIRST, LAST = Decimal("1.0"), Decimal("9999.9")
TENTH = Decimal("0.1")

HOURS = (
    "lecture_hours",
    "tutorial_hours",
    "pratical_hours",
    "discussion_hours",
    "project_hours",
)
PERCENTAGES = (
    "percent_quiz_1",
    "percent_midsem",
    "percent_quiz_2",
    "percent_endsem",
    "percent_project",
    "percent_lab_evaluation",
    "percent_course_attendance",
)
TEXTS = ("pre_requisits", "syllabus", "ref_books")
NUMBERS = ("credit", *HOURS, *PERCENTAGES, "max_seats")
LINKS = ("disciplines", "pre_requisit_courses")
"""Fields that are sets of ids."""
CONTENT = ("code", "name", *NUMBERS, *TEXTS)
"""The columns that make a version what it is, and that never change once it is saved."""
VERSIONED = (*CONTENT, *LINKS)


class Typo(NamedTuple):
    """What the typo test says of two texts (S1-62): the seed's rule, and ours on top of it (T8)."""

    distance: int
    """Levenshtein's, whatever the case."""
    length: int
    """Of the longer text."""
    by_rule: bool
    numbers_differ: bool

    @property
    def verdict(self) -> bool:
        return self.by_rule and not self.numbers_differ


class Reason(NamedTuple):
    """One field that differs, what that calls for, and why."""

    field: str
    bump: Bump
    why: str
    typo: Typo | None = None
    """Where the test ran."""


class Overflow(ValueError):
    """There is no version after this one: 9999.9 is the last."""


# What kind of change ------------------------------------------------------------------------


def determine_version_bump_type(old_course: Any, new_data: Mapping[str, Any]) -> Bump:
    """MAJOR, MINOR, PATCH or NONE, the greatest that any field calls for (S1-57 to S1-61).

    `old_course` is a mapping, or an object with these attributes. Fields that `new_data` does not
    name are not compared (T10). Raises ValueError for a field that versions do not have.
    """
    return greatest(reason.bump for reason in reasons(old_course, new_data))


def greatest(bumps: Iterator[Bump]) -> Bump:
    """NONE when there is none."""
    return max(bumps, key=PRIORITY.index, default=Bump.NONE)


def reasons(old_course: Any, new_data: Mapping[str, Any]) -> tuple[Reason, ...]:
    """Why the bump is what it is: one entry for each field that differs, in the fields' order."""
    unknown = sorted(new_data.keys() - set(VERSIONED))
    if unknown:
        raise ValueError(f"no fields of a course version: {', '.join(unknown)}")
    found = (
        _reason(field, _field(old_course, field), plain(field, new_data[field]))
        for field in VERSIONED
        if field in new_data
    )
    return tuple(reason for reason in found if reason is not None)


def _field(course: Any, field: str) -> Any:
    return plain(field, course[field] if isinstance(course, Mapping) else getattr(course, field))


def plain(field: str, value: Any) -> Any:
    """A field's value as it is compared and kept.

    Browsers send lines that end in CR LF and pad what people type; neither is a change.
    """
    if field in LINKS:
        return frozenset(value)
    if field in TEXTS or field in ("code", "name"):
        text = str(value or "").replace("\r\n", "\n").replace("\r", "\n").strip()
        return None if field == "pre_requisits" and not text else text
    return value


def normal_code(code: str) -> str:
    """A code as it is compared: `cs101 ` is `CS101` (T15)."""
    return code.strip().upper()


def is_version(cell: str, version: Decimal) -> bool:
    """Whether a file's cell is this version: spreadsheets write `1` for `1.0`."""
    return cell in (str(version), str(version).removesuffix(".0"))


def _reason(field: str, old: Any, new: Any) -> Reason | None:
    if old == new:
        return None
    if field == "code":
        return _code_reason(old, new)
    if field == "name":
        return _name_reason(old, new)
    if field == "disciplines":
        return Reason(field, Bump.MAJOR, "The course belongs to other disciplines.")
    return Reason(field, Bump.MINOR, _MINOR[field])


_MINOR: Mapping[str, str] = {
    "credit": "The credits change.",
    "max_seats": "The seats that the catalogue plans for change.",
    "pre_requisits": "The prerequisites in words change.",
    "pre_requisit_courses": "The courses needed before this one change.",
    "syllabus": "The syllabus changes.",
    "ref_books": "The reference books change.",
    **dict.fromkeys(HOURS, "The contact hours change."),
    **dict.fromkeys(PERCENTAGES, "The assessment changes."),
}
"""The seed's list (S1-59), and the structured prerequisites that it forgets (T11)."""


def _code_reason(old: str, new: str) -> Reason:
    if normal_code(old) == normal_code(new):
        return Reason("code", Bump.PATCH, "The code is the same one, written differently.")
    return Reason("code", Bump.MAJOR, "A course of another code is another course on paper.")


def _name_reason(old: str, new: str) -> Reason:
    typo = typo_test(old, new)
    if " ".join(old.split()).casefold() == " ".join(new.split()).casefold():
        return Reason("name", Bump.PATCH, "Only spaces or capitals of the name change.", typo)
    if typo.verdict:
        return Reason("name", Bump.PATCH, "The name is corrected.", typo)
    if typo.by_rule:
        why = "The name differs in a number, which is never a typing error."
        return Reason("name", Bump.MINOR, why, typo)
    return Reason("name", Bump.MINOR, "The course has another name.", typo)


# Typing errors ------------------------------------------------------------------------------


def is_typo_correction(old_text: str, new_text: str) -> bool:
    """Whether one text is the other without a typing error (S1-62, T5, T8, T9).

    The seed's rule in whole numbers, and on top of it: what differs in a number, a roman numeral
    or a word for a number is no typing error. False when either is empty.
    """
    return typo_test(old_text, new_text).verdict


def typo_test(old_text: str, new_text: str) -> Typo:
    """The same with what led to it, for the preview and the audit (T8)."""
    length = max(len(old_text), len(new_text))
    distance = Levenshtein.distance(old_text.lower(), new_text.lower())
    near = distance <= min(3, length // 4) and 5 * distance < length
    both = bool(old_text and new_text)
    return Typo(distance, length, both and near, _numbers(old_text) != _numbers(new_text))


_WORDS = re.compile(r"\d+|[^\W\d_]+")
_ROMAN = re.compile(r"m{0,3}(cm|cd|d?c{0,3})(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})")
_SPELLED = frozenset(
    (
        *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
        *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"),
        *("eleven", "twelve", "tenth"),
    )
)


def _numbers(text: str) -> list[str]:
    """Everything in a text that counts, in order: `Physics II (2nd part)` has ii and 2."""
    words = _WORDS.findall(normalize("NFKC", text).lower())
    return [word for word in words if _counts(word)]


@cache
def _counts(word: str) -> bool:
    return word.isdecimal() or word in _SPELLED or _ROMAN.fullmatch(word) is not None


# What comes next ----------------------------------------------------------------------------


def next_version(version: Decimal, bump: Bump, above: Decimal | None = None) -> Decimal:
    """The version that follows (S1-63, T2 to T4): MAJOR n.0, MINOR +1.0, PATCH +0.1, which carries.

    `above` is the highest version that another course had under the same code: a MAJOR one then
    starts beyond it, so that a code and a version never mean two courses (S1-24). NONE is the
    version itself. Raises Overflow past 9999.9.
    """
    after = _after(version, bump)
    if above is not None and above >= after:
        after = Decimal(int(above) + 1)
    after = after.quantize(TENTH)
    if after > LAST:
        raise Overflow(f"there is no version after {version}: {LAST} is the last")
    return after


def _after(version: Decimal, bump: Bump) -> Decimal:
    match bump:
        case Bump.MAJOR:
            return Decimal(int(version) + 1)
        case Bump.MINOR:
            return version + Decimal("1.0")
        case Bump.PATCH:
            return version + TENTH
        case Bump.NONE:
            return version

"""What became of a request, in words: an outcome's code, a sentence, a remedy and its facts.

Settlements know places by number and offerings by id; people know sections by code and courses by
name. Pure: the labels are passed in.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from courses.models import section_code

from .rules import REASONS, Reason
from .vocabulary import BASE, Kind, Result

SAID_AT_THE_DOOR: Mapping[str, Reason] = {
    "KEY_REUSED": Reason(
        "This Idempotency-Key was already sent with another request.",
        "Use a new key for each request; repeat a key only to repeat its request.",
    ),
    "TOO_MANY_OPEN": Reason(
        "You have as many undecided requests as one student may have.",
        "Wait until some of them are decided, or cancel one.",
    ),
    "TOO_MANY_PER_MINUTE": Reason(
        "You have sent more requests in a minute than one student may.",
        "Wait as long as Retry-After says. Sending sooner does not move you up.",
    ),
    "BACKLOG": Reason(
        "More requests are waiting than can be decided soon, so no more are taken just now.",
        "Send it again after the time that Retry-After says.",
    ),
    "UNAVAILABLE": Reason(
        "The registrar's database is not answering; your request may not have been taken.",
        "Send it again after the time that Retry-After says, with the same Idempotency-Key.",
    ),
    "COURSE_UNKNOWN": Reason(
        "No course of that id or code is offered in the term open for you.",
        "Look it up in the catalogue.",
    ),
    "REQUEST_UNKNOWN": REASONS["NOT_YOURS"],
    "SAME_COURSE": Reason(
        "A change of section within a course names the section wanted.",
        "Name the section, or give up another course.",
    ),
    "CART_EMPTY": Reason(
        "There is nothing in your cart to enroll in.",
        "Put a course into the cart first; courses you hold or wait for have left it.",
    ),
    "CART_FULL": Reason(
        "Your cart holds as many courses as can be asked for at once.",
        "Take a course out of it first.",
    ),
    "CART_PINNED": Reason(
        "A cart taken all or nothing cannot ask for particular sections.",
        "Leave the sections open, or enroll in the cart one course at a time.",
    ),
    "CART_TERMS": Reason(
        "A cart taken all or nothing must be of one term.",
        "Take the courses of other terms out of the cart.",
    ),
    "NOT_CANCELLABLE": Reason(
        "This kind of request cannot be cancelled.",
        "Only what you asked for a course can be, and only until it is decided.",
    ),
}
"""What is said before anything has been accepted, besides `WINDOW_CLOSED` and the like."""


class Told(NamedTuple):
    """An outcome as people read it."""

    code: str
    sentence: str
    remedy: str
    facts: dict[str, Any]


def reason(code: str) -> Reason:
    """What a code says. Raises KeyError for one that nobody may send."""
    return REASONS.get(code) or SAID_AT_THE_DOOR[code]


def tell(
    kind: Kind,
    result: Result,
    code: str,
    facts: Mapping[str, Any],
    courses: tuple[int, ...],
    codes: Mapping[int, str],
) -> Told:
    """Put an outcome into words; `courses` are the offerings asked for, the wanted one first, and
    `codes` the course codes of every offering that the facts name."""
    worded = in_words(facts, courses[0] if courses else 0, codes)
    if result in (Result.REFUSED, Result.FAILED_INTERNAL):
        why = REASONS.get(code, REASONS["FAILED_INTERNAL"])
        return Told(code, why.sentence, why.remedy, worded)
    names = [codes.get(offering, "this course") for offering in courses]
    sentence, remedy = _SENTENCES[result](kind, names, worded)
    return Told(code, sentence, remedy, worded)


def named_offerings(facts: Mapping[str, Any]) -> set[int]:
    """The offerings that an outcome's facts speak of."""
    found = {facts[name] for name in ("offering", "with_offering") if name in facts}
    found.update(int(offering) for offering in facts.get("sections", ()))
    for blocked in facts.get("blocking", ()):
        found |= named_offerings(blocked)
    return found


def in_words(facts: Mapping[str, Any], offering: int, codes: Mapping[int, str]) -> dict[str, Any]:
    """Facts with codes in the place of ids and numbers; `offering` is whose sections they are."""
    worded: dict[str, Any] = {}
    for name, value in facts.items():
        match name:
            case "section":
                worded[name] = section(codes.get(offering, ""), value)
            case "sections":
                worded[name] = {
                    codes.get(int(o), o): section(codes.get(int(o), ""), number)
                    for o, number in value.items()
                }
            case "offering":
                worded["course"] = codes.get(value)
            case "with_offering":
                worded["with_course"] = codes.get(value)
            case "blocking":
                worded[name] = [_blocked(each, codes) for each in value]
            case "reason":
                pass  # what staff wrote is for staff
            case _:
                worded[name] = value
    return worded


def section(course: str, number: int) -> str | None:
    """A section's code; None for a seat on the course itself (S0-11)."""
    return None if number == BASE else section_code(course, number)


def _blocked(facts: Mapping[str, Any], codes: Mapping[int, str]) -> dict[str, Any]:
    why = REASONS.get(facts["code"], REASONS["FAILED_INTERNAL"])
    worded = in_words(facts, facts["offering"], codes)
    return {**worded, "sentence": why.sentence, "remedy": why.remedy}


# One sentence for each way a request can end well -----------------------------------------------

_Says = Callable[[Kind, list[str], Mapping[str, Any]], tuple[str, str]]


def _enrolled(kind: Kind, names: list[str], facts: Mapping[str, Any]) -> tuple[str, str]:
    if kind is Kind.BUNDLE:
        return f"You have a seat in every course of your cart: {', '.join(names)}.", ""
    return f"You have a seat in {_seat(names[0], facts)}.", ""


def _waitlisted(kind: Kind, names: list[str], facts: Mapping[str, Any]) -> tuple[str, str]:
    return (
        f"{names[0]} is full; you joined its waitlist as number {facts['position']}.",
        "Nothing to do: a seat that comes free is yours when it is your turn.",
    )


def _dropped(kind: Kind, names: list[str], facts: Mapping[str, Any]) -> tuple[str, str]:
    return f"You gave up your seat in {_seat(names[0], facts)}.", ""


def _swapped(kind: Kind, names: list[str], facts: Mapping[str, Any]) -> tuple[str, str]:
    return f"You gave up {names[-1]} for a seat in {_seat(names[0], facts)}.", ""


def _left(kind: Kind, names: list[str], facts: Mapping[str, Any]) -> tuple[str, str]:
    return f"You left the waitlist of {names[0]}.", ""


def _cancelled(kind: Kind, names: list[str], facts: Mapping[str, Any]) -> tuple[str, str]:
    return "You cancelled this request before it was decided.", ""


def _done(kind: Kind, names: list[str], facts: Mapping[str, Any]) -> tuple[str, str]:
    if kind is Kind.CANCEL:
        return f"Request {facts['request']} was cancelled.", ""
    return "Done.", ""


def _seat(course: str, facts: Mapping[str, Any]) -> str:
    code = facts.get("section")
    return f"{course}, section {code}" if code else course


_SENTENCES: Mapping[Result, _Says] = {
    Result.ENROLLED: _enrolled,
    Result.WAITLISTED: _waitlisted,
    Result.DROPPED: _dropped,
    Result.SWAPPED: _swapped,
    Result.LEFT: _left,
    Result.CANCELLED: _cancelled,
    Result.DONE: _done,
}

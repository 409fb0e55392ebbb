"""May this student take a seat? One small pure function per rule, and what a refusal says.

A rule looks at a `Case` and answers with a `Refusal` or with None. A refusal carries a stable
code, the facts that led to it, and (by its code) a sentence for the student and a remedy: it is
data that the student reads, never an exception. Order: eligibility, then academic rules; seats
and the timetable depend on the place and are asked by `allocation` (S1-90).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from courses.timetable import Meets, describe, overlap

from .vocabulary import STUDENT_KINDS, Held, Kind, Status, Waiting

VERSION = 1
"""Of what `allocate` decides. Raise it with any change of a decision, a reason or its facts: stored
facts are decided again only by the version that decided them (tests/unit/test_rules_version.py)."""


class Reason(NamedTuple):
    """What a student reads: why, and the way forward."""

    sentence: str
    remedy: str


REASONS: Mapping[str, Reason] = {
    "WINDOW_CLOSED": Reason(
        "Registration is not open for you at this moment.",
        "Wait for your window to open; its times are on your registration page.",
    ),
    "PAUSED": Reason(
        "The registrar has paused registration for this course.",
        "Nothing is lost: try again when the course page says it is open.",
    ),
    "OFFERING_CLOSED": Reason(
        "This course is no longer offered this term.",
        "Choose another course.",
    ),
    "ALREADY_ENROLLED": Reason(
        "You already have a seat in this course.",
        "Nothing to do. To change section, ask for a swap.",
    ),
    "ALREADY_WAITING": Reason(
        "You are already on this course's waitlist.",
        "Keep your place, or leave the waitlist first to ask for another section.",
    ),
    "NOT_ENROLLED": Reason(
        "You have no seat in this course to give up.",
        "If you are on the waitlist, leave the waitlist instead.",
    ),
    "NOT_WAITING": Reason(
        "You are not on this course's waitlist.",
        "Check your waitlist places; you may already have been given a seat.",
    ),
    "CREDIT_MAXIMUM": Reason(
        "This course would take you over your credit maximum for the term.",
        "Drop or swap a course, or ask the registrar's office for a higher maximum.",
    ),
    "TIME_CLASH": Reason(
        "Every section of this course meets at the same time as a course you hold.",
        "Swap the course it clashes with, or choose another course.",
    ),
    "FULL": Reason(
        "No seat is free and the waitlist takes no more names.",
        "Try again after others drop, or choose another course.",
    ),
    "SWAP_FULL": Reason(
        "The course you want has no free seat; you keep the seat you have.",
        "Join its waitlist, or swap into another course.",
    ),
    "SECTION_UNKNOWN": Reason(
        "This course has no section of that number.",
        "Choose one of the sections shown on the course page, or leave the section open.",
    ),
    "BUNDLE_BLOCKED": Reason(
        "Not every course of this cart could be had, so none was taken.",
        "Change the courses named, or enroll in the cart one course at a time.",
    ),
    "ALREADY_DECIDED": Reason(
        "That request was already decided, so it cannot be cancelled.",
        "If it gave you a seat you do not want, drop the course.",
    ),
    "NOT_YOURS": Reason(
        "There is no such request of yours.",
        "Check the request's number on your registration page.",
    ),
    "STUDENT_UNKNOWN": Reason(
        "There is no such student in this term.",
        "Check the student's number.",
    ),
    "LIMIT_INVALID": Reason(
        "That limit cannot be set.",
        "Give a whole number of seats that is zero or more.",
    ),
    "CLASH_FOR_STUDENTS": Reason(
        "Students of this section hold other courses at those times.",
        "Choose other times, or move the students named first.",
    ),
    "FAILED_INTERNAL": Reason(
        "An error on our side kept this request from being decided.",
        "Please send it again. The registrar's office has been told.",
    ),
}


class Refusal(NamedTuple):
    """A refusal as a value: a code of `REASONS` and the facts that led to it."""

    code: str
    facts: Mapping[str, Any] = {}


class Student(Protocol):
    """What a rule may know of a student: by offering, the seats held and the places in line."""

    id: int
    credits: int
    max_credits: int

    @property
    def held(self) -> Mapping[int, Held]: ...
    @property
    def waits(self) -> Mapping[int, Waiting]: ...


class Offering(Protocol):
    """What a rule may know of an offering."""

    id: int
    status: str
    credits: int


class Case(NamedTuple):
    """A student who wants a seat in an offering; `giving` is the offering given up for it."""

    kind: Kind
    window: int
    student: Student
    offering: Offering
    giving: int = 0

    def given(self) -> Held | None:
        """The seat that would be given up, if any."""
        return self.student.held.get(self.giving) if self.giving else None


def window_open(case: Case) -> Refusal | None:
    """A student's request is honoured only if it was accepted in a window (T35).

    The time and the cohort are tested inside intake's INSERT; here it is enough that they were.
    """
    if case.kind in STUDENT_KINDS and not case.window:
        return Refusal("WINDOW_CLOSED")
    return None


def offering_open(case: Case) -> Refusal | None:
    """The offering takes students: it is neither paused nor closed."""
    return status_refusal(case.offering.status)


def status_refusal(status: str) -> Refusal | None:
    """The refusal that an offering's status alone gives to whatever a student asks of it."""
    if status == Status.OPEN:
        return None
    return Refusal("PAUSED" if status == Status.PAUSED else "OFFERING_CLOSED")


def not_enrolled(case: Case) -> Refusal | None:
    """One live seat per student and offering; giving that very seat up is a change of section."""
    held = case.student.held.get(case.offering.id)
    if held is None or case.giving == case.offering.id:
        return None
    return Refusal("ALREADY_ENROLLED", {"section": held.number})


def not_waiting(case: Case) -> Refusal | None:
    """One place in line per student and offering; a swap or a permit may end the wait."""
    if case.kind not in (Kind.ENROLL, Kind.BUNDLE):
        return None
    return Refusal("ALREADY_WAITING") if case.offering.id in case.student.waits else None


def credit_maximum(case: Case) -> Refusal | None:
    """Credits held, less those given up, plus those wanted stay within the student's maximum."""
    given = case.given()
    after = case.student.credits - (given.credits if given else 0) + case.offering.credits
    if after <= case.student.max_credits:
        return None
    return Refusal(
        "CREDIT_MAXIMUM",
        {
            "credits": case.student.credits,
            "wanted": case.offering.credits,
            "maximum": case.student.max_credits,
        },
    )


def timetable_clash(case: Case, meets: Meets) -> int:
    """The offering held whose times overlap `meets`, or 0. A seat given up does not count."""
    if not meets:
        return 0
    for held in case.student.held.values():
        if held.offering != case.giving and held.meets and overlap(held.meets, meets):
            return held.offering
    return 0


def clash_refusal(case: Case, offering: int, meets: Meets) -> Refusal:
    """Why no section fits: the course held and when it meets."""
    return Refusal("TIME_CLASH", {"with_offering": offering, "meets": describe(meets)})


RULES: tuple[Callable[[Case], Refusal | None], ...] = (
    window_open,
    offering_open,
    not_enrolled,
    not_waiting,
    credit_maximum,
)
"""Asked in this order of whoever asks for a seat."""

PROMOTION_RULES: tuple[Callable[[Case], Refusal | None], ...] = (
    offering_open,
    not_enrolled,
    credit_maximum,
)
"""Asked again of whoever waits when a seat comes free: the window was theirs when they asked."""

PERMIT_RULES: tuple[Callable[[Case], Refusal | None], ...] = (not_enrolled, credit_maximum)
"""Asked of whom staff seat over the limit: a permit waives seats and a pause, nothing else (D5)."""


def first_refusal(
    case: Case, rules: tuple[Callable[[Case], Refusal | None], ...] = RULES
) -> Refusal | None:
    """The first rule that refuses, or None when all of them let the student pass."""
    for rule in rules:
        refusal = rule(case)
        if refusal is not None:
            return refusal
    return None

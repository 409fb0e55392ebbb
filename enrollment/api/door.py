"""What the endpoints share: who asks, what is meant, and how it is answered."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from enrollment import directory, intake, line, queries
from enrollment.directory import Listed
from enrollment.requests import Accepted, Declined, Submission
from enrollment.vocabulary import Kind
from enrollment.wording import reason
from registrar.accounts.models import User
from registrar.accounts.tokens import Bearer, bearer
from registrar.api import Sent, answer
from registrar.problems import Problem, invalid, problem

REQUESTS = "/api/student/requests/"
KEY_LENGTH = 100
LONGEST_PAUSE = 10
"""Seconds after which a client is to look again, at most."""
PLAIN = frozenset({"*/*", "application/json"})
"""What may be wanted for an answer, if it is said at all; anything else is for the framework."""
_SHORT = frozenset({"GET", "POST", "PUT", "DELETE"})
_BIGGEST_NUMBER = 2**31 - 1
_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,9})(?=$|[,;\s])")
_SECTION_CODE = re.compile(r"(.+)-SEC(\d{3,9})", re.ASCII | re.IGNORECASE)


class Asker(NamedTuple):
    """The student who is signed in."""

    pk: int
    cohort: str
    actor: str
    """As they stand in a request's row and in the audit."""

    @classmethod
    def of(cls, user: User | AnonymousUser) -> "Asker":
        """Raises Problem unless this user is a student."""
        student = getattr(user, "student", None)
        if student is None:
            raise Problem("NOT_A_STUDENT")
        return cls(student.pk, student.cohort, f"user:{user.pk}")

    @classmethod
    def by(cls, token: Bearer) -> "Asker":
        """Raises Problem unless it is a student's token."""
        if token.student is None:
            raise Problem("NOT_A_STUDENT")
        pk, _, _, cohort = token.student
        return cls(pk, cohort, f"user:{token.user[0]}")


class IsStudent(BasePermission):
    """Only students register; staff act for them in the administration."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            return False
        view.student = Asker.of(request.user)  # type: ignore[attr-defined]
        return True


class StudentView(APIView):
    """An endpoint for the student who is signed in."""

    permission_classes = (IsStudent,)
    student: Asker

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """A short way for what nearly every request is: a token, and plain JSON wanted.

        It comes to the same as the framework's, which takes as long as all the rest of a POST:
        the token says who asks (there is no cookie, so nothing to forge), only a student passes,
        and what is raised becomes a problem. Handlers use only what both kinds of request have.
        """
        handler = getattr(self, request.method.lower(), None) if request.method in _SHORT else None
        usual = request.META.get("HTTP_ACCEPT", "*/*") in PLAIN
        authorization = request.META.get("HTTP_AUTHORIZATION")
        if handler is None or not usual or not authorization:
            return super().dispatch(request, *args, **kwargs)
        try:
            token = bearer(authorization)
            if token is None:
                return super().dispatch(request, *args, **kwargs)
            self.student = Asker.by(token)
            return handler(request, *args, **kwargs)
        except Exception as error:
            told = problem(error, {})
            if told is None:
                raise
            return told


class Headers(NamedTuple):
    """What every POST may say besides its body."""

    key: str
    wait: int
    """Seconds the client would wait for the outcome."""


def read_headers(request: Sent) -> Headers:
    """The Idempotency-Key and the preference to wait. Raises Problem for a key of no use."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not (0 < len(key) <= KEY_LENGTH and key.isascii() and key.isprintable()):
        wanted = f"1 to {KEY_LENGTH} printable ASCII characters"
        raise invalid({"Idempotency-Key": f"must be {wanted}"})
    found = _WAIT.search(request.META.get("HTTP_PREFER", ""))
    return Headers(key or "", min(int(found[1]), 5) if found else 0)


# What is meant ------------------------------------------------------------------------------


def said(code: str, **facts: Any) -> Problem:
    """A refusal in the words that this code always has."""
    why = reason(code)
    return Problem(code, why.sentence, why.remedy, **facts)


def find(named: str, student: Asker, kind: Kind) -> Listed:
    """The offering that a path means (D4). Raises Problem."""
    terms = directory.terms_for(student.cohort, kind, directory.now())
    if not terms:
        raise closed(student, kind, terms)
    found = directory.find(named, terms)
    if found is None:
        raise said("COURSE_UNKNOWN")
    return found


def closed(student: Asker, kind: Kind, terms: Sequence[int]) -> Problem:
    """The window is not open for this student, and when it is."""
    window = directory.next_window(student.cohort, kind, terms, directory.now())
    return said(
        "WINDOW_CLOSED",
        opens_at=window.opens_at.isoformat() if window else None,
        closes_at=window.closes_at.isoformat() if window else None,
    )


def read_section(given: Any, course: str) -> int | None:
    """A section's number, from the number or the code; None where any will do."""
    if given is None:
        return None
    if isinstance(given, str) and (found := _SECTION_CODE.fullmatch(given.strip())):
        if found[1].upper() != course.strip().upper():
            raise said("SECTION_UNKNOWN", section=given)
        given = int(found[2])
    if not isinstance(given, int) or isinstance(given, bool):
        raise invalid({"section": "must be a section's number or its code"})
    if not 0 <= given <= _BIGGEST_NUMBER:
        raise said("SECTION_UNKNOWN", section=given)
    return given


def read_given(given: Any, wanted: Listed) -> Listed:
    """The course that a swap gives up, in the term of the course wanted."""
    named = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if not isinstance(named, str):
        raise invalid({"give": "must be the id or the code of the course given up"})
    found = directory.find(named, (wanted.term,))
    if found is None:
        raise invalid({"give": "no course of that id or code is offered in this term"})
    return found


# What is answered ---------------------------------------------------------------------------


def refusal(declined: Declined, submission: Submission, student: Asker) -> Problem:
    """What the door said, as a problem."""
    if declined.code == "WINDOW_CLOSED":
        return closed(student, submission.kind, (submission.term,))
    facts = {**declined.facts}
    if declined.code == "TOO_MANY_OPEN":
        facts.setdefault("retry_after", line.eta())
    return said(declined.code, **facts)


class Place(NamedTuple):
    """Where a request would stand: looked up before it stands in line itself."""

    ahead: int
    eta_seconds: int

    @classmethod
    def of(cls, submission: Submission) -> "Place":
        return cls(line.position(submission.offerings), line.eta())


def in_line(
    accepted: Accepted, submission: Submission, courses: Sequence[Listed], place: Place
) -> queries.Asked:
    """A request that was accepted this instant, as reading it back would show it."""
    return queries.Asked(
        id=accepted.request,
        kind=submission.kind,
        state=queries.PENDING,
        term=courses[0].term_code,
        course=courses[0].code,
        offering=courses[0].offering,
        courses=[each.code for each in courses],
        accepted_at=accepted.accepted_at,
        position=place.ahead,
        eta_seconds=place.eta_seconds,
        decided_at=None,
        outcome=None,
        waitlist=None,
    )


def taken(
    student: Asker, submission: Submission, courses: Sequence[Listed], wait: int
) -> HttpResponse:
    """Hand a submission in and answer: 202 with the place in line, 200 when it is decided.

    Raises Problem when it was not accepted.
    """
    place = Place.of(submission)
    [said_at_the_door] = intake.submit([submission])
    if isinstance(said_at_the_door, Declined):
        raise refusal(said_at_the_door, submission, student)
    request = said_at_the_door.request
    asked = None
    if wait:
        intake.wait_for([request], wait)
    if wait or said_at_the_door.replayed:
        asked = queries.request(student.pk, request)
    asked = asked or in_line(said_at_the_door, submission, courses, place)
    return receipt(asked, [asked], f"{REQUESTS}{request}/", wait)


def receipt(body: Any, asked: Sequence[queries.Asked], location: str, wait: int) -> HttpResponse:
    """The answer to a POST: where to look, and when, unless all of it is decided."""
    headers = {"Location": location} | retry_after(asked)
    decided = "Retry-After" not in headers
    if decided and wait:
        headers["Preference-Applied"] = f"wait={wait}"
    return answer(body, code=200 if decided else 202, headers=headers)


def retry_after(asked: Sequence[queries.Asked]) -> dict[str, str]:
    """When to look again, while anything is pending."""
    pauses = [each.eta_seconds or 1 for each in asked if each.outcome is None]
    return {"Retry-After": str(min(max(pauses), LONGEST_PAUSE))} if pauses else {}

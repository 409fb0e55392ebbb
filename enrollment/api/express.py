"""The short way of a POST that asks for a course, or for a cart: no thread waits for its commit.

On a registration day nearly every request is one of these: a token, a course, at most a section.
The server's event loop reads it here, by the same rules as Django would have it read; who sends it
is looked up by the intake, together with everybody else in the same commit; and the loop answers.

Whatever is not plainly so goes the long way, to the views: who asks to wait, what is refused, what
was asked before. Nothing has been done by then, so the long way answers as if it were the first.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self, TypeAlias

from django.db import Error

from enrollment import cart, directory, queries
from enrollment.cart import Item
from enrollment.directory import Listed
from enrollment.intake import Unread
from enrollment.requests import Accepted, Answer, Submission
from registrar.accounts.tokens import Bearer, InvalidToken, digest_in
from registrar.api import OWN, read_body, written
from registrar.problems import Problem

from .cart import Order, read_together, taken
from .courses import ACTIONS, CourseAction
from .door import PLAIN, REQUESTS, Asker, Place, in_line, read_headers, retry_after

_PATH = re.compile(rf"/api/student/courses/([^/]+)/({'|'.join(ACTIONS)})/")
_CART = "/api/student/enrollment/cart/enroll/"

Told: TypeAlias = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body, as the views write them."""


class Express(Unread):
    """A POST on the short way."""

    __slots__ = ()

    def reply(self, answers: Sequence[Answer]) -> Told | None:
        """What its answers come to; None for what has to go the long way."""
        raise NotImplementedError


class Ask(Express):
    """For one course."""

    __slots__ = ("_action", "_body", "_course", "_courses", "_key", "_place")

    def __init__(
        self, digest: str, action: type[CourseAction], course: str, body: dict[str, Any], key: str
    ) -> None:
        super().__init__(digest)
        self._action, self._course, self._body, self._key = action, course, body, key
        self._courses: Sequence[Listed]
        self._place: Place

    @classmethod
    def read_all(cls, some: Sequence[tuple[Self, Bearer]]) -> None:
        for ask, sender in some:
            with suppress(Problem):
                ask._read(Asker.by(sender))

    def _read(self, student: Asker) -> None:
        asked = self._action.submission(student, self._course, self._body, self._key)
        submission, self._courses = asked
        if _may_be_asked(submission, student):
            self._place = Place.of(submission)
            self.submissions = (submission,)

    def reply(self, answers: Sequence[Answer]) -> Told | None:
        match [*answers]:
            case [Accepted(replayed=False) as accepted]:
                [submission] = self.submissions
                asked = in_line(accepted, submission, self._courses, self._place)
                location = {"Location": f"{REQUESTS}{accepted.request}/"}
                return 202, OWN | location | retry_after([asked]), written(asked).encode()
        return None


class Cart(Express):
    """For all that is in the cart."""

    __slots__ = ("_key", "_places", "_sender", "_together", "_told")

    def __init__(self, digest: str, together: bool, key: str) -> None:
        super().__init__(digest)
        self._together, self._key = together, key
        self._sender: Asker
        self._places: Sequence[Place]
        self._told: Told | None = None

    @classmethod
    def read_all(cls, some: Sequence[tuple[Self, Bearer]]) -> None:
        orders: list[tuple[Self, Order]] = []
        for post, sender in some:
            with suppress(Problem):
                orders.append((post, Order(Asker.by(sender), post._together, post._key)))
        before = queries.sent_with([order.sent_with for _, order in orders if order.key])
        items = cart.items_of([order.student.pk for _, order in orders])
        for post, order in orders:
            if not before.get(order.sent_with):
                with suppress(Problem):
                    post._read(order, items[order.student.pk])

    def _read(self, order: Order, items: Sequence[Item]) -> None:
        submissions = order.submissions(items)
        if all(_may_be_asked(each, order.student) for each in submissions):
            self._sender = order.student
            self._places = [Place.of(each) for each in submissions]
            self.submissions = submissions

    def answer(self, answers: Sequence[Answer]) -> None:
        """Put into words here, in the intake's thread: what is declined may need a look."""
        fresh = not any(isinstance(each, Accepted) and each.replayed for each in answers)
        if self.submissions and fresh:
            with suppress(Problem, Error):
                told = taken(self._sender, self.submissions, self._places, answers, wait=0)
                self._told = told.status_code, told.headers, told.content
        super().answer(answers)

    def reply(self, answers: Sequence[Answer]) -> Told | None:
        return self._told


def _may_be_asked(submission: Submission, student: Asker) -> bool:
    """Whether there is a window for it, as far as this process knows: who comes too early would
    be looked at twice."""
    return directory.is_open(submission.term, student.cohort, submission.kind, directory.now())


class _Sent:
    """As much of a request as reading it takes."""

    __slots__ = ("META", "body", "content_type")

    def __init__(self, environ: Mapping[str, Any], body: bytes) -> None:
        self.META, self.body = environ, body
        self.content_type = environ.get("CONTENT_TYPE", "")


def read(path: str, environ: Mapping[str, Any], body: bytes) -> Express | None:
    """A POST, from what a WSGI application is told of it; None for what has to go the long way."""
    asked = _PATH.fullmatch(path)
    if (asked is None and path != _CART) or environ.get("HTTP_ACCEPT", "*/*") not in PLAIN:
        return None
    sent = _Sent(environ, body)
    try:
        digest = digest_in(environ.get("HTTP_AUTHORIZATION", ""))
        said = read_headers(sent)
        if digest is None or said.wait:
            return None
        if asked is None:
            return Cart(digest, read_together(sent), said.key)
        action = ACTIONS[asked[2]]
        return Ask(digest, action, asked[1], read_body(sent, action.fields), said.key)
    except (Problem, InvalidToken):
        return None

"""The short way of a POST that asks for a course: no thread waits for its commit.

On a registration day nearly every request is one of these: a token, a course, at most a section.
The server's event loop reads it here, by the same rules as Django would have it read; who sends it
is looked up by the intake, together with everybody else in the same commit; and the loop answers.

Whatever is not plainly so goes the long way, to the views: who asks to wait, what is refused, what
was asked before. Nothing has been done by then, so the long way answers as if it were the first.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from enrollment import directory
from enrollment.directory import Listed
from enrollment.intake import Unread
from enrollment.requests import Accepted
from registrar.accounts.tokens import Bearer, InvalidToken, digest_in
from registrar.api import OWN, Problem, read_body, written

from .courses import ACTIONS, CourseAction
from .door import PLAIN, REQUESTS, Asker, Place, in_line, read_headers, retry_after

_PATH = re.compile(rf"/api/student/courses/([^/]+)/({'|'.join(ACTIONS)})/")


class Ask(Unread):
    """A POST on the short way."""

    __slots__ = ("_action", "_body", "_course", "_courses", "_key", "_place")

    def __init__(
        self, digest: str, action: type[CourseAction], course: str, body: dict[str, Any], key: str
    ) -> None:
        super().__init__(digest)
        self._action, self._course, self._body, self._key = action, course, body, key
        self._courses: Sequence[Listed]
        self._place: Place

    def read(self, sender: Bearer) -> None:
        with suppress(Problem):
            student = Asker.by(sender)
            asked = self._action.submission(student, self._course, self._body, self._key)
            submission, self._courses = asked
            if directory.is_open(submission.term, student.cohort, submission.kind, directory.now()):
                self._place = Place.of(submission)
                self.submissions = (submission,)

    def receipt(self, accepted: Accepted) -> tuple[dict[str, str], str]:
        """The headers and the body of the 202, as the views write them."""
        [submission] = self.submissions
        asked = in_line(accepted, submission, self._courses, self._place)
        location = {"Location": f"{REQUESTS}{accepted.request}/"}
        return OWN | location | retry_after([asked]), written(asked)


class _Sent:
    """As much of a request as reading it takes."""

    __slots__ = ("META", "body", "content_type")

    def __init__(self, environ: Mapping[str, Any], body: bytes) -> None:
        self.META, self.body = environ, body
        self.content_type = environ.get("CONTENT_TYPE", "")


def read(path: str, environ: Mapping[str, Any], body: bytes) -> Ask | None:
    """A POST, from what a WSGI application is told of it; None for what has to go the long way."""
    asked = _PATH.fullmatch(path)
    if asked is None or environ.get("HTTP_ACCEPT", "*/*") not in PLAIN:
        return None
    action, sent = ACTIONS[asked[2]], _Sent(environ, body)
    try:
        digest = digest_in(environ.get("HTTP_AUTHORIZATION", ""))
        said = read_headers(sent)
        if digest is None or said.wait:
            return None
        return Ask(digest, action, asked[1], read_body(sent, action.fields), said.key)
    except (Problem, InvalidToken):
        return None

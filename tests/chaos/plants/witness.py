"""Those who ask: what they sent, what they were told and when, in the history's own terms."""

import http.client
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple, TypeVar

from django.db import connections

from courses.models import Offering
from enrollment.models import Outcome, Request, Student
from enrollment.requests import Accepted, Submission, submit_now
from registrar.accounts.tokens import make_tokens
from tests.chaos import history
from tests.chaos.history import Row, Send

T = TypeVar("T")
PATIENCE = 15.0


class Reply(NamedTuple):
    """What came back; status 0 when nothing did."""

    status: int
    body: dict[str, Any]
    seconds: float

    @property
    def request(self) -> int:
        """The id it was accepted under; 0 when it was not."""
        return int(self.body.get("id", 0)) if self.status in (200, 202) else 0

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))


class Witness:
    """The clients' own log, kept outside the system."""

    def __init__(self) -> None:
        self._sends: list[Send] = []
        self._number = count(1)
        self._tokens: dict[int, str] = {}

    # Asking -----------------------------------------------------------------------------------

    def submit(self, *submissions: Submission) -> list[int]:
        """Hand in one after the other, as a web process does; the ids they were accepted under."""
        return [self._submit(submission) for submission in submissions]

    def _submit(self, asked: Submission) -> int:
        number = next(self._number)
        asked = asked._replace(key=asked.key or f"deed-{number}")
        sent = time.monotonic_ns()
        [answer] = submit_now([asked])
        if not isinstance(answer, Accepted):
            raise RuntimeError(f"the scene did not come about: {asked} was declined: {answer}")
        send = Send(number, asked.kind, asked.actor, asked.student or 0, asked.key, "", sent)
        answered = time.monotonic_ns()
        self._sends.append(send._replace(answered=answered, status=202, requests=(answer.request,)))
        return answer.request

    def post(self, port: int, path: str, student: Student, **more: Any) -> Reply:
        """One POST with the student's token; `more`: `body`, `key`, and `wait`, in seconds."""
        key, body = more.get("key", ""), more.get("body", {})
        headers = {"Idempotency-Key": key} if key else {}
        if "wait" in more:
            headers["Prefer"] = f"wait={more['wait']}"
        kind, actor = path.strip("/").split("/")[-1], f"user:{student.user_id}"
        says = f"{path} {json.dumps(body)}"
        send = Send(next(self._number), kind, actor, student.pk, key, says, time.monotonic_ns())
        reply = self._exchange(port, "POST", path, student, json.dumps(body), headers)
        self._sends.append(
            send._replace(
                answered=time.monotonic_ns() if reply.status else 0,
                status=reply.status,
                code=reply.code,
                requests=(reply.request,) if reply.request else (),
            )
        )
        return reply

    def enroll(self, port: int, student: Student, offering: Offering, **more: Any) -> Reply:
        return self.post(port, f"courses/{offering.course_id}/enroll/", student, **more)

    def insist(self, port: int, student: Student, offering: Offering, key: str) -> Reply:
        """Ask with the same key, as one does, until the answer is more than "not now"."""
        for _ in range(4):
            reply = self.enroll(port, student, offering, key=key)
            if reply.status not in (history.UNKNOWN, 503):
                break
            time.sleep(0.2)
        return reply

    def look(self, port: int, path: str, student: Student | None = None) -> Reply:
        """One GET, with a student's token or nobody's."""
        return self._exchange(port, "GET", path, student, None, {})

    def _exchange(
        self,
        port: int,
        method: str,
        path: str,
        student: Student | None,
        content: str | None,
        headers: dict[str, str],
    ) -> Reply:
        sent = time.monotonic()
        headers = {"Content-Type": "application/json", "Host": "localhost", **headers}
        if student is not None:
            headers["Authorization"] = f"Token {self._token(student)}"
        full = path if path.startswith("/") else f"/api/student/{path}"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request(method, full, content, headers)
            response = connection.getresponse()
            status, raw = response.status, response.read()
        except (OSError, http.client.HTTPException):
            return Reply(history.UNKNOWN, {}, time.monotonic() - sent)
        finally:
            connection.close()
        return Reply(status, _told(raw), time.monotonic() - sent)

    def _token(self, student: Student) -> str:
        if student.pk not in self._tokens:
            assert student.user is not None
            [self._tokens[student.pk]] = make_tokens([student.user])
        return self._tokens[student.pk]

    # Whether it adds up -----------------------------------------------------------------------

    def objections(self) -> Iterator[str]:
        """The clients' history against the tables."""
        outcomes: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for request, settlement, result in Outcome.objects.values_list(
            "pk", "settlement_id", "result"
        ):
            outcomes[request].append((settlement, result))
        asked = Request.objects.values_list("pk", "actor", "key", "kind", "student_id", "offerings")
        rows = [
            Row(pk, actor, key, kind, student or 0, tuple(offerings), tuple(outcomes[pk]))
            for pk, actor, key, kind, student, offerings in asked
        ]
        sends = tuple(sorted(self._sends, key=lambda send: send.sent))
        return history.violations(history.History(sends, ()), rows)


def _told(raw: bytes) -> dict[str, Any]:
    try:
        told = json.loads(raw)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def at_once(*calls: Callable[[], T], meanwhile: Callable[[], None] | None = None) -> Sequence[T]:
    """Make all calls at the same time, a thread each, and answer in their order; `meanwhile` is
    called in this thread."""
    answers: dict[int, T] = {}
    start = threading.Barrier(len(calls))

    def run(number: int, call: Callable[[], T]) -> None:
        start.wait(PATIENCE)
        try:
            answers[number] = call()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    if meanwhile:
        meanwhile()
    for thread in threads:
        thread.join(4 * PATIENCE)
    return [answers[number] for number in range(len(calls))]

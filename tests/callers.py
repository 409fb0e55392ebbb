"""Who calls the API in a test: a student with a token, as a program would be."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import Client

from courses.models import Offering
from enrollment.models import Student
from enrollment.settlement import settle, settle_ready
from registrar.accounts.tokens import make_tokens

STUDENT = "/api/student"


class Reply:
    """What came back."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.headers = response.headers
        self.raw: bytes = response.content

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """The code of a problem; fails when this is none."""
        assert self.headers["Content-Type"] == "application/problem+json", self.raw
        body: dict[str, Any] = self.body
        assert body["status"] == self.status
        assert body["type"].startswith("urn:registrar:problem:")
        assert body["title"].endswith(".")
        assert body["remedy"].endswith(".")
        return str(body["code"])


class Caller:
    """Sends requests with one student's token."""

    def __init__(self, student: Student) -> None:
        assert student.user is not None
        [self.token] = make_tokens([student.user])
        self.student = student
        self.client = Client(headers={"authorization": f"Token {self.token}"})

    def get(self, path: str, **headers: str) -> Reply:
        return Reply(self.client.get(_full(path), headers=_named(headers)))

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.send("post", path, body, **headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Text is sent as it is, anything else as JSON, None as no body at all."""
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        kind = _named(headers).get("content-type", "application/json")
        return Reply(
            self.client.generic(
                method.upper(),
                _full(path),
                "" if body is None else content,
                kind if body is not None else "",
                headers=_named(headers),
            )
        )

    def enroll(self, offering: Offering, **body: Any) -> int:
        """Ask for a seat; the request's id. Fails when it is not accepted."""
        reply = self.post(f"courses/{offering.course_id}/enroll/", body or None)
        assert reply.status == 202, reply.raw
        return int(reply.body["id"])

    def outcome(self, request: int) -> dict[str, Any]:
        """What a settled request says of itself."""
        reply = self.get(f"requests/{request}/")
        assert reply.status == 200, reply.raw
        body: dict[str, Any] = reply.body
        return body


def _full(path: str) -> str:
    return path if path.startswith("/") else f"{STUDENT}/{path}"


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def settle_all() -> None:
    """Do what the workers would do, here and now."""
    settle_ready(seconds=5)
    remaining = set(Offering.objects.filter(pending__isnull=False).values_list("pk", flat=True))
    while remaining and settle(remaining, wait=True).decided:
        pass


@contextmanager
def settling() -> Iterator[None]:
    """A worker in a thread, while requests wait for their outcome."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            settle_ready(seconds=1)
            time.sleep(0.01)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()

"""A student before the gate of this process, without a server."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from enrollment import requests
from enrollment.models import Pending
from registrar import gate
from registrar.accounts import tokens
from registrar.accounts.models import User
from tests.factories import make_offering, make_student, make_term, open_window

ENROLL = "/api/student/courses/CS101/enroll/"
CART = "/api/student/enrollment/cart/enroll/"
VARY = {"id", "accepted_at", "Location"}
"""What two answers to the same question differ in."""


class Door:
    """A student, and what they are answered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        term = make_term()
        open_window(term)
        self.course = make_offering(term, code="CS101")
        self.student = make_student(term)
        assert isinstance(self.student.user, User)
        [self.token] = tokens.make_tokens([self.student.user])
        self.long = 0
        """How many have gone the long way."""
        self.sizes: list[int] = []
        """How many submissions came to each commit."""
        serve, insert = gate.serve, requests.insert

        def counted(request: dict[str, Any]) -> gate.Reply:
            self.long += 1
            return serve(request)

        def sized(submissions: Any) -> Any:
            self.sizes.append(len(submissions))
            return insert(submissions)

        monkeypatch.setattr(gate, "serve", counted)
        monkeypatch.setattr(requests, "insert", sized)

    def post(self, path: str = ENROLL, body: bytes = b"", **headers: str) -> gate.Reply:
        [reply] = self.posts([path], body, **headers)
        return reply

    def both_ways(self, path: str, body: bytes) -> tuple[gate.Reply, Any]:
        """What the gate answers without the views, and what the views answer to the same."""
        short = self.post(path, body, idempotency_key="one")
        assert self.long == 0
        Pending.objects.all().delete()
        client = Client(headers={"authorization": f"Token {self.token}", "idempotency-key": "two"})
        return short, client.post(path, body, content_type="application/json" if body else "")

    def posts(self, paths: list[str], body: bytes = b"", **headers: str) -> list[gate.Reply]:
        """All at once."""
        return asyncio.run(self._posts([self._scope(path, body, headers) for path in paths], body))

    async def _posts(self, scopes: list[SimpleNamespace], body: bytes) -> list[gate.Reply]:
        door = gate.Gate()
        door.__rsgi_init__(asyncio.get_running_loop())

        async def sent() -> bytes:
            return body

        return list(await asyncio.gather(*(door._answer(scope, sent) for scope in scopes)))

    def _scope(self, path: str, body: bytes, headers: dict[str, str]) -> SimpleNamespace:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if body:
            given = {"content-type": "application/json"} | given
        return SimpleNamespace(
            method="POST",
            path=path,
            headers={
                "host": "localhost",
                "authorization": f"Token {self.token}",
                "content-length": str(len(body)),
                **given,
            },
            server="127.0.0.1:80",
            client="127.0.0.1:1",
            http_version="1.1",
            query_string="",
            scheme="http",
        )

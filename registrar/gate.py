"""The web process's first door: what cannot be served in time is refused before it costs anything.

The server calls it on one event loop, for every request (RSGI). In this order:

1. A POST of a student, while more waits than can be decided in the promised time: 503, by a number
   in memory, with nothing read, asked or written. It comes from the database, twice a second.
2. Whoever would stand in the lines before this process's intake and threads for too long: the same.
3. A body that is too large, or does not arrive in time: 413 or 408. Slow clients hold a connection
   here and no thread.

Then most of what students POST goes to the intake, and the loop answers when its commit is done
(`enrollment.api.express`). All else Django answers on one of the threads, as behind any WSGI server
(`registrar.wsgi`).
"""

import asyncio
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from io import BytesIO
from random import choice
from typing import Any, NamedTuple

import structlog
from django.conf import settings

from registrar.wsgi import application as django  # isort: skip - it sets Django up
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.urls import get_resolver

from enrollment import intake
from enrollment.api import express
from enrollment.requests import Answer, Declined
from enrollment.wording import SAID_AT_THE_DOOR
from registrar import interpreter
from registrar.desk import Desk, Promises
from registrar.middleware import said_to
from registrar.problems import Problem, render

BODY_SECONDS = 10.0
"""A body must have arrived by then."""
LINE_SECONDS = 1.0
PATIENT_SECONDS = 10.0
"""Who asks for a seat stands in line for a thread no longer than the first, as far as can be
foreseen; who signs in or looks something up, no longer than the second. The first keeps the line
short for the second, however many ask."""
FILES = 16384
"""Connections and files one process may hold, where the system lets it."""
BODY_BYTES: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
_SOON = (1, 4)
_STUDENTS = "/api/student/"
_HEALTH = frozenset({"/healthz", "/readyz"})
_UNREAD = frozenset({"GET", "HEAD", "OPTIONS"})
_CONTENT = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}

log = structlog.get_logger()


class Reply(NamedTuple):
    """An answer, whole."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class Gate:
    """The application that the server calls: one of them in each process."""

    def __init__(self) -> None:
        self._desk: Desk[dict[str, Any], Reply]
        self._taken: Promises[Sequence[Answer]]
        self._lookout: Desk[None, None]

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        _allow_files()
        get_resolver().url_patterns  # noqa: B018 - every view is loaded now, not for the first caller
        self._desk = Desk(loop, settings.REGISTRAR["WEB_THREADS"], serve)
        self._taken = Promises(loop, intake.MOST_AT_ONCE)
        self._lookout = Desk(loop, 1, look_out)
        interpreter.prepare()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        reply = await self._answer(scope, protocol)
        protocol.response_bytes(reply.status, reply.headers, reply.body)

    async def _answer(self, scope: Any, protocol: Any) -> Reply:
        asks = scope.method == "POST" and scope.path.startswith(_STUDENTS)
        if scope.path not in _HEALTH and (refused := self._refuse(asks)):
            return refused
        if scope.method in _UNREAD:
            body = b""
        else:
            try:
                body = await read(scope.headers, protocol)
            except Problem as problem:
                return rendered(problem)
        request = environ(scope, body)
        if asks:
            ask = express.read(scope.path, request, body)
            if ask and (reply := await self._express(ask, request)):
                return reply
        return await self._desk.submit(request)

    def _refuse(self, asks: bool) -> Reply | None:
        """The answer to one more than can be served; by nothing but numbers in memory."""
        if not asks:
            busy = self._desk.expected() > PATIENT_SECONDS
            return choice(refusals("BUSY", *_SOON)) if busy else None
        if intake.backlog.claim_look():
            self._lookout.submit(None)
        if intake.backlog.is_too_long():
            return choice(refusals("BACKLOG", *intake.RETRY_SECONDS))
        wait = max(self._taken.expected(), self._desk.expected())
        return choice(refusals("BACKLOG", *_SOON)) if wait > LINE_SECONDS else None

    async def _express(self, ask: express.Express, request: Mapping[str, Any]) -> Reply | None:
        """The answer to what was accepted, or could not be; None for all else."""
        usual = said_to(request)
        if usual is None:
            return None
        promise = self._taken.make()
        intake.take(ask, partial(self._taken.keep, promise))
        try:
            async with asyncio.timeout(intake.ANSWER_SECONDS):
                answers = await promise
        except TimeoutError:
            ask.abandoned = True
            return choice(refusals("UNAVAILABLE", *_SOON))
        match [*answers]:
            case [Declined(code="UNAVAILABLE"), *_]:
                return choice(refusals("UNAVAILABLE", *_SOON))
            case [Declined(code="BACKLOG"), *_]:
                return choice(refusals("BACKLOG", *intake.RETRY_SECONDS))
        told = ask.reply(answers)
        if told is None:
            return None
        status, headers, body = told
        return Reply(status, [*usual.items(), *headers.items()], body)


application = Gate()


# What comes in ------------------------------------------------------------------------------


async def read(headers: Any, protocol: Any) -> bytes:
    """The body of a request. Raises Problem when it is too large or too slow.

    One that does not say how long it is (in chunks) is left unread: a handler that needs it
    refuses it for that.
    """
    length = headers.get("content-length") or "0"
    if length == "0":
        return b""
    if not length.isdecimal() or len(length) > 9 or int(length) > BODY_BYTES:
        raise Problem("BODY_TOO_LARGE", limit=BODY_BYTES)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body: bytes = await protocol()
    except TimeoutError:
        raise Problem("BODY_TOO_SLOW", limit=BODY_SECONDS) from None
    if len(body) != int(length):
        raise Problem("BAD_REQUEST")  # whoever sent it has gone in the middle
    return body


def environ(scope: Any, body: bytes) -> dict[str, Any]:
    """The request as a WSGI application reads it."""
    name, _, port = scope.server.rpartition(":")
    found = {
        **_ALWAYS,
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
    }
    for header, value in scope.headers.items():
        if "_" in header:
            continue  # it would be taken for the one that is spelled with a hyphen
        variable = _CONTENT.get(header) or "HTTP_" + header.upper().replace("-", "_")
        found[variable] = f"{found[variable]},{value}" if variable in found else value
    return found


_ALWAYS: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
}


# What goes out ------------------------------------------------------------------------------


def serve(request: dict[str, Any]) -> Reply:
    """Django's answer to it, in whatever thread this is."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def begin(status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], Any]:
        begun.append((status, headers))
        return body.extend

    body = bytearray()
    answer: Any = django(request, begin)
    try:
        body += b"".join(answer)
    finally:
        # Django is told that the request is over, in the thread that holds its connections.
        answer.close()
    [(status, headers)] = begun
    return Reply(int(status[:3]), headers, bytes(body))


def rendered(problem: Problem) -> Reply:
    response = render(problem)
    return Reply(response.status_code, list(response.items()), response.content)


@cache
def refusals(code: str, least: int, most: int) -> tuple[Reply, ...]:
    """The same 503 with every Retry-After there is, in whole seconds: one is drawn each time, so
    that those who are sent away together do not come back together."""
    why = SAID_AT_THE_DOOR.get(code)
    words = (why.sentence, why.remedy) if why else ()
    return tuple(
        rendered(Problem(code, *words, retry_after=seconds)) for seconds in range(least, most + 1)
    )


# What goes on beside it ---------------------------------------------------------------------


def look_out(_: None) -> None:
    """Ask the database how long the line is."""
    try:
        close_old_connections()
        intake.backlog.look()
    except (DatabaseError, InterfaceError) as error:
        log.warning("gate.cannot_see", error=type(error).__name__)


def _allow_files() -> None:
    """As many connections as the system lets one process hold; many a shell begins with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

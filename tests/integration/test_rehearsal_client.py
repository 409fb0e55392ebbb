"""A crowd of students against a server of the test's own: what is sent when, and what is logged."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from io import StringIO
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from enrollment.rehearsal.client import Crowd, Log
from enrollment.rehearsal.connection import Pool


class Asked(NamedTuple):
    """A request as the server read it."""

    method: str
    path: str
    token: str
    key: str
    body: Any


class Reply(NamedTuple):
    """What the server answers; a status of 0 hangs up instead."""

    status: int
    body: Any = None
    retry_after: int | None = None


Answering = Callable[[Asked], Reply | Awaitable[Reply]]


class Server:
    """Speaks enough HTTP, and remembers what it was asked."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._talks: set[asyncio.Task[None]] = set()
        self.asked: list[Asked] = []

    @property
    def posts(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == "POST"]

    @asynccontextmanager
    async def pool(self, size: int) -> AsyncIterator[Pool]:
        """Connections to this server; at the end nothing of either side is left."""
        listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        pool = Pool("127.0.0.1", listener.sockets[0].getsockname()[1], size)
        try:
            yield pool
        finally:
            await pool.close()
            listener.close()
            await asyncio.gather(*self._talks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                asked = await _read(head.decode(), reader)
                self.asked.append(asked)
                reply = self._answering(asked)
                if not isinstance(reply, Reply):
                    reply = await reply
                if not reply.status:
                    break
                writer.write(_rendered(reply))
        except (asyncio.IncompleteReadError, ConnectionError):
            return


async def _read(head: str, reader: asyncio.StreamReader) -> Asked:
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ")
    return Asked(
        method,
        path,
        headers["authorization"].removeprefix("Token "),
        headers.get("idempotency-key", ""),
        json.loads(body) if body else None,
    )


def _rendered(reply: Reply) -> bytes:
    body = json.dumps(reply.body).encode()
    retry = "" if reply.retry_after is None else f"Retry-After: {reply.retry_after}\r\n"
    return (
        f"HTTP/1.1 {reply.status} X\r\nContent-Length: {len(body)}\r\n{retry}\r\n".encode() + body
    )


class Registrar:
    """Accepts everything, and decides it by the second look."""

    def __init__(self, result: str = "ENROLLED", pause: int = 0) -> None:
        self._result, self._pause = result, pause
        self._next = 0
        self._looked: set[int] = set()

    def __call__(self, asked: Asked) -> Reply:
        if asked.method == "POST":
            self._next += 1
            return Reply(202, {"id": self._next, "state": "PENDING"}, retry_after=self._pause)
        ids = [int(id_) for id_ in asked.path.partition("ids=")[2].split(",")]
        results = [{"id": id_, "state": self._state(id_)} for id_ in ids]
        return Reply(200, {"results": results}, retry_after=0)

    def _state(self, request: int) -> str:
        seen = request in self._looked
        self._looked.add(request)
        return self._result if seen else "PENDING"


def deed(n: int, student: int = 1, at: float | None = None, **more: Any) -> dict[str, Any]:
    return {
        "n": n, "student": student, "token": f"token-{student}", "at": at, "kind": "enroll",
        "path": f"/enroll/{n}/", "body": {}, "key": f"key-{n}", **more,
    }  # fmt: skip


class Played(NamedTuple):
    server: Server
    crowd: Crowd
    log: list[dict[str, Any]]

    def answers(self) -> list[dict[str, Any]]:
        return [line for line in self.log if "n" in line]

    def decisions(self) -> dict[int, str]:
        return {line["seen"]: line["result"] for line in self.log if "seen" in line}


def play(answering: Answering, *deeds: dict[str, Any], size: int = 8) -> Played:
    return asyncio.run(_play(answering, iter(deeds), size))


async def _play(answering: Answering, script: Iterator[dict[str, Any]], size: int) -> Played:
    server, out = Server(answering), StringIO()
    async with server.pool(size) as pool:
        crowd = Crowd(pool, Log(out), 100)
        go: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        go.set_result(0)
        await asyncio.wait_for(crowd.play(script, 0, go), 30)
    return Played(server, crowd, [json.loads(line) for line in out.getvalue().splitlines()])


# Sending ----------------------------------------------------------------------------------


def test_each_student_sends_with_their_own_token_and_key() -> None:
    played = play(Registrar(), deed(0, student=1), deed(1, student=2, body={"section": 2}))

    assert sorted(played.server.posts) == [
        Asked("POST", "/enroll/0/", "token-1", "key-0", {}),
        Asked("POST", "/enroll/1/", "token-2", "key-1", {"section": 2}),
    ]


def test_every_answer_and_every_decision_is_logged_with_its_time() -> None:
    played = play(Registrar(), deed(0))

    [answer] = played.answers()
    assert (answer["status"], answer["requests"]) == (202, [1])
    assert answer["clicked"] <= answer["sent"] < answer["answered"]
    [seen] = [line for line in played.log if "seen" in line]
    assert seen["at"] > answer["answered"]
    assert seen["result"] == "ENROLLED"


def test_one_students_deeds_are_sent_one_after_the_other() -> None:
    played = play(Registrar(), *(deed(n) for n in range(10)))

    answers = played.answers()
    assert [answer["n"] for answer in answers] == list(range(10))
    assert all(a["answered"] <= b["sent"] for a, b in pairwise(answers))


def test_a_double_click_sends_the_same_key_twice_at_once() -> None:
    arrived: list[Asked] = []
    both = asyncio.Event()

    async def wait_for_both(asked: Asked) -> Reply:
        arrived.append(asked)
        if len(arrived) == 2:
            both.set()
        await asyncio.wait_for(both.wait(), 10)
        return Reply(200, {"id": 1, "state": "ENROLLED"})

    played = play(wait_for_both, deed(0, twice=True))

    assert [asked.key for asked in played.server.posts] == ["key-0", "key-0"]
    assert [line["requests"] for line in played.answers()] == [[1], [1]]


def test_what_comes_before_the_opening_does_not_wait_for_it() -> None:
    async def play_early() -> list[Asked]:
        server = Server(lambda asked: Reply(403, {"code": "WINDOW_CLOSED", "opens_at": "soon"}))
        async with server.pool(4) as pool:
            crowd = Crowd(pool, Log(StringIO()), 100)
            never: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            script = iter([deed(0, at=-5), deed(1, at=0.5)])
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(crowd.play(script, 0, never), 0.5)
        return server.posts

    assert [asked.path for asked in asyncio.run(play_early())] == ["/enroll/0/"]


def test_a_refusal_at_the_door_is_logged_with_what_it_said() -> None:
    played = play(
        lambda asked: Reply(403, {"code": "WINDOW_CLOSED", "opens_at": "2026-09-01T08:00:00Z"}),
        deed(0),
    )

    [answer] = played.answers()
    assert answer["requests"] == []
    assert (answer["code"], answer["opens_at"]) == ("WINDOW_CLOSED", "2026-09-01T08:00:00Z")
    assert played.crowd.counts.refused == 1


# Coming back later ------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "code"), [(503, "BACKLOG"), (429, "TOO_MANY_OPEN")])
def test_who_is_sent_away_comes_back_with_the_same_key(status: int, code: str) -> None:
    registrar = Registrar()
    first = [Reply(status, {"code": code}, retry_after=1)]

    played = play(lambda asked: first.pop() if first else registrar(asked), deed(0))

    assert [asked.key for asked in played.server.posts] == ["key-0", "key-0"]
    [answer] = played.answers()
    [shed] = [line for line in played.log if "shed" in line]
    assert answer["sent"] >= shed["at"] + 900_000_000, "as late as it was told"
    assert answer["clicked"] < shed["at"], "and has waited since the first click"


def test_a_connection_that_breaks_is_retried_with_the_same_key() -> None:
    registrar = Registrar()
    broken = [True]

    played = play(lambda asked: Reply(0) if broken and broken.pop() else registrar(asked), deed(0))

    assert [asked.key for asked in played.server.posts] == ["key-0", "key-0"]
    [answer] = played.answers()
    assert answer["answered"] - answer["sent"] > 200_000_000, "its place may be the first try's"
    assert played.crowd.counts.lost == 1


def test_a_503_that_may_have_been_taken_keeps_the_place_of_the_first_try() -> None:
    registrar = Registrar()
    first = [Reply(503, {"code": "UNAVAILABLE"}, retry_after=1)]

    played = play(lambda asked: first.pop() if first else registrar(asked), deed(0))

    [answer] = played.answers()
    assert answer["answered"] - answer["sent"] > 900_000_000


# Second thoughts --------------------------------------------------------------------------


INSTEAD = {
    "ENROLLED": {"kind": "drop", "path": "/drop/", "body": {}},
    "WAITLISTED": {"kind": "leave", "path": "/leave/", "body": {}},
}


@pytest.mark.parametrize(
    ("result", "path"),
    [("ENROLLED", "/drop/"), ("WAITLISTED", "/leave/"), ("REFUSED", "/enroll/1/")],
)
def test_a_second_thought_depends_on_what_became_of_the_first(result: str, path: str) -> None:
    played = play(Registrar(result), deed(0, remembered=True), deed(1, after=0, instead=INSTEAD))

    assert [asked.path for asked in played.server.posts] == ["/enroll/0/", path]
    assert [line["kind"] for line in played.answers()][1] == path.split("/")[1]


def test_a_cancel_names_the_request_and_does_not_wait_for_its_decision() -> None:
    cancel = deed(1, after=0, cancels=True, kind="cancel", path="/requests/{request}/cancel/")

    played = play(Registrar(pause=1), deed(0, remembered=True), cancel)

    assert [asked.path for asked in played.server.asked][:2] == [
        "/enroll/0/",
        "/requests/1/cancel/",
    ]


def test_nobody_cancels_what_was_never_accepted() -> None:
    cancel = deed(1, after=0, cancels=True, kind="cancel", path="/requests/{request}/cancel/")

    played = play(lambda asked: Reply(403, {"code": "X"}), deed(0, remembered=True), cancel)

    assert len(played.server.posts) == 1


# Looking ----------------------------------------------------------------------------------


def test_a_page_asks_for_all_of_its_undecided_requests_at_once() -> None:
    cart = {"requests": [{"id": 5, "state": "PENDING"}, {"id": 6, "state": "PENDING"}]}

    def answering(asked: Asked) -> Reply:
        if asked.method == "POST":
            return Reply(202, cart, retry_after=0)
        decided = [{"id": 5, "state": "ENROLLED"}, {"id": 6, "state": "WAITLISTED"}]
        return Reply(200, {"results": decided})

    played = play(answering, deed(0))

    looks = [asked.path for asked in played.server.asked if asked.method == "GET"]
    assert looks == ["/api/student/requests/?ids=5,6"]
    assert played.decisions() == {5: "ENROLLED", 6: "WAITLISTED"}


def test_what_is_decided_at_once_is_not_looked_at_again() -> None:
    played = play(lambda asked: Reply(200, {"id": 3, "state": "REFUSED"}), deed(0))

    assert [asked.method for asked in played.server.asked] == ["POST"]
    assert played.decisions() == {3: "REFUSED"}
    assert (played.crowd.counts.decided, played.crowd.counts.waiting) == (1, 0)


def test_no_more_connections_are_made_than_allowed() -> None:
    most, now = 0, 0

    async def counting(asked: Asked) -> Reply:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return Reply(403, {})

    play(counting, *(deed(n, student=n) for n in range(30)), size=4)

    assert most == 4

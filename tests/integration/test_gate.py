"""The first door of a web process, with the real server: who is slow, huge or too many."""

import asyncio
import json
import re
import resource
import threading
import time
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from enrollment.models import Request, Student
from registrar import gate
from registrar.accounts.models import User
from registrar.accounts.tokens import make_tokens
from registrar.desk import Desk
from registrar.problems import Problem
from tests.factories import make_offering, make_student, make_term, open_window
from tests.processes import valkey
from tests.races import PATIENCE, together
from tests.sites import Web, web

ENROLL = "/api/student/courses/CS101/enroll/"
CART = "/api/student/cart/"
THREADS = 2
CROWD = 5000


@pytest.fixture
def ada(database: None) -> Student:
    term = make_term()
    open_window(term)
    make_offering(term, code="CS101")
    return make_student(term)


@pytest.fixture
def token(ada: Student) -> str:
    assert isinstance(ada.user, User)
    [token] = make_tokens([ada.user])
    return token


@pytest.fixture
def site(token: str) -> Iterator[Web]:
    with web(REGISTRAR_WEB_THREADS=str(THREADS)) as site:
        yield site


def a_slow_post(length: int, *headers: str) -> bytes:
    lines = (f"POST {ENROLL} HTTP/1.1", "Host: localhost", *headers, f"Content-Length: {length}")
    return "\r\n".join((*lines, "", "")).encode()


# As behind any server ---------------------------------------------------------------------------


def test_a_request_is_answered_as_django_answers_it(site: Web, token: str) -> None:
    accepted = site.ask("POST", ENROLL, token, b"{}")
    cart = site.ask("GET", CART, token)
    unknown = site.ask("GET", "/nowhere/%C3%A9%2F%FF")
    static = site.ask("GET", "/static/admin/css/base.css")
    head = site.ask("HEAD", "/healthz")

    assert (accepted.status, cart.status, unknown.status) == (202, 200, 404)
    assert accepted.headers["Location"].startswith("/api/student/requests/")
    assert static.headers["Content-Type"].startswith("text/css")
    assert len(static.body) > 1000
    assert (head.status, head.body) == (200, b"")


def test_a_person_signs_in_with_both_cookies(site: Web, ada: Student) -> None:
    """Two headers of one name go out as two."""
    assert isinstance(ada.user, User)
    ada.user.is_staff = True
    ada.user.set_password("correct horse")
    ada.user.save()
    with site.lines(1) as [line]:
        line.sendall(b"GET /admin/login/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        page = line.recv(65536)
        csrf = re.findall(rb"csrftoken=(\w+)", page)[0].decode()
        form = f"csrfmiddlewaretoken={csrf}&username={ada.user.username}&password=correct+horse"
        head = (
            "POST /admin/login/ HTTP/1.1",
            "Host: localhost",
            f"Cookie: csrftoken={csrf}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(form)}",
        )
        while page:
            line.settimeout(0.5)
            try:
                page = line.recv(65536)
            except TimeoutError:
                break
        line.settimeout(10)
        line.sendall("\r\n".join((*head, "", form)).encode())
        answer = line.recv(65536)

    assert answer.startswith(b"HTTP/1.1 302")
    assert len(re.findall(rb"set-cookie: *(?:csrftoken|sessionid)=", answer)) == 2


def test_a_header_cannot_be_smuggled_in_under_another_spelling(site: Web, token: str) -> None:
    """`Idempotency_Key` would become the same variable as `Idempotency-Key`."""
    with site.lines(1) as [line]:
        line.sendall(a_slow_post(0, f"Authorization: Token {token}", "Idempotency_Key: smuggled"))
        assert line.recv(65536).startswith(b"HTTP/1.1 202")

    assert not Request.objects.filter(key="smuggled").exists()


# Slow and huge ----------------------------------------------------------------------------------


def test_who_sends_slowly_holds_no_thread(site: Web, token: str) -> None:
    """Ten for every thread: bodies that never arrive, and headers that never end."""
    with site.lines(40 * THREADS) as lines:
        for nth, line in enumerate(lines):
            whole = a_slow_post(100, f"Authorization: Token {token}")
            line.sendall(whole + b"{" if nth % 2 else whole[:40])

        answers = [site.ask("POST", ENROLL, token, b"{}") for _ in range(20)]

    assert {answer.status for answer in answers} == {202}
    assert max(answer.seconds for answer in answers) < 5


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many as this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * CROWD:
        pytest.skip(f"no process may hold {CROWD:,} connections here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_thousands_who_never_end_their_headers_keep_nobody_out(token: str) -> None:
    with web(processes=1) as site:
        held = site.resident()
        with site.lines(CROWD) as lines:
            for line in lines:
                line.sendall(a_slow_post(100)[:40])

            answers = [site.ask("POST", ENROLL, token, b"{}") for _ in range(20)]
            more = site.resident() - held

    assert {answer.status for answer in answers} == {202}
    assert max(answer.seconds for answer in answers) < 5
    assert more < 40_000 * CROWD


def test_a_huge_body_is_refused_before_it_is_sent(site: Web, token: str) -> None:
    held = site.resident()
    with site.lines(50) as lines:
        for line in lines:
            line.sendall(a_slow_post(2**30, f"Authorization: Token {token}") + b"x" * 10_000)
        statuses = Counter(line.recv(65536)[9:12] for line in lines)

    assert statuses == {b"413": 50}
    assert site.resident() - held < 50_000_000


def test_a_body_in_chunks_without_end_is_not_read(site: Web, token: str) -> None:
    chunk = b"%x\r\n%s\r\n" % (50_000, b" " * 50_000)
    head = a_slow_post(0, f"Authorization: Token {token}").replace(
        b"Content-Length: 0", b"Transfer-Encoding: chunked"
    )
    held = site.resident()
    with site.lines(1) as [line]:
        line.sendall(head)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            line.sendall(chunk * 2000)

    assert site.resident() - held < 50_000_000
    assert site.ask("GET", CART, token).status == 200


class Server:
    """The server's half of a request, whose body comes after a while."""

    def __init__(self, body: bytes, seconds: float) -> None:
        self._body, self._seconds = body, seconds

    async def __call__(self) -> bytes:
        await asyncio.sleep(self._seconds)
        return self._body


@pytest.mark.parametrize(
    ("length", "body", "seconds", "code"),
    [
        ("2", b"{}", 5, "BODY_TOO_SLOW"),
        ("3", b"{}", 0, "BAD_REQUEST"),
        ("65537", b"", 0, "BODY_TOO_LARGE"),
        ("-1", b"", 0, "BODY_TOO_LARGE"),
    ],
)
def test_a_body_that_does_not_come_as_announced_is_refused(
    monkeypatch: pytest.MonkeyPatch, length: str, body: bytes, seconds: float, code: str
) -> None:
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.05)

    with pytest.raises(Problem) as refused:
        asyncio.run(gate.read({"content-length": length}, Server(body, seconds)))

    assert refused.value.code == code


def test_a_body_that_comes_in_time_is_read() -> None:
    read = asyncio.run(gate.read({"content-length": "2"}, Server(b"{}", 0)))

    assert read == b"{}"
    assert asyncio.run(gate.read({}, Server(b"never asked for", 60))) == b""


# Too many ---------------------------------------------------------------------------------------


def test_more_than_can_be_settled_is_shed_before_anybody_asks_who_it_is(token: str) -> None:
    with web(REGISTRAR_BACKLOG_SECONDS="-1") as site:
        shed = [site.ask("POST", ENROLL, token, b"{}") for _ in range(40)]
        nobody = site.ask("POST", ENROLL, "no such token")
        reads = site.ask("GET", CART, token)

    assert {answer.status for answer in shed} == {503}
    assert {answer.code for answer in shed} == {"BACKLOG"}
    waits = {int(answer.headers["Retry-After"]) for answer in shed}
    assert waits <= set(range(2, 11))
    assert len(waits) > 3  # those who are sent away together do not come back together
    assert nobody.code == "BACKLOG"
    assert reads.status == 200
    assert not Request.objects.exists()


def test_who_would_stand_in_line_for_too_long_is_told_at_once(token: str) -> None:
    """The one thread is held by somebody who waits for a decision that nobody makes."""
    with web(processes=1, REGISTRAR_WEB_THREADS="1") as site, site.lines(2) as (first, second):
        first.sendall(a_slow_post(0, f"Authorization: Token {token}", "Prefer: wait=5"))
        time.sleep(0.5)
        second.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(gate.LINE_SECONDS + 0.2)
        asked = site.ask("POST", ENROLL, token, b"{}")
        assert first.recv(65536).startswith(b"HTTP/1.1 202")
        assert second.recv(65536).startswith(b"HTTP/1.1 200")
        later = site.ask("GET", CART, token)

    assert asked.code == "BACKLOG"
    assert 1 <= int(asked.headers["Retry-After"]) <= 4
    assert asked.seconds < 2
    assert later.status == 200


@pytest.mark.parametrize("redis_is_dead", [False, True])
def test_two_hundred_posts_of_one_student_get_as_many_rows_as_one_student_may_have(
    token: str, redis_is_dead: bool
) -> None:
    """The limit is counted from rows: with two processes, and with nothing but PostgreSQL."""
    with valkey() as redis, web(REDIS_URL=redis.url, REGISTRAR_STUDENT_OPEN="12") as site:
        if redis_is_dead:
            redis.kill()
        start = threading.Barrier(20)

        def click_ten_times(name: str) -> list[int]:
            start.wait(PATIENCE)
            keys = [f"{name}-{nth}" for nth in range(10)]
            return [
                site.ask("POST", ENROLL, token, b"{}", Idempotency_Key=key).status for key in keys
            ]

        told = together(*[lambda name=f"{nth}": click_ten_times(name) for nth in range(20)])

    statuses = Counter(status for each in told for status in each)
    assert statuses == {202: 12, 429: 188}
    assert Request.objects.count() == 12


def test_who_signs_in_is_more_patient_and_told_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = threading.Event()
    login = SimpleNamespace(method="GET", path="/api/login/", headers={})

    async def day() -> tuple[gate.Reply, gate.Reply]:
        door = gate.Gate()
        door._desk = Desk(asyncio.get_running_loop(), 1, lambda _: served(hold))
        under_way = [asyncio.create_task(door._answer(scope(login), None)) for _ in range(2)]
        await asyncio.sleep(0.2)
        monkeypatch.setattr(gate, "PATIENT_SECONDS", 0.1)
        refused = await door._answer(scope(login), None)
        hold.set()
        return refused, (await asyncio.gather(*under_way))[1]

    refused, answered = asyncio.run(day())

    assert (refused.status, json.loads(refused.body)["code"]) == (503, "BUSY")
    assert answered.status == 200


def scope(asked: SimpleNamespace) -> SimpleNamespace:
    """What the server says of a request besides."""
    return SimpleNamespace(
        server="127.0.0.1:80",
        client="127.0.0.1:1",
        http_version="1.1",
        query_string="",
        scheme="http",
        **vars(asked),
    )


def served(hold: threading.Event) -> gate.Reply:
    hold.wait(10)
    return gate.Reply(200, [], b"")

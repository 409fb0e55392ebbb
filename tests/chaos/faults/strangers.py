"""Row 23: clients that send slowly, send too much, or go away in the middle."""

import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from struct import pack
from threading import Event, Thread
from typing import NamedTuple

from tests.chaos.faults.fault import Bite, Fault
from tests.chaos.faults.traces import Answers, resident
from tests.chaos.site import Site

_SLOW = 120
_RESET = pack("ii", 1, 0)
_BODY_BYTES = 64_000_000
_MEMORY_BYTES = 100_000_000
"""What a web process may grow by while huge bodies are thrown at it."""


class _Address(NamedTuple):
    """Where to send to and what to say there."""

    port: int
    path: str
    token: str

    def head(self, length: str) -> bytes:
        lines = (
            f"POST {self.path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Token {self.token}",
            "Content-Type: application/json",
            length,
        )
        return "\r\n".join((*lines, "", "")).encode()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 5)


def _address(site: Site, chance: random.Random) -> _Address:
    pupil, course = chance.choice(site.stage.students), chance.choice(site.stage.courses)
    port = site.link("clients", "web").port
    return _Address(port, f"/api/student/courses/{course.code}/enroll/", pupil.token)


# Slow -----------------------------------------------------------------------------------------


def crawl(site: Site, chance: random.Random) -> Bite:
    """Many connections at a byte a second: in their heads, in their bodies, or saying nothing."""
    answers = Answers(site)
    with _crawling(site, chance) as sent:
        time.sleep(chance.uniform(3.0, 4.0))
    return Bite(sent[0], f"{_SLOW} clients crawled", answers.too_slow())


@contextmanager
def _crawling(site: Site, chance: random.Random) -> Iterator[list[int]]:
    """Their connections, fed by one thread; how many bytes they have sent."""
    over, sent = Event(), [0]
    crowd: list[tuple[socket.socket, bytes]] = []

    def feed() -> None:
        step = 0
        while not over.wait(1.0):
            for connection, words in crowd:
                with suppress(OSError):
                    sent[0] += connection.send(words[step % len(words) :][:1])
            step += 1

    thread = Thread(target=feed, daemon=True)
    try:
        for _ in range(_SLOW):
            with suppress(OSError):
                crowd.append(_crawler(_address(site, chance), chance))
        thread.start()
        yield sent
    finally:
        over.set()
        thread.join()
        for connection, _ in crowd:
            connection.close()


def _crawler(address: _Address, chance: random.Random) -> tuple[socket.socket, bytes]:
    """Somebody slow: the connection as far as it is sent at once, and what is still to come."""
    connection = address.connect()
    connection.setblocking(False)
    head = address.head("Content-Length: 500")
    said = chance.choice([0, 20, len(head)])
    connection.sendall(head[:said])
    return connection, head[said:] or b'{"section": 1}' + b" " * 500


# Huge -----------------------------------------------------------------------------------------


def overfeed(site: Site, chance: random.Random) -> Bite:
    """Bodies of 64 MB, announced or in chunks, and bodies of any size that are no JSON."""
    before = _memory(site)
    answers = Answers(site)
    statuses = []
    for _ in range(chance.randint(4, 8)):
        address = _address(site, chance)
        kind = chance.choice(["Content-Length: 64000000", "Transfer-Encoding: chunked"])
        statuses.append(_throw(address, kind))
        statuses.append(_garbage(address, chance))
        time.sleep(chance.uniform(0.05, 0.3))
    grown = _memory(site) - before
    broken = [*answers.too_slow()]
    if grown > _MEMORY_BYTES:
        broken.append(f"the web server grew by {grown / 1e6:.0f} MB on huge bodies")
    # 503 where the site, for another fault's sake, takes nobody's.
    broken += [
        f"a body of no use was answered {status}"
        for status in statuses
        if status and status != 503 and not 400 <= status < 500
    ]
    answered = sum(bool(status) for status in statuses)
    return Bite(len(statuses), f"{len(statuses)} sent, {answered} refused", tuple(broken))


def _throw(address: _Address, kind: str) -> int:
    """Send as much as is taken of a huge body; the status, 0 when it was cut short."""
    piece = b"[" * 65536
    chunk = b"10000\r\n" + piece + b"\r\n" if "chunked" in kind else piece
    with address.connect() as connection:
        with suppress(OSError):
            connection.sendall(address.head(kind))
            for _ in range(_BODY_BYTES // len(piece)):
                connection.sendall(chunk)
        return _status(connection)


def _garbage(address: _Address, chance: random.Random) -> int:
    body = chance.choice([b"[" * 9000, b"\xff" * 30, b'{"section": 1e999}', b"{" * 15000, b"null"])
    with address.connect() as connection:
        with suppress(OSError):
            connection.sendall(address.head(f"Content-Length: {len(body)}") + body)
        return _status(connection)


def _status(connection: socket.socket) -> int:
    with suppress(OSError, IndexError, ValueError):
        return int(connection.recv(64).split()[1])
    return 0


def _memory(site: Site) -> int:
    """Bytes that the web server's processes have in memory."""
    return sum(resident(pid) for pid in (site.web.pid, *site.web.children()))


# Gone -----------------------------------------------------------------------------------------

_POST = b"POST /api/student"


def leave(site: Site, chance: random.Random) -> Bite:
    """Senders who are gone before the answer, or in the middle of what they say."""
    link = site.link("clients", "web")
    before = link.seen["replies_lost"] + link.seen["reset"]
    half = 0
    for _ in range(15):
        link.drop_reply_to(_POST)
        half += _say_half(_address(site, chance), chance)
        time.sleep(chance.uniform(0.05, 0.2))
        if chance.random() < 0.3:
            link.reset()
    link.heal()
    gone = link.seen["replies_lost"] + link.seen["reset"] - before
    return Bite(gone, f"{gone} left before the answer, {half} in the middle")


def _say_half(address: _Address, chance: random.Random) -> bool:
    """Begin a request that will never be whole, and go, politely or not."""
    message = address.head("Content-Length: 2") + b"{"
    with suppress(OSError), address.connect() as connection:
        connection.sendall(message[: chance.choice([5, 40, len(message) - 1, len(message)])])
        if chance.random() < 0.5:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        return True
    return False


FAULTS = (
    Fault("slow-clients", 23, crawl),
    Fault("huge-bodies", 23, overfeed),
    Fault("clients-leave", 23, leave),
)

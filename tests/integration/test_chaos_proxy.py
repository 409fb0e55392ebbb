"""The proxy that chaos cuts connections with: each fault happens, is counted, and heals."""

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from tests.chaos.proxy import Link, Proxy

SOON = 5.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
NOTHING = 0.2
"""Seconds in which something that must not arrive would have arrived."""


class Echo(socketserver.BaseRequestHandler):
    """Answers every line with itself in capitals, and writes down what it was told."""

    heard: list[bytes]

    def handle(self) -> None:
        connection: socket.socket = self.request
        try:
            while data := connection.recv(65536):
                self.heard.append(data)
                connection.sendall(data.upper())
            self.heard.append(b"<end>")
        except ConnectionResetError:
            self.heard.append(b"<reset>")


class Server:
    """A server behind a link, and what it has heard."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        handler = type("Handler", (Echo,), {"heard": self.heard})
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.address = ("127.0.0.1", int(self._server.server_address[1]))
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.02,), daemon=True).start()

    def hears(self, words: bytes) -> None:
        deadline = time.monotonic() + SOON
        while words not in b"".join(self.heard):
            assert time.monotonic() < deadline, self.heard
            time.sleep(0.01)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def link(server: Server) -> Iterator[Link]:
    proxy = Proxy()
    yield proxy.link(server.address)
    proxy.close()


@pytest.fixture
def client(link: Link) -> Iterator[socket.socket]:
    """A client that has been answered once."""
    with connected(link) as client:
        assert asked(client, b"hello") == b"HELLO"
        yield client


def connected(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), SOON)


def asked(client: socket.socket, words: bytes) -> bytes:
    client.sendall(words)
    return client.recv(65536)


def hears_nothing(client: socket.socket) -> bool:
    client.settimeout(NOTHING)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(SOON)
    return False


def was_reset(client: socket.socket) -> bool:
    try:
        client.recv(1)
    except ConnectionResetError:
        return True
    return False


def test_what_comes_through_is_unchanged_and_an_end_is_passed_on(
    link: Link, server: Server, client: socket.socket
) -> None:
    big = b"x" * 1_000_000
    client.sendall(big)
    answer = b""
    while len(answer) < len(big):
        answer += client.recv(65536)
    assert answer == big.upper()

    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""
    server.hears(b"<end>")
    assert link.seen["up"] == link.seen["down"] == 1_000_005


def test_while_cut_nothing_passes_and_afterwards_all_of_it_arrives(
    link: Link, server: Server, client: socket.socket
) -> None:
    link.cut()
    client.sendall(b"late")
    assert hears_nothing(client)
    assert b"late" not in server.heard
    assert link.seen["held"] == 1

    link.heal()
    assert client.recv(65536) == b"LATE"


def test_while_cut_a_client_that_ends_is_not_heard_of(
    link: Link, server: Server, client: socket.socket
) -> None:
    link.cut()
    client.close()
    time.sleep(NOTHING)
    assert server.heard == [b"hello"]

    link.heal()
    server.hears(b"<end>")


def test_a_connection_made_while_cut_is_accepted_and_not_answered(
    link: Link, client: socket.socket
) -> None:
    link.cut()
    with connected(link) as late:
        late.sendall(b"hello")
        assert hears_nothing(late)

        link.heal()
        assert late.recv(65536) == b"HELLO"


def test_one_way_passes_the_one_and_holds_the_other(
    link: Link, server: Server, client: socket.socket
) -> None:
    link.one_way("up")
    client.sendall(b"heard")
    server.hears(b"heard")
    assert hears_nothing(client)
    link.heal()
    assert client.recv(65536) == b"HEARD"

    link.one_way("down")
    client.sendall(b"unheard")
    time.sleep(NOTHING)
    assert b"unheard" not in server.heard


def test_half_open_the_server_knows_and_the_client_learns_of_it_when_it_heals(
    link: Link, server: Server, client: socket.socket
) -> None:
    link.half_open()
    server.hears(b"<reset>")
    client.sendall(b"anybody there")
    assert hears_nothing(client)
    assert link.seen["orphaned"] == 1

    with connected(link) as other:
        assert asked(other, b"new") == b"NEW"
    link.heal()
    assert was_reset(client)


def test_a_reset_reaches_both_sides_and_nobody_else(
    link: Link, server: Server, client: socket.socket
) -> None:
    link.reset()
    assert was_reset(client)
    server.hears(b"<reset>")
    assert link.seen["reset"] == 1

    with connected(link) as other:
        assert asked(other, b"new") == b"NEW"


def test_who_is_refused_is_told_at_once_and_the_port_is_kept(
    link: Link, client: socket.socket
) -> None:
    link.refuse()
    assert was_reset(client)
    with pytest.raises(ConnectionRefusedError):
        connected(link)

    link.heal()
    with connected(link) as other:
        assert asked(other, b"new") == b"NEW"


def test_a_server_that_is_not_there_is_found_when_it_comes_back() -> None:
    proxy = Proxy()
    with socket.socket() as late:
        late.bind(("127.0.0.1", 0))
        link = proxy.link(late.getsockname())
        with pytest.raises(ConnectionResetError), connected(link) as client:
            client.recv(1)

        late.listen()
        with connected(link) as client:
            there, _ = late.accept()
            client.sendall(b"hello")
            assert there.recv(5) == b"hello"
            there.close()
    proxy.close()


def test_what_is_slow_comes_at_the_speed_named(link: Link, client: socket.socket) -> None:
    link.slow(1000)
    begun = time.monotonic()
    client.sendall(b"y" * 300)
    answer = b""
    while len(answer) < 300:
        answer += client.recv(65536)
    # On the way there and on the way back.
    assert 0.3 < time.monotonic() - begun < 3
    assert link.seen["slowed"] >= 2

    link.heal()
    begun = time.monotonic()
    assert asked(client, b"quick") == b"QUICK"
    assert time.monotonic() - begun < 0.2


def test_a_reply_that_is_lost_was_given(link: Link, server: Server, client: socket.socket) -> None:
    link.drop_reply_to(b"COMMIT")
    assert asked(client, b"begin") == b"BEGIN"
    client.sendall(b"COMMIT")
    assert was_reset(client)
    server.hears(b"COMMIT")
    assert link.seen["replies_lost"] == 1

    with connected(link) as other:
        assert asked(other, b"COMMIT") == b"COMMIT"


def test_a_request_that_is_lost_was_never_heard(
    link: Link, server: Server, client: socket.socket
) -> None:
    link.drop_request_with(b"COMMIT", times=2)
    client.sendall(b"COMMIT")
    assert was_reset(client)
    server.hears(b"<reset>")
    with connected(link) as other:
        other.sendall(b"COMMIT")
        assert was_reset(other)
    with connected(link) as third:
        assert asked(third, b"COMMIT") == b"COMMIT"

    assert link.seen["requests_lost"] == 2
    assert b"".join(server.heard).count(b"COMMIT") == 1


def test_a_pattern_is_found_across_two_packets(link: Link, client: socket.socket) -> None:
    link.drop_reply_to(b"COMMIT")
    assert asked(client, b"COM") == b"COM"
    client.sendall(b"MIT")
    assert was_reset(client)


def test_after_clients_that_went_with_a_reset_new_ones_are_served(link: Link) -> None:
    """The kernel gives the next connection the number of the one that is gone."""
    for _ in range(30):
        rude = connected(link)
        rude.sendall(b"hello")
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        rude.close()
        with connected(link) as polite:
            assert asked(polite, b"hello") == b"HELLO"


def test_a_proxy_that_is_closed_leaves_nobody_waiting(server: Server) -> None:
    proxy = Proxy()
    link = proxy.link(server.address)
    with connected(link) as client:
        assert asked(client, b"hello") == b"HELLO"
        link.cut()
        client.sendall(b"held")
        proxy.close()
        assert was_reset(client)
        with pytest.raises(ConnectionRefusedError):
            connected(link)

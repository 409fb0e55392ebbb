"""A TCP proxy between two of our processes, to be cut, slowed, half-opened and reset in use.

A `Proxy` is one thread with an event loop; each `Link` of it is a port of this machine that leads
to one server. Nothing is changed on the way: bytes are held, dropped or passed on. What really
happened is counted in `Link.seen`, so that a fault that hit nobody can be told from one that did.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, TypeVar

Address: TypeAlias = tuple[str, int] | str
"""Host and port, or the path of a unix socket."""
Way: TypeAlias = Literal["up", "down"]
"""Up is from the client to the server."""
T = TypeVar("T")

UP: Way = "up"
DOWN: Way = "down"
_CHUNK = 65536
_LONGEST_PATTERN = 64
_PIECES = 20
"""A slowed connection passes so many pieces a second."""
_RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Proxy:
    """The thread that carries what goes over all its links."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._links: list[Link] = []

    def link(self, target: Address) -> "Link":
        """A new port that leads to this server, which need not run yet."""
        self._links.append(Link(self, target))
        return self._links[-1]

    def call(self, do: Callable[[], T]) -> T:
        """What `do` returns in the proxy's own thread, where all of its state lives."""

        async def doing() -> T:
            return do()

        return asyncio.run_coroutine_threadsafe(doing(), self.loop).result()

    def close(self) -> None:
        for link in self._links:
            link.close()
        asyncio.run_coroutine_threadsafe(_until_alone(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        for link in self._links:
            link.forget()
        self.loop.close()


async def _until_alone() -> None:
    """Cancel every task of this loop but this one, and see them end."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Pattern:
    """A message to wait for: the next `times` that hold these bytes are not as the others."""

    def __init__(self, text: bytes, times: int) -> None:
        self._text = text
        self.left = times

    def found(self, tail: bytes, data: bytes) -> bool:
        """Whether it begins or ends in `data`, which came after `tail`; one time less then."""
        overlap = tail[-(len(self._text) - 1) :] if len(self._text) > 1 else b""
        if not self.left or self._text not in overlap + data:
            return False
        self.left -= 1
        return True


_NEVER = Pattern(b"never", 0)


class Pair:
    """One connection of a client, and ours to the server in its place."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when both sides are to be reset, or (orphaned) the server's side alone."""
        self.orphaned = False
        self.reply_lost = False
        """What the server says next is lost, and the connection with it."""

    def reset(self) -> None:
        if not self.over.done():
            self.over.set_result(None)

    def orphan(self) -> None:
        self.orphaned = True
        self.reset()


class Link:
    """One port, and the rules for what comes through it. Every call may come from any thread."""

    def __init__(self, proxy: Proxy, target: Address) -> None:
        self.target = target
        self.seen: Counter[str] = Counter()
        """connections, shut, reset, orphaned, held (chunks and connections that had to wait),
        slowed, replies_lost, requests_lost; and up, down: bytes that were passed on."""
        self._proxy = proxy
        # Bound and never listening: it keeps the port ours while connections are refused.
        self._place = _bound(0)
        self.port: int = self._place.getsockname()[1]
        self._door: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._pairs: set[Pair] = set()
        self._orphans: set[socket.socket] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lose_reply = self._lose_request = _NEVER
        self._rate: int | None = None
        self._flows: dict[Way, asyncio.Event] = {UP: asyncio.Event(), DOWN: asyncio.Event()}
        proxy.call(self._heal)

    # What a nemesis does --------------------------------------------------------------------

    def cut(self) -> None:
        """Hold every byte, both ways: what was on its way arrives after `heal`."""
        self._proxy.call(lambda: self._hold(UP, DOWN))

    def one_way(self, passes: Way) -> None:
        """Hold every byte but those that go this way."""
        self._proxy.call(lambda: self._hold(DOWN if passes == UP else UP))

    def half_open(self) -> None:
        """End the connections on the server's side alone; their clients hear of it at `heal`."""
        self._proxy.call(self._orphan_all)

    def refuse(self) -> None:
        """Reset every connection, and let nobody connect."""
        self._proxy.call(self._shut)

    def reset(self) -> None:
        """Reset every connection (RST, both sides); new ones are welcome."""
        self._proxy.call(self._reset_all)

    def slow(self, bytes_per_second: int) -> None:
        """Pass no more than that, in each direction of each connection."""
        self._proxy.call(lambda: setattr(self, "_rate", bytes_per_second))

    def drop_reply_to(self, text: bytes, times: int = 1) -> None:
        """Pass on the next messages that hold `text`, and instead of the answer send a reset:
        what was asked is done and its client cannot know."""
        self._proxy.call(lambda: setattr(self, "_lose_reply", Pattern(text, times)))

    def drop_request_with(self, text: bytes, times: int = 1) -> None:
        """Reset both sides instead of passing on the next messages that hold `text`: what was
        asked is not done and its client cannot know."""
        self._proxy.call(lambda: setattr(self, "_lose_request", Pattern(text, times)))

    def heal(self) -> None:
        """As if nothing had been; connections that one side has given up are reset."""
        self._proxy.call(self._heal)

    def connections(self) -> int:
        """How many lead to the server at this moment."""
        return self._proxy.call(lambda: len(self._pairs))

    def close(self) -> None:
        self._proxy.call(self._close)

    def forget(self) -> None:
        """Once nothing runs any more: end what was left half open."""
        self._end_orphans()

    # In the proxy's thread ------------------------------------------------------------------

    def _hold(self, *ways: Way) -> None:
        for way in ways:
            self._flows[way].clear()

    def _orphan_all(self) -> None:
        self.seen["orphaned"] += len(self._pairs)
        for pair in self._pairs:
            pair.orphan()

    def _reset_all(self) -> None:
        self.seen["reset"] += len(self._pairs)
        for pair in self._pairs:
            pair.reset()

    def _shut(self) -> None:
        if self._door is not None and self._accepting is not None:
            self.seen["shut"] += 1
            self._accepting.cancel()
            self._proxy.loop.remove_reader(self._door)
            self._door.close()
            self._door = None
        self._reset_all()

    def _heal(self) -> None:
        self._lose_reply = self._lose_request = _NEVER
        self._rate = None
        for event in self._flows.values():
            event.set()
        self._end_orphans()
        if self._door is None:
            self._door = _bound(self.port)
            self._door.listen(256)
            self._accepting = asyncio.create_task(self._accept(self._door))

    def _close(self) -> None:
        self._shut()
        self._end_orphans()
        self._place.close()

    def _end_orphans(self) -> None:
        while self._orphans:
            _end(self._orphans.pop(), hard=True)

    async def _accept(self, door: socket.socket) -> None:
        while True:
            client, _ = await self._proxy.loop.sock_accept(door)
            self.seen["connections"] += 1
            task = asyncio.create_task(self._serve(client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: socket.socket) -> None:
        client.setblocking(False)
        with contextlib.suppress(OSError):  # a unix socket has no such option
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for way in (UP, DOWN):
                await self._may_pass(way)
            server = await _connected(self.target)
        except (OSError, asyncio.CancelledError):
            _end(client, hard=True)
            return
        pair = Pair(client, server)
        self._pairs.add(pair)
        try:
            await self._flow(pair)
        finally:
            self._pairs.discard(pair)

    async def _flow(self, pair: Pair) -> None:
        """Carry both ways until both have ended, one has failed, or the pair is given up."""
        ways = (
            asyncio.create_task(self._carry(pair, UP, pair.client, pair.server)),
            asyncio.create_task(self._carry(pair, DOWN, pair.server, pair.client)),
        )
        flow = asyncio.gather(*ways)
        try:
            either: set[asyncio.Future[Any]] = {flow, pair.over}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hard = not flow.done() or flow.cancelled() or flow.exception() is not None
            try:
                # One that still waited on a closed socket would wait on the next of that number.
                for task in (flow, *ways):
                    task.cancel()
                await asyncio.gather(flow, *ways, return_exceptions=True)
            finally:
                _end(pair.server, hard=hard)
                if pair.orphaned:
                    self._orphans.add(pair.client)
                else:
                    _end(pair.client, hard=hard)

    async def _carry(
        self, pair: Pair, way: Way, source: socket.socket, sink: socket.socket
    ) -> None:
        loop = self._proxy.loop
        tail = b""
        while True:
            # An end is not heard of while nothing passes, whichever kind it is.
            try:
                data = await loop.sock_recv(source, _CHUNK)
            except OSError:
                await self._may_pass(way)
                raise
            await self._may_pass(way)
            if not data:
                with contextlib.suppress(OSError):
                    sink.shutdown(socket.SHUT_WR)
                return
            if self._is_lost(pair, way, tail, data):
                pair.reset()
                return
            await self._send(sink, data)
            self.seen[way] += len(data)
            tail = (tail + data)[-_LONGEST_PATTERN:]

    async def _may_pass(self, way: Way) -> None:
        if not self._flows[way].is_set():
            self.seen["held"] += 1
            await self._flows[way].wait()

    def _is_lost(self, pair: Pair, way: Way, tail: bytes, data: bytes) -> bool:
        if way == DOWN:
            self.seen["replies_lost"] += pair.reply_lost
            return pair.reply_lost
        if self._lose_request.found(tail, data):
            self.seen["requests_lost"] += 1
            return True
        pair.reply_lost = pair.reply_lost or self._lose_reply.found(tail, data)
        return False

    async def _send(self, sink: socket.socket, data: bytes) -> None:
        rate = self._rate
        if rate is None:
            await self._proxy.loop.sock_sendall(sink, data)
            return
        self.seen["slowed"] += 1
        piece = max(1, rate // _PIECES)
        for at in range(0, len(data), piece):
            if self._rate is not None:
                await asyncio.sleep(piece / rate)
            await self._proxy.loop.sock_sendall(sink, data[at : at + piece])


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    bound.setblocking(False)
    return bound


async def _connected(target: Address) -> socket.socket:
    family = socket.AF_UNIX if isinstance(target, str) else socket.AF_INET
    server = socket.socket(family)
    server.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(server, target)
    except BaseException:
        server.close()
        raise
    if family == socket.AF_INET:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server


def _end(connection: socket.socket, *, hard: bool) -> None:
    """Close it: with a reset, or as politely as it was closed on the other side."""
    if hard:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    connection.close()

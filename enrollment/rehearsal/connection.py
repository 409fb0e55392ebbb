"""The least HTTP/1.1 that a crowd of students needs: keep-alive connections, one request at a time.

The clients share two cores with what they measure. Against the same server this costs a third of
what a full client library costs, and the students' clock starts when the bytes leave.
"""

import asyncio
import re
import time
from typing import NamedTuple

TIMEOUT_SECONDS = 30.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY = re.compile(rb"\r\nretry-after: *(\d+(?:\.\d+)?)", re.IGNORECASE)


class Answer(NamedTuple):
    """A response, and when its request left and it arrived (nanoseconds of this host's clock)."""

    status: int
    body: bytes
    retry_after: float | None
    sent: int
    answered: int


class Lost(Exception):
    """The connection ended before the answer came: whether the request was taken is unknown."""

    def __init__(self, sent: int) -> None:
        super().__init__("the connection ended before the answer came")
        self.sent = sent


class Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self) -> None:
        self.closed = False
        self._buffer = bytearray()
        self._needed = 0
        self._sent = 0
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Send a request and wait for its answer. Raises Lost."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._buffer.clear()
        self._needed = 0
        self._sent = time.time_ns()
        self._transport.write(request)
        timer = asyncio.get_running_loop().call_later(TIMEOUT_SECONDS, self._transport.abort)
        try:
            return await self._answer
        finally:
            timer.cancel()

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._answer and not self._answer.done():
            self._answer.set_exception(Lost(self._sent))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._needed:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._buffer, 0, end)
            self._needed = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) >= self._needed and self._answer and not self._answer.done():
            self._answer.set_result(self._read())

    def _read(self) -> Answer:
        end = self._buffer.index(b"\r\n\r\n")
        retry = _RETRY.search(self._buffer, 0, end)
        return Answer(
            status=int(self._buffer[9:12]),
            body=bytes(self._buffer[end + 4 : self._needed]),
            retry_after=float(retry[1]) if retry else None,
            sent=self._sent,
            answered=time.time_ns(),
        )


class Pool:
    """A bounded number of connections to one server, the last one used first."""

    def __init__(self, host: str, port: int, size: int) -> None:
        self._host, self._port = host, port
        self._free: list[Connection] = []
        self._made: set[Connection] = set()
        self._turns = asyncio.Semaphore(size)

    async def ask(self, method: str, path: str, token: str, key: str, body: bytes) -> Answer:
        """One request on a free connection. Raises Lost, also when none can be made."""
        request = self._render(method, path, token, key, body)
        async with self._turns:
            connection = await self._connection()
            answer = await connection.ask(request)
            # One that was lost raises, and is not used again.
            self._free.append(connection)
            return answer

    async def close(self) -> None:
        for connection in self._made:
            connection.close()
        # What is closed is gone with the loop's next turn.
        await asyncio.sleep(0)

    async def _connection(self) -> Connection:
        while self._free:
            connection = self._free.pop()
            if not connection.closed:
                return connection
        self._made = {made for made in self._made if not made.closed}
        try:
            _, made = await asyncio.get_running_loop().create_connection(
                Connection, self._host, self._port
            )
        except OSError:
            raise Lost(time.time_ns()) from None
        self._made.add(made)
        return made

    def _render(self, method: str, path: str, token: str, key: str, body: bytes) -> bytes:
        idempotency = f"Idempotency-Key: {key}\r\n" if key else ""
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        return (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Authorization: Token {token}\r\nAccept: application/json\r\n{idempotency}{kind}\r\n"
        ).encode() + body

"""The students, on a host of their own, and the proxy before the web hosts in the same process.

    python -m tests.hosts.crowd SCRIPT LOG ANSWERS --site NAME --web HOST [--web HOST ...]

What a proxy does is done here: TLS has ended, each request goes to the next web host, and to the
one after it where a connection is refused. A connection lost with a request under way is not
hidden: the students send again with their key, and it is counted.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from enrollment.rehearsal.client import Crowd, Log
from enrollment.rehearsal.connection import Answer, Connection, Lost, Pool
from enrollment.rehearsal.counts import tell

_PORT = 8000
_CONNECT_SECONDS = 1.0
_CONNECTIONS = 64
_WIDTH = 400


class WebHost(Pool):
    """Connections to one web host, which knows the site by its public name and as secure."""

    def __init__(self, host: str, site: str) -> None:
        super().__init__(host, _PORT, _CONNECTIONS)
        self._site = site.encode()

    async def connection(self) -> Connection:
        """A free one or a new one. Raises Lost when the host does not take it."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await self._connection()
        except TimeoutError:
            raise Lost(time.time_ns()) from None

    def free(self, connection: Connection) -> None:
        self._free.append(connection)

    def render(self, method: str, path: str, token: str, key: str, body: bytes) -> bytes:
        head, rest = self._render(method, path, token, key, body).split(b"\r\n", 1)
        _, rest = rest.split(b"\r\n", 1)
        return b"%s\r\nHost: %s\r\nX-Forwarded-Proto: https\r\n%s" % (head, self._site, rest)


class Proxy(Pool):
    """Several web hosts as one pool; every answer is written down with its times."""

    def __init__(self, hosts: list[str], site: str, answers: IO[str]) -> None:
        super().__init__(site, _PORT, _CONNECTIONS)
        self._webs = [WebHost(host, site) for host in hosts]
        self._next = itertools.count()
        self._answers = answers

    async def ask(self, method: str, path: str, token: str, key: str, body: bytes) -> Answer:
        async with self._turns:
            web, connection = await self._connected()
            begun = time.time_ns()
            try:
                answer = await connection.ask(web.render(method, path, token, key, body))
            except Lost:
                self._write(method, 0, begun, time.time_ns(), web)
                raise
            web.free(connection)
            self._write(method, answer.status, answer.sent, answer.answered, web)
            return answer

    async def close(self) -> None:
        for web in self._webs:
            await web.close()

    async def _connected(self) -> tuple[WebHost, Connection]:
        """The next web host that takes a connection. Raises Lost when none does."""
        begin = next(self._next)
        for step in range(len(self._webs)):
            web = self._webs[(begin + step) % len(self._webs)]
            try:
                return web, await web.connection()
            except Lost:
                self._write("connect", 0, time.time_ns(), time.time_ns(), web)
        raise Lost(time.time_ns())

    def _write(self, method: str, status: int, sent: int, answered: int, web: WebHost) -> None:
        self._answers.write(f"{method} {status} {sent} {answered} {web._host}\n")


def _script(path: Path, over: asyncio.Event) -> Iterator[dict[str, Any]]:
    """The deeds, until somebody says that it is enough."""
    with path.open(encoding="utf-8") as file:
        for line in itertools.takewhile(lambda _: not over.is_set(), file):
            yield json.loads(line)


async def _listen(go: "asyncio.Future[int]", over: asyncio.Event) -> None:
    """`go NANOSECONDS` and `stop`; the end of standard input ends us."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        word, _, moment = line.decode().strip().partition(" ")
        if word == "go":
            go.set_result(int(moment))
        elif word == "stop":
            over.set()
    raise SystemExit(1)


async def _main(arguments: argparse.Namespace) -> None:
    go: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()
    with arguments.log.open("w") as file, arguments.answers.open("w") as answers:
        proxy = Proxy(arguments.web, arguments.site, answers)
        crowd = Crowd(proxy, Log(file), _WIDTH)
        listening = asyncio.create_task(_listen(go, over))
        await crowd.play(_script(arguments.script, over), 0, go)
        listening.cancel()
    tell(crowd.counts)
    await proxy.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--site", required=True)
    parser.add_argument("--web", action="append", required=True)
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()

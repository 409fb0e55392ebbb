"""A crowd of students in a process of its own: plays a script over HTTP and logs what it saw.

    python -m enrollment.rehearsal.client SCRIPT LOG --url http://127.0.0.1:8000

It imports nothing of the system and reads one clock, the host's. What it waits for comes in on
standard input (`go NANOSECONDS`), its counts go out on standard output, and the log lies outside
the system: order and waiting times are told from it and not from what the system says of itself.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit

from .connection import Answer, Lost, Pool
from .counts import Counts, tell
from .following import Follower

# Above this the script is read no further: a server that stands still must not fill our memory.
MOST_UNDER_WAY = 4000
LOST_TRIES = 100
PATIENCE_SECONDS = 90.0
_LATER = frozenset({429, 503})
_NEVER_TAKEN = frozenset({"BACKLOG", "TOO_MANY_OPEN", "TOO_MANY_PER_MINUTE"})


class Errand(NamedTuple):
    """One POST, sent until an answer to it stands."""

    number: int
    kind: str
    path: str
    content: bytes
    token: str
    key: str
    clicked: int


class Log:
    """One line for each thing seen, written as it happens."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, **seen: Any) -> None:
        self._file.write(json.dumps(seen, separators=(",", ":")) + "\n")


class Crowd:
    """The students of one process; the deeds of one student are sent one after the other."""

    def __init__(self, pool: Pool, log: Log, width: int) -> None:
        self._pool, self._log = pool, log
        self.counts = Counts()
        self._turns: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._firsts: dict[int, asyncio.Future[int]] = {}
        """What became of the deeds that others come after: a request, or 0 for none."""
        self._follower = Follower(pool, log.write, self.counts)
        self._width = asyncio.Semaphore(width)

    async def play(
        self, script: Iterator[dict[str, Any]], opens: int, go: asyncio.Future[int]
    ) -> None:
        """Send every deed at its time, or as fast as answers come where it has none."""
        async with asyncio.TaskGroup() as deeds:
            for deed in script:
                at = deed["at"]
                begun = opens if at is not None and at < 0 else await go
                await _until(begun + int((at or 0) * 1e9))
                await self._width.acquire()
                if deed.get("remembered"):
                    self._firsts[deed["n"]] = asyncio.get_running_loop().create_future()
                deeds.create_task(self._do(deed))
        await self._follower.finish(PATIENCE_SECONDS)

    async def _do(self, deed: dict[str, Any]) -> None:
        try:
            act = await self._choose(deed)
            request = await self._perform(deed, act) if act else 0
            if deed["n"] in self._firsts:
                self._firsts[deed["n"]].set_result(request)
        finally:
            self._width.release()

    async def _choose(self, deed: dict[str, Any]) -> dict[str, Any] | None:
        """What the deed is, which may depend on what became of another; None is not to do it."""
        if "after" not in deed:
            return deed
        first = await self._firsts[deed["after"]]
        if deed.get("cancels"):
            return {**deed, "path": deed["path"].format(request=first)} if first else None
        result = await self._follower.result(first) if first else ""
        act: dict[str, Any] = deed["instead"].get(result, deed)
        return act

    async def _perform(self, deed: dict[str, Any], act: dict[str, Any]) -> int:
        """Send it, twice at once for a double click; the first request that it became, or 0."""
        async with self._turns[deed["student"]]:
            errand = Errand(
                deed["n"],
                act["kind"],
                act["path"],
                json.dumps(act["body"]).encode(),
                deed["token"],
                deed.get("key", ""),
                time.time_ns(),
            )
            clicks = 2 if deed.get("twice") else 1
            named = await asyncio.gather(*(self._send(errand) for _ in range(clicks)))
        return next((requests[0] for requests in named if requests), 0)

    async def _send(self, errand: Errand) -> list[int]:
        """Send until there is an answer that stands; the requests it names."""
        placed = lost = 0
        while lost < LOST_TRIES:
            self.counts.sent += 1
            try:
                answer = await self._pool.ask(
                    "POST", errand.path, errand.token, errand.key, errand.content
                )
            except Lost as error:
                # It may have been taken, so its place in line may be the one of this try.
                placed, lost = placed or error.sent, lost + 1
                self.counts.lost += 1
                await asyncio.sleep(0.25)
                continue
            if answer.status not in _LATER:
                return self._answered(errand, answer, placed or answer.sent)
            if _read(answer.body).get("code") not in _NEVER_TAKEN:
                placed = placed or answer.sent
            self.counts.shed += 1
            self._log.write(shed=errand.number, status=answer.status, at=answer.sent)
            await asyncio.sleep(answer.retry_after or 1.0)
        self._log.write(n=errand.number, kind=errand.kind, status=0)
        return []

    def _answered(self, errand: Errand, answer: Answer, placed: int) -> list[int]:
        """Log the answer, and follow the requests it names until they are decided."""
        told = _read(answer.body)
        named = self._follower.follow(errand.token, answer, told)
        self.counts.answered += 1
        self.counts.refused += answer.status >= 400
        self._log.write(
            n=errand.number,
            kind=errand.kind,
            status=answer.status,
            clicked=errand.clicked,
            sent=placed,
            answered=answer.answered,
            requests=named,
            **{name: told[name] for name in ("code", "opens_at") if name in told},
        )
        return named


def _read(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


async def _until(moment: int) -> None:
    pause = (moment - time.time_ns()) / 1e9
    if pause > 0:
        await asyncio.sleep(pause)


# The process ------------------------------------------------------------------------------


def _script(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


async def _listen(go: "asyncio.Future[int]") -> None:
    """Wait for `go NANOSECONDS`; the end of standard input ends us: nobody is left to play for."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        word, _, moment = line.decode().partition(" ")
        if word == "go" and not go.done():
            go.set_result(int(moment))
    raise SystemExit(1)


async def _keep_telling(counts: Counts) -> None:
    while True:
        tell(counts)
        await asyncio.sleep(0.5)


async def _main(arguments: argparse.Namespace) -> None:
    address = urlsplit(arguments.url)
    pool = Pool(address.hostname or "127.0.0.1", address.port or 80, arguments.connections)
    go: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with arguments.log.open("w", encoding="utf-8") as file:
        crowd = Crowd(pool, Log(file), arguments.width)
        around = [
            asyncio.create_task(_listen(go)),
            asyncio.create_task(_keep_telling(crowd.counts)),
        ]
        await crowd.play(_script(arguments.script), arguments.opens, go)
        for task in around:
            task.cancel()
    tell(crowd.counts)
    await pool.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--url", required=True)
    parser.add_argument("--opens", type=int, default=0, help="when the window opens")
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--width", type=int, default=MOST_UNDER_WAY, help="deeds under way at once")
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()

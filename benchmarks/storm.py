"""bin/bench storm: 2,500 students sign in within ten seconds, and register 3,500 times.

Each comes on a connection of their own, exchanges a token for a session's, and asks for a course,
some for a second one. Twice: with nothing in the way, and with a worker killed
in the middle (kill -9, the process that settles included).
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from benchmarks import rush, truths
from benchmarks.rush import Site
from benchmarks.truths import Broken
from registrar.services import processes

SETTLED_SECONDS = 15.0
_SEED = 20_261_120
_ARRIVAL_SECONDS = 10.0
_PATIENCE = 60.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY = re.compile(rb"\r\nretry-after: *(\d+)", re.IGNORECASE)


class Answer(NamedTuple):
    status: int
    head: bytes
    body: Any


class Seen(NamedTuple):
    """What all students were told together."""

    logins: Counter[int]
    posts: Counter[int]
    login_seconds: list[float]
    accepted: list[int]


class Student:
    """One of them."""

    def __init__(self, port: int, token: str, paths: Sequence[str], seen: Seen) -> None:
        self._port, self._token, self._paths, self._seen = port, token, paths, seen
        self._session = ""

    async def come(self, after: float) -> None:
        """Sign in, and ask for each course until it is taken."""
        await asyncio.sleep(after)
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await self._sign_in()
            for path in self._paths:
                told = await self._until_taken(path)
                self._seen.accepted.append(told.body["id"])
        finally:
            self._writer.close()

    async def _sign_in(self) -> None:
        begun = time.perf_counter()
        while True:
            told = await self._ask("/api/session/", json.dumps({"token": self._token}))
            self._seen.logins[told.status] += 1
            if told.status == 200:
                break
            await asyncio.sleep(_pause(told))
        self._seen.login_seconds.append(time.perf_counter() - begun)
        self._session = told.body["token"]

    async def _until_taken(self, path: str) -> Answer:
        while True:
            told = await self._ask(path, "{}")
            self._seen.posts[told.status] += 1
            if told.status in (200, 202):
                return told
            if told.status not in (429, 503):
                raise Broken(f"{path} answers {told.status}: {told.body}")
            await asyncio.sleep(_pause(told))

    async def _ask(self, path: str, body: str) -> Answer:
        lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
        if self._session:
            lines.append(f"Authorization: Token {self._session}")
        lines += [f"Content-Length: {len(body)}", "", body]
        self._writer.write("\r\n".join(lines).encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        text = await self._reader.readexactly(int(length[1]) if length else 0)
        return Answer(int(head[9:12]), head, json.loads(text))


def _pause(told: Answer) -> float:
    wait = _RETRY.search(told.head)
    return float(wait[1]) if wait else 1.0


def main(argv: Sequence[str]) -> int:
    """0: the targets are met. 1: one is missed. 3: something that must hold did not."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if not arguments.students <= arguments.registrations <= 2 * arguments.students:
        parser.error("--registrations must be one or two for each student")
    console = Console(highlight=False)
    targets: list[dict[str, Any]] = []
    try:
        for kill in (False, True):
            with rush.site(arguments.students, {}) as site:
                found = _blow(site, arguments, kill)
                rush.prove(site.database)
            for each in found:
                met = "met" if each["met"] else "MISSED"
                console.print(f"{each['name']}: {each['value']} (target {each['target']}, {met})")
            targets += found
    except Broken as broken:
        console.print(f"[bold]Broken:[/] {broken}")
        return 3
    if arguments.json:
        arguments.json.write_text(json.dumps({"targets": targets}, indent=1) + "\n")
    return 0 if all(target["met"] for target in targets) else 1


def _blow(site: Site, arguments: argparse.Namespace, kill: bool) -> list[dict[str, Any]]:
    seen = Seen(Counter(), Counter(), [], [])
    begun = rush.now()
    asyncio.run(_come(site, arguments, seen, kill))
    truths.until_decided(_PATIENCE)
    settled = rush.last_decision(begun)
    lost = arguments.registrations - len(set(seen.accepted)) + rush.lost(seen.accepted)
    failed = sum(count for status, count in seen.logins.items() if status >= 500)
    name = "storm, a worker killed" if kill else "storm"
    logins = sorted(seen.login_seconds)
    facts = {
        "logins": dict(seen.logins),
        "posts": dict(seen.posts),
        "login_p99_ms": round(logins[int(len(logins) * 0.99)] * 1000, 1),
        "longest_wait_s": round(rush.longest_wait(begun), 2),
    }
    return [
        {
            "name": f"{name}: seconds from the first request to the last decision",
            "value": round(settled, 2),
            "target": SETTLED_SECONDS,
            "met": settled <= SETTLED_SECONDS,
            "facts": facts,
        },
        {"name": f"{name}: 5xx at login", "value": failed, "target": 0, "met": not failed},
        {"name": f"{name}: lost or doubled", "value": lost, "target": 0, "met": not lost},
    ]


async def _come(site: Site, arguments: argparse.Namespace, seen: Seen, kill: bool) -> None:
    dice = random.Random(_SEED)
    wanted = [1] * arguments.students
    for lucky in dice.sample(range(arguments.students), arguments.registrations - len(wanted)):
        wanted[lucky] = 2
    async with asyncio.TaskGroup() as crowd:
        for token, count in zip(site.tokens, wanted, strict=True):
            student = Student(site.port, token, dice.sample(site.paths, count), seen)
            crowd.create_task(student.come(dice.uniform(0, arguments.seconds)))
        if kill:
            crowd.create_task(_kill_a_worker(site, arguments.seconds / 2))


async def _kill_a_worker(site: Site, after: float) -> None:
    """With its child; supervisor starts another."""
    await asyncio.sleep(after)
    victim = processes.pids(site.state)["worker-1"]
    children = Path(f"/proc/{victim}/task/{victim}/children").read_text().split()
    for pid in (victim, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/bench storm", description=__doc__)
    parser.add_argument("--students", type=rush.count, default=2500)
    parser.add_argument("--registrations", type=rush.count, default=3500)
    parser.add_argument("--seconds", type=rush.number, default=_ARRIVAL_SECONDS, help="of arriving")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser

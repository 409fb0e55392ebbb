"""Looking at one's requests until they are decided, as often as the server says and no oftener.

A student has one page open: it asks for all of its undecided requests at once.
"""

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

from .connection import Answer, Lost, Pool
from .counts import Counts

_UNDECIDED = frozenset({"", "PENDING"})


class Follower:
    """Every request named in an answer, from there to its decision."""

    def __init__(self, pool: Pool, write: Callable[..., None], counts: Counts) -> None:
        self._pool, self._write, self._counts = pool, write, counts
        self._results: dict[int, str | asyncio.Future[str]] = {}
        self._open: dict[str, set[int]] = {}
        """The undecided requests of each page, by its token."""
        self._pages: set[asyncio.Task[None]] = set()

    def follow(self, token: str, answer: Answer, told: dict[str, Any]) -> list[int]:
        """Follow what this answer names; the ids of its requests, in order."""
        named = told.get("requests", [told] if "id" in told else [])
        for each in named:
            if each["id"] not in self._results:
                self._results[each["id"]] = asyncio.get_running_loop().create_future()
                self._counts.waiting += 1
                if not self._decided(each, answer):
                    self._show(token, each["id"], _pause(answer))
        return [each["id"] for each in named]

    async def result(self, request: int) -> str:
        """How the request was decided, once it is."""
        known = self._results[request]
        return known if isinstance(known, str) else await asyncio.shield(known)

    async def finish(self, seconds: float) -> None:
        """Wait until everything is decided, or for that long."""
        if self._pages:
            _, late = await asyncio.wait(self._pages, timeout=seconds)
            for page in late:
                page.cancel()

    def _show(self, token: str, request: int, pause: float) -> None:
        if token in self._open:
            self._open[token].add(request)
            return
        self._open[token] = {request}
        page = asyncio.create_task(self._look(token, pause))
        self._pages.add(page)
        page.add_done_callback(self._pages.discard)

    async def _look(self, token: str, pause: float) -> None:
        requests = self._open[token]
        while requests:
            # A little apart: a crowd that was told the same time must not come back as one.
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))
            ids = ",".join(map(str, sorted(requests)))
            self._counts.looks += 1
            try:
                path = f"/api/student/requests/?ids={ids}"
                answer = await self._pool.ask("GET", path, token, "", b"")
            except Lost:
                pause = 1.0
                continue
            if answer.status == 200:
                for told in json.loads(answer.body)["results"]:
                    if self._decided(told, answer):
                        requests.discard(told["id"])
            pause = _pause(answer)
        del self._open[token]

    def _decided(self, told: dict[str, Any], answer: Answer) -> bool:
        """Whether the request is decided by now; then it is counted, logged and remembered."""
        result = told.get("state", "")
        if result in _UNDECIDED:
            return False
        waiting = self._results[told["id"]]
        if isinstance(waiting, asyncio.Future):
            waiting.set_result(result)
        self._results[told["id"]] = result
        self._counts.decided += 1
        self._counts.waiting -= 1
        self._write(seen=told["id"], result=result, at=answer.answered)
        return True


def _pause(answer: Answer) -> float:
    return 1.0 if answer.retry_after is None else answer.retry_after

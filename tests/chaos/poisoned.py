"""Requests that are poison to whoever decides them, by their ids, while the harness says so.

A file names them; a program under test looks whether it is there. What is patched is where a bug of
ours would hit: the decision of one request, and the writing of a plan.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

IN_DECISION = ("raises", "has no memory", "loops")
IN_WRITING = ("cannot be written", "kills")
WAYS = (*IN_DECISION, *IN_WRITING)


class Poison:
    """What is poison at the moment; the harness writes it and programs read it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "poison.json"
        self._log = folder / "poison.log"

    def be(self, way: str, requests: list[int]) -> None:
        """Let these requests be poison of this kind."""
        unfinished = self._file.with_suffix(".new")
        unfinished.write_text(json.dumps({"way": way, "requests": requests}))
        unfinished.rename(self._file)

    def over(self) -> None:
        self._file.unlink(missing_ok=True)

    def bites(self) -> list[int]:
        """Every request that was bitten on, once for each time."""
        return [int(line) for line in self._log.read_text().split()] if self._log.exists() else []

    def now(self) -> tuple[str, frozenset[int]]:
        try:
            told = json.loads(self._file.read_text())
        except FileNotFoundError:
            return "", frozenset()
        return told["way"], frozenset(told["requests"])

    def bite(self, request: int) -> None:
        with self._log.open("a") as log:
            log.write(f"{request}\n")


def put_in(folder: Path) -> None:
    """Patch this process's decisions and its ledger."""
    from enrollment import allocation, ledger

    poison = Poison(folder)
    for owner, name, patched in (
        (allocation._Allocation, "decide", _deciding),
        (ledger, "write", _writing),
    ):
        setattr(owner, name, patched(poison, getattr(owner, name)))


def _deciding(poison: Poison, decide: Callable[..., Any]) -> Callable[..., Any]:
    def patched(self: Any, ask: Any) -> Any:
        way, requests = poison.now()
        if ask.id in requests and way in IN_DECISION and ask.id not in self._broken:
            poison.bite(ask.id)
            _spoil(way)
        return decide(self, ask)

    return patched


def _writing(poison: Poison, write: Callable[..., Any]) -> Callable[..., Any]:
    def patched(cursor: Any, plan: Any, state: Any, *rest: Any) -> Any:
        way, requests = poison.now()
        for ask in rest[-1].asks:
            if ask.id in requests and way in IN_WRITING and ask.id not in state.broken:
                poison.bite(ask.id)
                _spoil(way)
        return write(cursor, plan, state, *rest)

    return patched


def _spoil(way: str) -> None:
    match way:
        case "raises":
            raise KeyError("a decision of chaos")
        case "has no memory":
            raise MemoryError
        case "loops":
            while True:
                pass
        case "cannot be written":
            raise ValueError("a write of chaos")
        case "kills":
            os._exit(9)

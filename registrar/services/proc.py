"""Which of our processes are alive, asked of the kernel rather than of pid files.

A pid file outlives its process, and after a reboot (or in a fresh container) its number belongs to
somebody else. PostgreSQL and Valkey both work inside their data directory, and everything under
supervisor carries a mark in its environment; both can be read from /proc and neither can be stale.
Where /proc does not exist, nothing is found and the callers fall back to what the servers say.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_PROC = Path("/proc")
CAN_LOOK = (_PROC / "self" / "cwd").exists()


def working_in(directory: Path) -> frozenset[int]:
    """The living processes whose current directory this is. A zombie has none, so is not one."""

    def works_there(entry: Path) -> bool:
        return (entry / "cwd").readlink() == directory

    return _processes(works_there)


def carrying(mark: str) -> frozenset[int]:
    """The living processes that were started with this `NAME=value` in their environment."""
    wanted = os.fsencode(mark)

    def carries(entry: Path) -> bool:
        return wanted in (entry / "environ").read_bytes().split(b"\0")

    return _processes(carries)


def end(pids: Iterable[int], patience: float, *, force: bool = True) -> None:
    """Ask politely, wait, then insist."""
    remaining = _signal(pids, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while remaining and time.monotonic() < deadline:
        time.sleep(0.05)
        remaining = {pid for pid in remaining if is_alive(pid)}
    if force:
        _signal(remaining, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """Whether the process runs. A zombie does not, although signals still reach it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = (
            (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
        )
    except (OSError, IndexError):
        return not CAN_LOOK
    return state not in ("Z", "X")


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _processes(matches: Callable[[Path], bool]) -> frozenset[int]:
    found = set()
    for entry in _PROC.iterdir() if CAN_LOOK else ():
        # Processes end while we look, and other people's are not ours to read.
        try:
            if entry.name.isdigit() and matches(entry):
                found.add(int(entry.name))
        except OSError:
            continue
    return frozenset(found)


def _signal(pids: Iterable[int], number: signal.Signals) -> set[int]:
    reached = set()
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        reached.add(pid)
    return reached

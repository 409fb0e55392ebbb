"""Start and stop the site's processes; supervisor keeps them running in between.

Callers start what is not running and later stop exactly what `start` returned. All of it works on
the environment it is called with, so call it inside `python -m registrar.services exec`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from registrar.services import proc
from registrar.services.errors import ServiceError
from registrar.services.layout import Layout
from registrar.services.programs import MARK, NAMES, Ports, write_configuration

_START_SECONDS = 60
# Celery finishes what it holds before it goes; supervisor insists after 40 seconds.
_STOP_SECONDS = 60
_LAST_LINES = 15


def start(
    state_dir: Path | str,
    names: Collection[str] = NAMES,
    environ: Mapping[str, str] | None = None,
) -> frozenset[str]:
    """Start those of the named processes that do not run. Returns the ones this call started.

    Raises ServiceError, with the end of its log, when one does not stay up; then none stays.
    """
    layout = Layout.at(state_dir)
    with layout.locked():
        wanted = frozenset(names) - running(state_dir)
        if not wanted:
            return frozenset()
        if not running(state_dir):
            _shut_down(layout)
            _start_supervisor(layout, os.environ if environ is None else environ)
        with _supervisor(layout) as supervisor:
            for name in sorted(wanted):
                supervisor.startProcess(name, False)
        failed = _wait_until_up(layout, wanted)
        if failed:
            _stop_named(layout, wanted)
            raise ServiceError(f"{failed} does not stay up\n{_end_of_log(layout, failed)}")
    return wanted


def stop(state_dir: Path | str, names: Collection[str] | None = None) -> None:
    """Stop the named processes, or all of them and whatever a crash left of them."""
    layout = Layout.at(state_dir)
    if not layout.root.is_dir():
        return
    with layout.locked():
        if names is not None:
            _stop_named(layout, names)
        if names is None or not running(state_dir):
            _shut_down(layout)


def running(state_dir: Path | str) -> frozenset[str]:
    """The processes that run, or are about to again after a crash."""
    return frozenset(_states(Layout.at(state_dir)))


def pids(state_dir: Path | str) -> dict[str, int]:
    """The process ids of those that run right now."""
    return {
        name: info["pid"] for name, info in _states(Layout.at(state_dir)).items() if info["pid"]
    }


def web_url(state_dir: Path | str) -> str:
    return f"http://127.0.0.1:{Ports.of(Layout.at(state_dir)).web}"


def flower_url(state_dir: Path | str) -> str:
    return f"http://127.0.0.1:{Ports.of(Layout.at(state_dir)).flower}"


def _start_supervisor(layout: Layout, environ: Mapping[str, str]) -> None:
    configuration = write_configuration(layout, Ports.free())
    subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", configuration],
        env={**environ, MARK: str(layout.root)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        check=False,
    )
    if not proc.wait_until(lambda: _answers(layout), 20):
        raise ServiceError(f"supervisor does not start, see {layout.log / 'supervisord.log'}")


def _stop_named(layout: Layout, names: Collection[str]) -> None:
    alive = _states(layout)
    with _supervisor(layout) as supervisor:
        for name in set(names) & set(alive):
            # It may have ended by itself since we looked.
            with contextlib.suppress(Error):
                supervisor.stopProcess(name, False)
    proc.wait_until(lambda: not set(names) & set(_states(layout)), _STOP_SECONDS)


def _shut_down(layout: Layout) -> None:
    if _answers(layout):
        with contextlib.suppress(Error, OSError), _supervisor(layout) as supervisor:
            supervisor.shutdown()
        proc.wait_until(lambda: not _ours(layout), _STOP_SECONDS)
    # A supervisor that was killed leaves its processes behind, without a parent.
    proc.end(_ours(layout), patience=15)
    (layout.run / "supervisor.sock").unlink(missing_ok=True)


def _ours(layout: Layout) -> frozenset[int]:
    return proc.carrying(f"{MARK}={layout.root}") - {os.getpid()}


def _wait_until_up(layout: Layout, names: Collection[str]) -> str | None:
    """The name of one that failed, if one did. The first time may be luck, the second is not."""
    deadline = time.monotonic() + _START_SECONDS
    failures: dict[str, int] = {}
    before: dict[str, str] = {}
    while time.monotonic() < deadline:
        now = {name: str(info["statename"]) for name, info in _states(layout).items()}
        waiting = [name for name in names if now.get(name) != "RUNNING"]
        if not waiting:
            return None
        for name in waiting:
            if now.get(name, "FATAL") in ("BACKOFF", "FATAL") and before.get(name) != now.get(name):
                failures[name] = failures.get(name, 0) + 1
                if failures[name] > 1:
                    return name
        before = now
        time.sleep(0.1)
    return waiting[0]


def _states(layout: Layout) -> dict[str, dict[str, Any]]:
    """What supervisor says of each process that it keeps alive at the moment."""
    try:
        with _supervisor(layout) as supervisor:
            answers: Any = supervisor.getAllProcessInfo()
    except (OSError, Error):
        return {}
    alive = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")
    return {info["name"]: info for info in answers if info["statename"] in alive}


def _answers(layout: Layout) -> bool:
    try:
        with _supervisor(layout) as supervisor:
            supervisor.getPID()
    except (OSError, Error):
        return False
    return True


@contextlib.contextmanager
def _supervisor(layout: Layout) -> Iterator[Any]:
    address = f"unix://{layout.run / 'supervisor.sock'}"
    transport = SupervisorTransport(None, None, address)
    try:
        yield ServerProxy("http://localhost", transport=transport).supervisor
    finally:
        transport.close()


def _end_of_log(layout: Layout, name: str) -> str:
    log = layout.log / f"{name}.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join([*(f"    {line}" for line in lines[-_LAST_LINES:]), f"    (from {log})"])

"""Start, stop and look at the services of one state directory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from registrar.services.endpoints import Endpoints, Given
from registrar.services.keys import keys_in
from registrar.services.layout import Layout
from registrar.services.postgres import Postgres
from registrar.services.valkey import Valkey


def launch(
    layout: Layout, *, durable: bool = True, passing: bool = False, ours: Path | None = None
) -> Endpoints:
    """Start what neither runs nor is given by URL in the environment.

    Services that had to be started for a `passing` command are marked to end with the last command
    that uses them. URLs below `ours` are not the user's: see `Given.by`. Raises ServiceError, whose
    message is for the reader, when it is not possible here.
    """
    given = Given.by(os.environ, ours or layout.run)
    with layout.locked():
        started = given.database is None and Postgres(layout, durable).start()
        started |= given.redis is None and Valkey(layout, durable).start()
        if passing and started:
            layout.passing.touch()
        keys = keys_in(layout.keys)
    return given.endpoints(layout, keys)


def start(state_dir: Path | str, durable: bool = True) -> Endpoints:
    """Start what neither runs nor is given by URL; again, if it already runs, at no cost."""
    return launch(Layout.at(state_dir), durable=durable)


def keep(state_dir: Path | str) -> None:
    """Let the services stay, whoever started them."""
    Layout.at(state_dir).passing.unlink(missing_ok=True)


def stop(state_dir: Path | str) -> None:
    """Stop our services; given ones are not ours to stop. Stopping twice is no error."""
    layout = Layout.at(state_dir)
    if not layout.root.is_dir():
        return
    with layout.locked():
        Valkey(layout).stop()
        Postgres(layout).stop()
        layout.passing.unlink(missing_ok=True)


def erase(state_dir: Path | str) -> None:
    """Stop our services and delete all they kept."""
    layout = Layout.at(state_dir)
    stop(state_dir)
    for directory in (layout.run, layout.root):
        shutil.rmtree(directory, ignore_errors=True)


def status(state_dir: Path | str) -> dict[str, int | None]:
    """The process id of each of our services, None where it does not run."""
    layout = Layout.at(state_dir)
    valkey = Valkey(layout)
    return {
        "postgres": Postgres(layout).pid(),
        "redis": valkey.pid() if valkey.is_running() else None,
    }

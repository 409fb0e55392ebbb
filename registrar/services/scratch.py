"""Services for one command: fresh, fast, and gone with it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from registrar.services.launch import erase

_PREFIX = "registrar-scratch-"
_OWNER = "owner"


@contextlib.contextmanager
def scratch_dir() -> Iterator[Path]:
    """A state directory whose services are stopped and whose files are removed at the end."""
    _remove_abandoned()
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
    with (directory / _OWNER).open("w") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        try:
            yield directory
        finally:
            erase(directory)


def _remove_abandoned() -> None:
    """Clean up after a command that was killed: its lock went with it, its servers did not."""
    for owner in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_OWNER}"):
        with contextlib.suppress(OSError):
            if owner.stat().st_uid != os.geteuid():
                continue
            with owner.open("r+") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                erase(owner.parent)

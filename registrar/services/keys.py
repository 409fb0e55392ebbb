"""The two secrets a development machine needs: made once, kept private, never in the source."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def keys_in(path: Path) -> dict[str, str]:
    """The keys kept in this file, made at the first call. Callers hold the layout's lock."""
    kept = dict(
        line.split("=", 1) for line in (path.read_text().splitlines() if path.exists() else ())
    )
    keys = {
        "REGISTRAR_SECRET_KEY": secrets.token_urlsafe(50),
        "FLOWER_BASIC_AUTH": f"registrar:{secrets.token_urlsafe(18)}",
        **kept,
    }
    if keys != kept:
        _write_private(path, "".join(f"{name}={value}\n" for name, value in keys.items()))
    return keys


def _write_private(path: Path, text: str) -> None:
    """Replace the file whole, so that nobody reads half of it or reads it before it is private."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    unfinished.replace(path)

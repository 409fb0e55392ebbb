"""The site's processes around a rehearsal: what does not run is started, and that alone stopped."""

import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from registrar.services import ServiceError, default_state_dir, processes
from registrar.services.programs import NAMES

from . import flower
from .report import Flower

EVERYTHING = NAMES
WITHOUT_WEB = tuple(name for name in NAMES if name != "web")
_READY_SECONDS = 90


@dataclass(frozen=True)
class Site:
    """Where it answers."""

    state: Path

    @property
    def url(self) -> str:
        return processes.web_url(self.state)

    @property
    def flower_url(self) -> str:
        return processes.flower_url(self.state)

    @property
    def flower_login(self) -> str:
        return os.environ.get("FLOWER_BASIC_AUTH", "")

    def flower(self, since: float) -> Flower | None:
        """What Flower saw since then, if it runs."""
        if "flower" not in processes.running(self.state):
            return None
        return flower.look(self.flower_url, self.flower_login, since)


@contextmanager
def running(names: Collection[str], *, keep: bool, say: Callable[[str], None]) -> Iterator[Site]:
    """The named processes, up and ready. With `keep` they stay after a day that went well.

    Raises ServiceError when one does not come up.
    """
    site = Site(default_state_dir())
    missing = sorted(set(names) - processes.running(site.state))
    if missing:
        say(f"Starting {', '.join(missing)}")
    started = processes.start(site.state, names)
    kept = False
    try:
        if "web" in names:
            _wait_until_ready(site)
        yield site
        kept = keep
    finally:
        if started and not kept:
            processes.stop(site.state, started)


def _wait_until_ready(site: Site) -> None:
    problem = "no answer"
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{site.url}/readyz", timeout=5):
                return
        except urllib.error.HTTPError as error:
            problem = f"{error.code} {error.read(500).decode(errors='replace').strip()}"
        except OSError as error:
            problem = str(error)
        time.sleep(0.2)
    raise ServiceError(f"{site.url}/readyz does not become ready: {problem}")

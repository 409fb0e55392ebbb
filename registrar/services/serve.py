"""bin/up: the whole site in front of you until Ctrl-C, or behind you with --detach."""

from __future__ import annotations

import signal
import time
import urllib.error
import urllib.request

from registrar.services import proc, processes
from registrar.services.errors import ServiceError
from registrar.services.layout import Layout

_READY_SECONDS = 90


def serve(layout: Layout, *, detach: bool) -> int:
    """Start what does not run, wait until the site is ready and, unless detached, until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    started = processes.start(layout.root)
    try:
        _wait_until_ready(layout)
        _say_where(layout)
        if detach:
            print("It goes on behind you; bin/down stops it.")
            return 0
        if not started:
            print("It was running already; bin/down stops it.")
            return 0
        print("Ctrl-C stops it.", flush=True)
        _stay_while_running(layout)
    except ServiceError:
        _stop(layout, started)
        raise
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)
        _stop(layout, started)
    return 0


def _wait_until_ready(layout: Layout) -> None:
    address = f"{processes.web_url(layout.root)}/readyz"
    problem = "no answer"

    def ready() -> bool:
        nonlocal problem
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            problem = f"{error.code} {error.read(500).decode(errors='replace').strip()}"
        except OSError as error:
            problem = str(error)
        time.sleep(0.2)
        return False

    if not proc.wait_until(ready, _READY_SECONDS):
        raise ServiceError(f"{address} does not become ready: {problem} (logs: {layout.log})")


def _say_where(layout: Layout) -> None:
    print(f"Registrar  {processes.web_url(layout.root)}/")
    print(f"Flower     {processes.flower_url(layout.root)}/  (login: see {layout.keys})")
    print(f"Logs       {layout.log}")
    print("Logins     bin/demo makes some and prints them; bin/manage createsuperuser makes yours")


def _stay_while_running(layout: Layout) -> None:
    while processes.running(layout.root):
        time.sleep(1)
    raise ServiceError(f"the site's processes are gone (logs: {layout.log})")


def _stop(layout: Layout, started: frozenset[str]) -> None:
    """Stop what we started. A second Ctrl-C would only leave half of it running."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if started:
        processes.stop(layout.root, started)

"""Inside the machine: the site is started, and then Django may be asked of its database."""

import importlib
import os
import signal
import sys
import time

import django

from registrar.services.errors import ServiceError

from . import machine
from .database import can_be_served
from .options import FAILED, SKIPPED, parse
from .site import Site


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    options = parse(sys.argv[1:])
    machine.end_with_the_outside()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    reason = can_be_served()
    if reason:
        say(f"skipped: PostgreSQL cannot be served here: {reason}")
        return SKIPPED
    begun = time.monotonic()
    try:
        site = Site()
        site.start(say)
        os.environ.update(site.owner())
        django.setup()
        # It imports models, which need the set-up.
        play = importlib.import_module("tests.hosts.play")
        code: int = play.play(site, options, say)
    except ServiceError as error:
        say(f"FAILED: {error}")
        code = FAILED
    except KeyboardInterrupt:
        say("stopped")
        code = 130
    say(f"{time.monotonic() - begun:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())

"""bin/hosts: what is asked for is checked here, and done in a machine of its own (`machine`)."""

import signal
import sys

from . import machine
from .options import SKIPPED, parse


def main() -> int:
    options = parse(sys.argv[1:])
    # Whatever asks us to go is taken as Ctrl-C is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        return machine.run_inside("tests.hosts.inside", sys.argv[1:], options.keep)
    except machine.NotHere as reason:
        sys.stdout.write(f"skipped: {reason}\n")
        return SKIPPED


if __name__ == "__main__":
    sys.exit(main())

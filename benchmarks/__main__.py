"""python -m benchmarks: set Django up as the database's owner, then measure. See `bin/bench`."""

import os
import signal
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registrar.settings")
os.environ["REGISTRAR_ROLE"] = "owner"
# Before any import of ours: what is measured logs what is wrong, and nothing else.
os.environ["REGISTRAR_LOG_LEVEL"] = "WARNING"
django.setup()

from benchmarks import overload, run, storm  # noqa: E402 - they import models, which need the set-up

ALONE = {"overload": overload.main, "storm": storm.main}
"""What has the machine to itself, with options of its own; the rest is measured side by side."""


def main() -> int:
    name, *rest = sys.argv[1:] or [""]
    return ALONE[name](rest) if name in ALONE else run.main()


if __name__ == "__main__":
    # Workers and databases are put away on the way out, whoever asks us to go.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

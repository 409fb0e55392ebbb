"""bin/chaos: rounds of faults under load, each decided by its seed.

Exit codes: 0 all held; 1 a promise was broken, or a planted bug survived; 2 it was asked for
something that there is not; 3 inconclusive: a fault that was put in never bit.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

import django

USAGE = 2
_INSIDE = "CHAOS_INSIDE"
"""Set once the scratch services run that a run needs."""
_SCRATCH = [sys.executable, "-P", "-m", "registrar.services", "exec", "--scratch"]


def main() -> int:
    arguments = _parser().parse_args()
    # What the programs of the site say is in their logs; here speaks the report.
    os.environ["REGISTRAR_LOG_LEVEL"] = "CRITICAL"
    django.setup()
    # Only now: models can be imported from here on.
    from tests.chaos import session

    try:
        session.check(arguments)
    except session.Unknown as error:
        sys.stderr.write(f"chaos: {error}\n")
        return USAGE
    if arguments.list:
        session.tell_what_there_is(_say)
        return 0
    if _INSIDE not in os.environ:
        _become_one_with_services(planted=bool(arguments.plant))
    # Ended politely: the site's processes have sessions of their own and would outlive us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        return session.run(arguments, _say)
    except KeyboardInterrupt:
        return 130


def _become_one_with_services(*, planted: bool) -> None:
    """Run the same again on a PostgreSQL and a Redis of its own, durable ones unless only the
    catching of bugs is tried."""
    options = [] if planted else ["--durable", "--migrate"]
    again = [*_SCRATCH, *options, "--", sys.executable, "-P", "-m", "tests.chaos", *sys.argv[1:]]
    os.execve(sys.executable, again, {**os.environ, _INSIDE: "yes"})


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="the first round's; the next is one more")
    parser.add_argument("--rounds", type=_positive, help="10, or as many as fit into --minutes")
    parser.add_argument("--minutes", type=_positive, help="begin no round after so many")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME", help="only this; repeat it for more"
    )
    parser.add_argument("--plant", metavar="NAME", help="put this bug in (or all): is it caught?")
    parser.add_argument("--list", action="store_true", help="name every fault and every plant")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where failures leave evidence")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())

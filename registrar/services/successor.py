"""Run by supervisor before each of its programs: `python -m registrar.services.successor NAME ...`.

A program that is killed outright leaves its children: a web server's would go on answering, with
yesterday's code, beside those of the next. So each program first ends what its predecessor left.
"""

from __future__ import annotations

import os
import sys

from registrar.services import proc
from registrar.services.programs import MARK, NAME


def main(name: str, command: list[str]) -> None:
    supervised = proc.carrying(f"{MARK}={os.environ[MARK]}")
    left_behind = (supervised & proc.carrying(f"{NAME}={name}")) - {os.getpid()}
    proc.end(left_behind, patience=5)
    os.execv(sys.executable, [sys.executable, "-m", *command])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

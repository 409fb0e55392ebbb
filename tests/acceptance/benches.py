"""`bin/bench`, run as a new user would."""

import os
import subprocess

from benchmarks.workers import ROOT

MET, MISSED, USAGE = 0, 1, 2


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In the bare environment of a fresh login: it starts services of its own."""
    return subprocess.run(
        [str(ROOT / "bin" / "bench"), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )

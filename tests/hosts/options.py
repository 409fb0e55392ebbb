"""What bin/hosts may be asked for, and what its exit code says."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

OK, FAILED, SKIPPED = 0, 1, 3
ACTS = {
    "scale": "Workers are added under load, from one host to three",
    "cut": "A worker host is cut off in the middle of a settlement",
    "locks": "Hosts vanish with locks in their hands, at three moments of a transaction",
    "vanish": "The Redis host vanishes, then the database host",
    "roll": "Every host is switched off and on again, one by one",
}
_SHORTEST_SECONDS, _LONGEST_SECONDS = 3.0, 300.0


class Options(NamedTuple):
    acts: tuple[str, ...]
    cut: float
    """Seconds that a host is cut off."""
    rate: float
    """Requests a second."""
    keep: Path | None
    """Where the machine's files stay, logs of all hosts among them."""


def parse(arguments: Sequence[str]) -> Options:
    """Ends with 2 and one line where something cannot be used."""
    parser = argparse.ArgumentParser(
        prog="bin/hosts",
        description="The services of docker-compose.yml as hosts on one machine, under load. "
        "Exit codes: 0 all held, 1 something did not, 3 skipped because it cannot be done here.",
    )
    parser.add_argument("--act", action="append", choices=ACTS, help="only this one; repeatable")
    parser.add_argument("--cut", type=_seconds, default=60.0, metavar="SECONDS")
    parser.add_argument("--rate", type=_rate, default=30.0, metavar="REQUESTS_A_SECOND")
    parser.add_argument("--keep", type=_folder, metavar="FOLDER", help="keep logs and data there")
    given = parser.parse_args(arguments)
    wanted = tuple(name for name in ACTS if not given.act or name in given.act)
    return Options(wanted, given.cut, given.rate, given.keep)


def _seconds(text: str) -> float:
    return _between(text, _SHORTEST_SECONDS, _LONGEST_SECONDS, "seconds")


def _rate(text: str) -> float:
    return _between(text, 1.0, 500.0, "requests a second")


def _between(text: str, least: float, most: float, unit: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not {least:.0f} to {most:.0f} {unit}")
    return number


def _folder(text: str) -> Path:
    folder = Path(text).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise argparse.ArgumentTypeError(f"{text!r} is not an empty or a new folder")
    return folder

"""How far a sending process is: told as it goes, added up by whoever watches."""

import json
import sys
from dataclasses import asdict, dataclass


@dataclass
class Counts:
    sent: int = 0
    answered: int = 0
    refused: int = 0
    """Answered with no and without a request: too early, too late, not found."""
    shed: int = 0
    """Told to come back later, and will."""
    lost: int = 0
    """Connections that ended before the answer came."""
    looks: int = 0
    """How often a page asked what had become of its requests."""
    decided: int = 0
    """Decisions seen."""
    waiting: int = 0
    """Requests accepted whose decision was not seen yet."""


def tell(counts: Counts) -> None:
    """One line on standard output, for whoever started this process."""
    sys.stdout.write(json.dumps(asdict(counts)) + "\n")
    sys.stdout.flush()

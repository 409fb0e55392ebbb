"""Python itself, set up for a process that answers or settles all day."""

import gc
import sys

SWITCH_SECONDS = 0.0005
"""A tenth of Python's own: how long a thread that may run waits for one that computes."""


def prepare() -> None:
    """Let the garbage collector look seldom, and threads take turns often.

    Call it when all code is loaded: what is there by then is never searched again. A settlement
    and an intake make tens of thousands of tuples and no cycles; being searched for some, over and
    over, was a tenth of their time. And while one thread computes, another has something to send as
    soon as PostgreSQL is done with the last statement, or has callers to answer.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    sys.setswitchinterval(SWITCH_SECONDS)

"""Replay: the record alone rebuilds every seat, and deciding again decides the same.

Settlements are numbered after their locks are held, so their numbers are a serial order of all
that they wrote (rule 8). Folding their entries in that order, from nothing but the genesis of
offerings older than the pipeline, must arrive at the tables; and `allocate`, run again on the
facts that a settlement stored, must give the entries that it wrote.
"""

from .run import CHECKS, run

__all__ = ["CHECKS", "run"]

"""Which of the requests in line a settlement decides: from the head, as far as all is held.

A request that touches more than that ends the batch, and is what to hold next; a CANCEL does not
wait for its turn, unless what it cancels still waits behind this batch.
"""

from collections.abc import Collection, Sequence

from django.conf import settings
from django.db.backends.utils import CursorWrapper

from . import facts
from .facts import Pending
from .vocabulary import Ask, Kind


def next_asks(
    cursor: CursorWrapper, held: Collection[int], pending: Sequence[Pending], careful: int
) -> tuple[list[Ask], dict[int, int], frozenset[int]]:
    """The asks to decide, the term of each, and what the next one touches, if not all is held.

    Where a settlement died, at most `careful` of them, CANCELs counted.
    """
    limit = careful or settings.REGISTRAR["SETTLE_BATCH"]
    ours = set(held)
    line = [entry for entry in pending if entry.ask.kind is not Kind.CANCEL]
    cut = next(
        (i for i, entry in enumerate(line) if not ours.issuperset(entry.ask.offerings)), len(line)
    )
    beyond = line[cut : cut + 1] if cut < limit else []
    beyond = beyond or _strays(pending, ours)
    wider = frozenset(beyond[0].ask.offerings) if beyond else frozenset()
    chosen = line[: min(cut, limit)]
    chosen += _cancels(cursor, pending, chosen, ours)
    chosen = sorted(chosen, key=lambda entry: entry.ask.id)[: careful or None]
    terms = {entry.ask.id: entry.term for entry in chosen}
    return [entry.ask for entry in chosen], terms, wider


def _strays(pending: Sequence[Pending], ours: set[int]) -> list[Pending]:
    """CANCELs that touch more than is held: they stand in no line that would ask for the rest."""
    return [
        entry
        for entry in pending
        if entry.ask.kind is Kind.CANCEL and not ours.issuperset(entry.ask.offerings)
    ]


def _cancels(
    cursor: CursorWrapper, pending: Sequence[Pending], chosen: Sequence[Pending], ours: set[int]
) -> list[Pending]:
    """CANCELs whose target is decided in this batch or was decided before: they jump no queue.

    One whose target still waits behind this batch waits with it.
    """
    cancels = [
        entry
        for entry in pending
        if entry.ask.kind is Kind.CANCEL and ours.issuperset(entry.ask.offerings)
    ]
    if not cancels:
        return []
    targets = {entry.ask.body["request"] for entry in cancels}
    waiting = facts.still_pending(cursor, ours, targets) - {entry.ask.id for entry in chosen}
    return [entry for entry in cancels if entry.ask.body["request"] not in waiting]

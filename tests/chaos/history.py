"""The clients' history beside the tables: what was promised to somebody and is not so. Pure.

The history is what clients sent and were told, by one clock, kept outside the system. A send
whose answer never came is unknown: it may have been taken or not, and proves nothing.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from enrollment.rehearsal.order import Passage, inversions
from tests.chaos.demand import CART_COURSES

UNKNOWN = 0
"""The status of a send that no answer came to."""
NOT_TAKEN = frozenset({"BACKLOG", "BUSY"})
"""Codes of a 503 that was said before anything was written."""
EDGE_SECONDS = 0.05
"""How near to an opening either answer is right."""


class Send(NamedTuple):
    """One POST of one deed. Times: nanoseconds of the client's monotonic clock."""

    deed: int
    kind: str
    actor: str
    student: int
    key: str
    says: str
    """What it asks, so that two sends with one key can be compared."""
    sent: int
    answered: int = 0
    status: int = UNKNOWN
    code: str = ""
    requests: tuple[int, ...] = ()
    sent_at: float = 0.0
    answered_at: float = 0.0
    """The same by the wall clock, in seconds, to be held against an opening."""
    knocks: bool = False


class Seen(NamedTuple):
    """What a student was shown of a request, in the order in which it was read."""

    request: int
    status: int
    state: str


class Row(NamedTuple):
    """A request as the tables have it after the drain."""

    id: int
    actor: str
    key: str
    kind: str
    student: int
    offerings: tuple[int, ...]
    outcomes: tuple[tuple[int, str], ...]
    """(settlement, result) of each outcome."""


class History(NamedTuple):
    sends: tuple[Send, ...]
    seen: tuple[Seen, ...]


def read(path: Path) -> History:
    """From the clients' log: a line for each send, one for its answer, one for each look."""
    begun: dict[int, Send] = {}
    seen: list[Seen] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        what, number = told.pop("what"), told.pop("n", 0)
        if what == "sent":
            begun[number] = Send(**told)
        elif what == "answered":
            told["requests"] = tuple(told["requests"])
            begun[number] = begun[number]._replace(**told)
        else:
            seen.append(Seen(**told))
    return History(tuple(begun.values()), tuple(seen))


def violations(history: History, rows: Sequence[Row], edge: float | None = None) -> Iterator[str]:
    """Each promise that was broken, in a line. `edge` is when the knockers' window opened."""
    by_id = {row.id: row for row in rows}
    yield from _unheard_of(history.sends)
    yield from _accepted_and_absent(history.sends, by_id)
    yield from _never_answered(history.sends)
    yield from _not_settled_once(rows)
    yield from _keys(history.sends, rows)
    yield from _refused_and_present(history.sends, rows)
    yield from _asked_by_nobody(history.sends, rows)
    yield from _overtaken(history.sends, by_id)
    yield from _shown_wrong(history.seen, by_id)
    if edge is not None:
        yield from _at_the_edge(history.sends, edge)


def _unheard_of(sends: Iterable[Send]) -> Iterator[str]:
    """An error of ours is 503; anything else of that kind is a fault that came through."""
    for send in sends:
        if send.status >= 500 and send.status != 503:
            yield f"{_name(send)} was answered {send.status} {send.code}"


def _accepted_and_absent(sends: Iterable[Send], rows: Mapping[int, Row]) -> Iterator[str]:
    for send in sends:
        if send.status in (200, 202) and not send.requests:
            yield f"{_name(send)} was answered {send.status} and names no request"
        for request in send.requests:
            row = rows.get(request)
            if row is None:
                yield f"{_name(send)} was accepted as request {request}, which is not there"
            elif row.actor != send.actor:
                yield f"{_name(send)} was answered with request {request} of {row.actor}"


def _never_answered(sends: Iterable[Send]) -> Iterator[str]:
    """With a key one asks until the answer stands: after the healing there must be one."""
    last: dict[int, Send] = {}
    for send in sends:
        if send.key and not send.knocks and (send.deed not in last or not _stands(last[send.deed])):
            last[send.deed] = send
    for send in last.values():
        if not _stands(send):
            yield f"{_name(send)} never got an answer that stands (last {send.status} {send.code})"


def _stands(send: Send) -> bool:
    return send.status not in (UNKNOWN, 503)


def _not_settled_once(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        if len(row.outcomes) != 1:
            yield f"request {row.id} ({row.kind}) has {len(row.outcomes)} outcomes after the drain"


def _keys(sends: Iterable[Send], rows: Iterable[Row]) -> Iterator[str]:
    """A key stands for one request, however often it is sent; another request it refuses."""
    taken: dict[tuple[str, str], set[tuple[str, tuple[int, ...]]]] = defaultdict(set)
    for send in sends:
        if send.key and send.requests and not _is_cart(send):
            taken[send.actor, send.key].add((send.says, send.requests))
    for (actor, key), answers in taken.items():
        if len(answers) > 1:
            told = "; ".join(f"{says} as {requests}" for says, requests in sorted(answers))
            yield f"key {key} of {actor} was accepted as more than one: {told}"
    for (actor, key), count in Counter((row.actor, row.key) for row in rows).items():
        if count > 1:
            yield f"key {key} of {actor} has {count} requests"


def _is_cart(send: Send) -> bool:
    """A cart becomes several requests, and what was declined of it may be accepted later."""
    return send.kind == "cart"


def _refused_and_present(sends: Iterable[Send], rows: Iterable[Row]) -> Iterator[str]:
    """Where every send of a key was answered no, there is no request."""
    answers: dict[tuple[str, str], list[Send]] = defaultdict(list)
    for send in sends:
        if send.key:
            answers[send.actor, send.key].append(send)
    present = {(row.actor, _own(row.key)): row.id for row in rows}
    for named, told in answers.items():
        if named in present and all(map(_says_no, told)):
            yield f"{_name(told[0])} was refused and is there as request {present[named]}"


def _says_no(send: Send) -> bool:
    """And means it: UNAVAILABLE says itself that the request may have been taken."""
    return 400 <= send.status < 500 or send.code in NOT_TAKEN


def _own(key: str) -> str:
    """The client's part of a key: a cart's requests each have one made of it."""
    return key.split("\x1f", 1)[0]


def _asked_by_nobody(sends: Iterable[Send], rows: Iterable[Row]) -> Iterator[str]:
    """A request with a key that nobody sent, or more without one than were sent without."""
    keys = {(send.actor, send.key) for send in sends if send.key}
    keyless: Counter[str] = Counter()
    for send in sends:
        if not send.key:
            keyless[send.actor] += CART_COURSES if send.kind in ("cart", "bundle") else 1
    found: Counter[str] = Counter()
    for row in rows:
        if row.kind == "RECHECK" or (row.actor, _own(row.key)) in keys:
            continue
        found[row.actor] += 1
        if found[row.actor] > keyless[row.actor]:
            yield f"request {row.id} ({row.kind} of {row.actor}) was asked by nobody"


def _overtaken(sends: Iterable[Send], rows: Mapping[int, Row]) -> Iterator[str]:
    """Answered before the other was sent, and settled after it, in one offering.

    A place counts from the first send that may have become the request, answered or not, so only
    what was sent with a key can be told.
    """
    sent: dict[tuple[str, str], int] = {}
    answered: dict[int, int] = {}
    for send in sends:
        named = send.actor, send.key
        sent[named] = min(sent.get(named, send.sent), send.sent)
        for request in send.requests:
            answered[request] = min(answered.get(request, send.answered), send.answered)
    passages = [
        Passage(offering, sent[row.actor, _own(row.key)], answered[row.id], (settlement, row.id))
        for row in rows.values()
        if row.kind != "CANCEL" and row.id in answered and (row.actor, _own(row.key)) in sent
        for settlement, _ in row.outcomes[:1]
        for offering in row.offerings
    ]
    count = inversions(passages)
    if count:
        yield f"{count} pairs of requests were settled in the wrong order"


def _shown_wrong(seen: Iterable[Seen], rows: Mapping[int, Row]) -> Iterator[str]:
    """An accepted request can be read, and once it was shown decided it stays so."""
    for look in seen:
        row = rows.get(look.request)
        if look.status >= 500 and look.status != 503:
            yield f"looking at request {look.request} was answered {look.status}"
        elif look.status == 404:
            yield f"request {look.request} was accepted and could not be found by its student"
        elif look.state not in ("", "PENDING") and row and len(row.outcomes) == 1:
            _, result = row.outcomes[0]
            if look.state != result:
                yield f"request {look.request} was shown as {look.state} and is {result}"


def _at_the_edge(sends: Iterable[Send], edge: float) -> Iterator[str]:
    """Nobody is let in before the opening, nobody is turned away after it."""
    for send in sends:
        if not send.knocks or send.status == UNKNOWN:
            continue
        if send.requests and send.answered_at < edge - EDGE_SECONDS:
            yield f"{_name(send)} was accepted {edge - send.answered_at:.3f} s before the opening"
        if send.code == "WINDOW_CLOSED" and send.sent_at > edge + EDGE_SECONDS:
            yield f"{_name(send)} was refused {send.sent_at - edge:.3f} s after the opening"


def _name(send: Send) -> str:
    return f"deed {send.deed} ({send.kind} of {send.actor}, key {send.key or 'none'})"

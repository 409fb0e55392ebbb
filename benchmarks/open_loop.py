"""A crowd that does not wait for its turn: a process that sends at a rate, whatever comes back.

    python benchmarks/open_loop.py PORT REQUESTS ACCEPTED --rate N --seconds N

REQUESTS has paths, an empty line, and tokens; pairs are drawn from them. With rate 0 a connection
sends its next request when it has its answer. It imports nothing of ours, waits for a line on
standard input, prints what it sent and got as JSON, and writes the ids that were accepted to
ACCEPTED. It shares the machine with what it measures, so it does as little as Python can.
"""

import argparse
import json
import os
import random
import re
import resource
import select
import socket
import sys
import time
from array import array
from collections import Counter, deque
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb'"id": *(\d+)')
_ACCEPTED = b"202"
_FORGIVEN = 5.0
"""Seconds in which answers may still come when nothing is sent any more."""


class Crowd:
    """Connections, each with one request at a time; a free one takes the next that is due."""

    def __init__(self, port: int, connections: int, pairs: list[bytes], accepted: Path) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        for _ in range(connections):
            made = socket.create_connection(("127.0.0.1", port))
            made.setblocking(False)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[made.fileno()] = made
            self._poll.register(made.fileno(), select.EPOLLIN)
        self._free = deque(self._sockets)
        self._sent: dict[int, float] = {}
        self._parts: dict[int, bytes] = {}
        self._pairs, self._next = pairs, 0
        self._accepted = accepted.open("wb")
        self.statuses: Counter[str] = Counter()
        self.waits: dict[bytes, array[float]] = {}
        self.late = array("d")
        self.unsent = 0

    def send(self, rate: float, seconds: float) -> float:
        """Requests at their times; the seconds that it took.

        One that finds no connection free leaves late, or never: `late` and `unsent` tell.
        """
        begun = now = time.perf_counter()
        asked = 0
        while now - begun < seconds:
            due = int((now - begun) * rate) - asked if rate else len(self._free)
            for _ in range(min(due, len(self._free))):
                self._ask(self._free.popleft())
                if rate and not asked % 64:
                    self.late.append(time.perf_counter() - begun - asked / rate)
                asked += 1
            self._hear(0.001 if rate else 0.1)
            now = time.perf_counter()
        self.unsent = int(seconds * rate) - asked if rate else 0
        taken = now - begun
        while len(self._sent) and time.perf_counter() - now < _FORGIVEN:
            self._hear(0.1)
        self.statuses["unanswered"] = len(self._sent)
        self._accepted.close()
        return taken

    def _ask(self, number: int) -> None:
        request = self._pairs[self._next]
        self._next = (self._next + 1) % len(self._pairs)
        self._sent[number] = time.perf_counter()
        self._sockets[number].send(request)

    def _hear(self, patience: float) -> None:
        for number, _ in self._poll.poll(patience):
            data = self._parts.pop(number, b"") + self._sockets[number].recv(65536)
            now = time.perf_counter()
            end = data.find(b"\r\n\r\n")
            length = _LENGTH.search(data, 0, end) if end >= 0 else None
            if not data:
                raise ConnectionError("the server closed a connection")
            if length is None or len(data) < end + 4 + int(length[1]):
                self._parts[number] = data
                continue
            status = data[9:12]
            self.waits.setdefault(status, array("d")).append(now - self._sent.pop(number))
            self._free.append(number)
            if status == _ACCEPTED and (found := _ID.search(data, end)):
                self._accepted.write(found[1] + b"\n")


def _quantiles(waits: "array[float]") -> dict[str, float]:
    ordered = sorted(waits)
    return {
        f"p{percent:g}_ms": round(ordered[int(len(ordered) * percent / 100)] * 1000, 2)
        for percent in (50, 99, 99.9)
    }


def _pairs(requests: Path, many: int) -> list[bytes]:
    """Every combination is as likely; the same ones whenever they are asked for."""
    paths, tokens = (part.split() for part in requests.read_text().split("\n\n"))
    dice = random.Random(20_261_120)
    return [
        f"POST {dice.choice(paths)} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Token {dice.choice(tokens)}\r\nContent-Length: 0\r\n\r\n".encode()
        for _ in range(many)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("requests", type=Path)
    parser.add_argument("accepted", type=Path)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--processors", help="numbers, with commas; all where none are named")
    arguments = parser.parse_args()
    if arguments.processors:
        os.sched_setaffinity(0, map(int, arguments.processors.split(",")))
    pairs = _pairs(arguments.requests, 200_000)
    crowd = Crowd(arguments.port, arguments.connections, pairs, arguments.accepted)
    print("ready", flush=True)
    sys.stdin.readline()
    before = resource.getrusage(resource.RUSAGE_SELF)
    taken = crowd.send(arguments.rate, arguments.seconds)
    after = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "seconds": round(taken, 3),
        "statuses": {
            **{status.decode(): len(waits) for status, waits in crowd.waits.items()},
            **crowd.statuses,
        },
        "waits": {status.decode(): _quantiles(waits) for status, waits in crowd.waits.items()},
        "late": _quantiles(crowd.late) if crowd.late else {},
        "unsent": crowd.unsent,
        "processor_seconds": round(
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2
        ),
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()

"""The seed's design: the request itself runs the transaction, in as many processes as a web server
would have. No queue, no worker and no message; HTTP is left out, in its favour.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from benchmarks import campus, databases, textbook, truths
from benchmarks.contender import Run
from benchmarks.truths import Broken
from benchmarks.workers import ROOT

PROCESSES = 4
_GO = "go\n"


class Synchronous:
    """The first requests of a workload, dealt to processes that each take one at a time."""

    def __init__(self, workload: str, template: str) -> None:
        self.template = template
        self.name = f"synchronous {workload}"

    def run(self, round_: int) -> Run:
        with databases.made("round", self.template) as database:
            ids = campus.pending_ids()
            hands = [ids[nth::PROCESSES] for nth in range(PROCESSES)]
            with _processes(hands, databases.environment(database)) as processes:
                begun = time.perf_counter()
                for process in processes:
                    _tell(process, _GO)
                if any(process.wait() for process in processes):
                    raise Broken("a process of the synchronous design failed")
                seconds = time.perf_counter() - begun
            truths.check(fill_in_order=False)
        return Run(self.name, round_, len(ids), seconds, {"sample": len(ids)})


@contextmanager
def _processes(
    hands: Sequence[Sequence[int]], environ: Mapping[str, str]
) -> Iterator[list["subprocess.Popen[str]"]]:
    processes = [_start(environ) for _ in hands]
    try:
        for process, hand in zip(processes, hands, strict=True):
            _tell(process, json.dumps(hand) + "\n")
        for process in processes:
            if not (process.stdout and process.stdout.readline()):
                raise Broken("a process of the synchronous design does not start")
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _start(environ: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "benchmarks", "--inside", "synchronous"],
        cwd=ROOT,
        env={**os.environ, **environ, "PYTHONPATH": str(ROOT), "REGISTRAR_ROLE": "worker"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _tell(process: "subprocess.Popen[str]", line: str) -> None:
    if process.stdin:
        process.stdin.write(line)
        process.stdin.flush()


def work(_: str) -> None:
    """One of the processes: learn the ids, say that it is ready, and decide them all."""
    ids = json.loads(sys.stdin.readline())
    campus.pending_ids()
    print("ready", flush=True)
    sys.stdin.readline()
    for request_id in ids:
        textbook.decide(request_id)

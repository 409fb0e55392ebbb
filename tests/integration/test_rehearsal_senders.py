"""The sending processes from outside: they begin together, tell how far they are, and end."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from enrollment.rehearsal.counts import Counts
from enrollment.rehearsal.senders import Sender, SenderFailed, Senders
from tests.processes import ROOT

NOWHERE = "--url=http://127.0.0.1:9"


def client(folder: Path, script: str) -> Sender:
    path = folder / "client.script"
    path.write_text(script)
    return Sender("client", [str(path), str(folder / "client.log"), NOWHERE], folder / "errors")


def finished(senders: Senders, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not senders.finished():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def deed(**changes: object) -> str:
    line = {"n": 0, "student": 1, "token": "t", "at": 0, "kind": "enroll", "path": "/", "body": {}}
    return json.dumps(line | changes) + "\n"


def test_a_sender_with_nothing_to_send_finishes(tmp_path: Path) -> None:
    with Senders([client(tmp_path, "")]) as senders:
        senders.go()

        assert finished(senders)
        assert senders.counts() == Counts()


def test_nothing_is_sent_before_all_are_let_go(tmp_path: Path) -> None:
    with Senders([client(tmp_path, deed())]) as senders:
        time.sleep(1.5)
        before = senders.counts()
        senders.go()
        time.sleep(1.5)

        assert before.sent == 0
        assert senders.counts().sent > 0, "and it is tried again, for nobody answers there"
        assert senders.counts().lost > 0


def test_a_sender_that_fails_is_found_out_in_one_line(tmp_path: Path) -> None:
    with Senders([client(tmp_path, "this is no script\n")]) as senders:
        senders.go()

        with pytest.raises(SenderFailed, match=r"^a sending process failed: .*JSONDecodeError"):
            finished(senders)


def test_leaving_early_leaves_no_process_behind(tmp_path: Path) -> None:
    sender = client(tmp_path, deed())

    with Senders([sender]) as senders:
        senders.go()

    assert not alive(sender)


def alive(sender: Sender) -> bool:
    return sender._process.poll() is None


def test_a_client_that_nobody_watches_any_more_ends_by_itself(tmp_path: Path) -> None:
    script = tmp_path / "client.script"
    script.write_text(deed())
    arguments = [str(script), str(tmp_path / "client.log"), NOWHERE]
    watched = subprocess.Popen(
        [sys.executable, "-m", "enrollment.rehearsal.client", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    assert watched.stdin is not None
    watched.stdin.close()

    assert watched.wait(20) != 0

"""The services of docker-compose.yml as hosts with addresses of their own: `bin/hosts`, shortly.

Skipped, with the reason, where the kernel lets nobody make networks.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hosts import machine
from tests.hosts.options import OK, SKIPPED
from tests.processes import ROOT

pytestmark = pytest.mark.acceptance

SHORT = ("--act=scale", "--act=cut", "--act=locks", "--cut=4")


@pytest.fixture(autouse=True)
def networks_can_be_made() -> None:
    try:
        machine.command()
    except machine.NotHere as reason:
        pytest.skip(str(reason))


def hosts(*arguments: str) -> "subprocess.Popen[str]":
    """bin/hosts without its set-up, away from the services of the test."""
    ours = ("DATABASE_", "REDIS_", "REGISTRAR_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.hosts", *arguments],
        cwd=ROOT,
        env={**environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def outcome(process: "subprocess.Popen[str]") -> str:
    said, _ = process.communicate()
    if process.returncode == SKIPPED:
        pytest.skip(said.strip().splitlines()[-1])
    assert process.returncode == OK, said
    return said


def test_hosts_are_added_and_cut_off_under_load_and_nothing_is_lost() -> None:
    said = outcome(hosts(*SHORT))

    assert said.count(" checks, 0 violations") == 3
    assert "aborted" in said


@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_host_may_vanish_or_be_rolled_under_load() -> None:
    outcome(hosts())


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGKILL])
def test_whoever_ends_it_leaves_no_process_and_no_network_behind(
    asked: signal.Signals, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    process = hosts("--act=cut", f"--keep={files}")
    while not (files / "redis.log").exists():
        assert process.poll() is None
        time.sleep(0.05)
    assert inside(files)

    process.send_signal(asked)
    process.communicate()

    deadline = time.monotonic() + 10
    while left := inside(files):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def inside(files: Path) -> list[str]:
    """The processes of that machine: what they are, where they still run."""
    return [
        (entry / "cmdline").read_text().replace("\0", " ")
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and belongs(entry, f"HOSTS_STATE={files}")
    ]


def belongs(entry: Path, mark: str) -> bool:
    try:
        return mark.encode() in (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return False

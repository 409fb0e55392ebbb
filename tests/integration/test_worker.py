"""Real workers: what they sweep, what they tell an administrator, and what Flower shows of it."""

import base64
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from django.db import connection

from enrollment import mailbox, requests
from enrollment.models import Outcome, Student
from enrollment.vocabulary import Kind
from tests.daemons import STANDBY, START_SECONDS, Daemon, worker
from tests.factories import ask, enroll, make_offering, make_student, make_term, open_window
from tests.races import until

LOGIN = "registrar:of course"
SETTLE_WITHIN = 10.0


@pytest.fixture
def asked(database: None) -> list[int]:
    """Three students' requests for two seats, posted and rung for."""
    term = make_term()
    open_window(term)
    offering = make_offering(term, code="CS101", base_limit=2)
    return enroll(offering, [make_student(term) for _ in range(3)])


def all_decided(ids: list[int]) -> bool:
    return Outcome.objects.filter(pk__in=ids).count() == len(ids)


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_a_worker_sweeps_for_requests_that_nobody_rang_for(
    database: None, tmp_path: Path, pool: str
) -> None:
    term = make_term()
    open_window(term)
    with worker(tmp_path, pool=pool) as running:
        [answer] = requests.insert([ask(Kind.ENROLL, make_student(term), make_offering(term))])
        assert isinstance(answer, requests.Accepted)

        until(lambda: all_decided([answer.request]), SETTLE_WITHIN)
        assert running.stop() == 0
    assert "sweep.failed" not in running.said()


@pytest.fixture
def evicting(database: None) -> Iterator[None]:
    mailbox.client().config_set("maxmemory-policy", "allkeys-lru")
    yield
    mailbox.client().config_set("maxmemory-policy", "noeviction")


@pytest.mark.usefixtures("evicting")
@pytest.mark.parametrize("argv", [("worker", "-c", "1"), ("beat", "-S", STANDBY)])
def test_on_a_redis_that_evicts_nothing_starts(tmp_path: Path, argv: tuple[str, ...]) -> None:
    with Daemon(tmp_path / "log", *argv) as process:
        assert process.ends(START_SECONDS) != 0

    assert "set its maxmemory-policy to noeviction" in process.said()


def test_a_sweeper_outlives_what_a_look_raises(database: None, tmp_path: Path) -> None:
    """Its connection is cut while it runs: the next look has a new one."""
    term = make_term()
    open_window(term)
    with worker(tmp_path) as running:
        until(lambda: cut_worker_sessions() > 0, SETTLE_WITHIN)
        [answer] = requests.insert([ask(Kind.ENROLL, make_student(term), make_offering(term))])
        assert isinstance(answer, requests.Accepted)

        until(lambda: all_decided([answer.request]), SETTLE_WITHIN)
        assert not running.over()


def cut_worker_sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE usename = 'reg_worker' AND datname = current_database()"
        )
        cut: int = cursor.fetchone()[0]
        return cut


def test_settle_tells_courses_and_counts_and_nobody(asked: list[int], tmp_path: Path) -> None:
    with worker(tmp_path) as running:
        until(lambda: all_decided(asked), SETTLE_WITHIN)
        running.says("'decided': 3", SETTLE_WITHIN)
        said = running.said()

    assert "'courses': ('CS101',)" in said
    assert "'milliseconds':" in said
    assert not any(number in said for number in Student.objects.values_list("number", flat=True))


def test_a_result_is_stored_nowhere(asked: list[int], tmp_path: Path) -> None:
    with worker(tmp_path) as running:
        running.says("'decided': 3", SETTLE_WITHIN)

    assert mailbox.client().keys("celery-task-meta-*") == []


# Flower -----------------------------------------------------------------------------------------


class Flower:
    """Flower's API, asked with or without the login."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    def get(self, path: str, login: str = LOGIN) -> Any:
        return json.loads(self._open(Request(self._base + path), login))

    def status(self, path: str, login: str = "", method: str = "GET") -> int:
        try:
            self._open(Request(self._base + path, method=method), login)
        except HTTPError as error:
            error.close()
            return error.code
        return 200

    def answers(self) -> bool:
        try:
            return self.status("/api/workers") == 401
        except URLError:
            return False

    def _open(self, request: Request, login: str) -> bytes:
        if login:
            request.add_header(
                "Authorization", f"Basic {base64.b64encode(login.encode()).decode()}"
            )
        with urlopen(request, timeout=10) as response:
            body: bytes = response.read()
            return body


@pytest.fixture
def flower(database: None, tmp_path: Path) -> Iterator[Flower]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--address=127.0.0.1", f"--port={port}", "--read_only=True", "--max_tasks=5000")
    environ = {"FLOWER_BASIC_AUTH": LOGIN}
    with Daemon(tmp_path / "flower.log", "flower", *options, environ=environ) as running:
        api = Flower(port)
        until(lambda: api.answers() or running.over(), 60)
        assert not running.over(), running.said()
        yield api


def test_flower_shows_workers_and_settle_tasks_to_who_signs_in(
    flower: Flower, tmp_path: Path
) -> None:
    with worker(tmp_path, "w1"):
        term = make_term()
        open_window(term)
        students = [make_student(term) for _ in range(3)]
        asked = enroll(make_offering(term, code="CS101", base_limit=2), students)
        until(lambda: all_decided(asked), SETTLE_WITHIN)
        until(lambda: "w1@test" in flower.get("/api/workers?refresh=1"), 20)
        until(lambda: settled(flower), 20)

        shown = settled(flower)

    assert any("'courses': ('CS101',)" in task["result"] for task in shown)
    assert {task["worker"] for task in shown} == {"w1@test"}
    text = json.dumps(flower.get("/api/tasks"))
    assert not any(student.number in text for student in students)


def settled(flower: Flower) -> list[dict[str, Any]]:
    """Settle tasks that decided something, as Flower shows them."""
    tasks = flower.get("/api/tasks?taskname=workers.tasks.settle&state=SUCCESS").values()
    return [task for task in tasks if "'decided': 0" not in (task["result"] or "")]


def test_flower_shows_nothing_without_the_login_and_changes_nothing_with_it(
    flower: Flower,
) -> None:
    assert "FLOWER_UNAUTHENTICATED_API" not in os.environ
    for path in ("/", "/workers", "/tasks", "/api/workers", "/api/tasks"):
        assert flower.status(path) == 401, path
        assert flower.status(path, login="registrar:wrong") == 401, path
    assert flower.status("/api/workers", LOGIN) == 200
    assert flower.status("/api/worker/shutdown/w1@test", LOGIN, "POST") in (403, 404, 405)
    assert flower.status("/api/task/async-apply/workers.tasks.tick", LOGIN, "POST") in (403, 405)

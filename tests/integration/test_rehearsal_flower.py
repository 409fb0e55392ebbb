"""What is told of Flower is what its API says; where it does not answer, nothing is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from enrollment.rehearsal.flower import look
from enrollment.rehearsal.report import Flower

LOGIN = "registrar:a secret"
SETTLE = "workers.tasks.settle"
TASKS = {
    "a": {"name": SETTLE, "state": "SUCCESS", "received": 100.0},
    "b": {"name": SETTLE, "state": "FAILURE", "received": 101.0},
    "c": {"name": SETTLE, "state": "SUCCESS", "received": 50.0},
    "d": {"name": SETTLE, "state": "RECEIVED", "received": None},
}


class Api(BaseHTTPRequestHandler):
    """Two endpoints behind a login."""

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "Basic cmVnaXN0cmFyOmEgc2VjcmV0"
        self.send_response(200 if known else 401)
        self.end_headers()
        if known and self.path.startswith("/api/workers?"):
            self.wfile.write(json.dumps({"w1": True, "w2": True, "w3": False}).encode())
        elif known and f"taskname={SETTLE}" in self.path:
            self.wfile.write(json.dumps(TASKS).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to say."""


@contextmanager
def flower() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_workers_that_answer_and_tasks_of_the_day_are_counted() -> None:
    with flower() as url:
        assert look(url, LOGIN, since=99.0) == Flower(workers=2, settle_tasks=1, failed_tasks=1)


def test_with_a_wrong_login_nothing_is_told() -> None:
    with flower() as url:
        assert look(url, "registrar:guessed", since=99.0) is None


def test_where_no_flower_answers_nothing_is_told() -> None:
    assert look("http://127.0.0.1:9", LOGIN, since=0) is None

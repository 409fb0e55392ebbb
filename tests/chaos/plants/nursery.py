"""Processes that have loaded everything and fork what a plant needs, ready in a moment.

    python -m tests.chaos.plants.nursery

Orders come as JSON, a line each; a line with the pid answers each. A child ends with its nursery,
and that with the harness, whose end closes its standard input.
"""

import ctypes
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.conf import settings
from django.db import OperationalError, connections

from registrar.celery import app
from registrar.wsgi import application
from tests.chaos.plants import put_in
from tests.chaos.plants.order import Order, Pause

_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG."""


def main() -> None:
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        order = Order(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            _be(order)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _load() -> None:
    """What they would load at their first step."""
    for name in ("workers.tasks", "celery.apps.worker", "registrar.urls"):
        import_module(name)


def _be(order: Order) -> None:
    """What the fork is from here to its end."""
    try:
        _become(order)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


def _become(order: Order) -> None:
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(file, number)
    _prepare(order)
    _KINDS[order.kind](order)


def _prepare(order: Order) -> None:
    for alias in connections.settings:
        connections.settings[alias]["NAME"] = order.database
    settings.REGISTRAR.update(order.limits)
    pauses = [Pause(*pause) for pause in order.pauses]
    for pause in pauses:
        if pause.inner:
            _pause(pause, order)
    for plant in order.plants:
        put_in(plant)
    for pause in pauses:
        if not pause.inner:
            _pause(pause, order)


def _worker(order: Order) -> None:
    options = ("-Q", "settle,default", "-c", "1", "-E", "--loglevel", "INFO")
    quick = ("--without-mingle", "--without-gossip")
    app.worker_main(["worker", "-n", f"{order.name}@%h", *options, *quick])


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64

    def server_bind(self) -> None:
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]
        self.setup_environ()


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """The clients keep the log."""


def _door(order: Order) -> None:
    with _Server(("127.0.0.1", 0), _Silent) as server:
        server.set_app(application)
        port = Path(f"{order.log}.port")
        port.with_suffix(".new").write_text(str(server.server_port))
        port.with_suffix(".new").rename(port)
        server.serve_forever()


_KINDS: dict[str, Callable[[Order], None]] = {"worker": _worker, "door": _door}


def _pause(pause: Pause, order: Order) -> None:
    module, _, name = pause.seam.partition(":")
    owner = import_module(module)
    original = getattr(owner, name)
    left = iter(range(pause.times))

    @wraps(original)
    def paused(*args: Any, **kwargs: Any) -> Any:
        answer = original(*args, **kwargs)
        if (not pause.only or _decides(pause.only, args)) and next(left, None) is not None:
            sys.stderr.write(f"paused at {pause.seam}\n")
            sys.stderr.flush()
            _stand_still(pause, Path(f"{order.log}.go"))
        return answer

    setattr(owner, name, paused)


def _decides(request: int, args: tuple[Any, ...]) -> bool:
    asked = {ask.id for each in args for ask in getattr(each, "asks", ())}
    given_up = {id_ for each in args for id_ in getattr(each, "broken", ())}
    return request in asked - given_up


def _stand_still(pause: Pause, go: Path) -> None:
    if pause.action == "hold":
        while not go.exists():
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT")
            time.sleep(0.02)
    elif pause.action == "freeze":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif pause.action == "die":
        os.killpg(0, signal.SIGKILL)  # a worker's parent too, which would start it again
    elif pause.action == "lose":
        raise OperationalError("the answer to COMMIT was lost")
    else:
        time.sleep(pause.seconds)


if __name__ == "__main__":
    main()

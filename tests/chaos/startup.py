"""What the processes under test load besides the product: failpoints, and a plant if one is named.

It is an app, so its `ready` runs in each of them once Django's models are there: in the web
server's workers, in Celery's, in beat. Patched are module attributes, looked up at each call.
"""

import builtins
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from django import db
from django.apps import AppConfig

from tests.chaos import poisoned
from tests.chaos.failpoints import Failpoints

FOLDER = "CHAOS_FOLDER"
"""Where the shots are, in the environment of a process under test."""
PLANT = "CHAOS_PLANT"
"""Which bugs it is to have, by name and with commas."""
PROCESS = "REGISTRAR_PROCESS"


class Chaos(AppConfig):
    name = "tests.chaos.startup"
    label = "chaos"

    def ready(self) -> None:
        folder = os.environ.get(FOLDER)
        if folder:
            _put_in(Failpoints(Path(folder)))
            poisoned.put_in(Path(folder))
        for plant in filter(None, os.environ.get(PLANT, "").split(",")):
            _plant(plant)


def _plant(name: str) -> None:
    # Most processes have none, and plants import half of the product.
    from tests.chaos import plants

    plants.put_in(name)


def _put_in(points: Failpoints) -> None:
    from enrollment import ledger, mailbox, openings, requests, settlement, sweep

    process = os.environ.get(PROCESS, "?")

    def hit(point: str, **facts: Any) -> None:
        action = points.take(point, process, **facts)
        if action:
            _act(action)

    def once_decided(point: str) -> Callable[..., None]:
        def then(done: Any, *_: Any) -> None:
            if done.decided:
                hit(point)

        return then

    # The transaction is one message: this is the last moment before it that is ours.
    before(requests, "_insert", lambda *_: hit("intake.before_commit"))
    after(requests, "insert", lambda *_: hit("intake.after_commit"))
    before(mailbox, "post", lambda *_: hit("ring.before"))
    after(mailbox, "post", lambda *_: hit("ring.after"))
    before(
        settlement, "_settle_held", lambda _, held, *__: hit("settle.after_lock", held=list(held))
    )
    after(
        settlement,
        "_load",
        lambda _, __, offerings, *___: hit("settle.after_read", held=list(offerings.facts)),
    )
    before(ledger, "_insert_enrollments", lambda *_: hit("settle.mid_batch"))
    after(settlement, "_settle_held", once_decided("settle.before_commit"))
    after(settlement, "_transact", once_decided("settle.after_commit"))
    after(sweep, "_heads", lambda *_: hit("sweep.after_select"))
    before(openings, "insert_sections", lambda *_: hit("section.before_insert"))


# Patching -----------------------------------------------------------------------------------


def before(owner: ModuleType, name: str, first: Callable[..., object]) -> None:
    """Let every caller of a function call `first` with the same arguments before it."""
    original = getattr(owner, name)

    @wraps(original)
    def patched(*args: Any, **kwargs: Any) -> Any:
        first(*args)
        return original(*args, **kwargs)

    setattr(owner, name, patched)


def after(owner: ModuleType, name: str, then: Callable[..., object]) -> None:
    """Let every caller of a function call `then` with its answer and its arguments after it."""
    original = getattr(owner, name)

    @wraps(original)
    def patched(*args: Any, **kwargs: Any) -> Any:
        answer = original(*args, **kwargs)
        then(answer, *args)
        return answer

    setattr(owner, name, patched)


# What may happen at a failpoint ----------------------------------------------------------------


def _act(action: str) -> None:
    what, _, how = action.partition(":")
    match what:
        case "kill9" if how == "group":
            os.killpg(0, signal.SIGKILL)
        case "kill9":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "sleep":
            time.sleep(float(how))
        case "raise":
            raise _error(how)
        case "drop_conn":
            _drop_connection()
        case _:
            raise ValueError(f"a failpoint cannot {action!r}")


def _error(name: str) -> BaseException:
    """An exception by its name: one of the database's, else one of Python's."""
    kind = getattr(db, name, None) or getattr(builtins, name)
    error: BaseException = kind(f"{name}, raised by a failpoint")
    return error


def _drop_connection() -> None:
    """Cut this thread's database connection at the socket, without telling the driver."""
    raw = db.connection.connection
    if raw is not None:
        with socket.socket(fileno=os.dup(raw.fileno())) as pipe:
            pipe.shutdown(socket.SHUT_RDWR)

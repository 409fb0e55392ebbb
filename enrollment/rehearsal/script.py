"""From what students do to what their browsers send: one script a client process.

A student's deeds are all in one script, so that a process can keep their order. Lines are written
as they come and are read as they are played; nobody holds all of them.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from .day import Act, Deed, Kind
from .demand import Ask
from .scenery import Stage

_STUDENT = "/api/student"


def write_day(deeds: Sequence[Deed], stage: Stage, paths: Sequence[Path]) -> None:
    """The scripts of an invented day, in the order of its times."""
    remembered = {deed.after for deed in deeds if deed.after >= 0}
    with _opened(paths) as files:
        for deed in deeds:
            line = _line(deed.number, deed.student, stage, deed.at)
            line |= _sent(deed.act, stage)
            if deed.keyed:
                line["key"] = _key()
            if deed.twice:
                line["twice"] = True
            if deed.number in remembered:
                line["remembered"] = True
            if deed.after >= 0:
                line |= _following(deed, stage)
            _write(files[deed.student % len(files)], line)


def write_asks(
    asks: Iterable[Ask], stage: Stage, paths: Sequence[Path], rate: float | None
) -> None:
    """The scripts of a demand file: every request an ENROLL, at its time if it has one."""
    with _opened(paths) as files:
        for number, ask in enumerate(asks):
            line = _line(number, ask.student, stage, _moment(number, ask, rate))
            line |= _sent(Act(Kind.ENROLL, ask.course), stage) | {"key": _key()}
            _write(files[ask.student % len(files)], line)


def write_feed(asks: Iterable[Ask], stage: Stage, path: Path, rate: float | None) -> None:
    """The same for the feeder: number, student, offering and time (-1 where there is none)."""
    with _opened([path]) as [file]:
        for number, ask in enumerate(asks):
            at = _moment(number, ask, rate)
            student, offering = stage.students[ask.student], stage.offerings[ask.course]
            file.write(f"{number} {student} {offering} {-1 if at is None else at}\n")


def _moment(number: int, ask: Ask, rate: float | None) -> float | None:
    """A rate goes before the file's own times."""
    return round(number / rate, 4) if rate else ask.at


def _line(number: int, student: int, stage: Stage, at: float | None) -> dict[str, Any]:
    return {"n": number, "student": student, "token": stage.tokens[student], "at": at}


def _sent(act: Act, stage: Stage) -> dict[str, Any]:
    path, body = _address(act, stage)
    return {"kind": act.kind, "path": path, "body": body}


def _following(deed: Deed, stage: Stage) -> dict[str, Any]:
    if deed.act.kind is Kind.CANCEL:
        return {"after": deed.after, "cancels": True}
    instead = {result: _sent(act, stage) for result, act in deed.instead.items()}
    return {"after": deed.after, "instead": instead}


def _address(act: Act, stage: Stage) -> tuple[str, dict[str, Any]]:
    """Where an act is sent, and with what."""
    course = stage.courses[act.course]
    match act.kind:
        case Kind.FILL:
            return f"{_STUDENT}/cart/{course}/", {}
        case Kind.CART:
            return f"{_STUDENT}/enrollment/cart/enroll/", {"all_or_nothing": act.together}
        case Kind.ENROLL:
            body = {"section": act.section} if act.section else {}
            return f"{_STUDENT}/courses/{course}/enroll/", body
        case Kind.SWAP:
            return f"{_STUDENT}/courses/{course}/swap/", {"give": stage.courses[act.give]}
        case Kind.CANCEL:
            return _STUDENT + "/requests/{request}/cancel/", {}
        case Kind.DROP | Kind.LEAVE:
            return f"{_STUDENT}/courses/{course}/{act.kind}/", {}


def _key() -> str:
    return secrets.token_hex(12)


def _write(file: IO[str], line: dict[str, Any]) -> None:
    file.write(json.dumps(line, separators=(",", ":")) + "\n")


@contextmanager
def _opened(paths: Sequence[Path]) -> Iterator[Sequence[IO[str]]]:
    """The scripts hold tokens, so they are for our eyes only."""
    with ExitStack() as stack:
        files = []
        for path in paths:
            path.touch(mode=0o600)
            files.append(stack.enter_context(path.open("w", encoding="utf-8")))
        yield files

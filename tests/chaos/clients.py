"""Students and staff who send, ask again with the same key, and write down what they were told.

They share nothing with the system but its address. Their log is written line by line as things
happen: a line before the bytes leave, and one when the answer is there.
"""

import http.client
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.db import DatabaseError, connections

from enrollment.requests import Accepted, Submission, submit_now
from enrollment.vocabulary import Kind
from tests.chaos.demand import STAFF, Deed
from tests.chaos.history import UNKNOWN
from tests.chaos.stage import Stage

TIMEOUT_SECONDS = 5.0
_MOST_AT_ONCE = 400
_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE = 1.0
_API = "/api/student"


class Told(NamedTuple):
    """What came back for one send."""

    status: int = UNKNOWN
    code: str = ""
    requests: tuple[int, ...] = ()
    retry_after: float = 0.0
    seconds: float = 0.0

    @property
    def stands(self) -> bool:
        return self.status not in (UNKNOWN, 503)


class Log:
    """The history, line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._turn = threading.Lock()

    def write(self, what: str, **told: Any) -> None:
        line = json.dumps({"what": what, **told}, separators=(",", ":")) + "\n"
        with self._turn:
            self._file.write(line)

    def close(self) -> None:
        self._file.close()


class Clients:
    """Everybody of one round."""

    def __init__(self, stage: Stage, url: str, log: Path) -> None:
        self.stage = stage
        self.answers: list[Told] = []
        """Everything that came back, in the order in which it came."""
        address = urlsplit(url)
        self._address = (address.hostname or "", address.port or 80)
        self._log = Log(log)
        self._numbers = count(1)
        self._pool = ThreadPoolExecutor(_MOST_AT_ONCE, "client")
        self._became: dict[int, Future[int]] = {}
        self.asked = 0
        """Requests, however often each was sent."""
        self._named: list[tuple[int, tuple[int, ...]]] = []
        """Whose requests were named in an answer."""
        self._give_up = float("inf")
        self._under_way: list[Future[None]] = []

    # The storm --------------------------------------------------------------------------------

    def storm(self, deeds: Sequence[Deed]) -> None:
        """Send each at its time; returns when the last has been handed over."""
        self._became = {deed.number: Future() for deed in deeds}
        begun = time.monotonic()
        for deed in deeds:
            time.sleep(max(0.0, begun + deed.at - time.monotonic()))
            self._under_way.append(self._pool.submit(self._do, deed))

    def finish(self, seconds: float) -> bool:
        """Let everybody ask on for so long at most; whether all have their answer."""
        self._give_up = time.monotonic() + seconds
        for each in self._under_way:
            each.result()
        return all(future.done() for future in self._became.values())

    def look(self) -> None:
        """Everybody looks at all they were told was accepted."""
        mine: dict[int, set[int]] = {}
        for student, requests in self._named:
            mine.setdefault(student, set()).update(requests)
        for each in [self._pool.submit(self._read, *item) for item in mine.items()]:
            each.result()

    def close(self) -> None:
        self._give_up = 0.0
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._log.close()

    # For faults that consist in sending -------------------------------------------------------

    def at_once(self, deeds: Sequence[Deed]) -> list[Told]:
        """All of them at the same moment, each asked until its answer stands."""
        gate = threading.Barrier(len(deeds))
        return list(self._pool.map(lambda deed: self._until_it_stands(deed, gate), deeds))

    # One deed ---------------------------------------------------------------------------------

    def _do(self, deed: Deed) -> None:
        became = self._became[deed.number]
        try:
            path = self._path(deed)
            if path:
                gate = threading.Barrier(deed.copies) if deed.copies > 1 else None
                copies = [
                    self._pool.submit(self._until_it_stands, deed, gate, path)
                    for _ in range(deed.copies - 1)
                ]
                told = self._until_it_stands(deed, gate, path)
                for copy in copies:
                    copy.result()
                became.set_result(told.requests[0] if told.requests else 0)
        finally:
            if not became.done():
                became.set_result(0)

    def _path(self, deed: Deed) -> str:
        """Where it goes; empty when there is nothing to take back."""
        if deed.cancels < 0:
            return _path(deed, self.stage)
        request = self._became[deed.cancels].result()
        return f"{_API}/requests/{request}/cancel/" if request else ""

    def _until_it_stands(
        self, deed: Deed, gate: threading.Barrier | None = None, path: str = ""
    ) -> Told:
        path = path or _path(deed, self.stage)
        if gate is not None:
            gate.wait(TIMEOUT_SECONDS)
        self.asked += 1
        patience = _PAUSE_SECONDS
        while True:
            told = self._send(deed, path)
            if told.stands or deed.knocks or not deed.key:
                return told
            pause = min(max(told.retry_after, patience), _LONGEST_PAUSE)
            patience *= 2
            if time.monotonic() + pause > self._give_up:
                return told
            time.sleep(pause)

    def _send(self, deed: Deed, path: str) -> Told:
        number = next(self._numbers)
        actor = _actor(deed, self.stage)
        body = _body(deed, self.stage)
        self._log.write(
            "sent",
            n=number,
            deed=deed.number,
            kind=deed.kind,
            actor=actor,
            student=deed.student,
            key=deed.key,
            says=f"{path} {json.dumps(body, sort_keys=True)}",
            sent=(sent := time.monotonic_ns()),
            sent_at=time.time(),
            knocks=deed.knocks,
        )
        told = self._staff(deed, actor) if deed.student == STAFF else self._post(deed, path, body)
        answered = time.monotonic_ns()
        told = told._replace(seconds=(answered - sent) / 1e9)
        if told.status != UNKNOWN:
            self._log.write(
                "answered",
                n=number,
                status=told.status,
                code=told.code,
                requests=told.requests,
                answered=answered,
                answered_at=time.time(),
            )
        self.answers.append(told)
        if told.requests and deed.student != STAFF:
            self._named.append((deed.student, told.requests))
            if deed.number % 4 == 0:
                self._read(deed.student, set(told.requests))
        return told

    def _post(self, deed: Deed, path: str, body: dict[str, Any]) -> Told:
        status, answer, retry = self._ask("POST", path, deed.student, deed.key, body)
        named = answer.get("requests", [answer] if "id" in answer else [])
        code = answer.get("code", "") if status >= 400 else ""
        return Told(status, code, tuple(each["id"] for each in named), retry)

    def _read(self, student: int, requests: set[int]) -> None:
        """One look at them; what is not among those shown is not there."""
        ids = ",".join(map(str, sorted(requests)))
        status, answer, _ = self._ask("GET", f"{_API}/requests/?ids={ids}&limit=200", student)
        if status == UNKNOWN:
            return
        shown = {each["id"]: each["state"] for each in answer.get("results", ())}
        for request in requests:
            found = status if status != 200 or request in shown else 404
            self._log.write("seen", request=request, status=found, state=shown.get(request, ""))

    def _ask(
        self,
        method: str,
        path: str,
        student: int,
        key: str = "",
        body: dict[str, Any] | None = None,
    ) -> tuple[int, dict[str, Any], float]:
        """Status, body and Retry-After; UNKNOWN when the connection or the time ran out."""
        headers = {"Authorization": f"Token {self.stage.students[student].token}"}
        if key:
            headers["Idempotency-Key"] = key
        if body is not None:
            headers["Content-Type"] = "application/json"
        wire = http.client.HTTPConnection(*self._address, timeout=TIMEOUT_SECONDS)
        try:
            wire.request(method, path, None if body is None else json.dumps(body), headers)
            answer = wire.getresponse()
            text = answer.read()
            return answer.status, _json(text), float(answer.getheader("Retry-After") or 0)
        except (OSError, http.client.HTTPException):
            return UNKNOWN, {}, 0.0
        finally:
            wire.close()

    def _staff(self, deed: Deed, actor: str) -> Told:
        """The registrar's office sits at the database's door itself, as the admin does."""
        offering = self.stage.courses[deed.course].offering
        asked = Submission(
            Kind.LIMIT,
            actor,
            None,
            self.stage.term,
            (offering,),
            {"offering": offering, "set": deed.body, "reason": "a round of chaos"},
            deed.key,
        )
        try:
            [said] = submit_now([asked])
        except DatabaseError:
            return Told()
        finally:
            connections.close_all()
        if isinstance(said, Accepted):
            return Told(202, "", (said.request,))
        return Told(422, said.code)


def _actor(deed: Deed, stage: Stage) -> str:
    """One office a round: its keys are its own."""
    return f"staff:{stage.term}" if deed.student == STAFF else stage.students[deed.student].actor


def _path(deed: Deed, stage: Stage) -> str:
    match deed.kind:
        case "cart" | "bundle":
            return f"{_API}/enrollment/cart/enroll/"
        case "limit":
            return "limit"
    return f"{_API}/courses/{stage.courses[deed.course].code}/{deed.kind}/"


def _body(deed: Deed, stage: Stage) -> dict[str, Any]:
    match deed.kind:
        case "swap":
            return {"give": stage.courses[deed.other].code, **deed.body}
        case "bundle":
            return {"all_or_nothing": True}
    return deed.body


def _json(text: bytes) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}

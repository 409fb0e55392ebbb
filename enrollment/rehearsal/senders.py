"""The processes that send, from outside: started, let go together, watched, and always ended."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from types import TracebackType

from django.conf import settings

from .counts import Counts

_STOP_SECONDS = 5


class SenderFailed(Exception):
    """A sending process ended badly; the text is one line."""


class Sender:
    """One process, and the counts it told last."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        errors: Path,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.counts = Counts()
        self._errors = errors
        with errors.open("w") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"enrollment.rehearsal.{module}", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                cwd=settings.BASE_DIR,
                env={**os.environ, **(environ or {})},
                # Ctrl-C is for the rehearsal, which then ends its senders.
                start_new_session=True,
            )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def go(self, moment: int) -> None:
        assert self._process.stdin is not None
        # One that has ended already is found out by `check`.
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"go {moment}\n")
            self._process.stdin.flush()

    def check(self) -> bool:
        """Whether it has finished. Raises SenderFailed when it did not end well."""
        code = self._process.poll()
        if code:
            raise SenderFailed(f"a sending process failed: {self._last_words() or code}")
        return code == 0

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._listener.join(_STOP_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()

    def _last_words(self) -> str:
        """The end of a traceback, without the frame that is drawn around a group of them."""
        lines = self._errors.read_text(errors="replace").splitlines()
        said = [line.strip(" |+-") for line in lines]
        return next((line for line in reversed(said) if line), "")

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with suppress(ValueError):
                self.counts = Counts(**json.loads(line))


class Senders:
    """Several of them as one; leaving the context ends those that still run."""

    def __init__(self, senders: Sequence[Sender]) -> None:
        self._senders = senders

    def __enter__(self) -> "Senders":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for sender in self._senders:
            sender.stop()

    def go(self) -> int:
        """Let all of them go at one moment, which is returned (nanoseconds of the host's clock)."""
        moment = time.time_ns()
        for sender in self._senders:
            sender.go(moment)
        return moment

    def finished(self) -> bool:
        """Whether all are; each is asked, so that one that failed is found out at once."""
        checked = [sender.check() for sender in self._senders]
        return all(checked)

    def counts(self) -> Counts:
        told = [sender.counts for sender in self._senders]
        return Counts(
            **{field.name: sum(getattr(c, field.name) for c in told) for field in fields(Counts)}
        )

"""Live progress: two bars on a terminal, a line every few seconds anywhere else."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from .counts import Counts

EVERY_SECONDS = 5.0


class Watcher:
    """Shows how far the day is. `total` is how many are to be sent."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total = console, total
        self._bars: Progress | None = None
        self._told = self._begun = time.monotonic()
        if self._console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description:<8}"),
                BarColumn(),
                TextColumn("{task.completed:>7,.0f} of {task.total:,.0f}"),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                console=self._console,
            )
            self._sent = self._bars.add_task("sent", total=total, note="")
            self._decided = self._bars.add_task("decided", total=total, note="")

    def __enter__(self) -> "Watcher":
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bars:
            self._bars.stop()

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._console.file.flush()

    def show(self, counts: Counts, accepted: int, decided: int) -> None:
        """How far the senders and the settlements are."""
        note = f"{accepted - decided:,} waiting"
        if counts.shed:
            note += f", {counts.shed:,} sent away for a moment"
        if self._bars:
            self._bars.update(self._sent, completed=counts.answered)
            self._bars.update(self._decided, completed=decided, total=accepted or None, note=note)
        elif time.monotonic() - self._told >= EVERY_SECONDS:
            self._told = time.monotonic()
            self.say(
                f"{self._told - self._begun:4.0f} s  answered {counts.answered:,} of "
                f"{self._total:,}, decided {decided:,}, {note}"
            )

"""What the two commands share: play, print, write, and end with the right exit code."""

import json
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError, OutputWrapper
from django.db import OperationalError, connection
from rich.console import Console

from enrollment.facts import database_now
from registrar.services import ServiceError

from .demand import Malformed
from .driver import NotPlayed, Played, play
from .keeping import leave_open
from .plans import Plan
from .report import render
from .scenery import Occupied
from .senders import SenderFailed


def finish(plan: Plan, out: Path | None, stdout: OutputWrapper, *, keep: bool = False) -> None:
    """Play the plan and print its report. Raises SystemExit(1) when a promise was not kept."""
    _refuse_unwritable(out)
    played = play(plan, Console(), keep=keep)
    stdout.write("\n" + render(played.report, played.faults))
    if out:
        out.write_text(json.dumps(played.report.as_json(played.faults), indent=2) + "\n")
    if keep and not played.faults:
        stdout.write(_what_is_left(played))
    if played.faults:
        raise SystemExit(1)


@contextmanager
def one_line() -> Iterator[None]:
    """What goes wrong in a way we foresaw is told in one line and no traceback."""
    try:
        yield
    except (Malformed, Occupied, NotPlayed, SenderFailed, ServiceError) as error:
        raise CommandError(str(error)) from error
    except OperationalError as error:
        why = str(error).strip().splitlines()[0]
        raise CommandError(f"the database does not answer: {why}") from error
    except KeyboardInterrupt:
        raise CommandError("stopped", returncode=130) from None


def count(text: str) -> int:
    """A whole number from 1, as an argument."""
    if not text.isdecimal() or not 0 < int(text) < 100_000:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to 99999")
    return int(text)


def rate(text: str) -> float:
    """A number above zero, as an argument."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def _refuse_unwritable(out: Path | None) -> None:
    """Better now than after the day."""
    if out and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise CommandError(f"{out} cannot be written; name a file in a folder that exists")


def _what_is_left(played: Played) -> str:
    with connection.cursor() as cursor:
        left = leave_open(played.stage, database_now(cursor))
    return (
        f"Everything is still running; bin/down stops it.\n"
        f"  Registrar  {played.site.url}/\n"
        f"  Admin      {played.site.url}/admin/   {left.admin.name} / {left.admin.password}\n"
        f"  Student    {left.student.name} / {left.student.password}"
        f"   (may register until {left.until:%Y-%m-%d %H:%M} UTC)\n"
        f"  Flower     {played.site.flower_url}/   {played.site.flower_login.replace(':', ' / ')}\n"
    )

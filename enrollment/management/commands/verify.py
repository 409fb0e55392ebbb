"""Check everything that must hold, on one snapshot of the database."""

import json
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, connection

from enrollment import invariants
from enrollment.invariants import Finding

OK, BROKEN, UNCHECKED, TAMPERED = 0, 1, 2, 3


class Command(BaseCommand):
    help = (
        "Check what must always hold: requests, seats, sections, waitlists, the database's own "
        "guards, the audit chain, and that replaying the audit gives the same seats and the same "
        "decisions. Exit code 0: all holds. 1: something is broken. 2: it could not be checked. "
        "3: what was written to the audit was changed afterwards."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")
        parser.add_argument(
            "--patience",
            type=float,
            default=0,
            metavar="SECONDS",
            help="how long a request may be undecided without being called stuck: 0 (the default) "
            "when all should be settled, a minute, say, while registration goes on",
        )

    def handle(self, *, json: bool, patience: float, **options: Any) -> None:
        begun = time.monotonic()
        try:
            progress = None if json or not self.stderr.isatty() else self._progress
            findings = invariants.run(connection, progress, patience=patience)
        except Error as error:
            self._say_unchecked(error, json)
            raise SystemExit(UNCHECKED) from None
        code = exit_code(findings)
        if json:
            self.stdout.write(as_json(findings, code))
        else:
            self._print(findings, code, time.monotonic() - begun)
        if code != OK:
            raise SystemExit(code)

    def _progress(self, what: str, done: int, total: int) -> None:
        end = "\r" if done < total else "\r\033[K"
        self.stderr.write(f"{what}: {done:,} of {total:,}\033[K", ending=end)

    def _say_unchecked(self, error: Error, as_json_: bool) -> None:
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if as_json_:
            self.stdout.write(json.dumps({"exit_code": UNCHECKED, "error": why}))
        else:
            self.stderr.write(f"could not check: {why}")

    def _print(self, findings: list[Finding], code: int, seconds: float) -> None:
        group = ""
        for finding in findings:
            if finding.group != group:
                group = finding.group
                self.stdout.write(f"\n{group}")
            self._print_finding(finding)
        broken = sum(1 for finding in findings if finding.count)
        verdict = {
            OK: f"all {len(findings)} checks hold",
            BROKEN: f"{broken} of {len(findings)} checks are broken",
            TAMPERED: f"what was written was changed afterwards; {broken} of {len(findings)} "
            "checks are broken",
        }[code]
        style = self.style.SUCCESS if code == OK else self.style.ERROR
        self.stdout.write(style(f"\n{verdict} ({seconds:.1f} s)"))

    def _print_finding(self, finding: Finding) -> None:
        if not finding.count:
            self.stdout.write(f"  ok      {finding.name}")
            return
        self.stdout.write(self.style.ERROR(f"  BROKEN  {finding.name}: {finding.count:,}"))
        self.stdout.write(f"          {finding.sentence}")
        for example in finding.examples:
            self.stdout.write(f"          - {example[:300]}")
        if finding.count > len(finding.examples):
            self.stdout.write(f"          … and {finding.count - len(finding.examples):,} more")


def exit_code(findings: list[Finding]) -> int:
    """3 when the record was tampered with, whatever else is broken; 1 when anything is."""
    broken = {finding.name for finding in findings if finding.count}
    if broken & invariants.TAMPERED:
        return TAMPERED
    return BROKEN if broken else OK


def as_json(findings: list[Finding], code: int) -> str:
    return json.dumps(
        {
            "exit_code": code,
            "checks": [{**asdict(finding), "holds": finding.count == 0} for finding in findings],
        },
        indent=2,
    )

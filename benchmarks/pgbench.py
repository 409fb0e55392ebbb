"""The floor of a transaction a request: pgbench's three statements for a seat in one hot section.

A counter, a seat and an entry of the log, in our tables and under their constraints, sent as
prepared statements by a program in C that decides nothing and checks nothing.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from benchmarks import databases
from benchmarks.contender import Run
from benchmarks.truths import Broken
from courses.models import Offering, Section
from enrollment.models import Enrollment, Student
from registrar.services.binaries import find_postgres

CLIENTS = 4
_RATE = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)

_THREE = """
BEGIN;
UPDATE sections SET taken = taken + 1 WHERE id = {section};
INSERT INTO enrollments (student_id, term_id, offering_id, section_id, credits, meets, active)
VALUES (nextval('bench_students'), {term}, {offering}, {section}, 3, '{{}}', true);
INSERT INTO audit_entries (stream, seq, at, actor, event, body, hash)
VALUES ('offering:{offering}', nextval('bench_entries'), now(), 'student:1', 'decided',
        '{{"changes":[["seat",1,1,1,1]],"code":"ENROLLED"}}', '\\x00');
END;
"""


class Pgbench:
    """So many transactions of each client; `template` has the students and the one offering."""

    name = f"pgbench, {CLIENTS} clients"

    def __init__(self, template: str, transactions: int) -> None:
        self.template = template
        self.transactions = transactions

    def run(self, round_: int) -> Run:
        done = CLIENTS * self.transactions
        with databases.made("round", self.template) as database, _script(done) as script:
            rate = _run(database, script, self.transactions)
            seated = Enrollment.objects.count()
        if seated != done:
            raise Broken(f"pgbench seated {seated} instead of {done}")
        return Run(self.name, round_, done, done / rate)


@contextmanager
def _script(seats: int) -> Iterator[Path]:
    """The script in a file, once the section and the sequences are there."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(_THREE.format(**_prepare(seats)))
        file.flush()
        yield Path(file.name)


def _prepare(seats: int) -> dict[str, int]:
    offering = Offering.objects.get()
    section = Section.objects.create(
        offering=offering,
        course_id=offering.course_id,
        term_id=offering.term_id,
        section_number=1,
        code="BENCH-SEC001",
        enrollment_limit=seats,
    )
    first = Student.objects.order_by("pk").values_list("pk", flat=True)[0]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SEQUENCE bench_students START {first}")
        cursor.execute("CREATE SEQUENCE bench_entries")
        cursor.execute("ANALYZE sections")
    return {"section": section.pk, "offering": offering.pk, "term": offering.term_id}


def _run(database: str, script: Path, transactions: int) -> float:
    """Transactions a second, as pgbench tells it. Raises Broken when it did not do them all."""
    done = subprocess.run(
        [
            *(find_postgres() / "pgbench", "--no-vacuum", "--protocol", "prepared"),
            *("--client", str(CLIENTS), "--transactions", str(transactions), "--file", script),
            databases.owner_url(database),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    rate = _RATE.search(done.stdout)
    if done.returncode != 0 or rate is None:
        raise Broken(f"pgbench failed: {(done.stdout + done.stderr)[-1000:]}")
    return float(rate[1])

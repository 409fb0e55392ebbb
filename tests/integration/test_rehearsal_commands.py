"""`rehearse` and `demo` from the outside: bad input is one line, and nothing was written."""

import io
import json
import time
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from courses.models import Course, Term
from enrollment.models import Request, Student
from enrollment.rehearsal import driver
from enrollment.rehearsal.feeder import Fed, Feeder, batches, read
from enrollment.rehearsal.plans import Options, invented, of_file
from enrollment.settlement import settle
from registrar.accounts.models import User
from tests.factories import make_offering, make_student, make_term, open_window


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as raised:
        call_command(*arguments, stdout=io.StringIO())
    return str(raised.value)


@pytest.mark.parametrize("via", ["http", "queue"])
def test_a_malformed_file_stops_before_anything_is_written(
    database: None, tmp_path: Path, via: str
) -> None:
    path = write(tmp_path / "d.csv", "student,course\n" + "a,CS1\n" * 5000 + "b\n")

    assert refused("rehearse", str(path), "--via", via) == (
        "d.csv, line 5002: 1 fields where the header has 2; "
        "give every row as many fields as the header"
    )
    assert not Term.objects.exists()
    assert not Course.objects.exists()
    assert not Student.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--via", "post"], "invalid choice: 'post'"),
        (["--rate", "0"], "'0' is not a number above 0"),
        (["--rate", "fast"], "'fast' is not a number above 0"),
        (["--rate", "nan"], "'nan' is not a number above 0"),
        (["--section-limit", "0"], "'0' is not a whole number from 1"),
        (["--section-limit", "-5"], "'-5' is not a whole number from 1"),
        (["--max-sections", "two"], "'two' is not a whole number from 1"),
        (["--max-sections", "99999999999"], "is not a whole number from 1 to 99999"),
    ],
)
def test_an_option_that_makes_no_sense_is_told_at_once(
    tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    path = write(tmp_path / "d.csv", "student,course\na,CS1\n")

    assert complaint in refused("rehearse", str(path), *arguments)


def test_a_report_that_could_not_be_written_is_told_before_the_day(
    database: None, tmp_path: Path
) -> None:
    path = write(tmp_path / "d.csv", "student,course\na,CS1\n")
    nowhere = tmp_path / "none" / "report.json"

    assert "cannot be written" in refused("rehearse", str(path), "--json", str(nowhere))
    assert "cannot be written" in refused("rehearse", str(path), "--json", str(tmp_path))
    assert not Term.objects.exists()


def test_a_second_rehearsal_is_refused_while_one_is_played(database: None, tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", "student,course\na,CS1\n")
    with closing(psycopg2.connect(**connection.get_connection_params())) as other:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [driver.ONE_AT_A_TIME])

        assert "another rehearsal is being played" in refused("rehearse", str(path))

    assert not Term.objects.exists()


def test_a_course_that_is_open_to_everybody_is_not_rehearsed_with(
    database: None, tmp_path: Path
) -> None:
    term = make_term("AUTUMN")
    make_offering(term, code="CS1")
    open_window(term)
    path = write(tmp_path / "d.csv", "student,course\na,CS1\n")

    assert "CS1 is open to every student in term AUTUMN" in refused("rehearse", str(path))
    assert Term.objects.count() == 1


# What is planned --------------------------------------------------------------------------


def test_a_file_says_nothing_of_credits_so_nobody_runs_out_of_them(tmp_path: Path) -> None:
    lines = "".join(f"a,CS{n}\n" for n in range(40))
    path = write(tmp_path / "d.csv", f"student,course\n{lines}")

    plan = of_file(path, Options(section_limit=5, max_sections=2))

    assert plan.scene.credit_maximum == 40
    assert {(c.credits, c.base_limit, c.section_limit) for c in plan.scene.courses} == {(1, 5, 5)}
    assert {c.max_sections for c in plan.scene.courses} == {2}
    assert plan.total == 40


def test_a_rehearsal_over_the_queue_needs_neither_the_web_nor_tokens(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", "student,course\na,CS1\n")

    assert "web" in of_file(path, Options(via="http")).programs
    assert of_file(path, Options(via="http")).scene.tokens
    assert "web" not in of_file(path, Options(via="queue")).programs
    assert not of_file(path, Options(via="queue")).scene.tokens


def test_the_demo_expects_two_worker_processes(tmp_path: Path) -> None:
    plan = invented(seed=1, students=50, seconds=3)

    assert plan.processes == 2
    assert plan.via == "http"
    assert plan.lasts is not None


# The feeder -------------------------------------------------------------------------------


def test_what_has_no_time_is_fed_in_full_batches() -> None:
    fed = [Fed(n, 1, 1, -1.0) for n in range(1201)]

    assert [len(batch) for batch in batches(fed, 0)] == [500, 500, 201]


def test_what_has_a_time_is_fed_when_it_is_due() -> None:
    begun = time.time_ns()

    came = [(len(batch), time.time_ns() - begun) for batch in batches(timed(0, 0, 0.2), begun)]

    assert [size for size, _ in came] == [2, 1]
    assert came[1][1] >= 200_000_000


def timed(*seconds: float) -> list[Fed]:
    return [Fed(n, 1, 1, at) for n, at in enumerate(seconds)]


def test_the_feeder_logs_what_the_door_answered(database: None) -> None:
    term = make_term()
    open_window(term)
    course, student = make_offering(term), make_student(term)
    out = io.StringIO()
    feeder = Feeder(term.pk, out)

    feeder.feed([Fed(0, student.pk, course.pk, -1.0)], 0)

    [line] = map(json.loads, out.getvalue().splitlines())
    assert (line["status"], line["requests"]) == (202, [Request.objects.get().pk])
    assert line["clicked"] <= line["sent"] <= line["answered"]
    assert (feeder.counts.sent, feeder.counts.answered) == (1, 1)


def test_the_feeder_logs_a_refusal_at_the_door(database: None) -> None:
    term = make_term()
    course, student = make_offering(term), make_student(term)
    out = io.StringIO()

    Feeder(term.pk, out).feed([Fed(0, student.pk, course.pk, -1.0)], 0)

    [line] = map(json.loads, out.getvalue().splitlines())
    assert (line["code"], line["requests"]) == ("WINDOW_CLOSED", [])


def test_the_feeder_tries_again_what_is_too_much_for_one_student(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_OPEN", 1)
    term = make_term()
    open_window(term)
    courses, student = [make_offering(term), make_offering(term)], make_student(term)
    out = io.StringIO()
    # Meanwhile somebody settles what was taken.
    monkeypatch.setattr("time.sleep", lambda _: settle([course.pk for course in courses]))

    feeder = Feeder(term.pk, out)
    feeder.feed([Fed(n, student.pk, c.pk, -1.0) for n, c in enumerate(courses)], 0)

    assert [json.loads(line)["n"] for line in out.getvalue().splitlines()] == [0, 1]
    assert feeder.counts.shed == 1
    assert Request.objects.count() == 2


def test_a_feed_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = write(tmp_path / "feed", "0 7 9 -1\n1 8 9 2.5\n")

    assert list(read(path)) == [Fed(0, 7, 9, -1.0), Fed(1, 8, 9, 2.5)]

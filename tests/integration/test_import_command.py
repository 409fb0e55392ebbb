"""`manage import_catalog`: what it prints, whom it acts for, and how it ends."""

import csv
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from courses.importing import Remark, ucsd
from courses.management.commands.import_catalog import _reasons
from courses.models import Term
from registrar.accounts.roles import Role
from registrar.audit.models import Entry
from tests.factories import make_user
from tests.integration.test_import_catalog import catalogue, history, take
from tests.records import listed, scheduled, section, write


def run(*given: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("import_catalog", *given, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_counts_tells_and_reports(database: None, tmp_path: Path) -> None:
    path = history(tmp_path, section(1), b"broken", section(2, credits="Var"))
    report = tmp_path / "report.csv"

    out, err = run(str(path), "--report", str(report))

    assert f"{path}:3: skipped: It has 1 cells" in err
    assert "3 lines read, 0 imported before, 1 skipped, 1 noted." in out
    assert "in: 1 terms, 1 departments, 1 courses, 1 versions, 1 offerings, 2 sections" in out
    assert "1 skipped CELLS" in out
    assert "1 credit there is 4 here" in out
    assert "MiB at most" in out
    with report.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["line"], row["skipped"], row["reason"]) for row in rows] == [
        ("3", "yes", "CELLS"),
        ("4", "no", "CREDITS_VARY"),
    ]


def test_each_reason_names_a_line_of_its_own() -> None:
    """One refusal skips the line that said nothing else, and is noted of one that did."""
    noted = Remark(2, "CODE_IN_USE", "Kept.", "Look.", skipped=False)
    skipped = Remark(9, "CODE_IN_USE", "Kept.", "Look.")

    told = list(_reasons([noted, skipped, noted]))

    assert [" ".join(line.split()) for line in told] == [
        "1 skipped CODE_IN_USE as line 9: Kept. Look.",
        "2 noted CODE_IN_USE as line 2: Kept. Look.",
    ]


def test_the_command_acts_for_somebody_who_may(database: None, tmp_path: Path) -> None:
    path = str(history(tmp_path, section(1)))
    clerk = make_user("clerk")
    with pytest.raises(CommandError, match="may not add"):
        run(path, "--by", "clerk")
    with pytest.raises(CommandError, match="no user"):
        run(path, "--by", "nobody")
    clerk.groups.add(Group.objects.get(name=Role.REGISTRAR))

    run(path, "--by", "clerk")

    assert Entry.objects.get(stream="import:stolaf").actor == f"user:{clerk.pk}"


def test_a_schedule_s_term_may_be_said(database: None, tmp_path: Path) -> None:
    path = write(tmp_path / "schedule.tsv", ucsd.SCHEDULE, [scheduled("MAG 10", "1")])
    take(catalogue(tmp_path, listed("MAG 10")))
    with pytest.raises(CommandError, match="--term"):
        run(str(path))

    run(str(path), "--term", "FA24")

    assert Term.objects.get().code == "ucsd-FA24"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("missing.csv", None, "No such file"),
        ("empty.csv", b"", "is empty"),
        ("other.csv", b"a,b,c\n1,2,3\n", ":1: names columns"),
        ("broken.csv.gz", b"term,crsid", "no gzip file"),
    ],
)
def test_a_file_of_no_use_is_told_in_one_line(
    database: None, tmp_path: Path, name: str, data: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)

    with pytest.raises(CommandError) as error:
        call_command("import_catalog", str(path))

    assert said in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)

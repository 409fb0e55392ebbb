"""`import_catalog`: what goes in, what is told, and that the same again changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction

from courses.catalogue import create_new_version
from courses.history import changes, full_state
from courses.importing import Imported, Unusable, import_file, stolaf, ucsd
from courses.importing.deciding import decide
from courses.importing.files import LOCK
from courses.importing.known import load
from courses.importing.writing import Changed, Writer
from courses.models import (
    Course,
    CourseRule,
    Department,
    Meeting,
    Offering,
    Section,
    SourceCourse,
    SourceSection,
    Term,
)
from enrollment import invariants
from registrar.audit.models import Entry
from tests.catalogue import BY, NOW
from tests.factories import make_course
from tests.records import lines, listed, scheduled, section, write

TABLES = (Course, CourseRule, Department, Meeting, Offering, Section, SourceCourse, SourceSection)


def silent(what: str, done: int, total: int) -> None:
    """Nobody looks."""


def take(path: Path, **given: Any) -> Imported:
    return import_file(path, actor=BY, now=NOW, progress=silent, **given)


def history(tmp_path: Path, *texts: str | bytes, name: str = "history.csv.gz") -> Path:
    return write(tmp_path / name, stolaf.SHAPE, texts)


def catalogue(tmp_path: Path, *texts: str) -> Path:
    return write(tmp_path / "courses.tsv", ucsd.COURSES, texts)


def everything() -> list[list[Any]]:
    """All rows that an import writes, and the log."""
    return [
        list(model._default_manager.order_by("pk").values()) for model in (*TABLES, Term, Entry)
    ]


@pytest.fixture
def taken(database: None, tmp_path: Path) -> Imported:
    return take(
        history(
            tmp_path,
            section(1, "20101"),
            section(2, "20101", coursesection="B", max="999"),
            section(3, "20111", coursename="Introduction to Magick"),
            section(4, "20111", course=2, coursename="Potions", credits="0.25"),
            section(5, "20201", credits="0.50"),
        )
    )


# What goes in -----------------------------------------------------------------------------------


def test_a_history_is_courses_versions_offerings_and_sections(taken: Imported) -> None:
    assert taken.written._asdict() == {
        "terms": 3,
        "departments": 1,
        "courses": 2,
        "versions": 4,
        "offerings": 4,
        "sections": 5,
    }
    magic = Course.objects.filter(code="MAGIC 101").order_by("revision")
    assert [(c.name, c.credit, str(c.version), c.bump_type, c.state) for c in magic] == [
        ("Introduction to Magic", 4, "1.0", "NONE", "DEPRECATED"),
        ("Introduction to Magick", 4, "1.1", "PATCH", "DEPRECATED"),
        ("Introduction to Magic", 2, "2.1", "MINOR", "ACTIVE"),
    ]
    assert [c.latest_version for c in magic] == [False, False, True]
    offered = Offering.objects.filter(lineage=magic[0].lineage).order_by("term__code")
    assert [(o.term.code, o.course.revision, o.status) for o in offered] == [
        ("stolaf-20101", 1, "CLOSED"),
        ("stolaf-20111", 2, "CLOSED"),
        ("stolaf-20201", 3, "CLOSED"),
    ]
    sections = Section.objects.filter(offering=offered[0]).order_by("section_number")
    assert [(s.code, s.enrollment_limit, s.taken) for s in sections] == [
        ("MAGIC 101-SEC001", 20, 0),
        ("MAGIC 101-SEC002", 999, 0),
    ]
    assert sections[1].schedule["section"] == "B"
    assert offered[0].next_number == 3


@pytest.mark.requirement("S1-66", "S1-72", "S1-74")
def test_the_log_says_of_each_version_what_the_catalogue_would(taken: Imported) -> None:
    latest = Course.latest.get(code="MAGIC 101")
    found = changes(latest.lineage)

    assert [(each.action, each.by) for each in found] == [
        ("CREATE", BY),
        ("VERSION", BY),
        ("VERSION", BY),
    ]
    assert found[0].old is None
    assert found[1].old == found[0].new
    assert found[2].new == json.loads(json.dumps(full_state(latest)))
    assert "stolaf 20201" in found[2].comment
    [entry] = Entry.objects.filter(stream="import:stolaf")
    assert json.loads(entry.body)["sections"] == 5


def test_what_was_given_up_is_not_offered(taken: Imported) -> None:
    potions = Course.latest.get(name="Potions")

    assert (potions.state, potions.working_course) == ("INACTIVE", False)
    last = changes(potions.lineage)[-1]
    assert (last.action, last.comment) == ("UPDATE", "Not taught after stolaf 20111.")
    assert last.new == json.loads(json.dumps(full_state(potions)))


def test_everything_that_must_hold_does(taken: Imported) -> None:
    assert [each.name for each in invariants.run(connection) if each.count] == []


@pytest.mark.requirement("S1-10", "S1-12")
def test_a_catalogue_s_prerequisites_are_understood(database: None, tmp_path: Path) -> None:
    needs = "On wands. Prerequisites: MAG 1 and MAG 2."
    take(catalogue(tmp_path, listed("MAG 10", description=needs), listed("MAG 1")))

    course = Course.latest.get(code="MAG 10")
    assert course.pre_requisits == "MAG 1 and MAG 2."
    assert course.rule.verdict == "full"
    assert course.department == Department.objects.get(code="MAG")
    assert not CourseRule.objects.filter(course__code="MAG 1").exists()


def test_a_schedule_follows_its_catalogue(database: None, tmp_path: Path) -> None:
    take(catalogue(tmp_path, listed("MAG 10")))
    path = write(
        tmp_path / "schedule-SP22.tsv.gz",
        ucsd.SCHEDULE,
        (scheduled("MAG 10", "1"), scheduled("MAG 11", "2"), scheduled("MAG 10", "3")),
    )
    imported = take(path)

    assert (imported.written.sections, len(imported.skipped)) == (2, 1)
    assert [s.code for s in Section.objects.order_by("code")] == ["MAG 10-SEC001", "MAG 10-SEC002"]
    assert Meeting.objects.count() == 6
    assert Section.objects.get(code="MAG 10-SEC001").meets == (
        (540, 590),
        (3420, 3470),
        (6300, 6350),
    )
    assert take(path).written.nothing


# The same again ---------------------------------------------------------------------------------


def test_a_second_import_changes_nothing(taken: Imported, tmp_path: Path) -> None:
    before = everything()

    again = take(tmp_path / "history.csv.gz")

    assert again.written.nothing
    assert again.known == again.read == 5
    assert everything() == before


def test_a_later_file_makes_the_next_versions(taken: Imported, tmp_path: Path) -> None:
    later = history(
        tmp_path,
        section(5, "20201", credits="0.50"),
        section(6, "20211", credits="0.50", coursename="Practical Magic"),
        section(7, "20211", course=9, coursename="Owls", coursenumber="300"),
    )
    imported = take(later)

    assert imported.written._asdict() == {
        "terms": 1,
        "departments": 0,
        "courses": 1,
        "versions": 2,
        "offerings": 2,
        "sections": 2,
    }
    latest = Course.latest.get(code="MAGIC 101")
    assert (latest.name, latest.revision) == ("Practical Magic", 4)
    assert Offering.objects.get(term__code="stolaf-20211", lineage=latest.lineage).course == latest
    assert take(later).written.nothing


def test_a_corrected_line_joins_its_offering(taken: Imported, tmp_path: Path) -> None:
    take(history(tmp_path, section(8, "20101", coursesection="C")))

    offering = Offering.objects.get(term__code="stolaf-20101")
    assert offering.next_number == 4
    assert Section.objects.get(section_number=3).code == "MAGIC 101-SEC003"


def test_an_offering_that_is_open_is_left_alone(taken: Imported, tmp_path: Path) -> None:
    Offering.objects.filter(term__code="stolaf-20101").update(status=Offering.Status.OPEN)

    imported = take(history(tmp_path, section(8, "20101")))

    assert [(each.line, each.reason) for each in imported.skipped] == [(2, "OPEN")]
    assert imported.written.nothing


def test_what_was_changed_here_stays_until_the_file_changes(database: None, tmp_path: Path) -> None:
    take(catalogue(tmp_path, listed("MAG 10")))
    course = Course.latest.get(code="MAG 10")
    create_new_version(course, {"name": "Spellcraft"}, actor=BY, now=NOW)

    assert take(catalogue(tmp_path, listed("MAG 10"))).written.nothing
    imported = take(catalogue(tmp_path, listed("MAG 10", units="2")))

    assert imported.written.versions == 1
    latest = Course.latest.get(code="MAG 10")
    assert (latest.revision, latest.credit, latest.name) == (3, 4, "Spells")


def test_what_the_catalogue_refuses_is_told_and_the_rest_goes_in(
    taken: Imported, tmp_path: Path
) -> None:
    Course.latest.filter(name="Potions").update(state="ARCHIVED")

    imported = take(
        history(
            tmp_path,
            section(6, "20211", course=2, coursename="Potions", credits="1.00"),
            section(7, "20211", credits="0.50"),
        )
    )

    assert [(each.line, each.reason) for each in imported.noted] == [(2, "NOT_VERSIONABLE")]
    assert imported.written.sections == 2
    assert Course.latest.get(name="Potions").revision == 1


# Codes ------------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-18", "S1-24")
def test_a_code_that_somebody_else_has_is_numbered(database: None, tmp_path: Path) -> None:
    make_course("magic 101")

    imported = take(history(tmp_path, section(1)))

    assert [each.reason for each in imported.noted] == ["CODE_NUMBERED"]
    assert Course.latest.get(name="Introduction to Magic").code == "MAGIC101-2"


# What is wrong ----------------------------------------------------------------------------------


def test_a_broken_line_in_the_middle_is_named_and_the_rest_goes_in(
    database: None, tmp_path: Path
) -> None:
    good = [section(n, "20101", course=n, coursenumber=str(n)) for n in range(1, 101)]
    broken = [*good[:50], section(999).replace("Introduction", '"Intro'), *good[50:]]
    imported = take(history(tmp_path, *broken))

    assert [(each.line, each.reason) for each in imported.skipped] == [(52, "QUOTES")]
    assert imported.written.sections == 100


def test_lines_of_all_kinds_of_garbage(database: None, tmp_path: Path) -> None:
    garbage = [b"\xff\xfe", b"\x00\x01", b"", b'"', b",,,,", b"a" * 200_000, "²,½,\u2028".encode()]
    imported = take(history(tmp_path, *garbage, section(1)))

    assert [each.line for each in imported.skipped] == list(range(2, 9))
    assert imported.written.sections == 1


def test_a_file_that_ends_too_early_writes_nothing(database: None, tmp_path: Path) -> None:
    path = history(tmp_path, *(section(number) for number in range(1, 2000)))
    path.write_bytes(path.read_bytes()[:-30])

    with pytest.raises(Unusable, match="ends before its end"):
        take(path)
    assert not Course.objects.exists()


def test_an_import_that_stops_halfway_wrote_nothing(database: None, tmp_path: Path) -> None:
    before = everything()

    def interrupt(what: str, done: int, total: int) -> None:
        if what == "sections":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(history(tmp_path, section(1)), actor=BY, now=NOW, progress=interrupt)
    assert everything() == before


def test_an_offering_that_changed_meanwhile_stops_the_import(
    taken: Imported, tmp_path: Path
) -> None:
    heard = stolaf.hear(lines(stolaf.SHAPE, section(8, "20101")))
    plan = decide("stolaf", heard, load("stolaf"))
    Offering.objects.filter(term__code="stolaf-20101").update(status=Offering.Status.OPEN)

    with pytest.raises(Changed), transaction.atomic():
        Writer("stolaf", BY, NOW, silent).write(plan)


def elsewhere(act: Callable[[], None]) -> None:
    """On a connection of its own, while the import is under way."""

    def acting() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = Thread(target=acting)
    thread.start()
    thread.join()


def test_a_course_that_was_added_meanwhile_stops_the_import(database: None, tmp_path: Path) -> None:
    def add() -> None:
        make_course("MAGIC 101")

    def meanwhile(what: str, done: int, total: int) -> None:
        if what == "versions made ready":
            elsewhere(add)

    with pytest.raises(Unusable, match="changed meanwhile"):
        import_file(history(tmp_path, section(1)), actor=BY, now=NOW, progress=meanwhile)

    assert [course.name for course in Course.objects.all()] == ["Course MAGIC 101"]
    assert not SourceCourse.objects.exists()


def test_a_dry_run_tells_all_and_writes_nothing(database: None, tmp_path: Path) -> None:
    before = everything()

    imported = take(history(tmp_path, section(1)), dry_run=True)

    assert imported.written.sections == 1
    assert everything() == before


def test_only_one_file_is_imported_at_a_time(database: None, tmp_path: Path) -> None:
    got: list[bool] = []

    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            got.append(cursor.fetchone()[0])

    def look(what: str, done: int, total: int) -> None:
        if what == "sections":
            elsewhere(ask)

    import_file(history(tmp_path, section(1)), actor=BY, now=NOW, progress=look)
    elsewhere(ask)

    assert got == [False, True]

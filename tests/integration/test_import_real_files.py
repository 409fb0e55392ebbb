"""Real catalogues, where they are at hand: thirty years of one, two terms of another."""

import resource
import time
from pathlib import Path

import pytest
from django.db import connection

from courses.importing import import_file
from courses.models import Course, Section, SourceCourse
from enrollment import invariants
from tests.catalogue import BY, NOW
from tests.integration.test_import_catalog import silent
from tests.source import ROOT

FOLDER = ROOT.parent / "shared" / "data"
HISTORY = "stolaf-history-1994-2024.csv.gz"
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not (FOLDER / HISTORY).exists(), reason=f"{HISTORY} is not in ../shared/data"
    ),
]


def test_thirty_years_of_sections_go_in_within_two_minutes_and_a_gibibyte(database: None) -> None:
    began = time.monotonic()
    imported = import_file(FOLDER / HISTORY, actor=BY, now=NOW, progress=silent)
    seconds = time.monotonic() - began

    assert imported.read == 69_811
    assert imported.skipped == []
    assert imported.written.sections == Section.objects.count() == 69_811
    assert imported.written.courses == SourceCourse.objects.count() == 2_790
    assert imported.written.versions == Course.objects.count() > 5_000
    assert seconds < 120
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1024 * 1024
    again = import_file(FOLDER / HISTORY, actor=BY, now=NOW, progress=silent)
    assert again.written.nothing
    assert again.known == 69_811
    assert [each.name for each in invariants.run(connection) if each.count] == []


def test_a_catalogue_and_its_schedules(database: None) -> None:
    files = ("ucsd-courses.tsv.gz", "ucsd-schedule-SP22.tsv.gz", "ucsd-schedule-WI23.tsv.gz")
    first = [import_file(Path(FOLDER / name), actor=BY, now=NOW, progress=silent) for name in files]
    again = [import_file(Path(FOLDER / name), actor=BY, now=NOW, progress=silent) for name in files]

    assert [each.read for each in first] == [6_817, 8_533, 9_253]
    for one, other in zip(first, again, strict=True):
        assert one.read == one.known + len(one.skipped) + (
            one.written.sections or one.written.courses
        )
        assert other.written.nothing
        assert other.known == one.written.sections or one.written.courses

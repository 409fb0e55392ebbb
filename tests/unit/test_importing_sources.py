"""What each source's lines mean."""

import json
from typing import Any

import pytest

from courses.importing import stolaf, ucsd
from courses.importing.lines import Unusable
from courses.importing.said import Heard, Said
from tests.records import lines, listed, scheduled, section


def stolaf_heard(*texts: str) -> Heard:
    return stolaf.hear(lines(stolaf.SHAPE, *texts))


def one(heard: Heard) -> Said:
    [said] = heard.said
    return said


def reasons(heard: Heard) -> list[tuple[int, str, bool]]:
    return [(each.line, each.reason, each.skipped) for each in heard.remarks]


# A history of sections --------------------------------------------------------------------------


def test_a_section_is_of_a_course_in_a_term() -> None:
    said = one(stolaf_heard(section(5, "20243", coursesection="A", meetingtimes="MWF 1255-0150PM")))

    assert (said.course, said.department) == ("0000000001", "MAGIC")
    assert said.fields is not None
    assert {name: said.fields[name] for name in ("code", "name", "credit")} == {
        "code": "MAGIC 101",
        "name": "Introduction to Magic",
        "credit": 4,
    }
    assert said.term == ("20243", 2025, "Even Semester")
    assert (said.sections[0].key, said.sections[0].limit) == ("0000000005", 20)
    kept = json.loads(said.sections[0].schedule)
    assert kept == {
        "enrolled": 3,
        "kind": "R",
        "section": "A",
        "times": "MWF 1255-0150PM",
        "title": "Introduction to Magic",
    }


@pytest.mark.parametrize(
    ("term", "year", "semester"),
    [
        ("20231", 2023, "Odd Semester"),
        ("20232", 2024, "Summer Semester"),
        ("20233", 2024, "Even Semester"),
        ("20234", 2024, "Summer Semester"),
        ("20235", 2024, "Summer Semester"),
    ],
)
def test_a_term_counts_by_the_calendar(term: str, year: int, semester: str) -> None:
    assert one(stolaf_heard(section(1, term))).term == (term, year, semester)


def test_a_course_is_called_what_most_of_its_sections_are() -> None:
    most = stolaf_heard(section(1, coursename="Wands"), section(2), section(3))
    lab = stolaf_heard(
        section(1, coursename="Wands/Lab", credits="0.00", coursesubtype="L"),
        section(2, coursename="Wands/Lab", credits="0.00", coursesubtype="L"),
        section(3),
    )
    topics = stolaf_heard(section(1, coursename="Top: A"), section(2, coursename="Top: B"))

    for heard in (most, lab):
        fields = one(heard).fields
        assert fields is not None
        assert (fields["name"], fields["credit"]) == ("Introduction to Magic", 4)
    assert "name" not in (one(topics).fields or {})
    assert one(topics).called == "Top: A"


def test_names_are_read_as_a_browser_reads_them() -> None:
    assert one(stolaf_heard(section(1, coursename="Art &amp;  Craft"))).called == "Art & Craft"


def test_credits_that_vary_are_noted_and_go_in() -> None:
    heard = stolaf_heard(section(1, credits="Var"), section(2, credits="0.25"))

    assert reasons(heard) == [(2, "CREDITS_VARY", False)]
    assert (one(heard).fields or {})["credit"] == 1
    assert "credit" not in (one(stolaf_heard(section(1, credits="Var"))).fields or {})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"term": "2023"}, "KEY"),
        ({"term": "20236"}, "KEY"),
        ({"crsid": ""}, "KEY"),
        ({"clbid": "12x"}, "KEY"),
        ({"coursename": ""}, "NO_NAME"),
        ({"coursename": "x" * 101}, "LONG_NAME"),
        ({"deptname": "SORCERY", "coursenumber": "1001"}, "LONG_CODE"),
        ({"deptname": "", "coursenumber": ""}, "NO_CODE"),
        ({"credits": "one"}, "CREDITS"),
        ({"credits": "0.3"}, "CREDITS"),
        ({"credits": "NaN"}, "CREDITS"),
        ({"credits": "1e99"}, "CREDITS"),
        ({"credits": "-1"}, "CREDITS"),
        ({"max": ""}, "NUMBER"),
        ({"max": "99999999999"}, "NUMBER"),
        ({"max": "²"}, "NUMBER"),
        ({"enroll": "few"}, "NUMBER"),
    ],
)
def test_what_a_section_cannot_be(given: dict[str, Any], reason: str) -> None:
    heard = stolaf_heard(section(1), section(2, **given), section(3))

    assert reasons(heard) == [(3, reason, True)]
    assert [each.key for each in one(heard).sections] == ["0000000001", "0000000003"]
    assert heard.read == 3


def test_a_section_stands_in_the_file_once() -> None:
    heard = stolaf_heard(section(1), section(1, max="9"))

    assert reasons(heard) == [(3, "TWICE", True)]
    assert "line 2" in heard.remarks[0].why


def test_terms_come_in_order_whatever_the_file_says() -> None:
    heard = stolaf_heard(section(1, "20233"), section(2, "20101"), section(3, "20231", course=2))

    assert [each.term and each.term.key for each in heard.said] == ["20101", "20231", "20233"]


# A catalogue ------------------------------------------------------------------------------------


def courses_heard(*texts: str) -> Heard:
    return ucsd.hear_courses(lines(ucsd.COURSES, *texts))


def test_a_description_ends_with_what_is_needed() -> None:
    said = one(
        courses_heard(
            listed("MAG 10", description="On wands. Prerequisites: MAG 1 or consent of the dean.")
        )
    )
    bare = one(courses_heard(listed("MAG 11", description="")))

    assert said.fields is not None
    assert said.fields["syllabus"] == "On wands."
    assert said.fields["pre_requisits"] == "MAG 1 or consent of the dean."
    assert bare.fields is not None
    assert bare.fields["pre_requisits"] is None
    assert bare.fields["syllabus"]


@pytest.mark.parametrize(
    ("units", "halves", "noted"),
    [
        ("4", 8, []),
        ("2.5", 5, ["UNITS_FRACTION"]),
        ("1–4", 8, ["UNITS_RANGE"]),
        ("1-4", 8, ["UNITS_RANGE"]),
        ("2 or 4", 8, ["UNITS_RANGE"]),
        ("2, 4, 6, or 12", 24, ["UNITS_RANGE"]),
        ("0–4/0–4/0–4", 8, ["UNITS_RANGE"]),
    ],
)
def test_units_are_the_most_that_they_can_be(units: str, halves: int, noted: list[str]) -> None:
    heard = courses_heard(listed("MAG 10", units=units))

    assert (one(heard).fields or {})["credit"] == halves
    assert [each.reason for each in heard.remarks] == noted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (listed("MAG 10", units=""), "UNITS"),
        (listed("MAG 10", units="some"), "UNITS"),
        (listed("MAG 10", units="2.25"), "UNITS"),
        (listed("MAG 10", units="400"), "UNITS"),
        (listed("MAG 10A-B-C-D"), "LONG_CODE"),
        (listed("MAG 10", "x" * 101), "LONG_NAME"),
    ],
)
def test_what_a_course_cannot_be(text: str, reason: str) -> None:
    heard = courses_heard(text, listed("MAG 1"))

    assert reasons(heard) == [(2, reason, True)]
    assert one(heard).course == "MAG 1"


def test_a_code_without_its_spaces_where_only_that_fits() -> None:
    assert one(courses_heard(listed("MAGIC 197DC"))).course == "MAGIC197DC"


def test_a_course_is_listed_once_whatever_its_departments() -> None:
    heard = courses_heard(
        listed("MAG 10"), listed("MAG 10", department="ART"), listed("MAG 10", "Potions")
    )

    assert [each.course for each in heard.said] == ["MAG 10", "MAG 10 #2"]
    assert reasons(heard) == [(3, "TWICE", True)]


# A schedule -------------------------------------------------------------------------------------


def schedule_heard(*texts: str) -> Heard:
    return ucsd.hear_schedule(lines(ucsd.SCHEDULE, *texts), ucsd.term_of("SP22"))


def test_a_schedule_gives_sections_their_weeks() -> None:
    meetings = (
        "LE,TuTh,17:00 - 18:20,TOWER 1|FI,2022-06-09,19:00 - 21:59,HALL|IN,N/A,0:00 - 0:00,TBA"
    )
    said = one(schedule_heard(scheduled("MAG 10", "9", meetings=meetings, total_seats="9999")))

    assert said.fields is None
    assert said.sections[0].meetings == ((1, 1020, 1100, "TOWER 1"), (3, 1020, 1100, "TOWER 1"))
    assert json.loads(said.sections[0].schedule)["seats"] == "unlimited"
    assert said.sections[0].limit == 9999


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"sec_id": ""}, "KEY"),
        ({"total_seats": "many"}, "NUMBER"),
        ({"meetings": "LE,M,10:00 - 9:00,HALL"}, "MEETING"),
        ({"meetings": "LE,M,26:00 - 27:00,HALL"}, "MEETING"),
        ({"meetings": "LE,M,noon,HALL"}, "MEETING"),
        ({"meetings": "LE,M"}, "MEETING"),
        ({"subj_course_id": ""}, "NO_CODE"),
    ],
)
def test_what_a_scheduled_section_cannot_be(given: dict[str, str], reason: str) -> None:
    broken = scheduled("MAG 10", **{"sec_id": "1", **given})
    heard = schedule_heard(broken, scheduled("MAG 10", "2"), scheduled("MAG 10", "2"))

    assert reasons(heard) == [(2, reason, True), (4, "TWICE", True)]


@pytest.mark.parametrize(
    ("name", "year", "semester"),
    [
        ("SP22", 2022, "Even Semester"),
        ("ucsd-schedule-WI23.tsv.gz", 2023, "Even Semester"),
        ("FA24", 2024, "Odd Semester"),
        ("S124", 2024, "Summer Semester"),
    ],
)
def test_a_name_that_says_the_term(name: str, year: int, semester: str) -> None:
    assert ucsd.term_of(name)[1:] == (year, semester)


@pytest.mark.parametrize("name", ["schedule.tsv", "SP22-to-FA22.tsv", ""])
def test_a_name_that_does_not(name: str) -> None:
    with pytest.raises(Unusable):
        ucsd.term_of(name)

"""Which versions, codes and offerings a history makes."""

from decimal import Decimal
from typing import Any

import pytest

from courses.importing import stolaf, ucsd
from courses.importing.deciding import decide, lineage_of
from courses.importing.plan import Known, KnownCourse, KnownOffering, Place, Plan
from tests.records import lines, listed, scheduled, section

NOTHING = Known({}, {}, {}, {}, {})


def decided(*texts: str, known: Known = NOTHING) -> Plan:
    return decide("stolaf", stolaf.hear(lines(stolaf.SHAPE, *texts)), known)


def versions(plan: Plan) -> list[tuple[str, str, str, str]]:
    return [
        (each.content["code"], each.content["name"], str(each.version), each.bump.value)
        for each in plan.versions
    ]


def taught(plan: Plan) -> list[tuple[str, int]]:
    return [(each.term.key, each.place.revision) for each in plan.offerings]


def told(plan: Plan) -> list[tuple[int, str, bool]]:
    return [(each.line, each.reason, each.skipped) for each in plan.remarks]


def knows(text: str, plan: Plan, **given: Any) -> Known:
    """What a later import finds, had this plan been written; the course is the first one's."""
    last = plan.versions[-1]
    course = KnownCourse(
        last.place.lineage,
        last.place.revision,
        last.version,
        last.content,
        plan.standings[last.key].wanted,
        plan.standings[last.key].digest,
        tuple((each.term.key, each.place.revision) for each in plan.offerings),
    )
    offerings = {
        (each.place.lineage, each.term.key): KnownOffering(
            number, each.place, each.code, len(each.sections) + 1, given.get("closed", True)
        )
        for number, each in enumerate(plan.offerings, 1)
    }
    code = last.content["code"]
    sections = {
        f"{each.term.key}:{section.key}": section.digest
        for each in plan.offerings
        for section in each.sections
    }
    holders, used = {code: course.lineage}, {code: {course.lineage: last.version}}
    return Known({last.key: course}, offerings, sections, holders, used)


def test_each_change_over_the_terms_is_a_version_by_the_rules() -> None:
    plan = decided(
        section(1, "20101"),
        section(2, "20111"),
        section(3, "20121", coursename="Introduction to Magick"),
        section(4, "20131", coursename="Introduction to Magick", credits="0.50"),
        section(
            5, "20141", coursename="Introduction to Magick", credits="0.50", coursenumber="110"
        ),
    )

    assert versions(plan) == [
        ("MAGIC 101", "Introduction to Magic", "1.0", "NONE"),
        ("MAGIC 101", "Introduction to Magick", "1.1", "PATCH"),
        ("MAGIC 101", "Introduction to Magick", "2.1", "MINOR"),
        ("MAGIC 110", "Introduction to Magick", "3.0", "MAJOR"),
    ]
    assert len({each.place.lineage for each in plan.versions}) == 1
    assert taught(plan) == [("20101", 1), ("20111", 1), ("20121", 2), ("20131", 3), ("20141", 4)]


def test_topics_make_no_versions_where_sections_disagree() -> None:
    plan = decided(
        section(1, "20101"),
        section(2, "20111", coursename="Top: Cats"),
        section(3, "20111", coursename="Top: Owls"),
    )

    assert len(plan.versions) == 1
    assert taught(plan) == [("20101", 1), ("20111", 1)]


@pytest.mark.requirement("S1-24")
def test_a_second_course_of_a_code_is_numbered_and_told() -> None:
    plan = decided(
        section(1, "20101"),
        section(2, "20111", course=2, coursename="Potions"),
        section(3, "20121", course=3, coursename="Herbs"),
        section(4, "20131", course=2, coursename="Potions"),
    )

    assert [each[:3] for each in versions(plan)] == [
        ("MAGIC 101", "Introduction to Magic", "1.0"),
        ("MAGIC101-2", "Potions", "1.0"),
        ("MAGIC101-3", "Herbs", "1.0"),
    ]
    assert told(plan) == [(3, "CODE_NUMBERED", False), (4, "CODE_NUMBERED", False)]


def test_a_code_that_was_given_up_goes_on_beyond_what_it_reached() -> None:
    plan = decided(
        section(1, "20101"),
        section(2, "20111", coursenumber="110"),
        section(3, "20121", course=2, coursename="Potions"),
    )

    assert versions(plan)[-1] == ("MAGIC 101", "Potions", "2.0", "NONE")
    assert told(plan) == []


def test_two_courses_may_change_codes_in_one_term() -> None:
    plan = decided(
        section(1, "20101"),
        section(2, "20101", course=2, coursename="Potions", coursenumber="102"),
        section(3, "20111", coursenumber="102"),
        section(4, "20111", course=2, coursename="Potions", coursenumber="101"),
    )

    assert [each[:3] for each in versions(plan)[2:]] == [
        ("MAGIC 102", "Introduction to Magic", "2.0"),
        ("MAGIC 101", "Potions", "2.0"),
    ]
    assert told(plan) == []


def test_a_code_with_no_room_for_a_number_is_told_and_left_out() -> None:
    long: dict[str, Any] = {"deptname": "MAGIC", "coursenumber": "1011"}
    plan = decided(
        section(1, "20101", **long), section(2, "20111", course=2, coursename="Potions", **long)
    )

    assert told(plan) == [(3, "CODE_IN_USE", True)]
    assert len(plan.versions) == 1
    assert len(plan.offerings) == 1


def test_a_course_keeps_its_code_where_no_other_is_to_be_had() -> None:
    long: dict[str, Any] = {"deptname": "MAGIC", "coursenumber": "1011"}
    plan = decided(
        section(1, "20101", **long),
        section(2, "20101", course=2, coursename="Potions"),
        section(3, "20111", course=2, coursename="Potions", **long),
        section(4, "20121", course=2, coursename="Potions"),
        section(5, "20121", course=3, coursename="Herbs"),
    )

    assert told(plan) == [(4, "CODE_IN_USE", True), (6, "CODE_NUMBERED", False)]
    assert taught(plan) == [("20101", 1), ("20101", 1), ("20121", 1), ("20121", 1)]


def test_what_nobody_taught_for_years_is_given_up() -> None:
    plan = decided(
        section(1, "20101"), section(2, "20201", course=2, coursename="Potions", coursenumber="2")
    )

    assert plan.discontinued == {lineage_of("stolaf", "0000000001"): "20101"}


def test_the_same_again_writes_nothing() -> None:
    texts = (section(1, "20101"), section(2, "20111", credits="0.50"))
    first = decided(*texts)
    again = decided(*texts, known=knows("", first))

    assert (again.versions, again.changes, again.offerings, again.standings) == ([], [], [], {})
    assert again.known == 2


def test_a_line_that_changed_is_told_and_what_is_here_stays() -> None:
    first = decided(section(1, "20101"))
    again = decided(section(1, "20101", max="99"), known=knows("", first))

    assert told(again) == [(2, "CHANGED", False)]
    assert again.offerings == []


def test_a_later_term_goes_on_from_what_is_known() -> None:
    first = decided(section(1, "20101"))
    later = decided(section(2, "20111", credits="0.50"), known=knows("", first))

    [change] = later.changes
    assert (change.place.revision, change.given) == (2, {"credit": 2})
    assert later.versions == []
    assert taught(later) == [("20111", 2)]


def test_an_earlier_term_refers_to_what_was_in_force_and_makes_no_version() -> None:
    first = decided(section(1, "20101"), section(2, "20121", credits="0.50"))
    known = knows("", first)
    between = decided(section(3, "20111", coursename="Potions"), known=known)
    before = decided(section(4, "20051", coursename="Potions"), known=known)

    for plan, term in ((between, "20111"), (before, "20051")):
        assert (plan.versions, plan.changes) == ([], [])
        assert taught(plan) == [(term, 1)]


def test_a_section_joins_its_offering_while_that_is_closed() -> None:
    first = decided(section(1, "20101"))
    joins = decided(section(2, "20101"), known=knows("", first))
    open_ = decided(section(2, "20101"), known=knows("", first, closed=False))

    [offering] = joins.offerings
    assert offering.joins is not None
    assert offering.place == Place(lineage_of("stolaf", "0000000001"), 1)
    assert open_.offerings == []
    assert told(open_) == [(2, "OPEN", True)]


def test_a_code_that_another_system_s_course_has_is_numbered_too() -> None:
    other = lineage_of("elsewhere", "1")
    known = NOTHING._replace(
        holders={"MAGIC 101": other}, used={"MAGIC 101": {other: Decimal("3.0")}}
    )

    assert versions(decided(section(1), known=known))[0][0] == "MAGIC101-2"


def test_past_the_last_version_there_is_none() -> None:
    first = decided(section(1, "20101"))
    known = knows("", first)
    course = known.courses["0000000001"]._replace(version=Decimal("9999.9"))
    plan = decided(
        section(2, "20111", credits="0.50"), known=known._replace(courses={"0000000001": course})
    )

    assert told(plan) == [(2, "VERSION_OVERFLOW", True)]
    assert (plan.changes, plan.offerings) == ([], [])


# Catalogues and schedules -----------------------------------------------------------------------


def catalogue(*texts: str, known: Known = NOTHING) -> Plan:
    return decide("ucsd", ucsd.hear_courses(lines(ucsd.COURSES, *texts)), known)


def test_a_catalogue_says_nothing_new_until_a_line_differs() -> None:
    first = catalogue(listed("MAG 10"))
    known = knows("", first)
    same, other = (
        catalogue(listed("MAG 10"), known=known),
        catalogue(listed("MAG 10", units="2"), known=known),
    )

    assert (same.changes, same.known) == ([], 1)
    assert [each.given for each in other.changes] == [{"credit": 4}]
    assert other.standings["MAG 10"].digest != first.standings["MAG 10"].digest


def test_a_schedule_speaks_of_courses_that_are_known() -> None:
    known = knows("", catalogue(listed("MAG 10")))
    texts = (scheduled("MAG 10", "1"), scheduled("MAG 11", "2"), scheduled("MAG 11", "3"))
    heard = ucsd.hear_schedule(lines(ucsd.SCHEDULE, *texts), ucsd.term_of("SP22"))
    plan = decide("ucsd", heard, known)

    assert [(each.code, len(each.sections)) for each in plan.offerings] == [("MAG 10", 1)]
    assert told(plan) == [(3, "UNKNOWN_COURSE", True), (4, "UNKNOWN_COURSE", True)]

"""Which course needs which, by lineage: edges and circles."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from courses import requirements
from courses.catalogue import roll_back
from courses.expressions import Judged
from courses.models import Course, CoursePrerequisite
from courses.refusal import Refused
from courses.requirements import Edge
from registrar.audit.models import Entry
from tests.catalogue import BY, NOW, begin, change, needs, passed, refused
from tests.factories import make_course

YES, NO, UNKNOWN = Judged.YES, Judged.NO, Judged.UNKNOWN
BEFORE, WITH = CoursePrerequisite.Kind.PREREQUISITE, CoursePrerequisite.Kind.COREQUISITE


@pytest.fixture
def art(database: None) -> Course:
    return begin(code="ART1", name="Drawing")


@pytest.fixture
def zoo(database: None) -> Course:
    return begin(code="ZOO2", name="Animals")


@pytest.fixture
def law(database: None) -> Course:
    return begin(code="LAW3", name="Statutes")


# Edges --------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-11", "S1-35")
def test_a_course_needs_others_and_each_of_them_once(art: Course, zoo: Course) -> None:
    needing = needs(art, zoo)

    assert list(needing.pre_requisit_courses.all()) == [zoo]
    assert list(zoo.pre_requisit_courses.all()) == [], "needing is not mutual (T1)"
    assert requirements.edges(needing) == [Edge(zoo.lineage, "ZOO2", BEFORE, None)]
    with pytest.raises(IntegrityError, match="course_prerequisite_once"):
        CoursePrerequisite.objects.create(from_course=needing, to_course=zoo)


@pytest.mark.requirement("S1-11")
def test_the_seeds_own_way_of_setting_them_works(art: Course, zoo: Course, law: Course) -> None:
    art.pre_requisit_courses.set([zoo, law])

    assert {edge.code for edge in requirements.edges(art)} == {"ZOO2", "LAW3"}
    assert not art.check_prerequisite_cycles()


@pytest.mark.requirement("S1-5")
def test_prerequisites_added_and_removed_are_a_minor_change(art: Course, zoo: Course) -> None:
    added = needs(art, zoo)
    removed = needs(added)

    assert (added.bump_type, removed.bump_type) == ("MINOR", "MINOR")
    assert requirements.edges(added)[0].code == "ZOO2", "the old version needs what it needed"
    assert requirements.edges(removed) == []


@pytest.mark.requirement("S1-69", "S1-92")
def test_a_new_version_breaks_no_edge_to_the_course(art: Course, zoo: Course) -> None:
    needing = needs(art, zoo)
    renamed = change(zoo, code="ZOO20", syllabus="Sets\nFunctions\nAnimals of the night")

    assert requirements.edges(needing) == [Edge(zoo.lineage, "ZOO20", BEFORE, None)]
    assert requirements.check(needing, passed((zoo, "C"))).verdict is YES
    assert requirements.check(needing, passed((renamed, "C"))).verdict is YES


@pytest.mark.requirement("S1-69")
def test_the_next_version_takes_over_what_its_edges_say(art: Course, zoo: Course) -> None:
    newer = change(zoo, credit=4)
    needing = needs(art, zoo)
    requirements.qualify(needing, zoo, kind=WITH, minimum_version=newer.version, actor=BY, now=NOW)

    after = change(needing, credit=5)

    assert requirements.edges(after) == [Edge(zoo.lineage, "ZOO2", WITH, newer.version)]


def test_how_an_edge_is_meant_is_audited(art: Course, zoo: Course) -> None:
    needing = needs(art, zoo)

    requirements.qualify(needing, zoo, kind=WITH, minimum_version=None, actor=BY, now=NOW)

    entry = Entry.objects.filter(stream=f"course:{art.lineage}").latest("seq")
    assert (entry.event, entry.actor) == ("prerequisite_qualified", BY)
    assert '"after":{"kind":"COREQUISITE","minimum":null}' in entry.body


@pytest.mark.parametrize(
    ("said", "code"),
    [({"minimum_version": Decimal("9.0")}, "VERSION_UNKNOWN"), ({}, "NO_SUCH_EDGE")],
)
def test_an_edge_that_cannot_be_so_is_refused(
    art: Course, zoo: Course, law: Course, said: dict[str, Any], code: str
) -> None:
    needing = needs(art, zoo)
    other = zoo if said else law

    with pytest.raises(Refused) as caught:
        requirements.qualify(
            needing, other, **{"kind": BEFORE, "minimum_version": None} | said, actor=BY, now=NOW
        )

    assert caught.value.code == code
    assert requirements.edges(needing) == [Edge(zoo.lineage, "ZOO2", BEFORE, None)]


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("kind", "WHENEVER", "course_prerequisite_kind_known"),
        ("minimum_version", Decimal("0.9"), "course_prerequisite_minimum_version_from_1"),
    ],
)
def test_the_database_refuses_what_no_edge_can_say(
    art: Course, zoo: Course, column: str, value: object, constraint: str
) -> None:
    needing = needs(art, zoo)

    with pytest.raises(IntegrityError, match=constraint):
        CoursePrerequisite.objects.filter(from_course=needing).update(**{column: value})


# Circles ------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-21", "S1-78")
def test_a_circle_is_refused_and_named(art: Course, zoo: Course, law: Course) -> None:
    zoo = needs(zoo, law)
    art = needs(art, zoo)

    refusal = refused(law, pre_requisit_courses=[art.pk])

    assert refusal.code == "PREREQUISITE_CIRCLE"
    assert "LAW3 → ART1 → ZOO2 → LAW3" in refusal.sentence
    assert refusal.facts["circle"] == ["LAW3", "ART1", "ZOO2", "LAW3"]
    assert "pre_requisit_courses" in refusal.fields
    assert Course.latest.get(lineage=law.lineage) == law, "nothing was written"


@pytest.mark.requirement("S1-21")
def test_a_circle_through_old_versions_is_one(art: Course, zoo: Course) -> None:
    """Edges point at rows, and are about courses: the old ART1 stands for the new one."""
    needing = needs(art, zoo)
    change(needing, credit=5)

    assert refused(zoo, pre_requisit_courses=[art.pk]).code == "PREREQUISITE_CIRCLE"


@pytest.mark.requirement("S1-21")
def test_a_course_does_not_need_itself_in_another_version(art: Course) -> None:
    newer = change(art, credit=4)

    refusal = refused(newer, pre_requisit_courses=[art.pk])

    assert refusal.facts["circle"] == ["ART1", "ART1"]


@pytest.mark.requirement("S1-21")
def test_edges_that_the_latest_version_dropped_close_no_circle(art: Course, zoo: Course) -> None:
    needs(needs(art, zoo))

    assert requirements.edges(needs(zoo, art))[0].code == "ART1"


@pytest.mark.requirement("S1-21")
def test_going_back_to_an_old_version_may_close_a_circle(art: Course, zoo: Course) -> None:
    needing = needs(art, zoo)
    needs(needing)
    needs(zoo, art)

    with pytest.raises(Refused) as caught:
        roll_back(art.lineage, needing, actor=BY, now=NOW, reason="it was better")

    assert caught.value.code == "PREREQUISITE_CIRCLE"


def test_corequisites_may_be_mutual(art: Course, zoo: Course) -> None:
    with_zoo = needs(art, zoo)
    requirements.qualify(with_zoo, zoo, kind=WITH, minimum_version=None, actor=BY, now=NOW)

    with_art = needs(zoo, art)

    assert not with_art.check_prerequisite_cycles()
    with pytest.raises(Refused) as caught:
        requirements.qualify(with_zoo, zoo, kind=BEFORE, minimum_version=None, actor=BY, now=NOW)
    assert caught.value.code == "PREREQUISITE_CIRCLE"
    assert requirements.edges(with_zoo)[0].kind == WITH


@pytest.mark.requirement("S1-21", "S1-78")
def test_plain_sql_cannot_close_a_circle_either(art: Course, zoo: Course) -> None:
    needing = needs(art, zoo)
    edge = "INSERT INTO course_prerequisites (from_course_id, to_course_id) VALUES (%s, %s)"
    seen: list[bool] = []

    def insert_and_commit() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(edge, [zoo.pk, needing.pk])
            seen.append(zoo.check_prerequisite_cycles())

    with pytest.raises(IntegrityError, match="the prerequisites of course"):
        insert_and_commit()

    assert seen == [True]
    assert not zoo.check_prerequisite_cycles()


@pytest.mark.requirement("S1-21")
def test_many_ways_to_one_course_are_walked_once(database: None) -> None:
    """A ladder of diamonds has 2^40 ways down and 160 edges."""
    rungs = [[make_course(f"L{row}X{side}") for side in (0, 1)] for row in range(40)]
    CoursePrerequisite.objects.bulk_create(
        CoursePrerequisite(from_course=upper, to_course=lower)
        for above, below in pairwise(rungs)
        for upper in above
        for lower in below
    )

    assert not rungs[0][0].check_prerequisite_cycles()
    refusal = refused(rungs[-1][0], pre_requisit_courses=[rungs[0][0].pk])
    assert len(refusal.facts["circle"]) == 41

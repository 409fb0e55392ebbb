"""The life of a version: every step of the seed's table and no other, by operation and in SQL."""

import pytest
from django.db import IntegrityError

from courses.catalogue import change_state, create_new_version, roll_back
from courses.history import changes
from courses.lifecycle import TRANSITIONS, State
from courses.models import Course
from courses.refusal import Refused
from tests.catalogue import BY, NOW, begin, change, refused
from tests.factories import make_course

STEPS = [(old, new) for old in State for new in State if old is not new]


def go(course: Course, to: State, reason: str = "as decided") -> Course:
    return change_state(course, to, actor=BY, now=NOW, reason=reason)


def in_state(state: State) -> Course:
    return make_course("CS101", state=state, working_course=state is State.ACTIVE)


@pytest.mark.requirement("S1-79", "S1-80")
@pytest.mark.parametrize(("old", "new"), STEPS)
def test_a_version_goes_only_where_the_table_leads(database: None, old: State, new: State) -> None:
    course = in_state(old)

    if new in TRANSITIONS[old]:
        assert course.can_transition_to(new)
        assert go(course, new).state == new
    else:
        assert not course.can_transition_to(new)
        with pytest.raises(Refused) as caught:
            go(course, new)
        assert caught.value.code == "TRANSITION"
        assert caught.value.facts["possible"] == sorted(TRANSITIONS[old])


@pytest.mark.requirement("S1-80", "S1-97")
@pytest.mark.parametrize(("old", "new"), STEPS)
def test_the_database_knows_the_same_table(database: None, old: State, new: State) -> None:
    course = Course.objects.filter(pk=in_state(old).pk)

    if new in TRANSITIONS[old]:
        assert course.update(state=new, working_course=new is State.ACTIVE) == 1
    else:
        with pytest.raises(IntegrityError, match=f"cannot go from {old} to {new}"):
            course.update(state=new, working_course=new is State.ACTIVE)


@pytest.mark.requirement("S1-17", "S1-76", "S1-85", "S1-86")
def test_what_is_offered_follows_the_state(database: None) -> None:
    draft = begin(State.DRAFT)
    assert not Course.active.exists()

    go(draft, State.ACTIVE)
    assert list(Course.active.all()) == [draft]
    go(draft, State.INACTIVE)

    assert not Course.active.exists()
    assert list(Course.latest.all()) == [draft], "out of the offer, and in the catalogue still"
    assert list(Course.objects.all()) == [draft]


@pytest.mark.requirement("S1-72", "S1-73")
def test_each_step_is_logged_with_its_reason(database: None) -> None:
    course = begin()

    go(course, State.INACTIVE, "nobody teaches it")
    go(course, State.ARCHIVED, "nobody will")

    _, paused, removed = changes(course.lineage)
    assert (paused.action, paused.comment) == ("UPDATE", "nobody teaches it")
    assert (removed.action, removed.comment) == ("DELETE", "nobody will")
    assert removed.old is not None
    assert removed.new is not None
    assert (removed.old["state"], removed.new["state"]) == ("INACTIVE", "ARCHIVED")


def test_a_step_needs_a_reason(database: None) -> None:
    with pytest.raises(Refused) as caught:
        go(begin(), State.INACTIVE, " ")

    assert caught.value.code == "REASON_MISSING"
    assert caught.value.fields.keys() == {"reason"}


@pytest.mark.requirement("S1-86")
def test_a_course_that_is_not_offered_gets_a_version_that_is_not_either(database: None) -> None:
    """The table has no step from INACTIVE to DEPRECATED: it stays what it is (T42)."""
    course = go(begin(), State.INACTIVE)

    new = change(course, credit=4)

    course.refresh_from_db()
    assert (course.state, course.latest_version) == ("INACTIVE", False)
    assert (new.state, new.latest_version, new.working_course) == ("INACTIVE", True, False)
    assert go(new, State.ACTIVE).working_course


def test_a_superseded_version_is_not_offered_again(database: None) -> None:
    course = go(begin(), State.INACTIVE)
    change(course, credit=4)

    with pytest.raises(Refused) as caught:
        go(course, State.ACTIVE)

    assert caught.value.code == "SUPERSEDED"
    assert roll_back(course.lineage, course, actor=BY, now=NOW, reason="as it says").credit == 3


@pytest.mark.requirement("S1-86")
@pytest.mark.parametrize("state", [State.DEPRECATED, State.ARCHIVED])
def test_what_is_on_its_way_out_takes_no_new_version(database: None, state: State) -> None:
    course = in_state(state)

    assert refused(course, credit=4).code == "NOT_VERSIONABLE"


@pytest.mark.requirement("S1-86")
def test_old_versions_can_be_archived_and_keep_what_they_say(database: None) -> None:
    course = begin()
    new = create_new_version(course, {"credit": 4}, actor=BY, now=NOW)

    archived = go(course, State.ARCHIVED)

    assert (archived.credit, archived.latest_version) == (3, False)
    assert list(Course.active.all()) == [new]

"""Two editors at once: one wins, the other is told, and no version is lost or doubled."""

from importlib import import_module

import pytest

from courses import catalogue
from courses.catalogue import locking, versions
from courses.history import changes
from courses.lifecycle import State
from courses.models import Course, CoursePrerequisite, Offering
from courses.refusal import Refused
from courses.requirements import qualify
from tests.catalogue import BY, NOW, begin, change
from tests.factories import make_course, make_offering, make_term
from tests.races import Meeting, after, race

pytestmark = pytest.mark.concurrency


def told(answers: list[Course | Exception]) -> list[str]:
    """The codes of the refusals; anything else that was raised is raised again."""
    codes = []
    for answer in answers:
        if isinstance(answer, Refused):
            codes.append(answer.code)
        elif isinstance(answer, Exception):
            raise answer
    return codes


@pytest.mark.requirement("S1-18", "S1-26", "S1-64")
def test_of_two_who_change_one_version_one_wins(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = begin()
    meeting = Meeting()
    after(monkeypatch, versions, "latest", meeting)

    answers = race(lambda: change(course, credit=4), lambda: change(course, credit=5))

    assert not meeting.met, "both had looked at the latest version before either had written"
    assert told(answers) == ["STALE_VERSION"]
    [won] = [each for each in answers if isinstance(each, Course)]
    assert list(Course.latest.all()) == [won]
    assert [change.action for change in changes(course.lineage)] == ["CREATE", "VERSION"]


def test_without_the_lock_both_look_before_either_writes(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race above is a race: with the lock gone, the indexes are all that is left."""
    course = begin()
    meeting = Meeting()
    monkeypatch.setattr(locking, "lock", lambda *lineages: None)
    after(monkeypatch, versions, "latest", meeting)

    answers = race(lambda: change(course, credit=4), lambda: change(course, credit=5))

    assert meeting.met
    assert sum(isinstance(each, Course) for each in answers) == 1


@pytest.mark.requirement("S1-18", "S1-24")
def test_of_two_new_courses_of_one_code_one_wins(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting()
    after(monkeypatch, versions, "first_version", meeting)

    answers = race(lambda: begin(code="CS101"), lambda: begin(code="cs101"))

    assert meeting.met, "both saw that the code was free"
    assert told(answers) == ["CODE_IN_USE"]
    assert Course.objects.count() == 1


@pytest.mark.requirement("S1-18", "S1-24")
def test_of_two_courses_that_take_one_code_one_wins(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = make_course("MA101"), make_course("PH101")
    meeting = Meeting()
    after(monkeypatch, versions, "decide", meeting)

    answers = race(lambda: change(one, code="CS101"), lambda: change(other, code="CS101"))

    assert meeting.met, "both saw that the code was free"
    assert told(answers) == ["CODE_IN_USE"]
    assert Course.latest.filter(code="CS101").count() == 1
    assert Course.latest.count() == 2, "who lost keeps the code it had"


def test_a_state_and_a_version_follow_one_another(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever is first: never an active version behind a newer one."""
    course = begin()
    meeting = Meeting()
    after(monkeypatch, versions, "latest", meeting)
    after(monkeypatch, catalogue.states, "locked", meeting)

    answers = race(
        lambda: change(course, credit=4),
        lambda: catalogue.change_state(course, State.INACTIVE, actor=BY, now=NOW, reason="why"),
    )

    assert not meeting.met
    assert told(answers) in ([], ["TRANSITION"])
    assert Course.active.exclude(latest_version=True).count() == 0


def test_who_writes_edges_and_who_qualifies_one_never_wait_for_each_other(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edges have a lock of their own: taken before the lineage's by everybody, or it deadlocks."""
    needed = make_course("MA101")
    course = change(begin(), pre_requisit_courses=[needed])
    meeting = Meeting()
    after(monkeypatch, versions, "latest", meeting)
    after(monkeypatch, import_module(qualify.__module__), "lock_catalogue", meeting)
    corequisite = CoursePrerequisite.Kind.COREQUISITE

    answers = race(
        lambda: change(course, credit=4),
        lambda: (
            qualify(
                course, needed, kind=corequisite, minimum_version=None, actor=BY, now=NOW
            ).from_course
        ),
    )

    assert not meeting.met
    assert told(answers) == []


def test_two_versions_of_a_course_never_share_a_term(database: None) -> None:
    term = make_term()
    old = begin()
    new = change(old, credit=4)

    answers = race(
        lambda: Offering.objects.create(course=old, term=term),
        lambda: Offering.objects.create(course=new, term=term),
    )

    assert sorted(type(each).__name__ for each in answers) == ["IntegrityError", "Offering"]


def test_a_course_can_be_offered_while_it_is_changed(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is NO KEY: an offering's foreign key does not wait for an editor."""
    course, term = begin(), make_term()
    offered: list[int] = []

    def offer() -> None:
        [made] = race(lambda: Offering.objects.create(course=course, term=term))
        assert isinstance(made, Offering), made
        offered.append(made.pk)

    after(monkeypatch, versions, "latest", offer)
    change(course, credit=4)

    assert offered
    assert make_offering(term, code="OTHER").pk
